"""Which connections lead back, in formats that draw a loop as a plain cycle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from webapp.domain.flow_graph import BlockType, EdgeKind, GraphEdge
from webapp.domain.flow_shape import back_edges


def leading_back(edges: Sequence[GraphEdge | None], types: Mapping[str, str]) -> list[bool]:
    """For each edge whether it leads back. ``types`` are block types by the same names as the ends of the edges; None
    stands for what takes no part in the order of work.

    Walked from the triggers, then from nodes that nothing enters, then from loops, so that the way back ends at the
    block at which the loop is entered.
    """
    leaving: dict[str, list[GraphEdge]] = defaultdict(list)
    for edge in edges:
        if edge is not None:
            leaving[edge.source].append(edge)
    entered = {edge.target for edge in edges if edge is not None and edge.kind != EdgeKind.LOOP_BACK}
    roots = [name for name, block_type in types.items() if block_type == BlockType.TRIGGER]
    roots += [name for name in types if name not in entered]
    roots += [name for name, block_type in types.items() if block_type == BlockType.LOOP]
    closing = back_edges(leaving, [*roots, *types])
    return [edge is not None and edge.identity in closing for edge in edges]
