"""Layers of a drawing that goes from left to right: which column each node is in, and in which order from the top.

Nodes are numbers; nodes from ``count`` on are knots where a long edge passes through a column.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

Edges = list[tuple[int, int]]
MOST_KNOTS_PER_NODE = 5
SPANS = (12, 6, 3, 1)
"""An edge over more columns than this runs outside of the columns. The first number with which there are not too many
knots for the nodes counts."""
MANY_NODES = 400


@dataclass(slots=True)
class Layers:
    """Columns of nodes and knots; ``before`` and ``after`` are neighbours in the columns left and right of a node.
    ``chains`` hold the knots of each edge, None for one that runs outside."""

    columns: list[list[int]]
    layer: list[int]
    before: list[list[int]]
    after: list[list[int]]
    chains: list[list[int] | None]


def find_back(count: int, edges: Edges, marked: Sequence[bool]) -> list[bool]:
    """Which edges run back: those marked, those from a node to itself, and those that close a cycle of the others."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    back = [is_marked or edge[0] == edge[1] for edge, is_marked in zip(edges, marked, strict=True)]
    entered = [False] * count
    for at, (source, target) in enumerate(edges):
        if not back[at]:
            leaving[source].append(at)
            entered[target] = True
    state = bytearray(count)
    for root in sorted(range(count), key=entered.__getitem__):
        if state[root]:
            continue
        state[root] = 1
        stack = [(root, iter(leaving[root]))]
        while stack:
            node, ways = stack[-1]
            for at in ways:
                target = edges[at][1]
                if state[target] == 1:
                    back[at] = True
                elif not state[target]:
                    state[target] = 1
                    stack.append((target, iter(leaving[target])))
                    break
            else:
                stack.pop()
                state[node] = 2
    return back


def assign_layers(count: int, edges: Edges) -> list[int]:
    """The column of each node: as far left as the longest way to it allows, but beginnings close to what they lead to.
    The edges must have no cycle."""
    following: list[list[int]] = [[] for _ in range(count)]
    missing = [0] * count
    for source, target in edges:
        following[source].append(target)
        missing[target] += 1
    entering = missing[:]
    order = [node for node in range(count) if not missing[node]]
    layer = [0] * count
    for node in order:
        beyond = layer[node] + 1
        for target in following[node]:
            if layer[target] < beyond:
                layer[target] = beyond
            missing[target] -= 1
            if not missing[target]:
                order.append(target)
    for node in reversed(order):
        targets = following[node]
        if targets and len(targets) > entering[node]:
            layer[node] = min([layer[target] for target in targets]) - 1
    return layer


def build_layers(count: int, edges: Edges, layer: list[int]) -> Layers:
    """Columns with knots for edges that pass through them, in the order in which a walk in depth meets them."""
    spans = [layer[target] - layer[source] for source, target in edges]
    most = MOST_KNOTS_PER_NODE * count + 100
    longest = next((s for s in SPANS if sum(span - 1 for span in spans if span <= s) <= most), SPANS[-1])
    layer = layer[:]
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    chains: list[list[int] | None] = []
    for (source, target), span in zip(edges, spans, strict=True):
        if span > longest:
            chains.append(None)
            continue
        chain = list(range(len(layer), len(layer) + span - 1))
        layer.extend(range(layer[source] + 1, layer[target]))
        before.extend([] for _ in chain)
        after.extend([] for _ in chain)
        way = [source, *chain, target]
        for left, right in zip(way, way[1:], strict=False):
            after[left].append(right)
            before[right].append(left)
        chains.append(chain)
    columns: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for node in _walk(layer, before, after):
        columns[layer[node]].append(node)
    return Layers(columns, layer, before, after, chains)


def _walk(layer: list[int], before: list[list[int]], after: list[list[int]]) -> list[int]:
    """All nodes, depth first along the edges and against them, so that neighbours come close to each other."""
    seen = bytearray(len(layer))
    order: list[int] = []
    for root in sorted(range(len(layer)), key=layer.__getitem__):
        stack = [root]
        while stack:
            node = stack.pop()
            if seen[node]:
                continue
            seen[node] = 1
            order.append(node)
            stack.extend(reversed(before[node]))
            stack.extend(reversed(after[node]))
    return order


def reduce_crossings(layers: Layers) -> int:
    """Reorder each column by where its neighbours are, back and forth, and keep the best: the crossings left."""
    columns, before, after = layers.columns, layers.before, layers.after
    place = [0.0] * len(layers.layer)
    for column in columns:
        _number(column, place)
    best, crossings = [column[:] for column in columns], count_crossings(columns, after, place)
    rounds = 4 if len(place) > MANY_NODES else 12
    idle = 0
    for at in range(rounds):
        if not crossings or idle > 3:
            break
        forward = at % 2 == 0
        neighbours = before if forward else after
        for column in columns[1:] if forward else columns[-2::-1]:
            if len(column) > 1:
                _sort(column, neighbours, place)
        now = count_crossings(columns, after, place)
        idle += 1
        if now < crossings:
            best, crossings, idle = [column[:] for column in columns], now, 0
    layers.columns = best
    return crossings


def _number(column: list[int], place: list[float]) -> None:
    for at, node in enumerate(column):
        place[node] = at


def _sort(column: list[int], neighbours: list[list[int]], place: list[float]) -> None:
    """Order a column by the mean place of the neighbours; nodes without any stay where they are."""
    wanted = {}
    for node in column:
        near = neighbours[node]
        if len(near) == 1:
            wanted[node] = place[near[0]]
        elif near:
            wanted[node] = sum([place[other] for other in near]) / len(near)
    if len(wanted) == len(column):
        column.sort(key=wanted.__getitem__)
    else:
        moving = iter(sorted([node for node in column if node in wanted], key=wanted.__getitem__))
        column[:] = [next(moving) if node in wanted else node for node in column]
    _number(column, place)


def count_crossings(columns: list[list[int]], after: list[list[int]], place: list[float]) -> int:
    """How many pairs of edges between neighbouring columns cross."""
    total = 0
    for column in columns:
        ends: list[float] = []
        for node in column:
            targets = after[node]
            if len(targets) == 1:
                ends.append(place[targets[0]])
            elif targets:
                ends.extend(sorted([place[target] for target in targets]))
        if len(ends) < 2:
            continue
        seen: list[float] = []
        for end in ends:
            if seen and end < seen[-1]:
                total += len(seen) - bisect_right(seen, end)
                insort(seen, end)
            else:
                seen.append(end)
    return total
