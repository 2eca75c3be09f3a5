"""What the overview says of one period: figures, causes of failure, and what is open now."""

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
from webapp.domain.trouble import Counts, Onset, Sighting, find_onset
from webapp.features.rollups import queries as rollups
from webapp.features.rollups.queries import FAILED, STALE, Figures, Scope, relation, window

MOST_CAUSES = 10
MOST_HITS = 5_000
"""Newest failures that are looked at one by one for people hit; beyond it their number reads "at least"."""
MOST_OPEN = 6


@dataclass(frozen=True, slots=True)
class Summary:
    """The period's columns, their sum, and the sum of the stretch before."""

    columns: Sequence[Figures]
    total: Figures
    before: Figures


@dataclass(frozen=True, slots=True)
class Cause:
    """Failures of one flow with one type of error. ``error_type`` is '' when the trace names none.

    ``user_count`` is None when no failure names a user; ``is_user_count_low`` when not all failures were looked at.
    ``failure_ids`` are the groups of failures that it became in the period.
    ``began_at`` is the first failure of the onset. Units: ``lost_usd`` US dollars spent on the failed executions.
    """

    flow_id: UUID
    flow_name: str
    error_type: str
    counts: Counts
    lost_usd: Decimal | None
    user_count: int | None
    users: Sequence[str]
    is_user_count_low: bool
    last_seen_at: datetime | None
    slots: Sequence[int]
    onset: Onset | None
    began_at: datetime | None
    sightings: Sequence[Sighting]
    failure_ids: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class OpenExecution:
    """An execution that has not ended, and the step it was last seen in."""

    id: UUID
    flow_name: str
    status: str
    started_at: datetime
    step_name: str


def get_summary(session: Session, organization_id: UUID, period: Period) -> Summary:
    """Figures per column, in all, and of the stretch before. Cost: one statement."""
    edges = [period.previous_since, period.previous_until, *period.edges[:-1], period.until]
    scope = Scope(organization_id, period.previous_since, period.until)
    before, _, *columns = rollups.list_columns(session, scope, edges)
    total = Figures()
    for column in columns:
        total.merge(column)
    return Summary(columns, total, before)


def slot_of(column: str) -> str:
    """SQL for the number of the slot, from 0, in which an instant lies; slots are equally long."""
    return f"CAST(floor(date_part('epoch', {column} - CAST(:since AS timestamptz)) / :slot_seconds) AS integer)"


# Those that fail most and those that grew most: a small flow that breaks must not drown in the noise of large ones.
CAUSES = f"""
    WITH {STALE}, failures AS MATERIALIZED ({
    relation(is_fine=True, conditions=[FAILED], columns=("agentflow_id", "error_type", "executions", "cost_usd"))
}
    ), counted AS (
        SELECT agentflow_id, error_type, sum(executions) FILTER (WHERE at >= :now_since) AS failed,
               coalesce(sum(executions) FILTER (WHERE at < :before_until), 0) AS failed_before,
               sum(cost_usd) FILTER (WHERE at >= :now_since) AS lost_usd
        FROM failures GROUP BY agentflow_id, error_type
        HAVING sum(executions) FILTER (WHERE at >= :now_since) > 0
    ), chosen AS MATERIALIZED (
        SELECT c.*, count(*) OVER () AS cause_count,
               least(row_number() OVER (ORDER BY failed DESC, agentflow_id, error_type),
                     row_number() OVER (ORDER BY failed - failed_before DESC, agentflow_id, error_type)) AS place
        FROM counted c ORDER BY place, failed DESC, agentflow_id, error_type LIMIT :most_causes
    ), runs AS MATERIALIZED (
        {
    relation(
        is_fine=True,
        conditions=[
            "x.status IN ('completed', 'failed')",
            "x.agentflow_id = ANY(ARRAY(SELECT agentflow_id FROM chosen))",
        ],
        columns=("agentflow_id", "executions"),
    )
}
    ), run_sums AS (
        SELECT agentflow_id, sum(executions) FILTER (WHERE at >= :now_since) AS ended,
               sum(executions) FILTER (WHERE at < :before_until) AS ended_before
        FROM runs GROUP BY agentflow_id
    ), run_slots AS (
        SELECT agentflow_id, array_agg(slot) AS run_slots, array_agg(CAST(n AS integer)) AS run_counts
        FROM (SELECT agentflow_id, {slot_of("at")} AS slot, sum(executions) AS n
              FROM runs GROUP BY 1, 2) s
        GROUP BY agentflow_id
    ), failed_slots AS (
        SELECT agentflow_id, error_type, array_agg(slot) AS failed_slots,
               array_agg(CAST(n AS integer)) AS failed_counts
        FROM (SELECT agentflow_id, error_type, {slot_of("at")} AS slot,
                     sum(executions) AS n
              FROM failures JOIN chosen USING (agentflow_id, error_type) GROUP BY 1, 2, 3) s
        GROUP BY agentflow_id, error_type
    ), hits AS MATERIALIZED (
        SELECT * FROM newest_failures(:organization_id, :now_since, :until, :most_hits)
    ), people AS (
        SELECT agentflow_id, error_type, count(user_ref) AS user_count, max(last_at) AS last_seen_at,
               (array_agg(user_ref ORDER BY n DESC, user_ref) FILTER (WHERE user_ref IS NOT NULL))[1:3] AS users
        FROM (SELECT agentflow_id, error_type, user_ref, count(*) AS n,
                     max(started_at) AS last_at
              FROM hits GROUP BY 1, 2, 3) h
        GROUP BY agentflow_id, error_type
    ), firsts AS (
        SELECT agentflow_id, error_type, array_agg(slot) AS first_slots, array_agg(first_at) AS first_times
        FROM (SELECT agentflow_id, error_type, {slot_of("started_at")} AS slot,
                     min(started_at) AS first_at
              FROM hits GROUP BY 1, 2, 3) h
        GROUP BY agentflow_id, error_type
    ), sighted AS (
        SELECT s.agentflow_id, array_agg(s.kind) AS kinds, array_agg(s.name) AS names,
               array_agg(s.first_seen_at) AS seen_times, array_agg(EXISTS (
                   SELECT FROM first_sightings o
                   WHERE o.organization_id = s.organization_id AND o.agentflow_id = s.agentflow_id
                     AND o.environment = s.environment AND o.kind = s.kind AND o.first_seen_at < s.first_seen_at
               )) AS changes
        FROM first_sightings s
        WHERE s.organization_id = :organization_id AND s.first_seen_at >= :since AND s.first_seen_at < :until
          AND s.agentflow_id = ANY(ARRAY(SELECT agentflow_id FROM chosen))
        GROUP BY s.agentflow_id
    ), reviewed AS (
        SELECT o.agentflow_id, coalesce(g.error_type, '') AS error_type,
               array_agg(DISTINCT o.failure_group_id) AS failure_ids
        FROM (SELECT DISTINCT agentflow_id, failure_group_id FROM failure_occurrences
              WHERE organization_id = :organization_id AND occurred_at >= :now_since AND occurred_at < :until) o
        JOIN failure_groups g ON g.id = o.failure_group_id
        GROUP BY 1, 2
    )
    SELECT c.*, coalesce(a.name, '') AS flow_name, r.ended, r.ended_before, rs.run_slots, rs.run_counts,
           fs.failed_slots, fs.failed_counts, p.user_count, p.users, p.last_seen_at, f.first_slots, f.first_times,
           s.kinds, s.names, s.seen_times, s.changes, v.failure_ids, (SELECT count(*) FROM hits) AS hit_count
    FROM chosen c
    LEFT JOIN agentflows a ON a.id = c.agentflow_id AND a.organization_id = :organization_id
    LEFT JOIN run_sums r USING (agentflow_id)
    LEFT JOIN run_slots rs USING (agentflow_id)
    LEFT JOIN failed_slots fs USING (agentflow_id, error_type)
    LEFT JOIN people p USING (agentflow_id, error_type)
    LEFT JOIN firsts f USING (agentflow_id, error_type)
    LEFT JOIN reviewed v USING (agentflow_id, error_type)
    LEFT JOIN sighted s USING (agentflow_id)"""
CAUSES_STATEMENT = text(CAUSES)


def list_causes(session: Session, organization_id: UUID, period: Period) -> tuple[list[Cause], int]:
    """The causes of failure that were most frequent or grew most, and how many there are. Cost: one statement.

    Those that need attention come first.
    """
    parameters = window(organization_id, period.previous_since, period.until, (period.previous_until, period.since))
    parameters |= {
        "now_since": period.since,
        "before_until": period.previous_until,
        "slot_seconds": (period.slots[1] - period.slots[0]).total_seconds(),
        "most_causes": MOST_CAUSES,
        "most_hits": MOST_HITS,
    }
    rows = session.execute(CAUSES_STATEMENT, parameters).all()
    causes = [_cause(row, period) for row in rows]
    causes.sort(key=lambda c: (-c.counts.severity, -c.counts.failed, c.flow_name, c.error_type))
    return causes, rows[0].cause_count if rows else 0


def _cause(row: Any, period: Period) -> Cause:
    counts = Counts(int(row.failed), int(row.ended or 0), int(row.failed_before or 0), int(row.ended_before or 0))
    failed = _spread(row.failed_slots, row.failed_counts, len(period.slots) - 1)
    onset = None
    if counts.severity:
        onset = find_onset(failed, _spread(row.run_slots, row.run_counts, len(period.slots) - 1))
    firsts = dict(zip(row.first_slots or (), row.first_times or (), strict=True))
    sightings = zip(row.kinds or (), row.names or (), row.seen_times or (), row.changes or (), strict=True)
    return Cause(
        flow_id=row.agentflow_id,
        flow_name=row.flow_name,
        error_type=row.error_type,
        counts=counts,
        lost_usd=row.lost_usd,
        user_count=row.user_count or None,
        users=row.users or (),
        is_user_count_low=row.hit_count >= MOST_HITS,
        last_seen_at=row.last_seen_at,
        slots=failed,
        onset=onset,
        began_at=(firsts.get(onset.slot) or period.slots[onset.slot]) if onset else None,
        sightings=[Sighting(*values) for values in sightings],
        failure_ids=row.failure_ids or (),
    )


def _spread(places: Sequence[int] | None, counts: Sequence[int] | None, length: int) -> list[int]:
    """Counts by slot as a full list with zeros."""
    spread = [0] * length
    for place, count in zip(places or (), counts or (), strict=True):
        if 0 <= place < length:
            spread[place] = count
    return spread


OPEN = text("""
    WITH found AS MATERIALIZED (
        SELECT id, created_at, agentflow_id, service_name, status, started_at FROM flow_executions
        WHERE organization_id = :organization_id AND status IN ('running', 'pending')
        ORDER BY started_at DESC, id DESC LIMIT 1000
    )
    SELECT f.id, coalesce(a.name, f.service_name, '') AS flow_name, f.status, f.started_at,
           coalesce(s.name, '') AS step_name,
           (SELECT count(*) FROM found) AS open_count
    FROM (SELECT * FROM found ORDER BY started_at DESC, id DESC LIMIT :most) f
    LEFT JOIN agentflows a ON a.id = f.agentflow_id AND a.organization_id = :organization_id
    LEFT JOIN LATERAL (
        SELECT name FROM agent_executions
        WHERE flow_execution_id = f.id AND flow_created_at = f.created_at AND organization_id = :organization_id
        ORDER BY started_at DESC NULLS LAST, sequence DESC LIMIT 1
    ) s ON true
    ORDER BY f.started_at DESC, f.id DESC
""")


def list_open(session: Session, organization_id: UUID) -> tuple[list[OpenExecution], int]:
    """The newest six executions that run or wait, and how many there are (at most 1,000). Cost: one statement."""
    rows = session.execute(OPEN, {"organization_id": organization_id, "most": MOST_OPEN}).all()
    found = [OpenExecution(r.id, r.flow_name, r.status, r.started_at, r.step_name) for r in rows]
    return found, rows[0].open_count if rows else 0


def has_executions(session: Session, organization_id: UUID) -> bool:
    """Whether anything ever ran here. Cost: one statement."""
    stmt = text("SELECT EXISTS (SELECT FROM flow_executions WHERE organization_id = :organization_id)")
    return bool(session.scalar(stmt, {"organization_id": organization_id}))
