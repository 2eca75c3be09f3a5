"""How the steps of an execution lie on a time line: places in percent, folds, attempts, clocks that disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

SKEW = timedelta(milliseconds=5)
"""A child that starts this much before its parent was timed by another clock."""
DEEPEST_INDENT = 12
FIRST_ROWS = 250
"""So many rows are drawn at once; further ones follow when they come into view."""
_TICKS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000)


class Step(Protocol):
    """What the layout reads of a step."""

    id: UUID
    span_id: bytes | None
    parent_id: UUID | None
    depth: int
    kind: str
    name: str | None
    status: str | None
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """A step in its place. ``x`` and ``width`` are percent of the window; ``folded`` counts steps hidden under it."""

    step: Step
    x: float
    width: float
    indent: int
    has_children: bool
    folded: int
    attempt: int
    attempts: int
    is_skewed: bool


@dataclass(frozen=True, slots=True)
class Waterfall:
    """All visible lines, the whole window in milliseconds, and where the axis is marked (percent, milliseconds)."""

    lines: Sequence[Line]
    window_ms: float
    ticks: Sequence[tuple[float, float]]
    total: int
    failed: int


def lay_out(steps: Sequence[Step], folded: Collection[bytes], now: datetime) -> Waterfall:
    """Lay out steps that are in the order of display (depth first).

    The window runs from the first top step to the last end. A step of another clock is drawn inside the window and
    marked; its own times stay as they were sent. Steps without an end reach to ``now``.
    """
    begin, end = _window(steps, now)
    span_ms = max(_ms(end - begin), 0.001)
    by_id = {step.id: step for step in steps}
    parents = {step.parent_id for step in steps if step.parent_id is not None}
    attempts = _attempts(steps)
    lines: list[Line] = []
    hidden_from: int | None = None
    for step in steps:
        if hidden_from is not None and step.depth > hidden_from:
            lines[-1] = _one_more(lines[-1])
            continue
        hidden_from = step.depth if step.span_id in folded and step.id in parents else None
        x, width = _place(step, begin, span_ms, now)
        number, of = attempts.get(step.id, (1, 1))
        parent = by_id.get(step.parent_id) if step.parent_id else None
        lines.append(
            Line(
                step,
                x,
                width,
                min(step.depth, DEEPEST_INDENT),
                step.id in parents,
                0,
                number,
                of,
                _skewed(step, parent),
            )
        )
    failed = sum(step.status == "failed" for step in steps)
    return Waterfall(lines, span_ms, _ticks(span_ms), len(steps), failed)


def chunks_around(total: int, selected: int | None, size: int = FIRST_ROWS) -> list[tuple[int, int, bool]]:
    """Ranges of rows with whether they are drawn at once: the first one and the one that holds the selected row."""
    return [
        (start, min(start + size, total), start == 0 or (selected is not None and start <= selected < start + size))
        for start in range(0, total, size)
    ]


def _one_more(line: Line) -> Line:
    return Line(
        line.step, line.x, line.width, line.indent, True, line.folded + 1, line.attempt, line.attempts, line.is_skewed
    )


def _window(steps: Sequence[Step], now: datetime) -> tuple[datetime, datetime]:
    top = min((step.depth for step in steps), default=0)
    starts = [step.started_at for step in steps if step.depth == top and step.started_at]
    begin = min(starts, default=now)
    ends = [_end(step, now) for step in steps if step.started_at and (step.depth == top or step.started_at >= begin)]
    return begin, max(ends, default=begin)


def _end(step: Step, now: datetime) -> datetime:
    if step.completed_at is not None:
        return step.completed_at
    if step.status in ("running", "pending"):
        return now
    return step.started_at or now


def _place(step: Step, begin: datetime, span_ms: float, now: datetime) -> tuple[float, float]:
    if step.started_at is None:
        return 0.0, 0.0
    left = min(max(100 * _ms(step.started_at - begin) / span_ms, 0.0), 100.0)
    right = min(max(100 * _ms(_end(step, now) - begin) / span_ms, left), 100.0)
    width = max(right - left, 0.4)
    return min(left, 100 - width), width


def _ms(length: timedelta) -> float:
    return length / timedelta(milliseconds=1)


def _skewed(step: Step, parent: Step | None) -> bool:
    if parent is None or parent.started_at is None or step.started_at is None:
        return False
    return step.started_at < parent.started_at - SKEW


def _attempts(steps: Sequence[Step]) -> dict[UUID, tuple[int, int]]:
    """Same-named siblings where each but the last failed are attempts at one thing."""
    siblings: dict[tuple[UUID | None, str, str | None], list[Step]] = defaultdict(list)
    for step in steps:
        siblings[step.parent_id, step.kind, step.name].append(step)
    found: dict[UUID, tuple[int, int]] = {}
    for (parent, _, _), row in siblings.items():
        if parent is not None and len(row) > 1 and all(step.status == "failed" for step in row[:-1]):
            found.update((step.id, (number, len(row))) for number, step in enumerate(row, 1))
    return found


def _ticks(span_ms: float) -> list[tuple[float, float]]:
    """Two to four marks at round times."""
    minutes = (60_000 * m for m in (1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 10080))
    for step in (*_TICKS_MS, *minutes):
        if span_ms / step <= 4.4:
            return [
                (100 * step * i / span_ms, step * i)
                for i in range(1, int(span_ms / step) + 1)
                if step * i < span_ms * 0.94
            ]
    return []
