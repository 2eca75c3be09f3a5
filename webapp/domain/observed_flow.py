"""A flow as it ran, as a graph, and how what is drawn and what ran belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from webapp.domain.flow_graph import IN, OUT, BlockType, EdgeKind, FlowGraph, GraphBlock, GraphEdge
from webapp.domain.observed_edges import ATTACH, NIL, Edges

START = "start"
"""Key of the trigger that stands for the start of an execution."""
HANDLES = {"model_call": "attach:model", "tool": "attach:tool", "retrieval": "attach:retriever"}
HANDLES |= {"embedding": "attach:embedding"}
# Which step kinds a drawn block of a type runs as, the likeliest first.
KINDS = {
    BlockType.AGENT: ("agent", "step", "model_call", "tool", "retrieval", "embedding"),
    BlockType.ACTION: ("tool", "model_call", "retrieval", "embedding", "step", "agent"),
}
OTHER_KINDS = ("step", "tool", "model_call", "retrieval", "embedding", "agent")


class Observed(Protocol):
    """A discovered block; :class:`~webapp.features.flows.queries_blocks.BlockFigures` is one."""

    @property
    def block_id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def block_type(self) -> str: ...
    @property
    def step_kind(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ObservedBlock:
    """A discovered block as the graph needs it."""

    block_id: UUID
    name: str
    block_type: str
    step_kind: str
    agent_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ObservedEdge:
    """An edge of :class:`ObservedGraph` by keys, and how often it was gone, in how many executions.

    ``share`` is its part of all ways out of its source that are no attachment, from 0 to 1; None for an attachment.
    """

    edge: GraphEdge
    traversals: int
    executions: int
    share: float | None


@dataclass(frozen=True, slots=True)
class ObservedGraph:
    """What ran: keys of ``graph`` are block ids as text, ``START`` is a trigger block; a block's ``source_type`` is its
    step kind. ``ends`` counts per key how often the execution ended there."""

    graph: FlowGraph
    edges: tuple[ObservedEdge, ...]
    ends: Mapping[str, int]


def observed_graph(name: str, blocks: Iterable[Observed], traversals: Edges, executions: Edges) -> ObservedGraph:
    """Draw counted edges (``domain/observed_edges.py``) as a graph; edges to blocks that are not given are left out.

    An edge that closes a circle is of kind loop_back: seen from the start, along what was gone most often.
    """
    known = {block.block_id: block for block in blocks}
    kept = [
        (source, target, kind)
        for source, target, kind in traversals
        if (source == NIL or source in known) and target in known
    ]
    kept.sort(key=lambda edge: (-traversals[edge], edge))
    used = {id_ for source, target, _ in kept for id_ in (source, target)}
    back = _closing(kept)
    out: Counter[UUID] = Counter()
    for (source, _, kind), count in traversals.items():
        if kind != ATTACH:
            out[source] += count
    edges = tuple(
        ObservedEdge(
            _edge(edge, known, is_back=edge in back),
            traversals[edge],
            executions[edge],
            None if edge[2] == ATTACH else traversals[edge] / out[edge[0]],
        )
        for edge in kept
    )
    drawn = [_block(known[id_]) for id_ in sorted(used - {NIL}, key=lambda id_: (known[id_].name, id_))]
    start = [GraphBlock(START, BlockType.TRIGGER, "Start")] if NIL in used else []
    graph = FlowGraph(name, blocks=(*start, *drawn), edges=tuple(edge.edge for edge in edges))
    ends = {str(s): count for (s, t, _), count in traversals.items() if t == NIL and s in known}
    return ObservedGraph(graph, edges, ends)


def _block(block: Observed) -> GraphBlock:
    agent_id = getattr(block, "agent_id", None)
    return GraphBlock(
        str(block.block_id),
        block.block_type,
        block.name,
        agent=str(agent_id) if agent_id else None,
        source_type=block.step_kind,
    )


def _edge(edge: tuple[UUID, UUID, str], known: Mapping[UUID, Observed], *, is_back: bool) -> GraphEdge:
    source, target, kind = edge
    handle = IN
    if kind == ATTACH:
        handle = HANDLES.get(known[source].step_kind, "attach:other")
    return GraphEdge(
        START if source == NIL else str(source),
        str(target),
        OUT,
        handle,
        EdgeKind.LOOP_BACK if is_back else EdgeKind(kind),
    )


def _closing(edges: list[tuple[UUID, UUID, str]]) -> set[tuple[UUID, UUID, str]]:
    """The edges that lead back to a block from which the walk came; edges are in the order in which to walk them."""
    ways: dict[UUID, list[tuple[UUID, UUID, str]]] = {}
    for edge in edges:
        if edge[2] != ATTACH:
            ways.setdefault(edge[0], []).append(edge)
    back: set[tuple[UUID, UUID, str]] = set()
    done: set[UUID] = set()
    for first in [NIL, *ways]:
        if first in done:
            continue
        path, walks = {first}, [(first, iter(ways.get(first, ())))]
        while walks:
            at, rest = walks[-1]
            edge = next(rest, None)
            if edge is None:
                walks.pop()
                path.discard(at)
                done.add(at)
            elif edge[1] in path:
                back.add(edge)
            elif edge[1] not in done:
                path.add(edge[1])
                walks.append((edge[1], iter(ways.get(edge[1], ()))))
    return back


def fold(name: str) -> str:
    """A name as it is compared."""
    return name.strip().casefold()


def match_blocks(
    drawn: FlowGraph, observed: Iterable[Observed], overrides: Mapping[str, UUID] | None = None
) -> dict[str, tuple[UUID, ...]]:
    """Which discovered blocks each drawn block ran as, by its key; blocks that match none are not in it.

    ``overrides`` (``blocks.observed_block_id`` by key) go first, then equal names, of which the kind that suits the
    block's type best. Drawn blocks of one name share what ran under it, since no trace tells them apart.
    """
    overrides = overrides or {}
    by_name: dict[str, list[Observed]] = {}
    ids = set()
    for block in observed:
        by_name.setdefault(fold(block.name), []).append(block)
        ids.add(block.block_id)
    found: dict[str, tuple[UUID, ...]] = {}
    for block in drawn.blocks:
        chosen = overrides.get(block.key)
        if chosen is not None and chosen in ids:
            found[block.key] = (chosen,)
            continue
        same = by_name.get(fold(block.name), [])
        kinds = KINDS.get(block.block_type, OTHER_KINDS)  # type: ignore[call-overload]
        best = next((kind for kind in kinds if any(other.step_kind == kind for other in same)), None)
        if best is not None:
            found[block.key] = tuple(other.block_id for other in same if other.step_kind == best)
    return found


def ran_not_drawn(matches: Mapping[str, tuple[UUID, ...]], ran: Iterable[UUID]) -> list[UUID]:
    """Blocks that ran and that no drawn block stands for, in the given order."""
    drawn = {id_ for ids in matches.values() for id_ in ids}
    return [id_ for id_ in ran if id_ not in drawn]


def drawn_never_ran(drawn: FlowGraph, matches: Mapping[str, tuple[UUID, ...]], ran: Collection[UUID]) -> list[str]:
    """Keys of drawn blocks none of whose discovered blocks ran. A trigger is in no trace and never among them."""
    ids = set(ran)
    return [
        block.key
        for block in drawn.blocks
        if block.block_type != BlockType.TRIGGER and not ids.intersection(matches.get(block.key, ()))
    ]


def drawn_traversals(
    drawn: FlowGraph, matches: Mapping[str, tuple[UUID, ...]], observed: ObservedGraph
) -> dict[tuple[str, str, str, str, str], int]:
    """How often each drawn edge was gone, by its identity, as far as both its ends ran; a trigger is the start."""
    counts: Counter[tuple[str, str]] = Counter()
    for edge in observed.edges:
        counts[(edge.edge.source, edge.edge.target)] += edge.traversals
    keys = {key: [str(id_) for id_ in ids] for key, ids in matches.items()}
    keys |= {block.key: [START] for block in drawn.blocks if block.block_type == BlockType.TRIGGER}
    return {
        edge.identity: sum(counts[(s, t)] for s in keys[edge.source] for t in keys[edge.target])
        for edge in drawn.edges
        if edge.source in keys and edge.target in keys
    }
