"""What two people have to decide after their changes of one flow were joined, carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from webapp.domain.flow_edit import remove_block
from webapp.domain.flow_fields import Path, block_fields, flow_fields, path_name, with_block_fields, with_flow_fields
from webapp.domain.flow_graph import FlowGraph
from webapp.domain.flow_merge import Conflict, Merge

MINE, THEIRS = "mine", "theirs"


def resolve(merge: Merge, theirs: FlowGraph, choices: Sequence[str]) -> FlowGraph:
    """The merged graph after one choice for each conflict, in their order. A choice that is missing is mine."""
    graph = merge.graph
    for conflict, choice in zip(merge.conflicts, [*choices, *[MINE] * len(merge.conflicts)], strict=False):
        if conflict.kind == "field":
            graph = _take_field(graph, theirs, conflict) if choice == THEIRS else graph
        elif (conflict.kind == "removed_by_me") is (choice == MINE):
            graph = _remove(graph, conflict)
    return graph


def _take_field(graph: FlowGraph, theirs: FlowGraph, conflict: Conflict) -> FlowGraph:
    key = conflict.place
    if conflict.edge is not None:
        same = conflict.edge.identity
        edges = (replace(e, label=conflict.theirs) if e.identity == same else e for e in graph.edges)
        return replace(graph, edges=tuple(edges))
    if not key:
        wanted = _path(flow_fields(theirs), conflict.field) or _path(flow_fields(graph), conflict.field)
        return with_flow_fields(graph, _taken(flow_fields(graph), flow_fields(theirs), wanted))
    if any(note.key == key for note in graph.notes):
        notes = (replace(note, text=conflict.theirs) if note.key == key else note for note in graph.notes)
        return replace(graph, notes=tuple(notes))
    mine, other = graph.block(key), theirs.block(key)
    if mine is None or other is None:
        return graph
    wanted = _path(block_fields(other), conflict.field) or _path(block_fields(mine), conflict.field)
    block = with_block_fields(mine, _taken(block_fields(mine), block_fields(other), wanted))
    return replace(graph, blocks=tuple(block if each.key == key else each for each in graph.blocks))


def _path(fields: dict[Path, object], name: str) -> Path | None:
    return next((path for path in fields if path_name(path) == name), None)


def _taken(mine: dict[Path, object], theirs: dict[Path, object], path: Path | None) -> dict[Path, object]:
    """My fields with one of theirs, which may be that there is none."""
    if path is None:
        return mine
    kept = {name: value for name, value in mine.items() if name != path}
    return kept | ({path: theirs[path]} if path in theirs else {})


def _remove(graph: FlowGraph, conflict: Conflict) -> FlowGraph:
    if conflict.edge is not None:
        same = conflict.edge.identity
        return replace(graph, edges=tuple(edge for edge in graph.edges if edge.identity != same))
    if any(note.key == conflict.place for note in graph.notes):
        return replace(graph, notes=tuple(note for note in graph.notes if note.key != conflict.place))
    return remove_block(graph, conflict.place).graph if graph.block(conflict.place) else graph
