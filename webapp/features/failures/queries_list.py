"""The list of failures: one row per cause with its figures in a period, its trends, and what filters can choose."""

# SQL is put together from constants of this module; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.failure_filter import ME, NOBODY, FailureFilter, number_in
from webapp.domain.periods import Period
from webapp.features.notifications.queries import COUNT_LIMIT, UNREAD

PAGE_SIZE = 50
MOST_EXPORTED = 10_000
MOST_CHOICES = 200
HOURS, DAYS = 24, 14


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One cause. Counts and money are those of the period; ``flows`` are the flows that it hit in it.

    ``last_seen_at`` is of any time, None when no execution of it is left. ``lost_usd`` None: no price is known.
    """

    id: UUID
    number: int
    title: str
    error_type: str | None
    step_kind: str | None
    step_name: str | None
    agentflow_id: UUID | None
    flow_name: str | None
    state: str
    is_reviewed: bool
    owner_id: UUID | None
    owner_name: str | None
    muted_until: datetime | None
    muted_until_version: str | None
    is_muted_until_escalating: bool
    resolved_at: datetime | None
    resolved_in_version: str | None
    regressed_at: datetime | None
    escalating_since: datetime | None
    first_seen_at: datetime
    last_seen_at: datetime | None
    failed: int
    users: int
    lost_usd: Decimal | None
    flows: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Trend:
    """Occurrences per hour of the last 24 and per day of the last 14, oldest first, ending now."""

    hours: Sequence[int] = (0,) * HOURS
    days: Sequence[int] = (0,) * DAYS


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters can choose, as (value, label), and how many failures each view holds without them."""

    flows: Sequence[tuple[str, str]] = ()
    environments: Sequence[tuple[str, str]] = ()
    people: Sequence[tuple[str, str]] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


OPEN = "g.state = 'open'"
# One whose executions all turned out not to have failed needs no review.
HAPPENED = "EXISTS (SELECT FROM failure_occurrences x WHERE x.failure_group_id = g.id)"
FOR_REVIEW = f"{OPEN} AND NOT g.is_reviewed AND {HAPPENED}"
VIEWS: Mapping[str, str] = {
    "review": FOR_REVIEW,
    "new": f"{OPEN} AND g.first_seen_at >= :since",
    "regressed": f"{OPEN} AND g.regressed_at IS NOT NULL",
    "escalating": f"{OPEN} AND g.escalating_since IS NOT NULL",
    "mine": f"{OPEN} AND g.owner_id = :user_id",
    "muted": "g.state = 'muted'",
    "resolved": "g.state = 'resolved'",
    "all": "true",
}
ORDERS: Mapping[str, str] = {
    "lost": "c.lost_usd DESC NULLS LAST, c.failed DESC NULLS LAST, l.at DESC NULLS LAST, g.number DESC",
    "last": "l.at DESC NULLS LAST, g.number DESC",
    "failed": "c.failed DESC NULLS LAST, l.at DESC NULLS LAST, g.number DESC",
    "first": "g.first_seen_at DESC, g.number DESC",
}
OWN = "g.organization_id = :organization_id AND g.merged_into_id IS NULL"
REVIEW_COUNT = f"(SELECT count(*) FROM failure_groups g WHERE {OWN} AND {FOR_REVIEW})"
WAITING = text(f"SELECT ({UNREAD.text}), {REVIEW_COUNT}")


def count_waiting(session: Session, organization_id: UUID, user_id: UUID) -> tuple[int, int]:
    """Notifications that the person has not read, at most 100, and failures that wait for a review.

    Cost: one statement, which every page asks.
    """
    values = {"organization_id": organization_id, "user_id": user_id, "most": COUNT_LIMIT}
    unread, failures = session.execute(WAITING, values).one()
    return unread, failures


def _list(view: str, order: str, conditions: Sequence[str], narrow: str) -> str:
    where = " AND ".join((OWN, VIEWS[view], *conditions, *(("l.at IS NOT NULL",) if narrow else ())))
    return f"""
    WITH counted AS MATERIALIZED (
        SELECT o.failure_group_id, count(*) AS failed, count(DISTINCT o.user_ref) AS users,
               sum(o.cost_usd) AS lost_usd,
               array_agg(DISTINCT o.agentflow_id) FILTER (WHERE o.agentflow_id IS NOT NULL) AS flows
        FROM failure_occurrences o
        WHERE o.organization_id = :organization_id AND o.occurred_at >= :since AND o.occurred_at < :until{narrow}
        GROUP BY o.failure_group_id
    )
    SELECT g.id, g.number, g.title, g.error_type, g.step_kind, g.step_name, g.agentflow_id, a.name AS flow_name,
           g.state, g.is_reviewed, g.owner_id, coalesce(u.full_name, u.username) AS owner_name, g.muted_until,
           g.muted_until_version, g.is_muted_until_escalating, g.resolved_at, g.resolved_in_version, g.regressed_at,
           g.escalating_since, g.first_seen_at, l.at AS last_seen_at, coalesce(c.failed, 0) AS failed,
           coalesce(c.users, 0) AS users, c.lost_usd, c.flows, count(*) OVER () AS total,
           CAST(sum(c.failed) OVER () AS bigint) AS all_failed
    FROM failure_groups g
    LEFT JOIN counted c ON c.failure_group_id = g.id
    LEFT JOIN LATERAL (
        SELECT o.occurred_at AS at FROM failure_occurrences o
        WHERE o.failure_group_id = g.id AND o.organization_id = :organization_id{narrow}
        ORDER BY o.occurred_at DESC LIMIT 1
    ) l ON true
    LEFT JOIN agentflows a ON a.id = g.agentflow_id AND a.organization_id = :organization_id
    LEFT JOIN users u ON u.id = g.owner_id
    WHERE {where}
    ORDER BY {ORDERS[order]} LIMIT :most OFFSET :start"""


def list_failures(
    session: Session,
    organization_id: UUID,
    user_id: UUID,
    wanted: FailureFilter,
    period: Period,
    *,
    start: int = 0,
    most: int = PAGE_SIZE,
) -> tuple[list[FailureRow], int, int]:
    """Failures of the filter in its order, how many there are, and how many executions they are in the period.

    Cost: one statement.
    """
    conditions, narrow, values = _conditions(wanted)
    values |= {
        "organization_id": organization_id,
        "user_id": user_id,
        "since": period.since,
        "until": period.until,
        "start": start,
        "most": most,
    }
    rows = session.execute(text(_list(wanted.view, wanted.sort, conditions, narrow)), values).all()
    found = [FailureRow(*row[:-3], flows=tuple(row.flows or ())) for row in rows]
    return found, rows[0].total if rows else 0, int(rows[0].all_failed or 0) if rows else 0


def _conditions(wanted: FailureFilter) -> tuple[list[str], str, dict[str, Any]]:
    """Conditions on failures, conditions on their occurrences, and the values of both."""
    conditions, narrow, values = [], "", {}
    if wanted.q:
        pattern = wanted.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values |= {"pattern": f"%{pattern}%", "number": number_in(wanted.q)}
        conditions.append(
            "(g.title ILIKE :pattern OR g.error_type ILIKE :pattern OR g.step_name ILIKE :pattern"
            " OR a.name ILIKE :pattern OR g.number = CAST(:number AS integer))"
        )
    if wanted.owner == NOBODY:
        conditions.append("g.owner_id IS NULL")
    elif wanted.owner == ME:
        conditions.append("g.owner_id = :user_id")
    elif wanted.owner:
        conditions.append("g.owner_id = CAST(:owner AS uuid)")
        values["owner"] = wanted.owner
    if wanted.flow:
        narrow += " AND o.agentflow_id = CAST(:flow AS uuid)"
        values["flow"] = wanted.flow
    if wanted.environment:
        narrow += " AND o.environment = :environment"
        values["environment"] = wanted.environment
    return conditions, narrow, values


TRENDS = text("""
    SELECT failure_group_id, day, CASE WHEN day = 0 THEN hour END AS hour, count(*) AS n FROM (
        SELECT o.failure_group_id,
               CAST(floor(date_part('epoch', :now - o.occurred_at) / 86400) AS integer) AS day,
               CAST(floor(date_part('epoch', :now - o.occurred_at) / 3600) AS integer) AS hour
        FROM failure_occurrences o
        WHERE o.organization_id = :organization_id AND o.failure_group_id = ANY(CAST(:groups AS uuid[]))
          AND o.occurred_at > :since AND o.occurred_at <= :now
    ) x GROUP BY 1, 2, 3
""")


def list_trends(session: Session, organization_id: UUID, groups: Sequence[UUID], *, now: datetime) -> dict[UUID, Trend]:
    """Trends of the failures shown; one that did not happen in 14 days is not in it. Cost: one statement."""
    values = {
        "organization_id": organization_id,
        "groups": list(groups),
        "now": now,
        "since": now - timedelta(days=DAYS),
    }
    hours: dict[UUID, list[int]] = {}
    days: dict[UUID, list[int]] = {}
    for group, day, hour, number in session.execute(TRENDS, values):
        days.setdefault(group, [0] * DAYS)[DAYS - 1 - day] += number
        if hour is not None:
            hours.setdefault(group, [0] * HOURS)[HOURS - 1 - hour] += number
    return {group: Trend(hours.get(group, (0,) * HOURS), counts) for group, counts in days.items()}


COUNTS = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in VIEWS.values())
CHOICES = text(f"""
    WITH seen AS MATERIALIZED (
        SELECT DISTINCT o.agentflow_id, o.environment FROM failure_occurrences o
        WHERE o.organization_id = :organization_id AND o.occurred_at >= :since AND o.occurred_at < :until
    ), counted AS (SELECT ARRAY[{COUNTS}] AS counts FROM failure_groups g WHERE {OWN})
    (SELECT 'flow' AS kind, CAST(a.id AS text) AS value, a.name AS label, NULL AS counts FROM agentflows a
     WHERE a.organization_id = :organization_id
       AND (a.id IN (SELECT agentflow_id FROM seen) OR a.id = CAST(:flow AS uuid))
     ORDER BY lower(a.name), a.id LIMIT :most)
    UNION ALL
    (SELECT DISTINCT 'environment', environment, environment, CAST(NULL AS bigint[]) FROM seen
     WHERE environment IS NOT NULL ORDER BY 2 LIMIT :most)
    UNION ALL
    (SELECT 'person', CAST(u.id AS text), coalesce(u.full_name, u.username), NULL FROM organization_members m
     JOIN users u ON u.id = m.user_id WHERE m.organization_id = :organization_id
     ORDER BY 3, 2 LIMIT :most)
    UNION ALL
    SELECT 'counts', '', '', counts FROM counted
""")


def list_choices(session: Session, organization_id: UUID, user_id: UUID, period: Period, *, flow: str = "") -> Choices:
    """Flows and environments with failures in the period, members, and the counts of the views. Cost: one statement.

    ``flow`` is an id that is offered in any case: the one chosen.
    """
    values = {
        "organization_id": organization_id, "user_id": user_id, "since": period.since, "until": period.until,
        "flow": flow or None, "most": MOST_CHOICES,
    }  # fmt: skip
    found: dict[str, list[tuple[str, str]]] = {"flow": [], "environment": [], "person": []}
    counts: dict[str, int] = {}
    for kind, value, label, numbers in session.execute(CHOICES, values):
        if kind == "counts":
            counts = dict(zip(VIEWS, numbers, strict=True))
        else:
            found[kind].append((value, label or "Unnamed flow"))
    return Choices(found["flow"], found["environment"], found["person"], counts)
