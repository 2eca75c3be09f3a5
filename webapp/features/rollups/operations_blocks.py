"""Bring the sums per block and the observed edges up to the hours in which nothing changes any more.

An hour waits until nothing touched it for two minutes, so that a busy hour is not summed over and over and sums never
compete with the arrivals they are about: a sum is of use only until the next arrival. After an hour of waiting it is
summed all the same.
"""

# SQL is put together from constants of this module; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from webapp.domain.durations import LIMITS
from webapp.domain.observed_edges import observe
from webapp.features.rollups.queries_blocks import BINS, HOUR, hour_floor
from webapp.features.rollups.queries_steps import stream_steps
from webapp.models import ObservedEdge

HOURS_AT_ONCE = 48
EXECUTIONS_AT_ONCE = 20_000
"""About how many executions one transaction sums, where its hours can be chosen."""
LOCK_SPACE = 0x626C6B73  # "blks": first half of the advisory lock, the second is the organization
LARGEST_COUNT = 2**31 - 1

TOUCH = text("""
    INSERT INTO block_rollup_dirty AS d (organization_id, bucket, touched_at, first_touched_at)
    SELECT :organization_id, x.bucket, clock_timestamp(), clock_timestamp()
    FROM unnest(CAST(:hours AS timestamptz[])) AS x (bucket) ORDER BY x.bucket
    ON CONFLICT (organization_id, bucket) DO UPDATE SET touched_at = excluded.touched_at
""")
# Newest first, because those are looked at; few enough executions for one transaction, but always one hour.
DUE = text("""
    SELECT d.bucket, d.touched_at, (
        SELECT coalesce(sum(t.executions), 0) FROM execution_totals t
        WHERE t.organization_id = d.organization_id AND t.bucket >= d.bucket
          AND t.bucket < d.bucket + interval '1 hour'
    ) AS executions
    FROM block_rollup_dirty d
    WHERE d.organization_id = :organization_id
      AND (NOT :is_patient OR d.touched_at < now() - interval '2 minutes'
           OR d.first_touched_at < now() - interval '60 minutes')
    ORDER BY d.bucket DESC LIMIT :most
""")
COLUMNS = (
    "agentflow_id, block_id, service_version, executions, completed, failed, cost_usd, inner_cost_usd, input_tokens,"
    " output_tokens, duration_ms_sum, duration_histogram, last_failed_at, last_failed_execution_id"
)
CLEAR = (
    text("""
        DELETE FROM block_rollups
        WHERE organization_id = :organization_id AND bucket = ANY(CAST(:hours AS timestamptz[]))"""),
    text("""
        DELETE FROM observed_edges
        WHERE organization_id = :organization_id AND bucket = ANY(CAST(:hours AS timestamptz[]))"""),
    text("""
        DELETE FROM block_days
        WHERE organization_id = :organization_id AND bucket = ANY(CAST(:days AS timestamptz[]))"""),
)
SUMS = text(f"""
    INSERT INTO block_rollups (organization_id, bucket, {COLUMNS})
    SELECT :organization_id, at, {COLUMNS}
    FROM block_facts(:organization_id, NULL, CAST(:hours AS timestamptz[]), CAST(:ends AS timestamptz[]),
                     CAST(:limits AS bigint[]))
""")
DAYS = text(f"""
    INSERT INTO block_days (organization_id, bucket, agentflow_id, block_id, service_version, executions, completed,
                            failed, cost_usd, inner_cost_usd, input_tokens, output_tokens, duration_histogram,
                            last_failed_at, last_failed_execution_id)
    WITH hours AS MATERIALIZED (
        SELECT d.day, b.*
        FROM unnest(CAST(:days AS timestamptz[])) AS d (day)
        JOIN block_rollups b ON b.bucket >= d.day AND b.bucket < d.day + interval '24 hours'
        WHERE b.organization_id = :organization_id
    ), counts AS (
        SELECT day, agentflow_id, block_id, service_version, bin, CAST(sum(n) AS integer) AS count
        FROM (SELECT day, agentflow_id, block_id, service_version, {BINS}
              FROM hours WHERE duration_histogram IS NOT NULL) c
        WHERE place > 1 GROUP BY 1, 2, 3, 4, 5
    ), ranges AS (
        SELECT day, agentflow_id, block_id, service_version, min(bin) AS first, max(bin) AS last
        FROM counts GROUP BY 1, 2, 3, 4
    ), histograms AS (
        SELECT day, agentflow_id, block_id, service_version,
               r.first || array_agg(coalesce(c.count, 0) ORDER BY bin) AS duration_histogram
        FROM ranges r
        CROSS JOIN LATERAL generate_series(r.first, r.last) bin
        LEFT JOIN counts c USING (day, agentflow_id, block_id, service_version, bin)
        GROUP BY 1, 2, 3, 4, r.first
    ), sums AS (
        SELECT day, agentflow_id, block_id, service_version, sum(executions) AS executions,
               sum(completed) AS completed, sum(failed) AS failed, sum(cost_usd) AS cost_usd,
               sum(inner_cost_usd) AS inner_cost_usd, sum(input_tokens) AS input_tokens,
               sum(output_tokens) AS output_tokens, max(last_failed_at) AS last_failed_at,
               (array_agg(last_failed_execution_id ORDER BY last_failed_at DESC, last_failed_execution_id DESC)
                   FILTER (WHERE last_failed_at IS NOT NULL))[1] AS last_failed_execution_id
        FROM hours GROUP BY 1, 2, 3, 4
    )
    SELECT :organization_id, day, agentflow_id, block_id, service_version, executions, completed, failed, cost_usd,
           inner_cost_usd, input_tokens, output_tokens, duration_histogram, last_failed_at, last_failed_execution_id
    FROM sums LEFT JOIN histograms USING (day, agentflow_id, block_id, service_version)
""")


def touch_hours(session: Session, organization_id: UUID, quarters: Iterable[datetime]) -> None:
    """Note that the sums per block of these quarter hours' hours are out of date. Cost: one statement."""
    hours = sorted({hour_floor(quarter) for quarter in quarters})
    session.execute(TOUCH, {"organization_id": organization_id, "hours": hours})


def rebuild_blocks(session: Session, organization_id: UUID, *, is_patient: bool = True) -> int:
    """Sum again hours that are out of date, at most 48; answer how many. 0 means nothing is due.

    A note is deleted only if nobody touched it since it was read, so what commits meanwhile has the hour summed again.
    A second call at the same time does nothing, and repeating one changes nothing. ``is_patient`` False also takes
    hours that were touched just now.
    """
    if not _is_alone(session, organization_id):
        return 0
    due = session.execute(
        DUE, {"organization_id": organization_id, "is_patient": is_patient, "most": HOURS_AT_ONCE}
    ).all()
    chosen: list[Any] = []
    executions = 0
    for row in due:
        executions += row.executions
        if chosen and executions > EXECUTIONS_AT_ONCE:
            break
        chosen.append(row)
    if not chosen:
        return 0
    _replace(session, organization_id, [row.bucket for row in chosen])
    session.execute(
        text("""
            DELETE FROM block_rollup_dirty d
            USING unnest(CAST(:hours AS timestamptz[]), CAST(:touched AS timestamptz[])) AS x (bucket, touched_at)
            WHERE d.organization_id = :organization_id AND d.bucket = x.bucket AND d.touched_at = x.touched_at
        """),
        {
            "organization_id": organization_id,
            "hours": [row.bucket for row in chosen],
            "touched": [row.touched_at for row in chosen],
        },
    )
    return len(chosen)


def _is_alone(session: Session, organization_id: UUID) -> bool:
    """Whether no other transaction sums this organization's blocks; the lock is given back with the transaction."""
    half = int.from_bytes(organization_id.bytes[-4:], "big", signed=True)
    lock = text("SELECT pg_try_advisory_xact_lock(:space, :half)")
    return bool(session.scalar(lock, {"space": LOCK_SPACE, "half": half}))


def _replace(session: Session, organization_id: UUID, hours: Sequence[datetime]) -> None:
    days = sorted({hour.replace(hour=0) for hour in map(hour_floor, hours)})
    values = {"organization_id": organization_id, "hours": list(hours), "days": days, "limits": list(LIMITS)}
    values["ends"] = [hour + HOUR for hour in hours]
    for statement in (*CLEAR, SUMS, DAYS):
        session.execute(statement, values)
    for hour in hours:
        if rows := _edges(session, organization_id, hour):
            session.execute(insert(ObservedEdge), rows)


def _edges(session: Session, organization_id: UUID, hour: datetime) -> list[dict[str, Any]]:
    traversals: Counter[tuple[UUID, UUID, UUID, str]] = Counter()
    executions: Counter[tuple[UUID, UUID, UUID, str]] = Counter()
    for flow, steps in stream_steps(session, organization_id, [(hour, hour + timedelta(hours=1))]):
        for edge, count in observe(steps).items():
            traversals[(flow, *edge)] += count
            executions[(flow, *edge)] += 1
    return [
        {
            "organization_id": organization_id,
            "agentflow_id": flow,
            "bucket": hour,
            "source_block_id": source,
            "target_block_id": target,
            "kind": kind,
            "traversals": min(count, LARGEST_COUNT),
            "executions": executions[(flow, source, target, kind)],
        }
        for (flow, source, target, kind), count in traversals.items()
    ]
