"""What the page of one execution shows: which step is open, where its time went, and its texts made readable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from webapp.domain import waterfall
from webapp.domain.payload_text import ChatMessage, json_pieces, read_messages
from webapp.domain.stack_trace import Part, read_stack
from webapp.domain.waterfall import Line, Waterfall
from webapp.features.executions.queries_detail import ExecutionDetail, Opinion
from webapp.features.executions.queries_steps import Payload, StepDetail, StepRow
from webapp.web import formats

TABS = (("trace", "Trace"), ("io", "Input and output"), ("session", "Session"), ("raw", "Raw"))
ICONS = {
    "agent": "agent", "model_call": "llm", "embedding": "embedding", "retrieval": "retrieval", "tool": "tool",
    "step": "step",
}  # fmt: skip
COLOURS = {"model_call": 1, "tool": 2, "retrieval": 3, "embedding": 4, "step": 6, "agent": 7}
KIND_WORDS = {
    "agent": "Agent", "model_call": "Model call", "embedding": "Embedding", "retrieval": "Retrieval", "tool": "Tool",
    "step": "Step",
}  # fmt: skip
MOST_FOLDED = 60


@dataclass(frozen=True, slots=True)
class Shown:
    """A text of a step as the page draws it: chat messages where it is some, else coloured JSON, else plain."""

    payload: Payload
    messages: list[ChatMessage] | None
    pieces: list[tuple[str, str]]


def shown(payload: Payload | None) -> Shown | None:
    if payload is None:
        return None
    messages = read_messages(payload.text) if payload.is_json and not payload.is_cut else None
    pieces = list(json_pieces(payload.text)) if payload.is_json else []
    return Shown(payload, messages, pieces)


class Trace:
    """The waterfall of one execution around the step that is open."""

    def __init__(
        self,
        execution: ExecutionDetail,
        steps: Sequence[StepRow],
        *,
        now: datetime,
        wanted_step: bytes | None,
        folded: Sequence[bytes],
        tab: str = "trace",
    ):
        self.execution, self.steps, self.tab = execution, steps, tab
        self.selected = choose_step(execution, steps, wanted_step)
        self._folded = list(folded)
        self.layout: Waterfall = waterfall.lay_out(steps, frozenset(self._folded), now)
        self.base = f"/executions/{execution.id}"

    @cached_property
    def suffix(self) -> str:
        """What each link of the trace carries on: the tab and what is folded."""
        tab = f"&tab={self.tab}" if self.tab != "trace" else ""
        return tab + (f"&fold={','.join(span.hex() for span in self._folded)}" if self._folded else "")

    def href(self, step: StepRow) -> str:
        return f"{self.base}?step={step.span_id.hex() if step.span_id else ''}{self.suffix}"

    def fold_href(self, line: Line) -> str:
        span = line.step.span_id or b""
        kept = [one for one in self._folded if one != span] + ([] if span in self._folded else [span])
        tab = f"&tab={self.tab}" if self.tab != "trace" else ""
        fold = f"&fold={','.join(one.hex() for one in kept[-MOST_FOLDED:])}" if kept else ""
        step = self.selected.span_id.hex() if self.selected and self.selected.span_id else ""
        return f"{self.base}?step={step}{tab}{fold}"

    def chunks(self) -> list[tuple[int, int, bool]]:
        """Ranges of lines, and whether each is drawn with the page."""
        place = next((i for i, line in enumerate(self.layout.lines) if line.step is self.selected), None)
        return waterfall.chunks_around(len(self.layout.lines), place)

    def rows_href(self, start: int, end: int) -> str:
        step = self.selected.span_id.hex() if self.selected and self.selected.span_id else ""
        return f"{self.base}?step={step}{self.suffix}&rows={start}-{end}"

    def is_recovered(self, step: StepRow) -> bool:
        """A step that failed while the execution coped."""
        return step.status == "failed" and self.execution.status == "completed"

    def look(self, line: Line) -> tuple[str, tuple[str, object], bool]:
        """Icon, colour (``s`` a status or ``c`` a series) and whether the bar is thin: a container of other steps."""
        step = line.step
        is_thin = line.has_children and step.kind in ("agent", "step")
        if self.is_recovered(step):
            return "warn", ("s", "warn"), is_thin
        if step.status == "failed":
            return "st-failed", ("c", COLOURS["agent"]) if is_thin else ("s", "failed"), is_thin
        if step.status == "running":
            return "st-running", ("s", "running"), is_thin
        colour = COLOURS["agent"] if is_thin else COLOURS.get(step.kind, 6)
        return ICONS.get(step.kind, "step"), ("c", colour), is_thin

    def time(self, step: StepRow) -> str:
        """How long a step took; one that took less than the clock's unit says so."""
        if step.status == "running":
            return "running"
        return "<1 ms" if step.execution_time_ms == 0 else formats.duration(step.execution_time_ms)

    def icon(self, step: StepRow) -> str:
        return ICONS.get(step.kind, "step")

    def kind_word(self, step: StepRow) -> str:
        return KIND_WORDS.get(step.kind, step.kind)

    def notes(self, line: Line) -> str:
        """What stands small beside the name: what is folded, which attempt, which model and how many tokens."""
        step, said = line.step, []
        if line.folded:
            said.append(formats.plural(line.folded, "step") + " folded")
        if line.attempts > 1:
            said.append(f"attempt {line.attempt} of {line.attempts}")
        if self.is_recovered(step) and line.attempts == 1:
            said.append("recovered")
        if step.model and step.kind in ("model_call", "embedding") and step.model not in (step.name or ""):
            said.append(step.model)
        if step.tokens is not None:
            said.append(f"{formats.tokens(step.tokens)} tokens")
        return " · ".join(said)

    def tick(self, milliseconds: float) -> str:
        """A mark of the axis: round, so without decimals that say nothing."""
        for size, unit in ((3_600_000, "h"), (60_000, "min"), (1_000, "s")):
            if milliseconds >= size:
                return f"{milliseconds / size:g} {unit}"
        return f"{milliseconds:g} ms"

    @cached_property
    def broken(self) -> StepRow | None:
        """The step to name in the head of a failed execution."""
        return choose_step(self.execution, self.steps, None) if self.execution.status == "failed" else None

    @property
    def recovered(self) -> int:
        return self.layout.failed if self.execution.status == "completed" else 0

    @property
    def kinds(self) -> list[tuple[str, int]]:
        """Kinds that occur, for the legend."""
        seen = {step.kind for step in self.steps}
        return [(KIND_WORDS[kind], COLOURS[kind]) for kind in COLOURS if kind in seen and kind != "agent"]


def choose_step(execution: ExecutionDetail, steps: Sequence[StepRow], wanted: bytes | None) -> StepRow | None:
    """The step that the address names, else the one that broke the execution, else the first."""
    if wanted:
        for step in steps:
            if step.span_id == wanted:
                return step
    if execution.status == "failed":
        origin = next((step for step in steps if step.span_id == execution.error_span_id), None)
        origin = origin or next((step for step in steps if step.is_error_origin), None)
        origin = origin or next((step for step in reversed(steps) if step.status == "failed"), None)
        if origin is not None:
            return origin
    return steps[0] if steps else None


@dataclass(frozen=True, slots=True)
class Pane:
    """The open step: its row, its heavy parts, its stack in parts."""

    step: StepRow
    detail: StepDetail
    stack: list[Part]
    input: Shown | None
    output: Shown | None
    line: Line | None


def pane_of(trace: Trace, step: StepRow, detail: StepDetail) -> Pane:
    line = next((line for line in trace.layout.lines if line.step.id == step.id), None)
    stack = read_stack(detail.error_stack) if detail.error_stack else []
    return Pane(step, detail, stack, shown(detail.input), shown(detail.output), line)


def opinion_of(execution: ExecutionDetail, user_id: UUID) -> Opinion | None:
    return next((one for one in execution.opinions if one.user_id == user_id), None)


def read_hex(text: str | None, size: int = 8) -> bytes | None:
    """A span id of an address, None when it is none."""
    try:
        value = bytes.fromhex(text or "")
    except ValueError:
        return None
    return value if len(value) == size else None


def read_rows(text: str | None) -> tuple[int, int] | None:
    """``300-600`` of an address, at most 2,000 rows."""
    start, _, end = (text or "").partition("-")
    if not (start.isdecimal() and end.isdecimal()) or len(start) > 7 or len(end) > 7:
        return None
    return int(start), min(int(end), int(start) + 2_000)
