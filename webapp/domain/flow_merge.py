"""Two people changed one flow: both changes joined, block by block and setting by setting, conflicts listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from webapp.domain.flow_fields import (
    Path,
    as_text,
    block_fields,
    flow_fields,
    note_fields,
    path_name,
    with_block_fields,
    with_flow_fields,
)
from webapp.domain.flow_graph import FlowGraph, GraphBlock, GraphEdge, GraphNote

_ABSENT = object()
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Conflict:
    """One place where both changed the same thing differently. The merged graph holds ``mine`` there.

    ``kind`` is ``field`` (values as text), ``removed_by_them`` or ``removed_by_me``: one side removed what the other
    changed or connected; the merged graph keeps it. ``place`` says where: the key of a block or note, or empty for the
    flow itself.
    """

    kind: str
    place: str
    field: str
    base: str
    mine: str
    theirs: str
    edge: GraphEdge | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """Both changes joined, and where they contradict each other."""

    graph: FlowGraph
    conflicts: tuple[Conflict, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nobody has to decide anything."""
        return not self.conflicts


def merge_graphs(base: FlowGraph, mine: FlowGraph, theirs: FlowGraph) -> Merge:
    """Join what ``mine`` and ``theirs`` made of ``base``. Places on the canvas never conflict: mine wins."""
    conflicts: list[Conflict] = []
    fields = _merge_fields("", flow_fields(base), flow_fields(mine), flow_fields(theirs), conflicts)
    edges = _merge_edges(base, mine, theirs, conflicts)
    blocks = _merge_blocks(base, mine, theirs, edges, conflicts)
    notes = _merge_notes(base, mine, theirs, conflicts)
    merged = replace(mine, blocks=tuple(blocks), edges=tuple(edges), notes=tuple(notes))
    return Merge(with_flow_fields(merged, fields), tuple(conflicts))


def _merge_fields(
    place: str,
    base: Mapping[Path, Any],
    mine: Mapping[Path, Any],
    theirs: Mapping[Path, Any],
    conflicts: list[Conflict],
) -> dict[Path, Any]:
    merged: dict[Path, Any] = {}
    for path in {**theirs, **mine}:
        was, my, their = base.get(path, _ABSENT), mine.get(path, _ABSENT), theirs.get(path, _ABSENT)
        value = my if their in (was, my) else their
        if my not in (was, their) and their not in (was, my):
            value = my
            if path == ("tags",):
                value = _merge_tags(was, my, their)
            else:
                texts = (as_text(None if v is _ABSENT else v) for v in (was, my, their))
                conflicts.append(Conflict("field", place, path_name(path), *texts))
        if value is not _ABSENT:
            merged[path] = value
    return merged


def _merge_tags(base: Any, mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    was = () if base is _ABSENT else base
    kept = [tag for tag in mine if tag in theirs or tag not in was]
    return (*kept, *(tag for tag in theirs if tag not in was and tag not in kept))


def _merge_edges(base: FlowGraph, mine: FlowGraph, theirs: FlowGraph, conflicts: list[Conflict]) -> list[GraphEdge]:
    was, my, their = ({edge.identity: edge for edge in graph.edges} for graph in (base, mine, theirs))
    merged: dict[tuple[str, ...], GraphEdge] = {}
    for identity in {**my, **their}:
        old, left, right = was.get(identity), my.get(identity), their.get(identity)
        if left is None or right is None:
            there = left or right
            if there is not None and (old is None or there != old):
                merged[identity] = there
                if old is not None:
                    kind = "removed_by_me" if left is None else "removed_by_them"
                    texts = (old.label, left.label if left else "", right.label if right else "")
                    conflicts.append(Conflict(kind, there.source, "edge", *texts, edge=there))
            continue
        merged[identity] = right if left == old else left
        if left not in (old, right) and right != old:
            label = old.label if old else ""
            conflicts.append(Conflict("field", left.source, "label", label, left.label, right.label, edge=left))
    return [merged[identity] for identity in _order(list(was), list(my), list(their), merged)]


def _merge_blocks(
    base: FlowGraph, mine: FlowGraph, theirs: FlowGraph, edges: Sequence[GraphEdge], conflicts: list[Conflict]
) -> list[GraphBlock]:
    was, my, their = ({block.key: block for block in graph.blocks} for graph in (base, mine, theirs))
    merged: dict[str, GraphBlock] = {}
    for key in {**my, **their}:
        old, left, right = was.get(key), my.get(key), their.get(key)
        if left is not None and right is not None:
            before = block_fields(old) if old else {}
            fields = _merge_fields(key, before, block_fields(left), block_fields(right), conflicts)
            placed = right if old and (left.x, left.y) == (old.x, old.y) else left
            merged[key] = with_block_fields(placed, fields)
            continue
        there = left or right
        if there is not None and (old is None or block_fields(there) != block_fields(old)):
            merged[key] = there
            if old is not None:
                conflicts.append(_removed(key, old, left, right, "block"))
    _keep_needed(merged, was, my, their, edges, conflicts)
    return [merged[key] for key in _order(list(was), list(my), list(their), merged)]


def _keep_needed(
    merged: dict[str, GraphBlock],
    was: Mapping[str, GraphBlock],
    my: Mapping[str, GraphBlock],
    their: Mapping[str, GraphBlock],
    edges: Sequence[GraphEdge],
    conflicts: list[Conflict],
) -> None:
    """Blocks that one side removed while the other drew an edge to them or put a block inside: they stay."""
    waiting = [key for edge in edges for key in (edge.source, edge.target)]
    waiting += [block.parent_key for block in merged.values() if block.parent_key is not None]
    while waiting:
        key = waiting.pop()
        there = my.get(key) or their.get(key) or was.get(key)
        if key in merged or there is None:
            continue
        merged[key] = there
        conflicts.append(_removed(key, was.get(key, there), my.get(key), their.get(key), "connection"))
        if there.parent_key is not None:
            waiting.append(there.parent_key)


def _removed(key: str, old: GraphBlock, left: GraphBlock | None, right: GraphBlock | None, field: str) -> Conflict:
    kind = "removed_by_me" if left is None else "removed_by_them"
    return Conflict(kind, key, field, old.name, left.name if left else "", right.name if right else "")


def _merge_notes(base: FlowGraph, mine: FlowGraph, theirs: FlowGraph, conflicts: list[Conflict]) -> list[GraphNote]:
    was, my, their = ({note.key: note for note in graph.notes} for graph in (base, mine, theirs))
    merged: dict[str, GraphNote] = {}
    for key in {**my, **their}:
        old, left, right = was.get(key), my.get(key), their.get(key)
        if left is not None and right is not None:
            before = note_fields(old) if old else {}
            fields = _merge_fields(key, before, note_fields(left), note_fields(right), conflicts)
            placed = right if old and replace(left, text="") == replace(old, text="") else left
            merged[key] = replace(placed, text=fields[("text",)])
            continue
        there = left or right
        if there is not None and (old is None or there.text != old.text):
            merged[key] = there
            if old is not None:
                kind = "removed_by_me" if left is None else "removed_by_them"
                texts = (old.text, left.text if left else "", right.text if right else "")
                conflicts.append(Conflict(kind, key, "note", *texts))
    return [merged[key] for key in _order(list(was), list(my), list(their), merged)]


def _order(base: list[_Key], mine: list[_Key], theirs: list[_Key], kept: Mapping[_Key, Any]) -> list[_Key]:
    """The order of the side that changed it, mine where both did, and what only the other side has after it."""
    first, second = (theirs, mine) if mine == base else (mine, theirs)
    return list(dict.fromkeys(key for key in [*first, *second, *base] if key in kept))
