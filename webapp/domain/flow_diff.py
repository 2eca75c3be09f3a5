"""What differs between two versions of a flow: blocks, edges, notes and settings, and texts line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, TypeVar

from webapp.domain.flow_fields import Path, as_text, block_fields, flow_fields, note_fields, path_name
from webapp.domain.flow_graph import FlowGraph, GraphBlock, GraphEdge, GraphNote
from webapp.domain.flow_merge import Conflict, Merge, merge_graphs

__all__ = [
    "BlockChange",
    "Conflict",
    "DiffLine",
    "FieldChange",
    "GraphDiff",
    "Merge",
    "NoteChange",
    "diff_graphs",
    "diff_text",
    "merge_graphs",
]

MOST_COMPARED = 1_500
"""Texts that differ over more lines than this are shown as replaced as a whole; comparing takes the square of it."""
MOST_EXACT = 400
"""Above this, lines that come very often are no anchors of a comparison: with them it takes the cube."""
_Part = TypeVar("_Part", GraphBlock, GraphNote)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value that changed, as text; ``name`` is such as ``config.prompt``. No value is an empty text."""

    name: str
    before: str
    after: str

    def lines(self) -> list[DiffLine]:
        """The change line by line."""
        return diff_text(self.before, self.after)


@dataclass(frozen=True, slots=True)
class BlockChange:
    """A block that both versions have, and what is different about it."""

    before: GraphBlock
    after: GraphBlock
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class NoteChange:
    """A note that both versions have, with another text."""

    before: GraphNote
    after: GraphNote
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class GraphDiff:
    """All differences. Blocks and notes that were only ``moved`` are counted and are no change."""

    blocks_added: tuple[GraphBlock, ...] = ()
    blocks_removed: tuple[GraphBlock, ...] = ()
    blocks_changed: tuple[BlockChange, ...] = ()
    edges_added: tuple[GraphEdge, ...] = ()
    edges_removed: tuple[GraphEdge, ...] = ()
    edges_relabelled: tuple[tuple[GraphEdge, GraphEdge], ...] = ()
    notes_added: tuple[GraphNote, ...] = ()
    notes_removed: tuple[GraphNote, ...] = ()
    notes_changed: tuple[NoteChange, ...] = ()
    flow_changed: tuple[FieldChange, ...] = ()
    moved: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed, apart from places on the canvas."""
        return not self.counts()

    def counts(self) -> dict[str, int]:
        """How many parts changed in each way, such as ``blocks_added``; ways that did not occur are left out."""
        names = (name for name in self.__dataclass_fields__ if name != "moved")
        return {name: len(getattr(self, name)) for name in names if getattr(self, name)}

    def summary(self) -> str:
        """The counts as a sentence part: ``2 blocks added, 1 edge removed``. Holds no name and no setting."""
        parts: list[str] = []
        for name, count in self.counts().items():
            subject, how = name.split("_")
            if subject == "flow":
                parts.append(f"{count} setting{'' if count == 1 else 's'} of the flow changed")
            else:
                parts.append(f"{count} {subject[:-1] if count == 1 else subject} {how}")
        if not parts:
            return f"{self.moved} moved" if self.moved else "no change"
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line for display. ``kind`` is same, added, removed, or folded: then ``text`` is empty and ``count`` lines
    that both sides have are left out. Numbers are those of the line on each side, from 1."""

    kind: str
    text: str = ""
    before: int | None = None
    after: int | None = None
    count: int = 0


def diff_graphs(before: FlowGraph, after: FlowGraph) -> GraphDiff:
    """What one would have to do to the graph before to get the graph after."""
    old, new = {b.key: b for b in before.blocks}, {b.key: b for b in after.blocks}
    old_notes, new_notes = {n.key: n for n in before.notes}, {n.key: n for n in after.notes}
    old_edges, new_edges = {e.identity: e for e in before.edges}, {e.identity: e for e in after.edges}
    common = [key for key in new if key in old]
    changes = _changes(old, new, block_fields)
    note_changes = _changes(old_notes, new_notes, note_fields)
    moved = sum((old[key].x, old[key].y) != (new[key].x, new[key].y) for key in common)
    moved += sum(_place(old_notes[key]) != _place(note) for key, note in new_notes.items() if key in old_notes)
    return GraphDiff(
        blocks_added=tuple(block for key, block in new.items() if key not in old),
        blocks_removed=tuple(block for key, block in old.items() if key not in new),
        blocks_changed=tuple(BlockChange(*change) for change in changes),
        edges_added=tuple(edge for identity, edge in new_edges.items() if identity not in old_edges),
        edges_removed=tuple(edge for identity, edge in old_edges.items() if identity not in new_edges),
        edges_relabelled=tuple(
            (old_edges[identity], edge)
            for identity, edge in new_edges.items()
            if identity in old_edges and old_edges[identity].label != edge.label
        ),
        notes_added=tuple(note for key, note in new_notes.items() if key not in old_notes),
        notes_removed=tuple(note for key, note in old_notes.items() if key not in new_notes),
        notes_changed=tuple(NoteChange(*change) for change in note_changes),
        flow_changed=_field_changes(flow_fields(before), flow_fields(after)),
        moved=moved,
    )


def _place(note: GraphNote) -> tuple[float | None, ...]:
    return (note.x, note.y, note.width, note.height)


def _changes(
    old: Mapping[str, _Part], new: Mapping[str, _Part], fields_of: Callable[[_Part], dict[Path, Any]]
) -> Iterator[tuple[_Part, _Part, tuple[FieldChange, ...]]]:
    for key, after in new.items():
        if key in old:
            fields = _field_changes(fields_of(old[key]), fields_of(after))
            if fields:
                yield old[key], after, fields


def _field_changes(before: Mapping[Path, Any], after: Mapping[Path, Any]) -> tuple[FieldChange, ...]:
    changed = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    return tuple(FieldChange(path_name(path), as_text(before.get(path)), as_text(after.get(path))) for path in changed)


def diff_text(before: str, after: str, *, context: int = 3) -> list[DiffLine]:
    """Two texts line by line, with ``context`` unchanged lines around each change and the others folded.

    Equal texts give one fold, or nothing when empty. A fold of a single line shows the line.
    """
    old, new = before.splitlines(), after.splitlines()
    lines: list[DiffLine] = []
    for kind, a1, a2, b1, b2 in _opcodes(old, new):
        if kind == "equal":
            pairs = [DiffLine("same", old[a], a + 1, b + 1) for a, b in zip(range(a1, a2), range(b1, b2), strict=True)]
            is_first, is_last = a1 == b1 == 0, (a2, b2) == (len(old), len(new))
            lines += _folded(pairs, 0 if is_first else context, 0 if is_last else context)
        else:
            lines += [DiffLine("removed", old[at], before=at + 1) for at in range(a1, a2)]
            lines += [DiffLine("added", new[at], after=at + 1) for at in range(b1, b2)]
    return lines


def _folded(pairs: list[DiffLine], head: int, tail: int) -> list[DiffLine]:
    hidden = len(pairs) - head - tail
    if hidden < 2:
        return pairs
    return [*pairs[:head], DiffLine("folded", count=hidden), *pairs[len(pairs) - tail :]]


def _opcodes(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """Steps of a comparison. What both begin and end with is set aside first; it is most of most texts."""
    head = 0
    shorter = min(len(old), len(new))
    while head < shorter and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shorter - head and old[len(old) - 1 - tail] == new[len(new) - 1 - tail]:
        tail += 1
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    steps: list[tuple[str, int, int, int, int]] = [("equal", 0, head, 0, head)] if head else []
    if len(a) > MOST_COMPARED or len(b) > MOST_COMPARED:
        steps.append(("replace", head, len(old) - tail, head, len(new) - tail))
    else:
        matcher = SequenceMatcher(None, a, b, autojunk=len(a) + len(b) > MOST_EXACT)
        steps += [(k, a1 + head, a2 + head, b1 + head, b2 + head) for k, a1, a2, b1, b2 in matcher.get_opcodes()]
    if tail:
        steps.append(("equal", len(old) - tail, len(old), len(new) - tail, len(new)))
    return steps
