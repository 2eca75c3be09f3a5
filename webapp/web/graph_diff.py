"""Two versions of a flow as a page lists what differs: one line for each part, its texts line by line beneath."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from webapp.domain.flow_check import say_handle
from webapp.domain.flow_diff import DiffLine, FieldChange, GraphDiff
from webapp.domain.flow_fields import as_text, block_fields, path_name
from webapp.domain.flow_graph import EdgeKind, FlowGraph, GraphBlock, GraphEdge

MOST_PARTS = 500
SHORT = 12
"""A text of more lines is folded away."""
ORDER = {"flow": 0, "block": 1, "edge": 2, "note": 3}


@dataclass(frozen=True, slots=True)
class FieldView:
    """One value before and after, line by line."""

    name: str
    lines: list[DiffLine]

    @property
    def is_long(self) -> bool:
        return len(self.lines) > SHORT


@dataclass(frozen=True, slots=True)
class PartView:
    """One part that differs. ``how`` is added, removed or changed; ``key`` names the block, where it is one."""

    what: str
    how: str
    title: str
    sub: str = ""
    key: str = ""
    fields: tuple[FieldView, ...] = ()


@dataclass(frozen=True, slots=True)
class DiffView:
    """All parts, and how many are left out because there are too many."""

    parts: list[PartView]
    left_out: int
    summary: str
    moved: int

    @property
    def marks(self) -> dict[str, str]:
        """Added and changed and removed blocks by key, for the drawing."""
        return {part.key: part.how for part in self.parts if part.key}


def diff_view(
    diff: GraphDiff, before: FlowGraph, after: FlowGraph, agents: Mapping[str, str] | None = None
) -> DiffView:
    """The list of a diff. ``agents`` give names for ids of agents."""
    names = {block.key: block.name for graph in (before, after) for block in graph.blocks}
    parts = list(_parts(diff, names, agents or {}))
    return DiffView(parts[:MOST_PARTS], max(len(parts) - MOST_PARTS, 0), diff.summary(), diff.moved)


def _parts(diff: GraphDiff, names: Mapping[str, str], agents: Mapping[str, str]) -> Iterator[PartView]:
    if diff.flow_changed:
        yield PartView("flow", "changed", "The flow itself", fields=_fields(diff.flow_changed, agents))
    for block in diff.blocks_added:
        changes = [replace(c, before="", after=c.before) for c in _all_fields(block)]
        yield PartView("block", "added", block.name, block.block_type, block.key, _fields(changes, agents))
    for block in diff.blocks_removed:
        yield PartView("block", "removed", block.name, block.block_type, block.key, _fields(_all_fields(block), agents))
    for change in diff.blocks_changed:
        block = change.after
        yield PartView("block", "changed", block.name, block.block_type, block.key, _fields(change.fields, agents))
    for edge in diff.edges_added:
        yield PartView("edge", "added", *edge_words(edge, names))
    for edge in diff.edges_removed:
        yield PartView("edge", "removed", *edge_words(edge, names))
    for old, new in diff.edges_relabelled:
        change = FieldChange("label", old.label, new.label)
        yield PartView("edge", "changed", *edge_words(new, names), fields=_fields([change], agents))
    for note in diff.notes_added:
        yield PartView("note", "added", note.text[:80] or "Empty note")
    for note in diff.notes_removed:
        yield PartView("note", "removed", note.text[:80] or "Empty note")
    for noted in diff.notes_changed:
        yield PartView("note", "changed", noted.before.text[:80] or "Empty note", fields=_fields(noted.fields, agents))


def _all_fields(block: GraphBlock) -> list[FieldChange]:
    """What a block holds besides name and type, as if all of it had gone."""
    shown = {path_name(path): as_text(value) for path, value in block_fields(block).items() if value}
    return [FieldChange(name, text, "") for name, text in shown.items() if name not in ("name", "block_type") and text]


def _fields(changes: object, agents: Mapping[str, str]) -> tuple[FieldView, ...]:
    found = []
    for change in changes:  # type: ignore[attr-defined]
        if change.name == "agent":
            change = replace(
                change,
                before=agents.get(change.before, change.before),
                after=agents.get(change.after, change.after),
            )
        found.append(FieldView(change.name, change.lines()))
    return tuple(found)


def edge_words(edge: GraphEdge, names: Mapping[str, str]) -> tuple[str, str]:
    """From where to where, and by which way out."""
    title = f"{names.get(edge.source, edge.source)} → {names.get(edge.target, edge.target)}"
    if edge.kind == EdgeKind.ATTACH:
        return title, f"attached as {edge.target_handle.removeprefix('attach:')}"
    way = "" if edge.source_handle == "out" else say_handle(edge.source_handle)
    back = "back" if edge.kind == EdgeKind.LOOP_BACK else ""
    return title, ", ".join(word for word in (way, back, edge.label) if word)
