"""Bring kept sums up to the executions that arrived since."""

# SQL is put together from constants of this module; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.durations import LIMITS
from webapp.features.rollups.operations_blocks import touch_hours
from webapp.models.base import NIL_UUID

BUCKETS_AT_ONCE = 200
NOTES_AT_ONCE = 20_000
LOCK_SPACE = 0x726F6C6C  # "roll": first half of the advisory lock, the second is the organization

# Newest quarter hours first, because those are looked at; what is left over waits for the next call.
SEEN = text("""
    SELECT d.id, d.bucket FROM rollup_dirty d
    WHERE d.organization_id = :organization_id ORDER BY d.bucket DESC, d.id LIMIT :notes
""")
ROWS = """
    rows AS MATERIALIZED (
        SELECT b.bucket, coalesce(e.agentflow_id, CAST(:nil AS uuid)) AS agentflow_id,
               coalesce(e.environment, '') AS environment, coalesce(e.trigger_type, '') AS trigger_type,
               coalesce(e.status, 'pending') AS status,
               coalesce(e.error_type, '') AS error_type, e.input_tokens, e.output_tokens, e.cached_input_tokens,
               e.unpriced_call_count, e.id, e.created_at, e.started_at, e.service_version, e.models,
               CASE WHEN e.status NOT IN ('running', 'pending') THEN e.execution_time_ms END AS duration_ms
        FROM unnest(CAST(:buckets AS timestamptz[])) AS b (bucket)
        CROSS JOIN LATERAL (
            SELECT * FROM flow_executions f
            WHERE f.organization_id = :organization_id AND f.created_at >= b.bucket - interval '5 minutes'
              AND f.started_at >= b.bucket AND f.started_at < b.bucket + interval '15 minutes'
            OFFSET 0
        ) e
    )"""
KEYS = "agentflow_id, environment, trigger_type, error_type"
SUMS = "executions, cost_usd, input_tokens, output_tokens, cached_input_tokens, duration_ms_sum, unpriced_call_count"
# Both tables from one scan. The histogram keeps the number of its first bin, then counts up to the last one.
EXECUTIONS = text(f"""
    WITH {ROWS}, costed AS (
        SELECT r.*, (SELECT sum(l.cost_usd) FROM usage_ledger l
                     WHERE l.flow_execution_id = r.id AND l.flow_created_at = r.created_at) AS cost_usd,
               width_bucket(CAST(r.duration_ms AS bigint), CAST(:limits AS bigint[])) AS bin
        FROM rows r
    ), summed AS (
        SELECT bucket, status, {KEYS}, grouping(agentflow_id) = 1 AS is_total, count(*) AS executions,
               sum(cost_usd) AS cost_usd, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
               sum(cached_input_tokens) AS cached_input_tokens, sum(duration_ms) AS duration_ms_sum,
               sum(unpriced_call_count) AS unpriced_call_count, array_remove(array_agg(bin), NULL) AS bins
        FROM costed
        GROUP BY GROUPING SETS ((bucket, status, {KEYS}), (bucket, status))
    ), drawn AS (
        SELECT s.*, (
            SELECT min(b.bin) || array_agg(b.n ORDER BY b.bin) FROM (
                SELECT bin, CAST(count(found) AS integer) AS n
                FROM generate_series((SELECT min(x) FROM unnest(s.bins) x), (SELECT max(x) FROM unnest(s.bins) x)) bin
                LEFT JOIN unnest(s.bins) found ON found = bin
                GROUP BY bin
            ) b
        ) AS duration_histogram
        FROM summed s
    ), totals AS (
        INSERT INTO execution_totals (organization_id, bucket, status, {SUMS}, duration_histogram)
        SELECT :organization_id, bucket, status, {SUMS}, duration_histogram FROM drawn WHERE is_total
    )
    INSERT INTO execution_rollups (organization_id, bucket, status, {KEYS}, {SUMS}, duration_histogram)
    SELECT :organization_id, bucket, status, {KEYS}, {SUMS}, duration_histogram FROM drawn WHERE NOT is_total
""")
USAGE = text(f"""
    WITH {ROWS}
    INSERT INTO usage_rollups (organization_id, bucket, agentflow_id, agent_id, model, provider, environment, calls,
                               input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, cost_usd,
                               unpriced_calls)
    SELECT :organization_id, r.bucket, r.agentflow_id, coalesce(l.agent_id, CAST(:nil AS uuid)), coalesce(l.model, ''),
           coalesce(l.provider, ''), r.environment, count(*), sum(l.input_tokens), sum(l.output_tokens),
           sum(l.cached_input_tokens), sum(l.cache_write_tokens), sum(l.cost_usd),
           count(*) FILTER (WHERE l.cost_usd IS NULL)
    FROM rows r
    JOIN usage_ledger l ON l.flow_execution_id = r.id AND l.flow_created_at = r.created_at
    GROUP BY 2, 3, 4, 5, 6, 7
""")
# A client's clock that is days off must not make a version look old, so the server's time bounds it.
SIGHTINGS = text(f"""
    WITH {ROWS}, seen AS (
        SELECT agentflow_id, environment, 'service_version' AS kind, service_version AS name, started_at, created_at
        FROM rows WHERE service_version <> '' AND agentflow_id <> CAST(:nil AS uuid)
        UNION ALL
        SELECT agentflow_id, environment, 'model', left(model, 255), started_at, created_at
        FROM rows, unnest(models) AS model WHERE model <> '' AND agentflow_id <> CAST(:nil AS uuid)
    )
    INSERT INTO first_sightings AS known (organization_id, agentflow_id, environment, kind, name, first_seen_at)
    SELECT :organization_id, agentflow_id, environment, kind, name,
           min(greatest(started_at, created_at - interval '1 day'))
    FROM seen GROUP BY agentflow_id, environment, kind, name
    ON CONFLICT (organization_id, agentflow_id, environment, kind, name)
    DO UPDATE SET first_seen_at = excluded.first_seen_at WHERE excluded.first_seen_at < known.first_seen_at
""")


def rebuild(session: Session, organization_id: UUID) -> int:
    """Sum again the quarter hours that are out of date, at most 200; answer how many were. 0 means nothing is left.

    Only the notes that were read first are deleted. Whoever commits after that has written a note of its own, which
    stays and has the quarter hour read from its executions until the next call: under READ COMMITTED and REPEATABLE
    READ alike nothing is lost. A second call at the same time does nothing, and repeating one changes nothing.
    """
    if not _is_alone(session, organization_id):
        return 0
    seen = session.execute(SEEN, {"organization_id": organization_id, "notes": NOTES_AT_ONCE}).all()
    buckets = sorted({row.bucket for row in seen}, reverse=True)[:BUCKETS_AT_ONCE]
    if not buckets:
        return 0
    chosen = set(buckets)
    _replace(session, organization_id, buckets)
    touch_hours(session, organization_id, buckets)
    session.execute(
        text("DELETE FROM rollup_dirty WHERE organization_id = :organization_id AND id = ANY(CAST(:ids AS bigint[]))"),
        {"organization_id": organization_id, "ids": [row.id for row in seen if row.bucket in chosen]},
    )
    return len(buckets)


def mark_all(session: Session, organization_id: UUID, since: datetime, until: datetime) -> int:
    """Have every quarter hour of a window summed again, such as after a repair; answer how many were marked."""
    marked = session.execute(
        text("""
            INSERT INTO rollup_dirty (organization_id, bucket)
            SELECT DISTINCT CAST(:organization_id AS uuid), date_bin('15 minutes', started_at, 'epoch')
            FROM flow_executions
            WHERE organization_id = :organization_id AND started_at >= :since AND started_at < :until
              AND created_at >= :since - interval '5 minutes'
            RETURNING id
        """),
        {"organization_id": organization_id, "since": since, "until": until},
    )
    return len(marked.all())


def _is_alone(session: Session, organization_id: UUID) -> bool:
    """Whether no other transaction sums this organization; the lock is given back with the transaction."""
    half = int.from_bytes(organization_id.bytes[-4:], "big", signed=True)
    lock = text("SELECT pg_try_advisory_xact_lock(:space, :half)")
    return bool(session.scalar(lock, {"space": LOCK_SPACE, "half": half}))


def _replace(session: Session, organization_id: UUID, buckets: list[datetime]) -> None:
    parameters = {"organization_id": organization_id, "buckets": buckets, "nil": NIL_UUID, "limits": list(LIMITS)}
    for table in ("execution_rollups", "execution_totals", "usage_rollups"):
        session.execute(
            text(
                f"DELETE FROM {table} WHERE organization_id = :organization_id"
                " AND bucket = ANY(CAST(:buckets AS timestamptz[]))"
            ),
            parameters,
        )
    for statement in (EXECUTIONS, USAGE, SIGHTINGS):
        session.execute(statement, parameters)
