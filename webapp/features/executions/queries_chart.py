"""How many executions match and when they ran: one statement for the sentence in the head and the strip below it.

Filters that the roll-ups know are counted exactly by them. Any other filter looks at the executions themselves, newest
first, and stops at 10,000.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import DateTime, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from webapp.domain.execution_filter import ExecutionFilter
from webapp.domain.time_buckets import Buckets, buckets_between
from webapp.features.executions.queries_matching import LATE, Found, matching
from webapp.features.rollups.queries import Scope, facts
from webapp.models import FlowExecution

MOST_COUNTED = 10_000
SHORTEST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts per bucket and status. ``is_capped``: only the newest :data:`MOST_COUNTED` were counted."""

    buckets: Buckets
    counts: dict[tuple[int, str], int]
    is_capped: bool

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def failed(self) -> int:
        return sum(n for (_, status), n in self.counts.items() if status == "failed")

    def of(self, bucket: int, *statuses: str) -> int:
        """Executions of one bucket in any of the statuses."""
        return sum(self.counts.get((bucket, status), 0) for status in statuses)


def get_summary(
    session: Session,
    organization_id: UUID,
    wanted: ExecutionFilter,
    found: Found | None,
    *,
    now: datetime,
    zone: ZoneInfo,
) -> Summary:
    """Count what the filter means, by bucket and status. The sum of the buckets is the count of the rows.

    Cost: one statement; one more for the first execution's time when the filter has no beginning.
    """
    since, until = _span(session, organization_id, wanted, found, now)
    buckets = buckets_between(since, min(until, max(now, since + SHORTEST)), zone)
    if found is None and wanted.is_rolled_up:
        return Summary(
            buckets, _placed(_rolled_up(session, organization_id, wanted, since, until, buckets), buckets), False
        )
    counts = _placed(_scanned(session, organization_id, wanted, found, buckets), buckets)
    total = sum(counts.values())
    return Summary(buckets, counts, total > MOST_COUNTED or bool(found and found.is_capped))


def _span(
    session: Session, organization_id: UUID, wanted: ExecutionFilter, found: Found | None, now: datetime
) -> tuple[datetime, datetime]:
    """The time that the counts cover: the filter's; where it is open, from the first execution to the last possible."""
    latest = now + LATE + timedelta(seconds=1)
    if found is not None and found.is_by_id:
        ends = matching(
            organization_id, wanted, found, func.min(FlowExecution.started_at), func.max(FlowExecution.started_at)
        )
        first, last = session.execute(ends).one()
        return first or now - SHORTEST, (last or now) + SHORTEST
    since, until = wanted.since, wanted.until or latest
    if since is None:
        since = session.scalar(
            select(func.min(FlowExecution.started_at)).where(FlowExecution.organization_id == organization_id)
        )
    since = min(since or until - SHORTEST, until - timedelta(seconds=1))
    return since, until


def _placed(rows: Iterable[Any], buckets: Buckets) -> dict[tuple[int, str], int]:
    """Counts by bucket from 0; what lies beyond an end belongs to the bucket there."""
    last = len(buckets.edges) - 2
    counts: Counter[tuple[int, str]] = Counter()
    for place, status, number in rows:
        counts[min(max(place - 1, 0), last), status] += int(number)
    return dict(counts)


def _rolled_up(
    session: Session,
    organization_id: UUID,
    wanted: ExecutionFilter,
    since: datetime,
    until: datetime,
    buckets: Buckets,
) -> Iterable[Any]:
    scope = Scope(
        organization_id,
        since,
        until,
        flows=wanted.flow,
        statuses=wanted.status,
        environments=wanted.environment,
        triggers=wanted.trigger,
        error_types=wanted.error_type,
    )
    sql, parameters = facts(scope, cuts=buckets.edges)
    statement = (
        f"WITH {sql} SELECT width_bucket(at, CAST(:edges AS timestamptz[])) AS place, status,"  # noqa: S608
        " sum(executions) FROM facts GROUP BY 1, 2"
    )
    return session.execute(text(statement), parameters | {"edges": list(buckets.edges)})


def _scanned(
    session: Session, organization_id: UUID, wanted: ExecutionFilter, found: Found | None, buckets: Buckets
) -> Iterable[Any]:
    rows = (
        matching(organization_id, wanted, found, FlowExecution.started_at, FlowExecution.status)
        .order_by(FlowExecution.started_at.desc(), FlowExecution.id.desc())
        .limit(MOST_COUNTED + 1)
        .subquery()
    )
    place = func.width_bucket(rows.c.started_at, literal(list(buckets.edges), ARRAY(DateTime(timezone=True))))
    return session.execute(select(place.label("place"), rows.c.status, func.count()).group_by(text("1"), rows.c.status))
