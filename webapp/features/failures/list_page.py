"""What the list of failures shows, put together from filter, rows and figures: lines, marks, addresses, sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from webapp.domain.failure_filter import LABELS, ME, NOBODY, SORTS, VIEWS, FailureFilter
from webapp.domain.paging import Page
from webapp.domain.periods import Period
from webapp.features.failures.decisions import WORDS
from webapp.features.failures.forms import MUTES, PERIODS
from webapp.features.failures.queries_list import PAGE_SIZE, Choices, FailureRow, Trend
from webapp.web import charts, formats
from webapp.web.charts import Sparkline
from webapp.web.listing import Option, options

BASE = "/failures"
KINDS = {"agent": "agent", "tool": "tool", "llm": "model call", "retrieval": "retrieval"}
CSV_COLUMNS = (
    "number", "title", "error_type", "flow", "step_kind", "step", "state", "reviewed", "regressed_at",
    "escalating_since", "muted_until", "muted_until_version", "resolved_at", "resolved_in_version", "owner", "since",
    "until", "failed", "ended", "users", "lost_usd", "first_seen_at", "last_seen_at", "id",
)  # fmt: skip
EMPTY: Mapping[str, tuple[str, str]] = {
    "review": ("Nothing to review", "Every open failure was looked at. New ones, and those that come back, show here."),
    "new": ("Nothing new", "No failure was seen for the first time in this period."),
    "regressed": ("Nothing came back", "A resolved failure that happens again shows here."),
    "escalating": ("Nothing escalates", "A failure that happens far more often than in the weeks before shows here."),
    "mine": ("Nothing is yours", "Failures that are assigned to you show here until they are resolved or muted."),
    "muted": (
        "Nothing is muted",
        "A muted failure waits here until its time is over, its version runs or it escalates.",
    ),
    "resolved": ("Nothing is resolved", "Resolved failures wait here. One that happens again opens by itself."),
    "all": ("Nothing failed yet", "Failed runs are put together by their cause, as soon as their traces arrive."),
}
NO_TREND = Trend()


@dataclass(frozen=True, slots=True)
class Mark:
    """A word about the state of a failure; ``status`` colours it, ``title`` says more."""

    word: str
    status: str = ""
    title: str = ""


def marks(row: FailureRow, now: datetime, zone: ZoneInfo) -> list[Mark]:
    """What a reader must know about the state of a failure, the most urgent first."""
    found = []
    if row.escalating_since is not None and row.state != "resolved":
        found.append(Mark("Escalating", "failed", f"Since {formats.full_time(row.escalating_since, zone)}"))
    if row.regressed_at is not None and row.state == "open":
        found.append(Mark("Regressed", "warn", f"Was resolved; back at {formats.full_time(row.regressed_at, zone)}"))
    elif row.state == "open" and row.first_seen_at > now - timedelta(hours=24):
        found.append(Mark("New", "failed", "First seen in the last 24 hours"))
    if row.state == "muted":
        found.append(Mark(f"Muted {muted_words(row, zone)}"))
    if row.state == "resolved":
        version = f" in {row.resolved_in_version}" if row.resolved_in_version else ""
        found.append(Mark(f"Resolved{version}", "completed"))
    return found


def muted_words(row: FailureRow, zone: ZoneInfo) -> str:
    """What ends a mute."""
    if row.is_muted_until_escalating:
        return "until it escalates"
    if row.muted_until_version:
        return f"until version {row.muted_until_version}"
    return f"until {formats.full_time(row.muted_until, zone)}" if row.muted_until else ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list: the failure, how many executions its flows ended in the period, trends, likely cause."""

    failure: FailureRow
    ended: int
    trend: Trend
    marks: Sequence[Mark]
    suspect: Any = None

    @property
    def where(self) -> str:
        """``invoice-intake › Look up HS code``, as far as it is known."""
        failure = self.failure
        step = failure.step_name or (KINDS.get(failure.step_kind or "", failure.step_kind) or "")
        return " › ".join(part for part in (failure.flow_name, step) if part)

    @property
    def hours(self) -> Sparkline:
        return charts.bars(self.trend.hours)

    @property
    def days(self) -> Sparkline:
        return charts.bars(self.trend.days)

    @property
    def hours_words(self) -> str:
        return f"{formats.plural(sum(self.trend.hours), 'run')} in 24 hours. {charts.trend_words(self.trend.hours)}"

    @property
    def days_words(self) -> str:
        return f"{formats.plural(sum(self.trend.days), 'run')} in 14 days. {charts.trend_words(self.trend.days)}"

    def cells(self, period: Period) -> Iterable[Any]:
        """The row as the export writes it, in the order of CSV_COLUMNS."""
        f = self.failure
        return (
            f"F-{f.number}", f.title, f.error_type, f.flow_name, f.step_kind, f.step_name, f.state, f.is_reviewed,
            f.regressed_at, f.escalating_since, f.muted_until, f.muted_until_version, f.resolved_at,
            f.resolved_in_version, f.owner_name, period.since, period.until, f.failed, self.ended, f.users, f.lost_usd,
            f.first_seen_at, f.last_seen_at, f.id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FailureList:
    """Everything the templates of the list read. ``total`` failures match, ``failed`` executions are theirs."""

    wanted: FailureFilter
    period: Period
    lines: Sequence[Line]
    total: int
    failed: int
    page: int
    choices: Choices
    may_write: bool
    has_suspects: bool = False
    base: str = BASE
    periods: Mapping[str, str] = field(default_factory=lambda: PERIODS)
    mutes: Mapping[str, tuple[str, Any]] = field(default_factory=lambda: MUTES)

    @property
    def query(self) -> str:
        """The filter and page as they stand in the address, for forms that lead back here."""
        return self.wanted.query(page=self.page if self.page > 1 else "")

    @property
    def views(self) -> list[tuple[str, str, int, bool]]:
        """Views as (label, address, how many failures, whether it is the one shown); filters do not follow."""
        return [
            (
                label,
                BASE + FailureFilter(view=name, period=self.wanted.period, sort=self.wanted.sort).query(),
                self.choices.counts.get(name, 0),
                name == self.wanted.view,
            )
            for name, label in VIEWS.items()
        ]

    @property
    def filters(self) -> list[tuple[str, str, list[Option]]]:
        """Filters as (name, label, choices)."""
        wanted, choices = self.wanted, self.choices
        people = {ME: "Mine", NOBODY: "Nobody’s", **dict(choices.people)}
        environments = dict(choices.environments)
        if wanted.environment:
            environments.setdefault(wanted.environment, wanted.environment)
        return [
            ("flow", "Flow", options(dict(choices.flows), wanted.flow, any_label="Any flow")),
            ("environment", "Environment", options(environments, wanted.environment, any_label="Any environment")),
            ("owner", "Owner", options(people, wanted.owner, any_label="Any owner")),
        ]

    @property
    def sorts(self) -> list[Option]:
        return options(SORTS, self.wanted.sort)

    @property
    def labels(self) -> Mapping[str, str]:
        return LABELS

    @property
    def empty(self) -> tuple[str, str]:
        """Title and sentence of a view in which nothing is."""
        return EMPTY[self.wanted.view]

    @property
    def export(self) -> str:
        return f"{BASE}/export.csv{self.wanted.query()}"

    @property
    def clear_url(self) -> str:
        """The view without filters."""
        wanted = self.wanted
        return BASE + FailureFilter(view=wanted.view, period=wanted.period, sort=wanted.sort).query()

    def without_url(self, name: str) -> str:
        return BASE + self.wanted.without(name).query()

    def period_url(self, name: str) -> str:
        return BASE + replace(self.wanted, period=name).query()

    def sort_url(self, name: str) -> str:
        return BASE + replace(self.wanted, sort=name).query()

    def failure_url(self, line: Line) -> str:
        asked = f"?period={self.wanted.period}" if self.wanted.period != "24h" else ""
        return f"{BASE}/{line.failure.id}{asked}"

    @property
    def first(self) -> int:
        """Number of the first row shown, from 1."""
        return (self.page - 1) * PAGE_SIZE + 1

    @property
    def pages(self) -> Page[Line]:
        """The pages beside this one, by their numbers."""
        has_more = self.page * PAGE_SIZE < self.total
        return Page(self.lines, str(self.page + 1) if has_more else None, str(self.page - 1) if self.page > 1 else None)

    def page_url(self, number: str) -> str:
        return BASE + self.wanted.query(page="" if number == "1" else number)

    @property
    def sentence(self) -> str:
        """``7 failures cover 158 failed runs in the last 24 hours``."""
        said = formats.plural(self.total, "failure")
        verb = "covers" if self.total == 1 else "cover"
        return f"{said} {verb} {formats.plural(self.failed, 'failed run')} in the {self.period.words.lower()}"


@dataclass(frozen=True, slots=True)
class Done:
    """The note about what the reader just did; ``first`` and ``last`` name the events to take back, 0 for nothing."""

    sentence: str
    first: int = 0
    last: int = 0


def done_sentence(event_type: str, count: int) -> str:
    return f"{formats.plural(count, 'failure')} {WORDS.get(event_type, 'changed')}."


def undone_sentence(count: int) -> str:
    if not count:
        return "Nothing was put back: what you decided was changed again since."
    return f"{formats.plural(count, 'failure')} put back as {'it was' if count == 1 else 'they were'}."


def lines(
    rows: Sequence[FailureRow],
    figures: Mapping[UUID, Any],
    trends: Mapping[UUID, Trend],
    suspects: Mapping[UUID, Any],
    *,
    now: datetime,
    zone: ZoneInfo,
) -> list[Line]:
    """Rows with what else is known of them."""
    return [
        Line(
            failure=row,
            ended=max(sum(figures[flow].ended for flow in row.flows if flow in figures), row.failed),
            trend=trends.get(row.id, NO_TREND),
            marks=marks(row, now, zone),
            suspect=suspects.get(row.id),
        )
        for row in rows
    ]
