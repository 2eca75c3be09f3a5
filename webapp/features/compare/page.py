"""What the comparison of two executions shows: rows that differ, equal ones folded, and the texts of one pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from webapp.domain.compare import Pair
from webapp.domain.flow_diff import DiffLine, diff_text
from webapp.features.executions.queries_steps import Payload, StepTexts

MOST_ROWS = 400
CONTEXT = 1
"""So many equal rows are shown around each that differs."""
NO_TEXTS = StepTexts(None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a pair, or ``folded`` pairs that are equal."""

    pair: Pair | None
    folded: int = 0


@dataclass(frozen=True, slots=True)
class TextChange:
    """One text of a step that differs: its lines, and whether only its beginning was compared."""

    label: str
    lines: Sequence[DiffLine]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """The pair whose texts are shown. ``same`` names those that are equal on both sides."""

    pair: Pair
    changes: Sequence[TextChange]
    same: Sequence[str]


def rows_of(
    pairs: Sequence[Pair], opened: Pair | None, *, is_all: bool, most: int = MOST_ROWS
) -> tuple[list[Row], int]:
    """The rows to draw, and how many of those that differ did not fit."""
    if is_all:
        return [Row(pair) for pair in pairs[:most]], max(len(pairs) - most, 0)
    near: set[int] = set()
    for at, pair in enumerate(pairs):
        if pair.differences or pair is opened:
            near.update(range(max(at - CONTEXT, 0), min(at + CONTEXT + 1, len(pairs))))
    rows: list[Row] = []
    end = 0
    for at in sorted(near)[:most]:
        if at > end:
            rows.append(Row(None, at - end))
        rows.append(Row(pairs[at]))
        end = at + 1
    if len(near) <= most and end < len(pairs):
        rows.append(Row(None, len(pairs) - end))
    return rows, max(len(near) - most, 0)


def choose_pair(pairs: Sequence[Pair], wanted: str | None) -> Pair | None:
    """The pair that the address names by a step, else the first that failed only after, else the first difference."""
    for pair in pairs:
        if wanted and wanted in (str(pair.before and pair.before.id), str(pair.after and pair.after.id)):
            return pair
    ways = (
        lambda pair: pair.after is not None and pair.after.is_error_origin,
        lambda pair: pair.is_different,
        lambda pair: bool(pair.differences),
    )
    for is_wanted in ways:
        for pair in pairs:
            if is_wanted(pair):
                return pair
    return None


def step_ids(pair: Pair | None) -> list[UUID]:
    return [step.id for step in (pair.before, pair.after) if step is not None] if pair is not None else []


def open_pair(pair: Pair | None, texts: Mapping[UUID, StepTexts]) -> Opened | None:
    """The texts of a pair line by line."""
    if pair is None:
        return None
    old = texts.get(pair.before.id, NO_TEXTS) if pair.before is not None else NO_TEXTS
    new = texts.get(pair.after.id, NO_TEXTS) if pair.after is not None else NO_TEXTS
    changes, same = [], []
    for label, a, b in (("Input", old.input, new.input), ("Output", old.output, new.output)):
        if change := text_change(label, a, b):
            changes.append(change)
        elif a is not None:
            same.append(label)
    errors = [_error(old), _error(new)]
    if errors[0] != errors[1]:
        changes.append(TextChange("Error", diff_text(*errors), False))
    return Opened(pair, changes, same)


def text_change(label: str, before: Payload | None, after: Payload | None) -> TextChange | None:
    """What differs between two texts, None when nothing does."""
    a, b = before.text if before is not None else "", after.text if after is not None else ""
    if a == b:
        return None
    return TextChange(label, diff_text(a, b), any(one is not None and one.is_cut for one in (before, after)))


def _error(texts: StepTexts) -> str:
    return ": ".join(part for part in (texts.error_type, texts.error_message) if part)
