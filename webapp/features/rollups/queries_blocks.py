"""Sums per block of any windows, always exact: kept sums of clean days and hours, the steps themselves of all others.

Days are those of UTC. An hour is read from steps when a row of ``block_rollup_dirty`` or ``rollup_dirty`` says that
something arrived since, or when a window begins or ends inside it. All are one statement and so one snapshot.
"""

# SQL is put together from constants of this module; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from webapp.domain.durations import LIMITS, percentile
from webapp.domain.periods import EPOCH

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Sums:
    """What ran, added up. ``cost_usd`` is the own cost, ``inner_cost_usd`` that of the steps inside as well; None when
    no call has a price. ``bins`` count durations of what ended (``domain/durations.py``)."""

    executions: int = 0
    completed: int = 0
    failed: int = 0
    cost_usd: Decimal | None = None
    inner_cost_usd: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    bins: Mapping[int, int] = field(default_factory=dict)
    last_failed_at: datetime | None = None
    last_failed_execution_id: UUID | None = None

    @property
    def ended(self) -> int:
        """Completed or failed; a cancelled or open one says nothing about success."""
        return self.completed + self.failed

    @property
    def failure_rate(self) -> float | None:
        """Share of 1, None while nothing ended."""
        return self.failed / self.ended if self.ended else None

    @property
    def success_rate(self) -> float | None:
        """Share of 1, None while nothing ended."""
        return self.completed / self.ended if self.ended else None

    @property
    def p50_ms(self) -> float | None:
        return percentile(self.bins, 0.5)

    @property
    def p95_ms(self) -> float | None:
        return percentile(self.bins, 0.95)


def add_up(parts: Iterable[Sums]) -> Sums:
    """The sums of several blocks or hours as one."""
    parts = list(parts)
    bins: dict[int, int] = {}
    for part in parts:
        for place, count in part.bins.items():
            bins[place] = bins.get(place, 0) + count
    failures = [part for part in parts if part.last_failed_at is not None]
    newest = max(failures, key=lambda part: part.last_failed_at or EPOCH, default=Sums())
    return Sums(
        executions=sum(part.executions for part in parts),
        completed=sum(part.completed for part in parts),
        failed=sum(part.failed for part in parts),
        cost_usd=_total(part.cost_usd for part in parts),
        inner_cost_usd=_total(part.inner_cost_usd for part in parts),
        input_tokens=_total(part.input_tokens for part in parts),
        output_tokens=_total(part.output_tokens for part in parts),
        bins=bins,
        last_failed_at=newest.last_failed_at,
        last_failed_execution_id=newest.last_failed_execution_id,
    )


def _total(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


COLUMNS = (
    "agentflow_id, block_id, service_version, executions, completed, failed, cost_usd, inner_cost_usd, input_tokens,"
    " output_tokens, duration_histogram, last_failed_at, last_failed_execution_id"
)
WINDOWS = """
    windows AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:sinces AS timestamptz[]), CAST(:untils AS timestamptz[]),
                             CAST(:first_hours AS timestamptz[]), CAST(:last_hours AS timestamptz[]),
                             CAST(:first_days AS timestamptz[]), CAST(:last_days AS timestamptz[]))
            WITH ORDINALITY AS w (since, until, first_hour, last_hour, first_day, last_day, place)
    ), stale AS MATERIALIZED (
        SELECT d.bucket FROM block_rollup_dirty d
        WHERE d.organization_id = :organization_id AND d.bucket >= :first_hour AND d.bucket < :last_until
        UNION
        SELECT date_bin('1 hour', d.bucket, 'epoch') FROM rollup_dirty d
        WHERE d.organization_id = :organization_id AND d.bucket >= :first_hour AND d.bucket < :last_until
        UNION
        SELECT unnest(CAST(:cut_hours AS timestamptz[]))
    ), slices AS MATERIALIZED (
        SELECT array_agg(since) AS starts, array_agg(until) AS ends FROM (
            SELECT min(greatest(bucket, since)) AS since, max(least(bucket + interval '1 hour', until)) AS until FROM (
                SELECT w.place, w.since, w.until, s.bucket,
                       s.bucket - row_number() OVER (PARTITION BY w.place ORDER BY s.bucket) * interval '1 hour' AS run
                FROM windows w JOIN stale s ON s.bucket < w.until AND s.bucket + interval '1 hour' > w.since
            ) hours GROUP BY place, run
        ) runs
    )"""
"""Which hours are read from steps; ``slices`` holds each run of them as one stretch, cut where a window is."""


def facts(*, conditions: Sequence[str] = ()) -> str:
    """SQL ``windows AS (...), stale, slices, facts`` to follow WITH; parameters come from :func:`parameters`.

    ``facts`` has ``place`` (the number of the window, from 1) and the columns of ``block_rollups``. ``conditions`` are
    SQL over ``x.``, a row of the sums, such as ``x.agentflow_id = ANY(CAST(:flows AS uuid[]))``; the parameter
    ``flows`` also says whose steps are read: NULL = of all flows.
    """
    wanted = ", ".join(f"x.{column.strip()}" for column in COLUMNS.split(","))
    filters = "".join(f" AND {condition}" for condition in conditions)
    return f"""{WINDOWS}, stale_days AS MATERIALIZED (
        SELECT DISTINCT date_bin('1 day', bucket, 'epoch') AS bucket FROM stale
    ), spans AS MATERIALIZED (
        SELECT w.place, w.first_hour AS since, least(w.first_day, w.last_hour) AS until FROM windows w
        UNION ALL
        SELECT w.place, greatest(w.first_day, w.last_day), w.last_hour FROM windows w
        UNION ALL
        SELECT w.place, d.bucket, d.bucket + interval '24 hours'
        FROM windows w JOIN stale_days d ON d.bucket >= w.first_day AND d.bucket < w.last_day
    ), fresh AS MATERIALIZED (
        SELECT f.* FROM slices s
        CROSS JOIN LATERAL block_facts(:organization_id, CAST(:flows AS uuid[]), s.starts, s.ends,
                                       CAST(:limits AS bigint[])) f
    ), facts AS (
        SELECT w.place, {wanted}
        FROM windows w
        JOIN block_days x ON x.bucket >= w.first_day AND x.bucket < w.last_day
        WHERE x.organization_id = :organization_id
          AND NOT EXISTS (SELECT FROM stale_days d WHERE d.bucket = x.bucket){filters}
        UNION ALL
        SELECT s.place, {wanted}
        FROM spans s
        JOIN block_rollups x ON x.bucket >= s.since AND x.bucket < s.until
        WHERE x.organization_id = :organization_id
          AND NOT EXISTS (SELECT FROM stale WHERE stale.bucket = x.bucket){filters}
        UNION ALL
        SELECT w.place, {wanted}
        FROM fresh x JOIN windows w ON x.at >= w.since AND x.at < w.until
        WHERE true{filters}
    )"""


def parameters(organization_id: UUID, windows: Sequence[Window], flows: Sequence[UUID] | None = None) -> dict[str, Any]:
    """Parameters of :func:`facts`. Windows must not overlap."""
    edges = [edge for window in windows for edge in window]
    cut = {hour for edge in edges if (hour := hour_floor(edge)) != edge}
    return {
        "organization_id": organization_id,
        "sinces": [since for since, _ in windows],
        "untils": [until for _, until in windows],
        "first_hours": [hour_ceiling(since) for since, _ in windows],
        "last_hours": [hour_floor(until) for _, until in windows],
        "first_days": [day_ceiling(since) for since, _ in windows],
        "last_days": [day_floor(until) for _, until in windows],
        "first_hour": hour_floor(min(edges)),
        "last_until": max(edges),
        "cut_hours": sorted(cut),
        "flows": None if flows is None else list(flows),
        "limits": list(LIMITS),
    }


def hour_floor(at: datetime) -> datetime:
    """The hour (UTC) in which the instant lies."""
    return EPOCH + (at.astimezone(UTC) - EPOCH) // HOUR * HOUR


def hour_ceiling(at: datetime) -> datetime:
    """The first hour at or after the instant."""
    floor = hour_floor(at)
    return floor if floor == at else floor + HOUR


def day_floor(at: datetime) -> datetime:
    """The day (UTC) in which the instant lies."""
    return EPOCH + (at.astimezone(UTC) - EPOCH) // DAY * DAY


def day_ceiling(at: datetime) -> datetime:
    """The first day (UTC) at or after the instant."""
    floor = day_floor(at)
    return floor if floor == at else floor + DAY


BINS = """duration_histogram[1] - 2 + generate_subscripts(duration_histogram, 1) AS bin,
               generate_subscripts(duration_histogram, 1) AS place, unnest(duration_histogram) AS n"""
"""Columns of a SELECT that give a row per count of a histogram, with its bin; those of place 1 are no counts. Sets cost
less among the columns than in FROM."""


def grouped(keys: str) -> str:
    """SQL to follow :func:`facts`: one row of sums per window and ``keys`` (columns of facts), with bins and counts."""
    return f""", sums AS (
        SELECT place, {keys}, CAST(sum(executions) AS bigint) AS executions,
               CAST(sum(completed) AS bigint) AS completed, CAST(sum(failed) AS bigint) AS failed,
               sum(cost_usd) AS cost_usd, sum(inner_cost_usd) AS inner_cost_usd,
               CAST(sum(input_tokens) AS bigint) AS input_tokens, CAST(sum(output_tokens) AS bigint) AS output_tokens,
               max(last_failed_at) AS last_failed_at,
               (array_agg(last_failed_execution_id ORDER BY last_failed_at DESC, last_failed_execution_id DESC)
                   FILTER (WHERE last_failed_at IS NOT NULL))[1] AS last_failed_execution_id
        FROM facts GROUP BY place, {keys}
    ), histograms AS (
        SELECT place, {keys}, array_agg(CAST(bin AS integer)) AS bins, array_agg(CAST(n AS integer)) AS counts
        FROM (SELECT window_place AS place, {keys}, bin, sum(n) AS n
              FROM (SELECT place AS window_place, {keys}, {BINS} FROM facts WHERE duration_histogram IS NOT NULL) c
              WHERE place > 1 AND n > 0 GROUP BY 1, {keys}, bin) b
        GROUP BY place, {keys}
    ), figures AS (
        SELECT * FROM sums LEFT JOIN histograms USING (place, {keys})
    )"""


def sums_of(row: Any) -> Sums:
    """A row of ``figures``."""
    return Sums(
        executions=row.executions,
        completed=row.completed,
        failed=row.failed,
        cost_usd=row.cost_usd,
        inner_cost_usd=row.inner_cost_usd,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        bins=dict(zip(row.bins or (), row.counts or (), strict=True)),
        last_failed_at=row.last_failed_at,
        last_failed_execution_id=row.last_failed_execution_id,
    )
