"""The evidence on a failure's page: its cause up close, good beside bad, whom it hits, when, and samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from webapp.domain.compare import Pair
from webapp.domain.execution_filter import ExecutionFilter
from webapp.domain.fingerprints_provider import status_of
from webapp.domain.periods import DAYS_OF, Period
from webapp.domain.stack_trace import Part, read_stack
from webapp.features.compare.page import Row, rows_of
from webapp.features.executions.detail_page import ICONS, KIND_WORDS, Shown, shown
from webapp.features.executions.queries_steps import Payload, StepRow, StepTexts
from webapp.features.failures.queries_affected import Affected, Sample, Share
from webapp.features.failures.queries_good_bad import Cause, GoodBad
from webapp.features.failures.queries_list import FailureRow
from webapp.web import charts, formats
from webapp.web.charts import Column, Series, StackedChart

MOST_CHARACTERS = 4_000
"""Of each text that the page shows; the execution has the rest."""
MOST_ROWS = 24
FAILED = Series("Failed", status="failed")
LABELS: Mapping[str, tuple[str, str]] = {
    "user": ("Users", "user"), "service_version": ("Versions", "version"), "model": ("Models", "model"),
    "tool": ("Tools", "tool"), "api_key": ("Keys", "key"), "environment": ("Environments", "environment"),
    "flow": ("Flows", "flow"),
}  # fmt: skip
DEFAULT_PERIOD = "30d"
"""A failure that is old still shows when and whom it hit."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What one step read and wrote, made readable."""

    step: StepRow
    icon: str
    kind: str
    input: Shown | None
    output: Shown | None


@dataclass(frozen=True, slots=True)
class CauseView:
    """The cause as drawn. ``status_code`` is the provider's, None when the error does not tell one."""

    cause: Cause
    failing: Texts
    before: Sequence[Texts]
    stack: Sequence[Part]
    status_code: int | None

    @property
    def steps(self) -> Sequence[Texts]:
        """The failing step and those before it."""
        return (self.failing, *self.before)


@dataclass(frozen=True, slots=True)
class GoodBadView:
    """Good beside bad as drawn: the rows that differ, and how many more there are."""

    both: GoodBad
    rows: Sequence[Row]
    hidden: int
    different: int


@dataclass(frozen=True, slots=True)
class Line:
    """One value of a dimension: its count, its part of all in percent, and the executions that have it."""

    label: str
    count: int
    percent: float
    href: str


@dataclass(frozen=True, slots=True)
class Block:
    """One dimension. ``more`` values are not listed."""

    name: str
    title: str
    lines: Sequence[Line]
    more: int


def cause_view(cause: Cause | None) -> CauseView | None:
    if cause is None:
        return None
    stack = read_stack(cause.texts.error_stack) if cause.texts.error_stack else []
    message = cause.texts.error_message or cause.execution.error_message or ""
    before = [_texts(step, texts) for step, texts in cause.around]
    return CauseView(cause, _texts(cause.step, cause.texts), before, stack, status_of(message))


def _texts(step: StepRow, texts: StepTexts) -> Texts:
    icon, word = ICONS.get(step.kind, "step"), KIND_WORDS.get(step.kind, step.kind)
    return Texts(step, icon, word, shown(_beginning(texts.input)), shown(_beginning(texts.output)))


def _beginning(payload: Payload | None) -> Payload | None:
    return payload and Payload(payload.text[:MOST_CHARACTERS], payload.length, payload.is_json)


def good_bad_view(both: GoodBad | None) -> GoodBadView | None:
    """Only rows that ran another way are open; where none did, those whose texts or times differ."""
    if both is None:
        return None
    different: list[Pair] = [pair for pair in both.pairs if pair.is_different]
    pairs = [p if p.is_different or not different else Pair(p.before, p.after) for p in both.pairs]
    rows, hidden = rows_of(pairs, None, is_all=False, most=MOST_ROWS)
    return GoodBadView(both, rows, hidden, len(different))


def blocks(affected: Affected, failure: FailureRow, period: Period) -> list[Block]:
    """Dimensions of which the traces say something, each with links to the failed executions that have a value."""
    found = []
    for name, shares in affected.shares.items():
        if any(share.value is not None for share in shares):
            lines = [_line(name, share, affected.total, failure, period) for share in shares]
            found.append(Block(name, LABELS[name][0], lines, affected.values[name] - len(shares)))
    return found


def _line(name: str, share: Share, total: int, failure: FailureRow, period: Period) -> Line:
    label = share.label if share.value is not None else f"no {LABELS[name][1]} told"
    return Line(label or "", share.count, 100 * share.count / max(total, 1), _href(name, share, failure, period))


def _href(name: str, share: Share, failure: FailureRow, period: Period) -> str:
    """Failed executions with the value; "" where the list of executions has no such filter."""
    if share.value is None:
        return ""
    wanted = ExecutionFilter(
        status=("failed",), error_type=(failure.error_type,) if failure.error_type else (),
        user=share.value if name == "user" else "", model=(share.value,) if name == "model" else (),
        tool=(share.value,) if name == "tool" else (), environment=(share.value,) if name == "environment" else (),
        flow=(UUID(share.value),) if name == "flow" else (),
    )  # fmt: skip
    if name in ("service_version", "api_key"):
        return ""
    return f"/executions{wanted.between(period.since, period.until).query()}"


def trend(affected: Affected, period: Period, now: datetime) -> tuple[StackedChart, str]:
    """Occurrences by the columns of the period, and what they show."""
    columns = []
    for at, number in enumerate(affected.columns):
        start = period.edges[at].astimezone(period.zone)
        day = formats.day(start, now=now.astimezone(period.zone))
        label = f"{day} {start:%H:%M}" if period.is_hourly else day
        tick = f"{start:%H:%M}" if period.is_hourly else f"{start.day} {formats.MONTHS[start.month - 1]}"
        columns.append(Column(label=label, values=(number,), tick=tick))
    unit = "hour" if period.is_hourly else "day"
    said = (
        f"Failed runs by {unit}: {formats.plural(sum(affected.columns), 'run')}. {charts.trend_words(affected.columns)}"
    )
    return charts.stacked((FAILED,), columns), said


def read_period(text: str | None) -> str:
    """A known period, 30 days for anything else."""
    return text if text in DAYS_OF else DEFAULT_PERIOD


def choose(samples: Sequence[Sample], reason: str) -> Sample | None:
    """The newest, or the first, of the samples."""
    found = [one for one in samples if reason in one.reasons]
    return found[0] if found else None
