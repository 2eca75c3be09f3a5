"""Where the nodes of each column stand from top to bottom: near their neighbours, never closer than they may."""

from __future__ import annotations

from collections.abc import Sequence

from webapp.domain.flow_layout_layers import Layers

PASSES = ("before", "after", "before", "after", "both", "after", "before")
STRAIGHT, THROUGH, CHAIN = 8.0, 3.0, 4.0
"""How much more than an ordinary edge it counts that a long edge is straight, that it meets its ends straight, and that
two blocks which have only each other stand on one line."""


def place_nodes(layers: Layers, count: int, above: Sequence[float], below: Sequence[float], gap: float) -> list[float]:
    """The height of the line on which each node's edges come and go. ``above`` and ``below`` are what a node takes on
    both sides of it; half a gap is kept around a knot, a whole one between two nodes."""
    total = len(layers.layer)
    y = [0.0] * total
    offsets = [_stack(column, count, above, below, gap) for column in layers.columns]
    for column, offset in zip(layers.columns, offsets, strict=True):
        middle = offset[-1] / 2 if offset else 0
        for node, at in zip(column, offset, strict=True):
            y[node] = at - middle
    near = {"before": layers.before, "after": layers.after}
    weights = {name: _weights(lists, layers, count) for name, lists in near.items()}
    for name in PASSES:
        pairs = list(zip(layers.columns, offsets, strict=True))
        for column, offset in reversed(pairs) if name == "after" else pairs:
            sides = [(near[n], weights[n]) for n in (("before", "after") if name == "both" else (name,))]
            _settle(column, offset, sides, y)
    return y


def _stack(column: list[int], count: int, above: Sequence[float], below: Sequence[float], gap: float) -> list[float]:
    """The least distance of each node's line from the first one's."""
    at, offset = 0.0, []
    last = -1
    for node in column:
        if last >= 0:
            at += below[last] if last < count else gap / 4
            at += gap if last < count and node < count else gap / 2
            at += above[node] if node < count else gap / 4
        offset.append(at)
        last = node
    return offset


def _weights(near: list[list[int]], layers: Layers, count: int) -> list[list[float]]:
    """How much each neighbour pulls."""
    before, after = layers.before, layers.after
    weights: list[list[float]] = []
    for node, others in enumerate(near):
        if node >= count:
            weights.append([STRAIGHT if other >= count else THROUGH for other in others])
            continue
        is_single = len(others) == 1
        row = [1.0] * len(others)
        for at, other in enumerate(others):
            if other >= count:
                row[at] = THROUGH
            elif is_single and len((after if near is before else before)[other]) == 1:
                row[at] = CHAIN
        weights.append(row)
    return weights


def _settle(
    column: list[int],
    offset: list[float],
    sides: list[tuple[list[list[int]], list[list[float]]]],
    y: list[float],
) -> None:
    """Move a column's nodes to where their neighbours pull them, as far as the order and the distances allow: the
    least sum of squares, found by pooling neighbours that would overlap."""
    values: list[float] = []
    masses: list[float] = []
    sizes: list[int] = []
    for at, node in enumerate(column):
        mass = value = 0.0
        for near, weights in sides:
            for other, weight in zip(near[node], weights[node], strict=True):
                mass += weight
                value += weight * y[other]
        if mass:
            value = value / mass - offset[at]
        else:
            mass, value = 0.05, y[node] - offset[at]
        size = 1
        while values and values[-1] > value:
            last = masses.pop()
            value = (values.pop() * last + value * mass) / (last + mass)
            mass += last
            size += sizes.pop()
        values.append(value)
        masses.append(mass)
        sizes.append(size)
    at = 0
    for value, size in zip(values, sizes, strict=True):
        for place in range(at, at + size):
            y[column[place]] = value + offset[place]
        at += size
