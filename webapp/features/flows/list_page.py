"""What the flow list shows, put together from filter, flows and figures: rows, chips, views, sentences, orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from webapp.domain.flow_filter import LABELS, NO_PATTERN, SORTS, SOURCES, STATUSES, FlowFilter, describe
from webapp.domain.flow_state import FlowState, flow_state
from webapp.domain.orchestration_patterns import PATTERNS
from webapp.domain.paging import Page
from webapp.domain.periods import Period
from webapp.features.flows.forms import PERIODS
from webapp.features.flows.queries_figures import NO_FIGURES, FlowDetails, FlowFigures
from webapp.features.flows.queries_list import FlowFacts, FoundFlow, NamedFlow
from webapp.web import charts, formats
from webapp.web.charts import Sparkline

BASE = "/flows"
PAGE_SIZE = 50
IN_BAR = ("status", "tag", "team", "pattern")
BUILT_IN: tuple[tuple[str, FlowFilter], ...] = (
    ("All", FlowFilter()),
    ("Worst first", FlowFilter(sort="worst")),
    ("Failing", FlowFilter(status=("failing",), sort="worst")),
    ("Bookmarked", FlowFilter(bookmarked=True)),
    ("Mine", FlowFilter(mine=True)),
    ("Templates", FlowFilter(status=("template",))),
    ("Deleted", FlowFilter(status=("deleted",))),
)
"""Views that need no saving: their name and what they ask for."""
CHOICES: Mapping[str, Sequence[tuple[str, str]]] = {
    "status": tuple(STATUSES.items()),
    "pattern": (*((name, name) for name in PATTERNS), (NO_PATTERN, "No pattern")),
    "source": tuple(SOURCES.items()),
}
ACTIONS = (
    ("tag", "Add tags"),
    ("untag", "Remove tags"),
    ("team", "Set team"),
    ("pause", "Pause"),
    ("resume", "Resume"),
    ("delete", "Delete"),
    ("restore", "Restore"),
)
NO_DETAILS = FlowDetails()
CSV_COLUMNS = (
    "id", "name", "state", "description", "service_name", "source", "tags", "team", "pattern", "version", "blocks",
    "problems", "is_public", "last_execution_at", "since", "until", "executions", "completed", "failed", "success_rate",
    "p95_ms", "cost_usd",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trend:
    """A shape, and what it shows in words."""

    spark: Sparkline
    words: str


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One line of the list: the flow, what it did in the period, and what people said of it."""

    flow: FoundFlow
    figures: FlowFigures
    facts: FlowFacts
    details: FlowDetails
    state: FlowState

    @property
    def ran_after_deletion(self) -> bool:
        """Traces of a flow that was found in them keep coming; it stays deleted."""
        deleted_at, last = self.facts.deleted_at, self.flow.last_execution_at
        return deleted_at is not None and last is not None and last > deleted_at

    @property
    def trend(self) -> Trend:
        """Failures of a flow that fails, else executions; oldest first."""
        if self.state.status == "failed":
            values = [point.failed for point in self.details.trend]
            return Trend(charts.line(values, is_from_zero=True), f"Failures: {charts.trend_words(values)}")
        values = [point.executions for point in self.details.trend]
        return Trend(charts.line(values, is_from_zero=True), f"Runs: {charts.trend_words(values)}")

    @property
    def about(self) -> str:
        """What stands under the name: what it is for, its service, its team, where it comes from."""
        facts = self.facts
        origin = f"imported from {facts.source_format}" if facts.source_format else ""
        return " · ".join(part for part in (facts.description, facts.service_name, facts.team, origin) if part)

    def cells(self, period: Period) -> Iterable[Any]:
        """The row as the export writes it, in the order of CSV_COLUMNS."""
        flow, facts, figures = self.flow, self.facts, self.figures
        rate = figures.success_rate
        return (
            flow.id, flow.name, self.state.word, facts.description, facts.service_name, facts.source,
            list(facts.tags), facts.team, flow.pattern, flow.version, facts.block_count, facts.problem_count,
            facts.is_public, flow.last_execution_at, period.since, period.until, figures.executions,
            figures.completed, figures.failed, None if rate is None else round(rate, 6), self.details.p95_ms,
            figures.cost_usd,
        )  # fmt: skip


def state_of(flow: FoundFlow, figures: FlowFigures) -> FlowState:
    """How a flow does in the period of its figures."""
    return flow_state(
        failed=figures.failed,
        ended=figures.ended,
        is_active=flow.is_active,
        is_template=flow.is_template,
        is_deleted=flow.is_deleted,
    )


def _known_first(value: Any) -> tuple[bool, Any]:
    """Largest first, unknown ones last."""
    return (value is None, 0 if value is None else -value)


Figured = tuple[FoundFlow, FlowFigures]
Durations = Mapping[UUID, FlowDetails]
_KEYS: Mapping[str, Callable[[FoundFlow, FlowFigures, Durations], Any]] = {
    "last": lambda flow, *_: _known_first(flow.last_execution_at and flow.last_execution_at.timestamp()),
    "worst": lambda _, f, __: (f.ended == 0, -f.badness, -f.failed, -f.ended),
    "name": lambda *_: (),
    "executions": lambda _, f, __: -f.executions,
    "p95": lambda flow, _, details: _known_first(details.get(flow.id, NO_DETAILS).p95_ms),
    "cost": lambda _, f, __: _known_first(f.cost_usd),
    "pattern": lambda flow, *_: (flow.pattern is None, flow.pattern or ""),
    "version": lambda flow, *_: _known_first(flow.version),
}


def arranged(
    flows: Sequence[FoundFlow], figures: Mapping[UUID, FlowFigures], details: Durations, wanted: FlowFilter
) -> list[Figured]:
    """Flows with their figures in the order asked for; equal ones by name. Drops those that had to fail and do not."""
    found = [(flow, figures.get(flow.id, NO_FIGURES)) for flow in flows]
    found = [pair for pair in found if not pair[0].is_only_if_failing or state_of(*pair).word == "Failing"]
    name, is_reversed = wanted.order
    found.sort(key=lambda pair: (pair[0].name.casefold(), pair[0].id), reverse=is_reversed)
    found.sort(key=lambda pair: _KEYS[name](*pair, details), reverse=is_reversed)
    return found


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter of the bar: ``text`` is "" when it is open, ``remove`` the address without it."""

    name: str
    label: str
    text: str
    remove: str


@dataclass(frozen=True, slots=True)
class FlowList:
    """Everything the templates of the list read. ``total`` flows match, ``running`` of them ran in the period."""

    wanted: FlowFilter
    period: Period
    rows: Sequence[FlowRow]
    total: int
    ran: int
    failing: int
    page: int
    may_write: bool
    has_any: bool
    base: str = BASE
    loaded: tuple[str, ...] = ("tag", "team")
    """Filters whose choices are asked for when they are opened."""

    @property
    def query(self) -> str:
        """The filter and page as they stand in the address, for forms that lead back here."""
        return self.wanted.query(page=self.page if self.page > 1 else "")

    @property
    def choices(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Filters of few values, and those."""
        return CHOICES

    @property
    def actions(self) -> Sequence[tuple[str, str]]:
        """What may be done to flows that are ticked."""
        return ACTIONS[-1:] if self.is_deleted_view else ACTIONS[:-1]

    @property
    def clear_url(self) -> str:
        """The list without any filter, in the period that is shown."""
        return BASE + FlowFilter(period=self.wanted.period).query()

    @property
    def export(self) -> str:
        return f"{BASE}/export.csv{self.wanted.query()}"

    @property
    def is_deleted_view(self) -> bool:
        """Whether only deleted flows are listed, which can be restored and nothing else."""
        return self.wanted.status == ("deleted",)

    @property
    def first(self) -> int:
        """Number of the first row shown, from 1."""
        return (self.page - 1) * PAGE_SIZE + 1

    @property
    def pages(self) -> Page[FlowRow]:
        """The pages beside this one, by their numbers."""
        has_more = self.page * PAGE_SIZE < self.total
        return Page(self.rows, str(self.page + 1) if has_more else None, str(self.page - 1) if self.page > 1 else None)

    def page_url(self, number: str) -> str:
        """The list with this filter at another page."""
        return BASE + self.wanted.query(page="" if number == "1" else number)

    @property
    def sentence(self) -> str:
        """``312 flows, 40 of them ran in the last 24 hours, 3 failing``."""
        said = f"{formats.plural(self.total, 'flow')}{' match' if self.wanted.active else ''}"
        if self.total == 1 and self.wanted.active:
            said = "1 flow matches"
        if self.total:
            said += f", {self.ran:,} of them ran in the {self.period.words.lower()}"
        return f"{said}, {self.failing:,} failing" if self.failing else said

    @property
    def order_words(self) -> str:
        """The order for those who cannot see the arrow."""
        name, is_reversed = self.wanted.order
        return f"{SORTS[name].lower()}{', turned around' if is_reversed else ''}"

    @property
    def view_links(self) -> list[tuple[str, str, bool]]:
        """Built-in views as (name, address, whether it is the one shown); they keep the period that is shown."""
        views = [(name, replace(view, period=self.wanted.period)) for name, view in BUILT_IN]
        return [(name, BASE + view.query(), view == self.wanted) for name, view in views]

    @property
    def periods(self) -> Mapping[str, str]:
        return PERIODS

    def period_url(self, name: str) -> str:
        return BASE + replace(self.wanted, period=name).query()

    def sort_url(self, name: str) -> str:
        return BASE + self.wanted.sorted_by(name).query()

    def sort_state(self, name: str) -> str:
        """How the column orders the list: ``ascending``, ``descending``, or "" when it does not."""
        now, is_reversed = self.wanted.order
        if now != name:
            return ""
        rises = name in ("name", "pattern", "worst")
        return "ascending" if rises != is_reversed else "descending"

    @property
    def chips(self) -> list[Chip]:
        """The chips of the bar: those that always stand there, and others once they are set."""
        active = set(self.wanted.active)
        return [self._chip(name, active) for name in LABELS if name != "q" and (name in IN_BAR or name in active)]

    @property
    def more(self) -> list[Chip]:
        """Filters that wait under "More"."""
        active = set(self.wanted.active)
        return [self._chip(n, active) for n in LABELS if n != "q" and n not in IN_BAR and n not in active]

    def _chip(self, name: str, active: Iterable[str]) -> Chip:
        if name not in active:
            return Chip(name, LABELS[name], "", BASE + replace(self.wanted, **_yes(name)).query())
        return Chip(name, LABELS[name], describe(self.wanted, name), BASE + self.wanted.without(name).query())

    def facet_url(self, name: str) -> str:
        """Where the choices of a filter come from."""
        return BASE + self.wanted.without(name).query(facet=name)

    @property
    def executions_scope(self) -> str:
        """What an address of the executions list says of the period, to follow its flow."""
        since, until = (f"{at:%Y-%m-%dT%H%%3A%M%%3A%SZ}" for at in (self.period.since, self.period.until))
        return f"&since={since}&until={until}"

    @property
    def asked_period(self) -> str:
        """What the address of a flow says of the period."""
        return f"?period={self.wanted.period}" if self.wanted.period != "24h" else ""


def _yes(name: str) -> dict[str, bool]:
    return {name: True} if name in ("public", "bookmarked", "mine") else {}


@dataclass(frozen=True, slots=True)
class Done:
    """The note about what the reader just did; ``first`` and ``last`` name the events to take back, 0 for nothing."""

    sentence: str
    first: int = 0
    last: int = 0


def done_sentence(event_type: str, count: int) -> str:
    """What was just done, for the note above the list."""
    words = {"agentflow.deleted": "deleted. Executions and costs are kept.", "agentflow.restored": "restored."}
    return f"{formats.plural(count, 'flow')} {words.get(event_type, 'changed.')}"


def undone_sentence(count: int) -> str:
    return f"{formats.plural(count, 'flow')} put back as {'it was' if count == 1 else 'they were'}."


def meant(
    action: str, flows: Sequence[NamedFlow], may_delete: Callable[[UUID | None], bool]
) -> tuple[list[NamedFlow], list[str]]:
    """Flows to which an action would do something, and why others are left out."""
    if action == "restore":
        fit, why = [f for f in flows if f.is_deleted], "not deleted"
    else:
        fit, why = [f for f in flows if not f.is_deleted], "deleted"
    left = [f"{len(flows) - len(fit):,} {why}"] if len(fit) < len(flows) else []
    if action in ("delete", "restore"):
        own = [flow for flow in fit if may_delete(flow.author_id)]
        left += (
            [f"{len(fit) - len(own):,} not yours: an admin can {action} flows of others"] if len(own) < len(fit) else []
        )
        fit = own
    if action in ("pause", "resume"):
        other = [flow for flow in fit if flow.is_active == (action == "pause")]
        left += [f"{len(fit) - len(other):,} {action}d already"] if len(other) < len(fit) else []
        fit = other
    return fit, left
