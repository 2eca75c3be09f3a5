"""What the executions page shows, put together from the filter: chips, columns, views, chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from webapp.domain.execution_filter import LABELS, PRESETS, ExecutionFilter, describe, describe_time
from webapp.domain.paging import Cursor, Page
from webapp.features.executions.forms import DEFAULT_COLUMNS
from webapp.features.executions.queries_chart import MOST_COUNTED, Summary
from webapp.features.executions.queries_list import MOST_NEW, ExecutionRow, WithoutField
from webapp.features.executions.queries_views import Arrangement, View
from webapp.web import formats
from webapp.web.charts import Column, Series, StackedChart, stacked

BASE = "/executions"
BUILT_IN = (
    ("All", ()),
    ("Failed", (("status", "failed"),)),
    ("Slow", (("duration_min", "30"),)),
    ("Costly", (("cost_min", "0.1"),)),
    ("Running", (("status", "running"), ("status", "pending"))),
)
"""Views that need no saving: their name and what they ask for."""
COLUMN_LABELS = {
    "id": "ID", "trigger": "Trigger", "started": "Started", "duration": "Duration", "calls": "Model calls",
    "tokens": "Tokens", "cost": "Cost", "environment": "Environment", "session": "Session", "user": "User",
    "models": "Models",
}  # fmt: skip
TRIGGER_WORDS = {
    "api": "API", "event": "Event", "schedule": "Schedule", "webhook": "Webhook", "manual": "Manual", "otel": "Trace",
}  # fmt: skip
IN_BAR = ("status", "flow", "model")
"""Filters that always have a chip; others get one when they are set, and wait under "More" until then."""
ELSEWHERE = ("q", "time")
TIME_NAMES = ("time", "since", "until")


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter of the bar: ``text`` is "" when it is open, ``remove`` the address without it."""

    name: str
    label: str
    text: str
    remove: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """Everything the templates of the list read."""

    wanted: ExecutionFilter
    page: Page[ExecutionRow]
    arrangement: Arrangement
    chips: list[Chip]
    more: list[Chip]
    time_text: str
    is_first: bool
    can_share: bool
    reasons: tuple[bool, list[WithoutField]] | None
    now: datetime
    zone: ZoneInfo
    base: str = BASE

    @property
    def column_labels(self) -> dict[str, str]:
        return COLUMN_LABELS

    @property
    def here(self) -> str:
        return BASE + self.wanted.query()

    def address(self, cursor: str = "", **more: str) -> str:
        """The list with this filter, at a cursor or with another parameter."""
        return BASE + self.wanted.query(cursor=cursor, **more)

    def export(self, kind: str) -> str:
        return f"{BASE}/export.{kind}{self.wanted.query()}"

    @property
    def columns(self) -> frozenset[str]:
        chosen = self.arrangement.columns
        return frozenset(DEFAULT_COLUMNS if chosen is None else chosen)

    @property
    def poll(self) -> str:
        """Where to ask for newer rows: only on the first page of a list that is open towards now."""
        if not self.is_first or (self.wanted.until is not None and self.wanted.until <= self.now):
            return ""
        first = self.page.rows[0] if self.page.rows else None
        return self.address(newer=Cursor(first.started_at, first.id).encode() if first else first_cursor(self.now))

    @property
    def view_links(self) -> list[tuple[str, str, bool]]:
        """Built-in views as (name, address, whether it is the one shown); they keep the time that is shown."""
        mine = sorted(pair for pair in self.wanted.args() if pair[0] not in TIME_NAMES)
        frame = ExecutionFilter(preset=self.wanted.preset, since=self.wanted.since, until=self.wanted.until)
        return [(name, BASE + _with(frame, asked), mine == sorted(asked)) for name, asked in BUILT_IN]

    @property
    def time_links(self) -> list[tuple[str, str, str, bool]]:
        """Preset times as (name, address, words, whether it is the one shown)."""
        return [
            (
                name,
                BASE + replace(self.wanted, preset=name, since=None, until=None).query(),
                words,
                name == self.wanted.preset,
            )
            for name, (words, _) in PRESETS.items()
        ]

    def view_url(self, view: View) -> str:
        return f"{BASE}?{view.query}" if view.query else BASE

    def facet_url(self, name: str) -> str:
        """Where the choices of a filter come from; what is chosen in the form is sent along by the form."""
        return BASE + self.wanted.without(name).query(facet=name)

    def without_url(self, name: str) -> str:
        return BASE + self.wanted.without(name).query()

    def label(self, name: str) -> str:
        return LABELS[name]

    def text(self, name: str) -> str:
        """A set filter in words."""
        if name == "time":
            return self.time_text
        return self.wanted.q if name == "q" else next(chip.text for chip in self.chips if chip.name == name)

    def bound(self, name: str, end: str) -> str:
        """A bound of cost (US dollars) or duration (seconds) for its field."""
        pair = f"{name}_{end}"
        return dict(self.wanted.args()).get(pair, "")

    def local(self, at: datetime | None) -> str:
        """An instant for a field of kind datetime-local."""
        return at.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M") if at else ""

    def elapsed(self, row: ExecutionRow) -> int | None:
        """Duration in milliseconds; of what still runs, until now."""
        if row.status == "running":
            return max(int((self.now - row.started_at).total_seconds() * 1000), 0)
        return row.execution_time_ms

    def trigger_word(self, trigger: str | None) -> str:
        return TRIGGER_WORDS.get(trigger or "", trigger or formats.NOTHING)


def _with(frame: ExecutionFilter, asked: tuple[tuple[str, str], ...]) -> str:
    query = frame.query()
    extra = "&".join(f"{name}={value}" for name, value in asked)
    return query + ("&" if query else "?") + extra if extra else query


def first_cursor(now: datetime) -> str:
    """A place before everything that starts from now on, for a list that shows nothing yet."""
    return Cursor(now, UUID(int=0)).encode()


def chips_of(wanted: ExecutionFilter, flow_names: Mapping[UUID, str], zone: ZoneInfo) -> tuple[list[Chip], list[Chip]]:
    """The chips of the bar, and those under "More"."""
    active = set(wanted.active)
    chips = [
        Chip(
            name,
            label,
            describe(wanted, name, flow_names, zone) if name in active else "",
            BASE + wanted.without(name).query() if name in active else "",
        )
        for name, label in LABELS.items()
        if name not in ELSEWHERE
    ]
    return [c for c in chips if c.text or c.name in IN_BAR], [c for c in chips if not c.text and c.name not in IN_BAR]


def time_text(wanted: ExecutionFilter, zone: ZoneInfo) -> str:
    return describe_time(wanted, zone)


def count_sentence(summary: Summary) -> str:
    """``468 runs match, 75 failed``; with a plus where counting stopped."""
    if summary.is_capped:
        return f"{MOST_COUNTED:,}+ runs match, {summary.failed:,} failed among the newest {summary.total:,}"
    verb = "matches" if summary.total == 1 else "match"
    return f"{formats.plural(summary.total, 'run')} {verb}, {summary.failed:,} failed"


def newer_sentence(count: int) -> str:
    return f"{count if count < MOST_NEW else f'{MOST_NEW}+'} new run{'' if count == 1 else 's'}"


def chart_of(summary: Summary, wanted: ExecutionFilter, zone: ZoneInfo) -> StackedChart:
    """The strip above the rows: failed at the bottom, a click on a bar narrows the time to it."""
    layers = [(Series("Failed", status="failed"), ("failed",)), (Series("Completed", colour=0), ("completed",))]
    seen = {status for (_, status), count in summary.counts.items() if count}
    if seen & {"running", "pending"}:
        layers.append((Series("Running", status="running"), ("running", "pending")))
    if "cancelled" in seen:
        layers.append((Series("Cancelled", status="cancelled"), ("cancelled",)))
    edges = summary.buckets.edges
    days = (edges[-1] - edges[0]).total_seconds() > 86_400
    columns = [
        Column(
            label=_label(start.astimezone(zone), summary.buckets.is_by_day, days),
            tick=_tick(start.astimezone(zone), summary.buckets.is_by_day, days),
            values=[summary.of(place, *statuses) for _, statuses in layers],
            href=BASE + wanted.between(start, end).query(),
        )
        for place, (start, end) in enumerate(zip(edges, edges[1:], strict=False))
    ]
    return stacked([series for series, _ in layers], columns)


def _label(at: datetime, is_by_day: bool, has_days: bool) -> str:
    day = f"{formats.DAYS[at.weekday()]} {at.day} {formats.MONTHS[at.month - 1]}"
    return day if is_by_day else f"{day} {at:%H:%M}" if has_days else f"{at:%H:%M}"


def _tick(at: datetime, is_by_day: bool, has_days: bool) -> str:
    if is_by_day or (has_days and not at.hour):
        return f"{at.day} {formats.MONTHS[at.month - 1]}"
    return f"{formats.DAYS[at.weekday()]} {at:%H:%M}" if has_days else f"{at:%H:%M}"
