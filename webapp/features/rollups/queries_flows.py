"""Executions per flow of any window, always exact, each stretch of it read from the coarsest sums that are true.

Whole days (UTC) come from ``block_days``, whole hours from ``block_rollups`` (the nil block of both), quarter hours
from ``execution_rollups``, and what arrived since or is cut by the window's edges from the executions themselves. All
in one statement and so one snapshot.
"""

# SQL is put together from constants of this module; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from webapp.domain.durations import LIMITS
from webapp.domain.periods import quarter_ceiling, quarter_floor
from webapp.features.rollups.queries_blocks import DAY, day_ceiling, day_floor, hour_ceiling, hour_floor
from webapp.models.base import NIL_UUID

STALE = """
    stale_quarters AS MATERIALIZED (
        SELECT d.bucket FROM rollup_dirty d
        WHERE d.organization_id = :organization_id AND d.bucket >= :first_bucket AND d.bucket < :until
        UNION
        SELECT unnest(CAST(:cut_quarters AS timestamptz[]))
    ), stale_hours AS MATERIALIZED (
        SELECT d.bucket FROM block_rollup_dirty d
        WHERE d.organization_id = :organization_id AND d.bucket >= :first_hour AND d.bucket < :until
        UNION
        SELECT date_bin('1 hour', q.bucket, 'epoch') FROM stale_quarters q
        UNION
        SELECT unnest(CAST(:cut_hours AS timestamptz[]))
    ), stale_days AS MATERIALIZED (
        SELECT date_bin('1 day', h.bucket, 'epoch') AS bucket FROM stale_hours h
        UNION
        SELECT unnest(CAST(:cut_days AS timestamptz[]))
    )"""
OF_EXECUTION = f"x.block_id = '{NIL_UUID}'::uuid"
HAS_FLOW = f"x.agentflow_id <> '{NIL_UUID}'::uuid"
IN_DAY = """x.bucket >= greatest(d.bucket, CAST(:first_whole_hour AS timestamptz))
              AND x.bucket < least(d.bucket + interval '24 hours', CAST(:last_whole_hour AS timestamptz))"""
IN_HOUR = """x.bucket >= greatest(h.bucket, CAST(:first_whole AS timestamptz))
              AND x.bucket < least(h.bucket + interval '1 hour', CAST(:last_whole AS timestamptz))"""


def flow_facts(*, is_for_some: bool = False, has_durations: bool = False) -> str:
    """SQL ``stale_quarters AS (...), ..., flow_facts AS (...)`` to follow WITH; parameters: :func:`flow_parameters`.

    Each stale day and hour is looked up by itself (OFFSET 0): joined, the planner read all months of 50 flows instead,
    117 ms for a list of a million executions where this takes 4.

    ``flow_facts`` has at (start of the day, hour or quarter hour, or of the execution), agentflow_id, executions,
    completed, failed, cost_usd and, where wanted, duration_histogram. ``is_for_some`` = only the flows in parameters.
    """
    durations = ", x.duration_histogram" if has_durations else ""
    wanted = f"x.agentflow_id, x.executions, x.completed, x.failed, x.cost_usd{durations}"
    by_status = (
        "x.agentflow_id, x.executions, CASE x.status WHEN 'completed' THEN x.executions ELSE 0 END,"
        f" CASE x.status WHEN 'failed' THEN x.executions ELSE 0 END, x.cost_usd{durations}"
    )
    some = " AND x.agentflow_id = ANY(CAST(:flows AS uuid[]))" if is_for_some else ""
    return f"""{STALE}, flow_facts AS (
        SELECT x.bucket AS at, {wanted} FROM block_days x
        WHERE x.organization_id = :organization_id AND {OF_EXECUTION}
          AND x.bucket >= :first_whole_day AND x.bucket < :last_whole_day
          AND NOT EXISTS (SELECT FROM stale_days s WHERE s.bucket = x.bucket){some}
        UNION ALL
        SELECT x.bucket, {wanted} FROM stale_days d CROSS JOIN LATERAL (
            SELECT x.* FROM block_rollups x
            WHERE x.organization_id = :organization_id AND {OF_EXECUTION} AND {IN_DAY}
              AND NOT EXISTS (SELECT FROM stale_hours s WHERE s.bucket = x.bucket){some}
            OFFSET 0) x
        UNION ALL
        SELECT x.bucket, {by_status} FROM stale_hours h CROSS JOIN LATERAL (
            SELECT x.* FROM execution_rollups x
            WHERE x.organization_id = :organization_id AND {HAS_FLOW} AND {IN_HOUR}
              AND NOT EXISTS (SELECT FROM stale_quarters s WHERE s.bucket = x.bucket){some}
            OFFSET 0) x
        UNION ALL
        SELECT x.at, {by_status}
        FROM execution_facts(:organization_id, :since, :until, ARRAY(SELECT bucket FROM stale_quarters),
                             CAST(:limits AS bigint[])) x
        WHERE {HAS_FLOW}{some}
    )"""


def flow_parameters(
    organization_id: UUID, since: datetime, until: datetime, flows: Sequence[UUID] = (), *, is_by_hour: bool = False
) -> dict[str, Any]:
    """Parameters of :func:`flow_facts`. ``is_by_hour`` leaves out the sums of days, for a reader that divides them."""
    first_day, last_day = day_floor(since), day_ceiling(until)
    days = [first_day + DAY * number for number in range((last_day - first_day) // DAY)]
    return {
        "organization_id": organization_id,
        "since": since,
        "until": until,
        "flows": list(flows),
        "first_bucket": quarter_floor(since),
        "first_whole": quarter_ceiling(since),
        "last_whole": quarter_floor(until),
        "cut_quarters": sorted({floor for at in (since, until) if (floor := quarter_floor(at)) != at}),
        "first_hour": hour_floor(since),
        "first_whole_hour": hour_ceiling(since),
        "last_whole_hour": hour_floor(until),
        "cut_hours": sorted({floor for at in (since, until) if (floor := hour_floor(at)) != at}),
        "first_whole_day": day_ceiling(since),
        "last_whole_day": day_floor(until),
        "cut_days": days if is_by_hour else [day for day in days if day < since or day + DAY > until],
        "limits": list(LIMITS),
    }
