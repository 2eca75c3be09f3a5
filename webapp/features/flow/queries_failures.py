"""Why executions of one flow failed in a period: one row for each type of error."""

# SQL is put together from constants; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.periods import Period
from webapp.domain.trouble import Counts
from webapp.features.rollups.queries import FAILED, STALE, relation, window

MOST_CAUSES = 100
MOST_HITS = 5_000
"""Newest failures that are looked at one by one; beyond it users hit read "at least" and the first is not known."""
OF_FLOW = "x.agentflow_id = CAST(:agentflow_id AS uuid)"


@dataclass(frozen=True, slots=True)
class FlowCause:
    """Failures of one type. ``error_type`` is '' when the traces name none; ``message`` is the newest one's first part.

    ``failure_ids`` are the groups of failures that it became in the period.
    ``first_seen_at`` is the first in the period, None when not all were looked at. ``lost_usd`` was spent on them.
    """

    error_type: str
    counts: Counts
    lost_usd: Decimal | None
    user_count: int | None
    is_user_count_low: bool
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    last_execution_id: UUID | None
    message: str
    slots: Sequence[int]
    failure_ids: Sequence[UUID] = ()


SLOT = "CAST(floor(date_part('epoch', at - CAST(:since AS timestamptz)) / :slot_seconds) AS integer)"
FAILURES = relation(
    is_fine=True, conditions=[FAILED, OF_FLOW], columns=("agentflow_id", "error_type", "executions", "cost_usd")
)
RUNS = relation(
    is_fine=True,
    conditions=["x.status IN ('completed', 'failed')", OF_FLOW],
    columns=("agentflow_id", "executions"),
)
CAUSES = text(f"""
    WITH {STALE}, failures AS MATERIALIZED ({FAILURES}
    ), runs AS MATERIALIZED ({RUNS}
    ), counted AS (
        SELECT error_type, sum(executions) FILTER (WHERE at >= :now_since) AS failed,
               coalesce(sum(executions) FILTER (WHERE at < :before_until), 0) AS failed_before,
               sum(cost_usd) FILTER (WHERE at >= :now_since) AS lost_usd
        FROM failures GROUP BY error_type
        HAVING sum(executions) FILTER (WHERE at >= :now_since) > 0
    ), ended AS (
        SELECT coalesce(sum(executions) FILTER (WHERE at >= :now_since), 0) AS ended,
               coalesce(sum(executions) FILTER (WHERE at < :before_until), 0) AS ended_before
        FROM runs
    ), slots AS (
        SELECT error_type, array_agg(slot) AS places, array_agg(CAST(n AS integer)) AS numbers
        FROM (SELECT error_type, {SLOT} AS slot, sum(executions) AS n FROM failures
              WHERE at >= :now_since GROUP BY 1, 2) s
        GROUP BY error_type
    ), hits AS MATERIALIZED (
        SELECT coalesce(error_type, '') AS error_type, user_ref, started_at, id, error_message
        FROM flow_executions
        WHERE organization_id = :organization_id AND agentflow_id = :agentflow_id AND status = 'failed'
          AND started_at >= :now_since AND started_at < :until AND created_at >= :created_since
        ORDER BY started_at DESC, id DESC LIMIT :most_hits
    ), seen AS (
        SELECT error_type, count(DISTINCT user_ref) AS user_count, min(started_at) AS first_at,
               max(started_at) AS last_at, (array_agg(id ORDER BY started_at DESC, id DESC))[1] AS last_id,
               (array_agg(left(error_message, 300) ORDER BY started_at DESC, id DESC))[1] AS message
        FROM hits GROUP BY error_type
    ), reviewed AS (
        SELECT coalesce(g.error_type, '') AS error_type, array_agg(g.id ORDER BY g.number) AS failure_ids
        FROM failure_groups g
        WHERE g.organization_id = :organization_id AND g.id IN (
            SELECT failure_group_id FROM failure_occurrences
            WHERE organization_id = :organization_id AND agentflow_id = :agentflow_id
              AND occurred_at >= :now_since AND occurred_at < :until)
        GROUP BY 1
    )
    SELECT c.*, e.ended, e.ended_before, s.places, s.numbers, h.user_count, h.first_at, h.last_at, h.last_id,
           h.message, v.failure_ids, (SELECT count(*) FROM hits) AS hit_count
    FROM counted c CROSS JOIN ended e
    LEFT JOIN slots s USING (error_type)
    LEFT JOIN seen h USING (error_type)
    LEFT JOIN reviewed v USING (error_type)
    ORDER BY c.failed DESC, c.error_type LIMIT :most_causes
""")


def list_flow_causes(
    session: Session, organization_id: UUID, agentflow_id: UUID, period: Period
) -> tuple[list[FlowCause], int]:
    """Causes of failure of one flow, most frequent first, and how many executions ended. Cost: one statement.

    The number is 0 when nothing failed.
    """
    parameters = window(organization_id, period.previous_since, period.until, (period.previous_until, period.since))
    parameters |= {
        "agentflow_id": agentflow_id,
        "now_since": period.since,
        "before_until": period.previous_until,
        "created_since": period.since - (period.slots[1] - period.slots[0]),
        "slot_seconds": (period.slots[1] - period.slots[0]).total_seconds(),
        "most_causes": MOST_CAUSES,
        "most_hits": MOST_HITS,
    }
    rows = session.execute(CAUSES, parameters).all()
    return [_cause(row, period) for row in rows], int(rows[0].ended) if rows else 0


def _cause(row: Any, period: Period) -> FlowCause:
    slots = [0] * (len(period.slots) - 1)
    for place, number in zip(row.places or (), row.numbers or (), strict=True):
        if 0 <= place < len(slots):
            slots[place] = number
    is_low = row.hit_count >= MOST_HITS
    return FlowCause(
        error_type=row.error_type,
        counts=Counts(int(row.failed), int(row.ended), int(row.failed_before), int(row.ended_before)),
        lost_usd=row.lost_usd,
        user_count=row.user_count or None,
        is_user_count_low=is_low,
        first_seen_at=None if is_low else row.first_at,
        last_seen_at=row.last_at,
        last_execution_id=row.last_id,
        message=(row.message or "").strip().partition("\n")[0].strip(),
        slots=slots,
        failure_ids=row.failure_ids or (),
    )
