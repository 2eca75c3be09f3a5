"""A graph compiled for running: in which order, on which ways, around which loops. Written on every save."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.domain.flow_check import check_shape, reachable
from webapp.domain.flow_graph import BlockType, FlowGraph
from webapp.domain.flow_loops import find_loops
from webapp.domain.flow_problem import Problem
from webapp.domain.flow_shape import Shape, depths, read_shape

VERSION = 1


@dataclass(frozen=True, slots=True)
class Compilation:
    """The compiled graph, or None with at least one error among the problems."""

    compiled: dict[str, Any] | None
    problems: tuple[Problem, ...]


def compile_graph(graph: FlowGraph, *, agents: Collection[str] | None = None) -> Compilation:
    """Compile a graph, or say why it cannot be. ``agents`` are the ids of agents that exist; None does not look.

    ``compiled`` holds plain JSON values: ``entries``; ``order`` and ``levels``, in which each block comes after all
    that lead to it and what follows a loop after its body; ``branches``, the blocks by the handle that leads to them,
    also back; ``loops`` with their bodies and exits; ``attachments``, the helpers by slot. Blocks that can never run
    are left out.
    """
    shape = read_shape(graph)
    problems = tuple(check_shape(graph, shape, agents=agents))
    if any(problem.is_error for problem in problems):
        return Compilation(None, problems)
    return Compilation(_compiled(shape), problems)


def _compiled(shape: Shape) -> dict[str, Any]:
    taking_part = reachable(shape)
    working = {key for key in taking_part if key not in shape.helpers}
    loops = find_loops(shape)
    depth = {key: at for key, at in _depths(shape, loops).items() if key in working}
    place = {key: at for at, key in enumerate(shape.blocks)}
    order = sorted(depth, key=lambda key: (depth[key], place[key]))
    levels: dict[int, list[str]] = defaultdict(list)
    for key in order:
        levels[depth[key]].append(key)
    return {
        "version": VERSION,
        "entries": list(shape.entries),
        "order": order,
        "levels": [levels[at] for at in sorted(levels)],
        "branches": _branches(shape, working),
        "loops": {key: loop for key, loop in loops.items() if key in working},
        "attachments": _attachments(shape, taking_part),
    }


def _depths(shape: Shape, loops: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, int]:
    """How far from a beginning each block is. What a loop block leads to once it is done comes after its whole body:
    a knot for the end of each loop stands between them. An edge from there back into the body undoes the knots."""
    following = shape.next_keys(is_acyclic=True)
    plain = depths(following)
    knotted = {**following, **{_end(key): [] for key in loops}}
    for key, loop in loops.items():
        for inner in loop["body"]:
            knot = _end(inner) if inner in loops else inner
            knotted[knot] = [*knotted[knot], _end(key)]
        if shape.blocks[key].block_type == BlockType.LOOP:
            body = set(loop["body"])
            knotted[_end(key)] = [*knotted[_end(key)], *(t for t in following[key] if t not in body)]
    found = depths(knotted)
    return found if found.keys() >= plain.keys() else plain


def _end(key: str) -> str:
    """A name for the end of a loop that no block can have."""
    return f"{key} end"


def _branches(shape: Shape, working: Collection[str]) -> dict[str, dict[str, list[str]]]:
    branches: dict[str, dict[str, list[str]]] = {}
    for key, edges in shape.edges_from().items():
        if key not in working:
            continue
        ways: dict[str, dict[str, None]] = defaultdict(dict)
        for edge in edges:
            ways[edge.source_handle][edge.target] = None
        branches[key] = {handle: list(targets) for handle, targets in ways.items()}
    return branches


def _attachments(shape: Shape, taking_part: Collection[str]) -> dict[str, dict[str, list[str]]]:
    attachments: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for edge in shape.attached:
        if edge.target in taking_part:
            attachments[edge.target][edge.target_handle.removeprefix("attach:")][edge.source] = None
    return {key: {slot: list(keys) for slot, keys in slots.items()} for key, slots in attachments.items()}
