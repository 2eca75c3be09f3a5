"""Figures of any window, always exact: kept sums where they are up to date, the executions themselves where not.

Every figure starts from :func:`facts`, one SQL expression over quarter hours. A quarter hour is read from the sums
unless a row of ``rollup_dirty`` says that something arrived since, or a window or column begins or ends inside it. Both
halves are one statement and so one snapshot: nothing is missed or counted twice while the sums are being rebuilt.
"""

# SQL is put together from constants of this module; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.durations import LIMITS, percentile
from webapp.domain.periods import quarter_ceiling, quarter_floor

ENDED = frozenset({"completed", "failed"})
STALE = """
    stale AS MATERIALIZED (
        SELECT d.bucket FROM rollup_dirty d
        WHERE d.organization_id = :organization_id AND d.bucket >= :first_bucket AND d.bucket < :until
        UNION
        SELECT unnest(CAST(:cut_buckets AS timestamptz[]))
    ), fresh AS MATERIALIZED (
        SELECT * FROM execution_facts(:organization_id, :since, :until, ARRAY(SELECT bucket FROM stale),
                                      CAST(:limits AS bigint[]))
    )"""
"""Which quarter hours are read from executions, and those executions in the shape of the sums. The function's plan is
kept by the connection, so a statement over sums does not plan a look into every month each time."""
CLEAN = """
        WHERE x.organization_id = :organization_id AND x.bucket >= :first_whole AND x.bucket < :last_whole
          AND NOT EXISTS (SELECT FROM stale WHERE stale.bucket = x.bucket)"""
TOTAL_COLUMNS = (
    "status", "executions", "cost_usd", "input_tokens", "output_tokens", "cached_input_tokens", "duration_ms_sum",
    "unpriced_call_count", "duration_histogram",
)  # fmt: skip
COLUMNS = (*TOTAL_COLUMNS, "agentflow_id", "environment", "trigger_type", "error_type")
FAILED = "x.status = 'failed'"
FILTERS = {
    "flows": ("agentflow_id", "uuid"),
    "statuses": ("status", "text"),
    "environments": ("environment", "text"),
    "triggers": ("trigger_type", "text"),
    "error_types": ("error_type", "text"),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which executions to add up: those started in ``[since, until)`` that have one of each kind of value given."""

    organization_id: UUID
    since: datetime
    until: datetime
    flows: tuple[UUID, ...] = ()
    statuses: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    error_types: tuple[str, ...] = ()

    @property
    def is_over_all_flows(self) -> bool:
        """Whether the sums over all flows are fine enough."""
        return not (self.flows or self.environments or self.triggers or self.error_types)


@dataclass(slots=True)
class Figures:
    """Sums over executions. ``cost_usd`` is None when no call has a price; ``bins`` count durations of ended ones."""

    by_status: dict[str, int] = field(default_factory=dict)
    cost_usd: Decimal | None = None
    failed_cost_usd: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    unpriced_call_count: int = 0
    bins: dict[int, int] = field(default_factory=dict)

    @property
    def executions(self) -> int:
        return sum(self.by_status.values())

    @property
    def failed(self) -> int:
        return self.by_status.get("failed", 0)

    @property
    def completed(self) -> int:
        return self.by_status.get("completed", 0)

    @property
    def ended(self) -> int:
        """Completed or failed; a cancelled or open execution says nothing about success."""
        return self.completed + self.failed

    @property
    def success_rate(self) -> float | None:
        """Share of 1, None while nothing ended."""
        return self.completed / self.ended if self.ended else None

    @property
    def duration_count(self) -> int:
        """How many durations the percentiles rest on."""
        return sum(self.bins.values())

    def duration_ms(self, share: float) -> float | None:
        """Percentile of the durations of completed and failed executions."""
        return percentile(self.bins, share)

    def add(self, row: Any) -> None:
        """Add one row of :func:`list_columns`' statement."""
        self.by_status[row.status] = self.by_status.get(row.status, 0) + row.executions
        self._add_sums(row)
        if row.status == "failed":
            self.failed_cost_usd = _plus(self.failed_cost_usd, row.cost_usd)
        if row.status in ENDED:
            for place, count in zip(row.bins or (), row.counts or (), strict=True):
                self.bins[place] = self.bins.get(place, 0) + count

    def merge(self, other: Figures) -> None:
        """Add the figures of another column."""
        for status, count in other.by_status.items():
            self.by_status[status] = self.by_status.get(status, 0) + count
        self._add_sums(other)
        self.failed_cost_usd = _plus(self.failed_cost_usd, other.failed_cost_usd)
        for place, count in other.bins.items():
            self.bins[place] = self.bins.get(place, 0) + count

    def _add_sums(self, other: Any) -> None:
        self.cost_usd = _plus(self.cost_usd, other.cost_usd)
        self.input_tokens = _plus(self.input_tokens, other.input_tokens)
        self.output_tokens = _plus(self.output_tokens, other.output_tokens)
        self.cached_input_tokens = _plus(self.cached_input_tokens, other.cached_input_tokens)
        self.unpriced_call_count += other.unpriced_call_count


def facts(scope: Scope, *, cuts: Iterable[datetime] = (), is_by_flow: bool = False) -> tuple[str, dict[str, Any]]:
    """SQL ``stale AS (...), facts AS (...)`` to follow WITH, and its parameters.

    ``facts`` has the columns at, status, executions, cost_usd, input_tokens, output_tokens, cached_input_tokens,
    duration_ms_sum, unpriced_call_count, duration_histogram; with ``is_by_flow`` or a filter beyond status also
    agentflow_id, environment, trigger_type, error_type. ``at`` is a quarter hour, or the very start where executions
    are read; ``cuts`` are instants at which the reader means to divide, so quarters around them are read that way.
    """
    filters = {name: getattr(scope, name) for name in FILTERS}
    is_fine = is_by_flow or not scope.is_over_all_flows
    sql = f"{STALE}, facts AS ({relation(is_fine=is_fine, conditions=_conditions(filters))})"
    return sql, window(scope.organization_id, scope.since, scope.until, cuts) | {
        name: list(wanted) for name, wanted in filters.items() if wanted and not _is_failed_only(name, wanted)
    }


def relation(*, is_fine: bool, conditions: Sequence[str] = (), columns: Sequence[str] = ()) -> str:
    """The SELECT behind ``facts``; it needs STALE before it and the parameters of :func:`window`.

    ``conditions`` are SQL over ``x.``, a row of the sums or of the executions. Naming the few ``columns`` needed lets
    an index answer alone.
    """
    wanted = ", ".join(f"x.{column}" for column in columns or (COLUMNS if is_fine else TOTAL_COLUMNS))
    filters = "".join(f" AND {condition}" for condition in conditions)
    table = "execution_rollups" if is_fine else "execution_totals"
    return (
        f"\n        SELECT x.bucket AS at, {wanted} FROM {table} x{CLEAN}{filters}"
        f"\n        UNION ALL\n        SELECT x.at, {wanted} FROM fresh x WHERE true{filters}"
    )


def window(organization_id: UUID, since: datetime, until: datetime, cuts: Iterable[datetime] = ()) -> dict[str, Any]:
    """Parameters of STALE and :func:`relation`; quarters that an edge or a cut divides are read from the executions."""
    return {
        "organization_id": organization_id,
        "since": since,
        "until": until,
        "first_bucket": quarter_floor(since),
        "first_whole": quarter_ceiling(since),
        "last_whole": quarter_floor(until),
        "cut_buckets": sorted({floor for at in (since, until, *cuts) if (floor := quarter_floor(at)) != at}),
        "limits": list(LIMITS),
        "nil": UUID(int=0),
    }


def _is_failed_only(name: str, wanted: tuple[Any, ...]) -> bool:
    return name == "statuses" and tuple(wanted) == ("failed",)


def _conditions(filters: dict[str, tuple[Any, ...]]) -> list[str]:
    """A constant instead of a parameter where a partial index wants to see it."""
    return [
        FAILED
        if _is_failed_only(name, wanted)
        else f"x.{FILTERS[name][0]} = ANY(CAST(:{name} AS {FILTERS[name][1]}[]))"
        for name, wanted in filters.items()
        if wanted
    ]


def list_columns(session: Session, scope: Scope, edges: Sequence[datetime]) -> list[Figures]:
    """One :class:`Figures` per column ``[edges[i], edges[i + 1])``; a column without executions has zeros.

    The scope decides what counts, so a last column that reaches past ``until`` ends there. Costs one statement.
    """
    sql, parameters = facts(scope, cuts=edges)
    parameters["edges"] = list(edges)
    columns = [Figures() for _ in range(len(edges) - 1)]
    for row in session.execute(text(f"WITH {sql} {BY_COLUMN}"), parameters):
        if 1 <= row.place <= len(columns):
            columns[row.place - 1].add(row)
    return columns


BY_COLUMN = """, placed AS (
        SELECT width_bucket(at, CAST(:edges AS timestamptz[])) AS place, f.* FROM facts f
    ), binned AS (
        SELECT place, status, bin, sum(n) AS n
        FROM (SELECT p.place, p.status, p.duration_histogram[1] + h.position - 1 AS bin, h.n
              FROM placed p, unnest(p.duration_histogram[2:]) WITH ORDINALITY AS h (n, position)
              WHERE p.duration_histogram IS NOT NULL AND h.n > 0) b
        GROUP BY place, status, bin
    ), histograms AS (
        SELECT place, status, array_agg(CAST(bin AS integer)) AS bins, array_agg(CAST(n AS integer)) AS counts
        FROM binned GROUP BY place, status
    )
    SELECT s.*, h.bins, h.counts FROM (
        SELECT place, status, sum(executions) AS executions, sum(cost_usd) AS cost_usd,
               CAST(sum(input_tokens) AS bigint) AS input_tokens, CAST(sum(output_tokens) AS bigint) AS output_tokens,
               CAST(sum(cached_input_tokens) AS bigint) AS cached_input_tokens,
               sum(unpriced_call_count) AS unpriced_call_count
        FROM placed GROUP BY place, status
    ) s LEFT JOIN histograms h USING (place, status)"""


def sum_figures(session: Session, scope: Scope) -> Figures:
    """Sums over the whole window. Cost: one statement."""
    return list_columns(session, scope, (scope.since, scope.until))[0]


def count_executions(session: Session, scope: Scope) -> int:
    """How many executions the scope holds. Cost: one statement."""
    sql, parameters = facts(scope)
    return int(session.scalar(text(f"WITH {sql} SELECT coalesce(sum(executions), 0) FROM facts"), parameters) or 0)


def _plus(left: Any, right: Any) -> Any:
    return right if left is None else left if right is None else left + right
