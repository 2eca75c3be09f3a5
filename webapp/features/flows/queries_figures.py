"""Figures of many flows for their list: what ran, failed and cost in a window, durations and a small trend."""

# SQL is put together from constants; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.durations import percentile
from webapp.domain.trouble import failing_for_sure
from webapp.features.rollups.queries_blocks import BINS, DAY, HOUR, day_floor, hour_floor
from webapp.features.rollups.queries_flows import flow_facts, flow_parameters

TREND_POINTS = 14
LONGEST_BY_HOUR = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """What a flow did in a window. ``cost_usd`` is None when no call has a price."""

    executions: int = 0
    completed: int = 0
    failed: int = 0
    cost_usd: Decimal | None = None

    @property
    def ended(self) -> int:
        """Completed or failed; a cancelled or open one says nothing about success."""
        return self.completed + self.failed

    @property
    def success_rate(self) -> float | None:
        """Share of 1, None while nothing ended."""
        return self.completed / self.ended if self.ended else None

    @property
    def failure_rate(self) -> float | None:
        """Share of 1, None while nothing ended."""
        return self.failed / self.ended if self.ended else None

    @property
    def badness(self) -> float:
        """The share of failures that the counts prove; sort by it, falling, for "worst first"."""
        return failing_for_sure(self.failed, self.ended)


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One equal part of the window, the first and last cut where the window begins and ends."""

    executions: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class FlowDetails:
    """Durations of ended executions and the trend, oldest first; durations are None when nothing ended."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    trend: tuple[TrendPoint, ...] = ()


NO_FIGURES = FlowFigures()
FACTS = flow_facts()
FIGURES = text(f"""
    WITH {FACTS}
    SELECT agentflow_id, CAST(sum(executions) AS bigint) AS executions, CAST(sum(completed) AS bigint) AS completed,
           CAST(sum(failed) AS bigint) AS failed, sum(cost_usd) AS cost_usd
    FROM flow_facts GROUP BY agentflow_id
""")


def list_figures(session: Session, organization_id: UUID, since: datetime, until: datetime) -> dict[UUID, FlowFigures]:
    """Figures of every flow that ran in ``[since, until)``, by its id; exact at any moment. Cost: one statement.

    Flows that did not run are not in it: use ``NO_FIGURES``.
    """
    rows = session.execute(FIGURES, flow_parameters(organization_id, since, until))
    return {row[0]: FlowFigures(*row[1:]) for row in rows}


COUNTS = f"SELECT agentflow_id, {BINS} FROM flow_facts WHERE duration_histogram IS NOT NULL"


def _details(*, is_for_some: bool) -> str:
    return f"""
    WITH {flow_facts(is_for_some=is_for_some, has_durations=True)}, histograms AS (
        SELECT agentflow_id, array_agg(CAST(bin AS integer)) AS bins, array_agg(CAST(n AS integer)) AS counts
        FROM (SELECT agentflow_id, bin, sum(n) AS n FROM ({COUNTS}) c WHERE place > 1 AND n > 0 GROUP BY 1, 2) b
        GROUP BY agentflow_id
    ), points AS (
        SELECT agentflow_id, array_agg(CAST(point AS integer)) AS points,
               array_agg(CAST(executions AS integer)) AS executions, array_agg(CAST(failed AS integer)) AS failures
        FROM (SELECT agentflow_id, width_bucket(at, CAST(:edges AS timestamptz[])) - 1 AS point,
                     sum(executions) AS executions, sum(failed) AS failed
              FROM flow_facts GROUP BY 1, 2) p
        GROUP BY agentflow_id
    )
    SELECT p.agentflow_id, h.bins, h.counts, p.points, p.executions, p.failures
    FROM points p LEFT JOIN histograms h USING (agentflow_id)"""


DETAILS_OF_SOME = text(_details(is_for_some=True))
DETAILS_OF_ALL = text(_details(is_for_some=False))


def list_details(
    session: Session,
    organization_id: UUID,
    since: datetime,
    until: datetime,
    flows: Sequence[UUID] | None = None,
) -> dict[UUID, FlowDetails]:
    """Durations and trend of the shown flows (None = of all, for sorting by duration). Cost: one statement.

    Flows that did not run are not in it. All trends have the same number of points, at most 16: parts of two hours for
    a day, of one day for a week, of two days for a month.
    """
    edges = trend_edges(since, until)
    is_by_hour = until - since <= LONGEST_BY_HOUR
    values = flow_parameters(organization_id, since, until, flows or (), is_by_hour=is_by_hour) | {"edges": edges}
    rows = session.execute(DETAILS_OF_ALL if flows is None else DETAILS_OF_SOME, values)
    return {row.agentflow_id: _details_of(row, len(edges)) for row in rows}


def _details_of(row: Any, length: int) -> FlowDetails:
    bins = dict(zip(row.bins or (), row.counts or (), strict=True))
    trend = [TrendPoint()] * length
    for place, executions, failed in zip(row.points, row.executions, row.failures, strict=True):
        trend[place] = TrendPoint(executions, failed)
    return FlowDetails(percentile(bins, 0.5), percentile(bins, 0.95), tuple(trend))


def trend_edges(since: datetime, until: datetime) -> list[datetime]:
    """Where the parts of a trend begin: on whole hours, or on whole days (UTC) for more than three days, so that no
    sums are cut."""
    length = until - since
    if length > LONGEST_BY_HOUR:
        start, step = day_floor(since), max(round(length / DAY / TREND_POINTS), 1) * DAY
    else:
        start, step = hour_floor(since), max(-(-length // (HOUR * TREND_POINTS)), 1) * HOUR
    return [start + step * place for place in range(-(-(until - start) // step))]


def worst_first(figures: Iterable[tuple[UUID, FlowFigures]]) -> list[UUID]:
    """Ids of flows by what their failures prove, then by failures and executions."""
    return [
        id_ for id_, f in sorted(figures, key=lambda pair: (-pair[1].badness, -pair[1].failed, -pair[1].executions))
    ]
