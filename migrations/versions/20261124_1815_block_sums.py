"""Sums per block: the function that adds up steps, days per flow, and blocks that know their agent and tool."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from webapp.database import ddl

revision = "20261124_1815"
down_revision = "20261124_1800"
branch_labels = None
depends_on = None

# Executions with a flow that started in a stretch of time: of some flows, or of all (NULL). Two statements, so that
# each keeps its plan. ROWS: at the thousand that a function is believed to give, hashes of readers were laid out for
# billions of rows, and one stretch of time took 90 ms instead of one.
EXECUTIONS_OF = """
CREATE FUNCTION public.executions_of(organization uuid, flows uuid[], since timestamptz, until timestamptz)
RETURNS TABLE (id uuid, created_at timestamptz, agentflow_id uuid, service_version varchar, status varchar,
               execution_time_ms integer, started_at timestamptz, completed_at timestamptz, input_tokens bigint,
               output_tokens bigint)
LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    IF flows IS NULL THEN
        RETURN QUERY
        SELECT e.id, e.created_at, e.agentflow_id, coalesce(e.service_version, ''), e.status, e.execution_time_ms,
               e.started_at, e.completed_at, e.input_tokens, e.output_tokens
        FROM flow_executions e
        WHERE e.organization_id = organization AND e.agentflow_id IS NOT NULL
          AND e.started_at >= since AND e.started_at < until AND e.created_at >= since - interval '5 minutes';
    ELSE
        RETURN QUERY
        SELECT e.*
        FROM unnest(flows) flow
        CROSS JOIN LATERAL (
            SELECT f.id, f.created_at, f.agentflow_id, coalesce(f.service_version, ''), f.status, f.execution_time_ms,
                   f.started_at, f.completed_at, f.input_tokens, f.output_tokens
            FROM flow_executions f
            WHERE f.organization_id = organization AND f.agentflow_id = flow
              AND f.started_at >= since AND f.started_at < until AND f.created_at >= since - interval '5 minutes'
            OFFSET 0) e;
    END IF;
END $$
"""
# The steps of executions that started in each slice of time, summed per flow, block and version of the service; the nil
# block is the execution itself. With the caller's rights, so row-level security holds. OFFSET 0 keeps the steps of one
# execution a look into an index: the planner cannot know how few executions a slice has. Nor how many: what is joined
# afterwards is hashed or merged, never looped over.
BLOCK_FACTS = """
CREATE FUNCTION public.block_facts(
    organization uuid, flows uuid[], starts timestamptz[], ends timestamptz[], limits bigint[]
) RETURNS TABLE (
    at timestamptz, agentflow_id uuid, block_id uuid, service_version varchar, executions integer, completed integer,
    failed integer, cost_usd numeric, inner_cost_usd numeric, input_tokens bigint, output_tokens bigint,
    duration_ms_sum bigint, duration_histogram integer[], last_failed_at timestamptz, last_failed_execution_id uuid
) LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_nestloop = off AS $$
#variable_conflict use_column
BEGIN
    FOR place IN 1 .. coalesce(cardinality(starts), 0) LOOP
        RETURN QUERY
        WITH RECURSIVE runs AS MATERIALIZED (
            SELECT * FROM executions_of(organization, flows, starts[place], ends[place])
        ), steps AS MATERIALIZED (
            SELECT r.id AS execution_id, r.agentflow_id, r.service_version, s.*
            FROM runs r
            CROSS JOIN LATERAL (
                SELECT a.id, a.parent_id, a.block_id, a.status, a.execution_time_ms, a.started_at, a.completed_at
                FROM agent_executions a WHERE a.flow_execution_id = r.id AND a.flow_created_at = r.created_at
                UNION ALL
                SELECT t.id, t.parent_id, t.block_id, t.status, t.execution_time_ms, t.started_at, t.completed_at
                FROM tool_executions t WHERE t.flow_execution_id = r.id AND t.flow_created_at = r.created_at
                OFFSET 0) s
        ), bills AS MATERIALIZED (
            SELECT r.agentflow_id, r.service_version, l.*
            FROM runs r
            CROSS JOIN LATERAL (
                SELECT u.id, u.cost_usd, u.input_tokens, u.output_tokens
                FROM usage_ledger u WHERE u.flow_execution_id = r.id AND u.flow_created_at = r.created_at OFFSET 0) l
        ), climbed (bill_id, cost_usd, agentflow_id, service_version, step_id, parent_id, block_id) AS (
            SELECT b.id, b.cost_usd, b.agentflow_id, b.service_version, s.id, s.parent_id, s.block_id
            FROM bills b JOIN steps s ON s.id = b.id WHERE b.cost_usd IS NOT NULL
            UNION
            SELECT c.bill_id, c.cost_usd, c.agentflow_id, c.service_version, s.id, s.parent_id, s.block_id
            FROM climbed c JOIN steps s ON s.id = c.parent_id
        ), inner_costs AS (
            SELECT agentflow_id, service_version, block_id, sum(cost_usd) AS inner_cost_usd
            FROM (SELECT DISTINCT bill_id, cost_usd, agentflow_id, service_version, block_id FROM climbed) once
            WHERE block_id IS NOT NULL GROUP BY 1, 2, 3
        ), own_costs AS (
            SELECT b.agentflow_id, b.service_version, s.block_id, sum(b.cost_usd) AS cost_usd,
                   sum(b.input_tokens)::bigint AS input_tokens, sum(b.output_tokens)::bigint AS output_tokens
            FROM bills b JOIN steps s ON s.id = b.id WHERE s.block_id IS NOT NULL GROUP BY 1, 2, 3
            UNION ALL
            SELECT b.agentflow_id, b.service_version, '00000000-0000-0000-0000-000000000000'::uuid, sum(b.cost_usd),
                   NULL, NULL
            FROM bills b GROUP BY 1, 2
        ), ran AS (
            SELECT r.id AS execution_id, r.agentflow_id, r.service_version,
                   '00000000-0000-0000-0000-000000000000'::uuid AS block_id, r.status, r.execution_time_ms,
                   coalesce(r.completed_at, r.started_at) AS ended_at, r.input_tokens, r.output_tokens
            FROM runs r
            UNION ALL
            SELECT s.execution_id, s.agentflow_id, s.service_version, s.block_id, s.status, s.execution_time_ms,
                   coalesce(s.completed_at, s.started_at), NULL, NULL
            FROM steps s WHERE s.block_id IS NOT NULL
        ), measured AS (
            SELECT a.*, CASE WHEN a.status NOT IN ('running', 'pending') THEN a.execution_time_ms::bigint END AS ms
            FROM ran a
        ), counted AS (
            SELECT m.agentflow_id, m.block_id, m.service_version, count(*)::integer AS executions,
                   (count(*) FILTER (WHERE m.status = 'completed'))::integer AS completed,
                   (count(*) FILTER (WHERE m.status = 'failed'))::integer AS failed, sum(m.ms)::bigint AS ms,
                   sum(m.input_tokens)::bigint AS input_tokens, sum(m.output_tokens)::bigint AS output_tokens,
                   array_remove(array_agg(width_bucket(m.ms, limits)), NULL) AS bins,
                   max(m.ended_at) FILTER (WHERE m.status = 'failed') AS last_failed_at,
                   (array_agg(m.execution_id ORDER BY m.ended_at DESC NULLS LAST, m.execution_id DESC)
                       FILTER (WHERE m.status = 'failed'))[1] AS last_failed_execution_id
            FROM measured m GROUP BY 1, 2, 3
        )
        SELECT starts[place], c.agentflow_id, c.block_id, c.service_version, c.executions, c.completed, c.failed,
               o.cost_usd, CASE WHEN c.block_id = '00000000-0000-0000-0000-000000000000' THEN o.cost_usd
                                ELSE i.inner_cost_usd END,
               coalesce(c.input_tokens, o.input_tokens), coalesce(c.output_tokens, o.output_tokens), c.ms, (
                   SELECT min(b.bin) || array_agg(b.n ORDER BY b.bin) FROM (
                       SELECT bin, count(found)::integer AS n
                       FROM generate_series((SELECT min(x) FROM unnest(c.bins) x),
                                            (SELECT max(x) FROM unnest(c.bins) x)) bin
                       LEFT JOIN unnest(c.bins) found ON found = bin
                       GROUP BY bin) b
                   WHERE cardinality(c.bins) > 0),
               c.last_failed_at, c.last_failed_execution_id
        FROM counted c
        LEFT JOIN own_costs o USING (agentflow_id, block_id, service_version)
        LEFT JOIN inner_costs i USING (agentflow_id, block_id, service_version);
    END LOOP;
END $$
"""
# The steps of executions that started in a stretch of time, those of one execution together, for what is read from
# their order. No step of an execution without a flow: it gets one, or it stays out.
BLOCK_STEPS = """
CREATE FUNCTION public.block_steps(organization uuid, flows uuid[], since timestamptz, until timestamptz)
RETURNS TABLE (execution_id uuid, agentflow_id uuid, id uuid, parent_id uuid, block_id uuid, kind varchar, name varchar,
               started_at timestamptz, ended_at timestamptz, sequence integer)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT e.id, e.agentflow_id, s.id, s.parent_id, s.block_id, s.kind, s.name, coalesce(s.started_at, e.started_at),
           s.completed_at, s.sequence
    FROM public.executions_of(organization, flows, since, until) e
    CROSS JOIN LATERAL (
        SELECT a.id, a.parent_id, a.block_id, a.kind, a.name, a.started_at, a.completed_at, a.sequence
        FROM agent_executions a WHERE a.flow_execution_id = e.id AND a.flow_created_at = e.created_at
        UNION ALL
        SELECT t.id, t.parent_id, t.block_id, 'tool', t.name, t.started_at, t.completed_at, t.sequence
        FROM tool_executions t WHERE t.flow_execution_id = e.id AND t.flow_created_at = e.created_at
        OFFSET 0) s;
END $$
"""
# Why the newest failed step of each block failed; with the nil block, why the execution did. A function keeps its plan.
BLOCK_FAILURES = """
CREATE FUNCTION public.block_failures(organization uuid, executions uuid[], blocks uuid[])
RETURNS TABLE (block_id uuid, error_type varchar, error_message text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    FOR place IN 1 .. coalesce(cardinality(executions), 0) LOOP
        IF blocks[place] = '00000000-0000-0000-0000-000000000000' THEN
            RETURN QUERY
            SELECT blocks[place], e.error_type, left(e.error_message, 500) FROM flow_executions e
            WHERE e.organization_id = organization AND e.id = executions[place]
              AND e.created_at = id_time(executions[place]);
        ELSE
            RETURN QUERY
            SELECT blocks[place], f.error_type, left(f.error_message, 500) FROM (
                SELECT a.error_type, a.error_message, a.completed_at, a.sequence FROM agent_executions a
                WHERE a.organization_id = organization AND a.flow_execution_id = executions[place]
                  AND a.flow_created_at = id_time(executions[place])
                  AND a.block_id = blocks[place] AND a.status = 'failed'
                UNION ALL
                SELECT t.error_type, t.error_message, t.completed_at, t.sequence FROM tool_executions t
                WHERE t.organization_id = organization AND t.flow_execution_id = executions[place]
                  AND t.flow_created_at = id_time(executions[place])
                  AND t.block_id = blocks[place] AND t.status = 'failed'
            ) f ORDER BY f.completed_at DESC NULLS LAST, f.sequence DESC LIMIT 1;
        END IF;
    END LOOP;
END $$
"""
# Which of an hour's sums per block may be made: those that nothing touched for two minutes, or that wait for an hour.
ORGANIZATIONS_DUE = """
CREATE OR REPLACE FUNCTION public.organizations_due(kind text) RETURNS SETOF uuid STABLE STRICT
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    CASE kind
    WHEN 'all' THEN
        RETURN QUERY SELECT o.id FROM public.organizations o ORDER BY o.id;
    WHEN 'rollup' THEN
        RETURN QUERY SELECT DISTINCT d.organization_id FROM public.rollup_dirty d;{blocks}
    WHEN 'settle' THEN
        RETURN QUERY
        SELECT o.id FROM public.organizations o
        WHERE EXISTS (
            SELECT FROM public.flow_executions f
            WHERE f.organization_id = o.id AND f.status IN ('running', 'pending') AND f.last_received_at
                < now() - make_interval(mins => coalesce((o.settings ->> 'settle_after_minutes')::integer, 30))
        );
    WHEN 'retention' THEN
        RETURN QUERY SELECT o.id FROM public.organizations o WHERE o.settings ->> 'retention_days' IS NOT NULL;
    ELSE
        RAISE EXCEPTION 'organizations_due knows no kind %', kind;
    END CASE;
END $$
"""
BLOCKS_DUE = """
    WHEN 'blocks' THEN
        RETURN QUERY
        SELECT DISTINCT d.organization_id FROM public.block_rollup_dirty d
        WHERE d.touched_at < now() - interval '2 minutes' OR d.first_touched_at < now() - interval '60 minutes';"""
FUNCTIONS = (
    "executions_of(uuid, uuid[], timestamptz, timestamptz)",
    "block_steps(uuid, uuid[], timestamptz, timestamptz)",
    "block_facts(uuid, uuid[], timestamptz[], timestamptz[], bigint[])",
    "block_failures(uuid, uuid[], uuid[])",
)
LINK_AGENTS = """
    UPDATE blocks b SET agent_id = a.id
    FROM agentflows f, agents a
    WHERE b.source = 'discovered' AND b.step_kind = 'agent' AND b.agent_id IS NULL AND f.id = b.agentflow_id
      AND a.organization_id = b.organization_id AND a.source = 'discovered' AND a.service_name = f.service_name
      AND a.name = b.name
"""
LINK_TOOLS = """
    UPDATE blocks b SET tool_id = t.id
    FROM tools t
    WHERE b.source = 'discovered' AND b.step_kind = 'tool' AND b.tool_id IS NULL
      AND t.organization_id = b.organization_id AND t.name = b.name
"""
OF_EXECUTION = sa.text("block_id = '00000000-0000-0000-0000-000000000000'::uuid")


def upgrade() -> None:
    op.add_column("block_rollups", sa.Column("last_failed_execution_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_block_rollups_flows",
        "block_rollups",
        ["organization_id", "bucket"],
        postgresql_where=OF_EXECUTION,
        postgresql_include=["agentflow_id", "executions", "completed", "failed", "cost_usd"],
    )
    op.create_table(
        "flow_days",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("executions", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column("duration_histogram", postgresql.ARRAY(sa.Integer()), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "bucket", "agentflow_id", name="pk_flow_days"),
    )
    ddl.grant(("flow_days",))
    ddl.protect(("flow_days",))
    op.execute(EXECUTIONS_OF)
    op.execute(BLOCK_FACTS)
    op.execute(BLOCK_STEPS)
    op.execute(BLOCK_FAILURES)
    ddl.grant_functions(FUNCTIONS)
    op.execute(ORGANIZATIONS_DUE.format(blocks=BLOCKS_DUE))
    op.execute(LINK_AGENTS)
    op.execute(LINK_TOOLS)


def downgrade() -> None:
    op.execute(ORGANIZATIONS_DUE.format(blocks=""))
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_table("flow_days")
    op.drop_index("ix_block_rollups_flows", table_name="block_rollups")
    op.drop_column("block_rollups", "last_failed_execution_id")
