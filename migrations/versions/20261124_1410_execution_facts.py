"""Kept plans for the quarter hours that sums do not cover, and indexes that answer the overview alone."""

import sqlalchemy as sa
from alembic import op

from webapp.database import ddl

revision = "20261124_1410"
down_revision = "20261124_1350"
branch_labels = None
depends_on = None

# With the caller's rights, so row-level security holds. A query over all months takes longer to plan than to run; in a
# function the connection keeps the plan, and nothing is planned while no quarter hour is out of date.
EXECUTION_FACTS = """
CREATE FUNCTION public.execution_facts(
    organization uuid, since timestamptz, until timestamptz, buckets timestamptz[], limits bigint[]
) RETURNS TABLE (
    at timestamptz, status varchar, executions integer, cost_usd numeric, input_tokens bigint, output_tokens bigint,
    cached_input_tokens bigint, duration_ms_sum bigint, unpriced_call_count integer, duration_histogram integer[],
    agentflow_id uuid, environment varchar, trigger_type varchar, error_type varchar
) LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    quarter timestamptz;
BEGIN
    FOREACH quarter IN ARRAY buckets LOOP
        RETURN QUERY
        SELECT e.started_at, coalesce(e.status, 'pending'), 1,
               (SELECT sum(l.cost_usd) FROM usage_ledger l
                WHERE l.flow_execution_id = e.id AND l.flow_created_at = e.created_at),
               e.input_tokens, e.output_tokens, e.cached_input_tokens, d.duration_ms, e.unpriced_call_count,
               CASE WHEN d.duration_ms IS NOT NULL THEN ARRAY[width_bucket(d.duration_ms, limits), 1] END,
               coalesce(e.agentflow_id, '00000000-0000-0000-0000-000000000000'::uuid),
               coalesce(e.environment, ''), coalesce(e.trigger_type, ''), coalesce(e.error_type, '')
        FROM flow_executions e
        CROSS JOIN LATERAL (SELECT CASE WHEN e.status NOT IN ('running', 'pending')
                                   THEN e.execution_time_ms::bigint END AS duration_ms) d
        WHERE e.organization_id = organization
          AND e.started_at >= greatest(quarter, since) AND e.started_at < least(quarter + interval '15 minutes', until)
          AND e.created_at >= quarter - interval '5 minutes';
    END LOOP;
END $$
"""
NEWEST_FAILURES = """
CREATE FUNCTION public.newest_failures(organization uuid, since timestamptz, until timestamptz, most integer)
RETURNS TABLE (agentflow_id uuid, error_type varchar, user_ref varchar, started_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT coalesce(e.agentflow_id, '00000000-0000-0000-0000-000000000000'::uuid), coalesce(e.error_type, ''),
           nullif(e.user_ref, '')::varchar, e.started_at
    FROM flow_executions e
    WHERE e.organization_id = organization AND e.status = 'failed' AND e.started_at >= since AND e.started_at < until
      AND e.created_at >= since - interval '5 minutes'
    ORDER BY e.started_at DESC LIMIT most;
END $$
"""
FUNCTIONS = (
    "execution_facts(uuid, timestamptz, timestamptz, timestamptz[], bigint[])",
    "newest_failures(uuid, timestamptz, timestamptz, integer)",
)
FAILED = sa.text("status = 'failed'")


def upgrade() -> None:
    op.execute(EXECUTION_FACTS)
    op.execute(NEWEST_FAILURES)
    ddl.grant_functions(FUNCTIONS)
    _make_indexes(["status", "executions"], ["agentflow_id", "error_type", "executions", "cost_usd"])


def _make_indexes(flow_columns: list[str], failed_columns: list[str]) -> None:
    op.drop_index("ix_execution_rollups_flow", "execution_rollups")
    op.drop_index("ix_execution_rollups_failed", "execution_rollups")
    op.create_index(
        "ix_execution_rollups_flow",
        "execution_rollups",
        ["organization_id", "agentflow_id", "bucket"],
        postgresql_include=flow_columns,
    )
    op.create_index(
        "ix_execution_rollups_failed",
        "execution_rollups",
        ["organization_id", "bucket"],
        postgresql_where=FAILED,
        postgresql_include=failed_columns,
    )


def downgrade() -> None:
    _make_indexes([], [])
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
