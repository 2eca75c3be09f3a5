"""Loops in each other: which blocks lie directly in which loop, and where the work goes when it leaves one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from webapp.domain.flow_graph import GraphEdge
from webapp.domain.flow_shape import Shape, parents_of

DEEPEST_EXIT = 50
"""An edge that leaves more loops than this at once is an exit of the inner ones only; the answer stays linear."""


def find_loops(shape: Shape) -> dict[str, dict[str, list[str]]]:
    """For each loop, by the key of the block it begins with: its ``body`` and its ``exits``.

    A body lists what lies directly inside; an inner loop stands in it with its own beginning. Exits are the blocks
    outside that an edge from anywhere inside leads to. A container has all of its children in its body, but those that
    a smaller loop among the children holds.
    """
    inner_of = _nesting(shape)
    spans = _spans(inner_of, shape)
    exits: dict[str, dict[str, None]] = defaultdict(dict)
    heads = set(inner_of.values()) | {edge.target for edge in shape.back}
    for edge in shape.forward:
        at = edge.source if edge.source in heads else inner_of.get(edge.source)
        for _ in range(DEEPEST_EXIT):
            if at is None or _is_inside(edge.target, at, spans):
                break
            exits[at][edge.target] = None
            at = inner_of.get(at)
    body: dict[str, list[str]] = {key: [] for key in shape.blocks if key in heads}
    for key in shape.blocks:
        if key in inner_of:
            body[inner_of[key]].append(key)
    return {key: {"body": inside, "exits": list(exits.get(key, ()))} for key, inside in body.items()}


def _nesting(shape: Shape) -> dict[str, str]:
    """The beginning of the innermost loop around each block (Havlak, with union-find so that deep nesting is cheap)."""
    order = _preorder(shape)
    preceding: dict[str, list[str]] = defaultdict(list)
    returning: dict[str, list[str]] = defaultdict(list)
    for edge in [*shape.forward, *shape.back, *shape.implied]:
        way = returning if _runs_back(edge, order) else preceding
        way[edge.target].append(edge.source)
    inner_of: dict[str, str] = {}
    joined: dict[str, str] = {}
    for head in reversed(list(order)):
        waiting = [_find(joined, key) for key in returning[head]]
        while waiting:
            key = waiting.pop()
            if key == head or key in joined:
                continue
            joined[key] = inner_of[key] = head
            waiting += [_find(joined, p) for p in preceding[key] if _is_under(_find(joined, p), head, order)]
    parents = parents_of(shape.children)
    for key, parent in parents.items():
        head = inner_of.get(key)
        if key not in shape.helpers and (head is None or parents.get(head) != parent):
            inner_of[key] = parent
    return _without_circles(inner_of)


def _preorder(shape: Shape) -> dict[str, tuple[int, int]]:
    """When a walk in depth over the acyclic edges first saw each key, and how many it had seen when it left it."""
    following = shape.next_keys(is_acyclic=True)
    entered: dict[str, int] = {}
    spans: dict[str, tuple[int, int]] = {}
    for root in [*shape.entries, *shape.blocks]:
        if root in entered:
            continue
        entered[root] = len(entered)
        stack = [(root, iter(following[root]))]
        while stack:
            key, targets = stack[-1]
            for target in targets:
                if target not in entered:
                    entered[target] = len(entered)
                    stack.append((target, iter(following[target])))
                    break
            else:
                stack.pop()
                spans[key] = (entered[key], len(entered))
    return {key: spans[key] for key in entered}


def _is_under(key: str, head: str, order: Mapping[str, tuple[int, int]]) -> bool:
    begin, end = order[head]
    return begin <= order[key][0] < end


def _runs_back(edge: GraphEdge, order: Mapping[str, tuple[int, int]]) -> bool:
    return _is_under(edge.source, edge.target, order)


def _find(joined: dict[str, str], key: str) -> str:
    """The outermost loop found so far around a key, with the way to it made short."""
    path: list[str] = []
    while key in joined:
        path.append(key)
        key = joined[key]
    for step in path[:-1]:
        joined[step] = key
    return key


def _without_circles(inner_of: dict[str, str]) -> dict[str, str]:
    """Containers and natural loops may each claim to be inside the other; the claim that closes a circle is dropped."""
    settled: set[str] = set()
    kept = dict(inner_of)
    for key in inner_of:
        path: dict[str, None] = {}
        at: str | None = key
        while at is not None and at not in settled:
            if at in path:
                kept.pop(list(path)[-1], None)
                break
            path[at] = None
            at = kept.get(at)
        settled.update(path)
    return kept


def _spans(inner_of: Mapping[str, str], shape: Shape) -> dict[str, tuple[int, int]]:
    """Numbers of a walk over the nesting: a block is inside a loop when its number is in the loop's span."""
    inside: dict[str, list[str]] = defaultdict(list)
    for key, head in inner_of.items():
        inside[head].append(key)
    spans: dict[str, tuple[int, int]] = {}
    number = 0
    for root in (key for key in shape.blocks if key not in inner_of):
        stack: list[tuple[str, int | None]] = [(root, None)]
        while stack:
            key, begun = stack.pop()
            if begun is not None:
                spans[key] = (begun, number)
                continue
            stack.append((key, number))
            number += 1
            stack += [(inner, None) for inner in inside.get(key, ())]
    return spans


def _is_inside(key: str, head: str, spans: Mapping[str, tuple[int, int]]) -> bool:
    begin, end = spans[head]
    return begin <= spans[key][0] < end
