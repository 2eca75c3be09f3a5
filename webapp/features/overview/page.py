"""Words and shapes of the overview: the sentence, the tiles, the chart and the rows, from figures that queries gave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from webapp.domain.failure_filter import failures_url
from webapp.domain.periods import Period
from webapp.domain.trouble import Trend, coincidence, span_words, times_in
from webapp.features.overview.queries import Cause, Summary
from webapp.web import charts, formats
from webapp.web.charts import Column, Series, Sparkline, StackedChart

Link = Callable[..., str]
"""``link(status="failed", since=..., until=...)``: the executions list with that filter."""

FAILED = Series("Failed", status="failed")
COMPLETED = Series("Completed", colour=0)
OTHER = Series("Cancelled or open", colour=7)
BEFORE = {"24h": "the day before", "7d": "the 7 days before", "30d": "the 30 days before"}
MOST_ROWS = 10
MOST_BARS = 24


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with what it was before. ``delta`` is said in bold; ``status`` colours a change for the worse."""

    label: str
    value: str
    unit: str
    delta: str
    than: str
    href: str
    spark: Sparkline
    status: str = ""
    note: str = ""
    badge: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """The one sentence on top. ``flow_name`` stands apart from ``claim``, so that its language can be marked."""

    flow_name: str
    claim: str
    details: Sequence[str]
    href: str


@dataclass(frozen=True, slots=True)
class CauseRow:
    """One line of "What fails"."""

    cause: Cause
    href: str
    spark: Sparkline
    spark_words: str
    trend: Trend
    change: str


def tiles(summary: Summary, period: Period, link: Link) -> list[Tile]:
    """Executions, success, duration and cost, each against the stretch before and each linked to its executions."""
    scope = {"since": period.since, "until": period.until}
    return [
        _executions_tile(summary, period, link(**scope)),
        _success_tile(summary, period, link(**scope, status="failed")),
        _duration_tile(summary, period, link(**scope)),
        _cost_tile(summary, period, link(**scope)),
    ]


def _executions_tile(summary: Summary, period: Period, href: str) -> Tile:
    now, before = summary.total.executions, summary.before.executions
    delta, than = _relative(now, before, "more", "fewer", period)
    spark = charts.line([c.executions for c in summary.columns], is_from_zero=True)
    rest = now - summary.total.ended
    note = f"{rest:,} cancelled or open" if rest else ""
    return Tile("Executions", formats.count(now), "", delta, than, href, spark, note=note)


def _success_tile(summary: Summary, period: Period, href: str) -> Tile:
    now, before = summary.total.success_rate, summary.before.success_rate
    written = formats.percent(now)
    delta, than, status = "", "", ""
    if now is not None and before is not None:
        points = round((now - before) * 100, 1)
        if points:
            delta = f"{abs(points)} points {'higher' if points > 0 else 'lower'}"
            than = f"than {BEFORE[period.name]}"
            status = "failed" if points <= -0.5 else ""
        else:
            delta, than = "The same", f"as {BEFORE[period.name]}"
    spark = charts.line([c.success_rate for c in summary.columns])
    value, unit = (written[:-1], "%") if written.endswith("%") else (written, "")
    note = f"{formats.plural(summary.total.failed, 'run')} failed"
    return Tile("Success rate", value, unit, delta, than, href, spark, status=status, note=note)


def _duration_tile(summary: Summary, period: Period, href: str) -> Tile:
    now, before = summary.total.duration_ms(0.95), summary.before.duration_ms(0.95)
    delta, than = ("", "")
    if now is not None and before:
        delta, than = _relative(now, before, "slower", "faster", period)
    value, _, unit = formats.duration(now).rpartition(" ")
    if not value or " " in value:
        value, unit = formats.duration(now), ""
    spark = charts.line([c.duration_ms(0.95) for c in summary.columns])
    note = f"of {formats.plural(summary.total.duration_count, 'run')}"
    title = "Read from sums per quarter hour; exact to a few percent"
    return Tile("Duration, p95", value, f" {unit}" if unit else "", delta, than, href, spark, note=note, title=title)


def _cost_tile(summary: Summary, period: Period, href: str) -> Tile:
    now, before = summary.total.cost_usd, summary.before.cost_usd
    delta, than = "", ""
    if now is not None and before is not None:
        difference = now - before
        if abs(difference) >= Decimal("0.005"):
            delta = f"{formats.usd(abs(difference))} {'more' if difference > 0 else 'less'}"
            than = f"than {BEFORE[period.name]}"
        else:
            delta, than = "The same", f"as {BEFORE[period.name]}"
    lost = summary.total.failed_cost_usd
    calls = summary.total.unpriced_call_count
    return Tile(
        label="Cost",
        value=formats.usd(now),
        unit="",
        delta=delta,
        than=than,
        href=href,
        spark=charts.line([c.cost_usd or 0 for c in summary.columns], is_from_zero=True),
        note=f"{formats.usd(lost)} on failed runs" if lost else "",
        badge=f"{formats.plural(calls, 'call')} unpriced" if calls else "",
        title=f"${now}" if now is not None else "No call of these runs has a known price",
    )


def _relative(now: float, before: float, more: str, less: str, period: Period) -> tuple[str, str]:
    if not before:
        return ("None", BEFORE[period.name]) if now else ("", "")
    change = round((now - before) / before * 100)
    if not change:
        return "The same", f"as {BEFORE[period.name]}"
    return f"{abs(change):,}% {more if change > 0 else less}", f"than {BEFORE[period.name]}"


def chart(summary: Summary, period: Period, link: Link, now: datetime) -> tuple[StackedChart, str]:
    """The columns of the period and the finding that they show."""
    has_other = summary.total.executions > summary.total.ended
    series = (FAILED, COMPLETED, OTHER) if has_other else (FAILED, COMPLETED)
    columns = []
    for i, figures in enumerate(summary.columns):
        start = period.edges[i].astimezone(period.zone)
        values = (figures.failed, figures.completed, figures.executions - figures.ended)[: len(series)]
        is_last = i == len(summary.columns) - 1
        columns.append(
            Column(
                label=_column_label(start, period, now),
                values=values,
                tick=_tick(start, period, is_last=is_last),
                href=link(since=period.edges[i], until=period.column_end(i)),
            )
        )
    return charts.stacked(series, columns), _finding(summary, period, columns)


def _column_label(start: datetime, period: Period, now: datetime) -> str:
    day = formats.day(start, now=now.astimezone(period.zone))
    return f"{day} {start:%H:%M}" if period.is_hourly else day


def _tick(start: datetime, period: Period, *, is_last: bool) -> str:
    if period.is_hourly:
        return f"{start:%H:%M}"
    return "Today" if is_last else f"{start.day} {formats.MONTHS[start.month - 1]}"


def _finding(summary: Summary, period: Period, columns: Sequence[Column]) -> str:
    unit = "hour" if period.is_hourly else "day"
    total = summary.total
    said = f"Executions by {unit}, {columns[0].label} to {columns[-1].label}."
    said += f" {total.failed:,} of {total.executions:,} failed"
    worst = max(range(len(columns)), key=lambda i: summary.columns[i].failed)
    if summary.columns[worst].failed:
        said += f", most of them in {columns[worst].label} ({summary.columns[worst].failed:,})"
    return f"{said}."


def notice(causes: Sequence[Cause], period: Period, link: Link, now: datetime) -> Notice | None:
    """The worst thing of the period in one sentence; None when nothing is wrong."""
    if not causes or not causes[0].counts.severity:
        return None
    cause = causes[0]
    failed, ended, since = cause.counts.failed, cause.counts.ended, period.since
    if cause.onset:
        failed, ended, since = cause.onset.failed, cause.onset.ended, period.slots[cause.onset.slot]
    claim = f"fails {times_in(failed / ended)}"
    if cause.began_at:
        claim += f" since {since_words(cause.began_at, period, now)}"
    scope = f"in the {period.words.lower()}"
    if cause.began_at:
        # Runs are counted per quarter hour or longer, so the count may begin a little before the first failure.
        began, counted = since_words(cause.began_at, period, now), since_words(since, period, now)
        scope = "since then" if began == counted else f"from {counted} on"
    details = [f"{failed:,} of {formats.plural(ended, 'run')} {scope} {_with(cause.error_type)}."]
    if cause.began_at:
        details.append(change_words(cause, is_sentence=True))
    details.append(_damage(cause, period))
    href = review_href(cause, period) or link(
        flow=cause.flow_id, status="failed", error_type=cause.error_type, since=since, until=period.until
    )
    return Notice(cause.flow_name, claim, [d for d in details if d], href)


def review_href(cause: Cause, period: Period) -> str:
    """The failures that a cause is, "" while none is known."""
    return failures_url(cause.failure_ids, flow=cause.flow_id, error_type=cause.error_type, period=period.name)


def _with(error_type: str) -> str:
    return f"failed with {error_type}" if error_type else "failed"


def _damage(cause: Cause, period: Period) -> str:
    """Who was hit and what it cost, in the period and not since the onset."""
    parts = []
    if cause.user_count:
        low = "at least " if cause.is_user_count_low else ""
        parts.append(f"{low}{formats.plural(cause.user_count, 'user')} hit")
    if cause.lost_usd:
        parts.append(f"{formats.usd(cause.lost_usd)} spent on failed runs")
    said = " and ".join(parts)
    return f"{said[:1].upper()}{said[1:]} in the {period.words.lower()}." if said else ""


def since_words(at: datetime, period: Period, now: datetime) -> str:
    """``14:02`` today, else ``Fri 20 Nov 14:02``, in the organization's zone."""
    local, here = at.astimezone(period.zone), now.astimezone(period.zone)
    clock = f"{local:%H:%M}"
    return clock if local.date() == here.date() else f"{formats.day(at, now=here)} {clock}"


def change_words(cause: Cause, *, is_sentence: bool) -> str:
    """What changed just before the failures began, said as a coincidence; nothing when their beginning is not known."""
    if cause.began_at is None:
        return ""
    near = coincidence(cause.sightings, cause.began_at)
    if near is None:
        return "No new version or model was first seen in the day before." if is_sentence else ""
    what = f"version {near.name}" if near.kind == "service_version" else f"model {near.name}"
    gap = cause.began_at - near.first_seen_at
    if gap.total_seconds() < 60:
        return f"It began when {what} was first seen." if is_sentence else f"when {what} was first seen"
    after = f"{span_words(gap)} after {what} was first seen"
    return f"It began {after}." if is_sentence else after


def cause_rows(causes: Sequence[Cause], period: Period, link: Link) -> list[CauseRow]:
    """The first ten causes with their links and shapes."""
    rows = []
    for cause in causes[:MOST_ROWS]:
        bars = _bars(cause.slots, period)
        rows.append(
            CauseRow(
                cause=cause,
                href=review_href(cause, period)
                or link(
                    flow=cause.flow_id,
                    status="failed",
                    error_type=cause.error_type,
                    since=period.since,
                    until=period.until,
                ),
                spark=charts.bars(bars),
                spark_words=charts.trend_words(bars),
                trend=cause.counts.trend,
                change=change_words(cause, is_sentence=False),
            )
        )
    return rows


def _bars(slots: Sequence[int], period: Period) -> list[int]:
    """Failures of the period alone, in about 24 bars."""
    present = [count for count, start in zip(slots, period.slots, strict=False) if start >= period.since]
    size = -(-len(present) // MOST_BARS)
    return [sum(present[i : i + size]) for i in range(0, len(present), size)]
