"""What a flow's page knows of its blocks in a period: the definition, what was seen, and which is which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.flow_graph import BlockType, EdgeKind, FlowGraph, GraphBlock, GraphEdge
from webapp.domain.observed_flow import (
    START,
    ObservedGraph,
    drawn_never_ran,
    drawn_traversals,
    fold,
    match_blocks,
    ran_not_drawn,
)
from webapp.domain.periods import Period
from webapp.features.flow.page import Picture
from webapp.features.flow.page_blocks import BlockRow, observed_row
from webapp.features.flow.queries_block import list_overrides
from webapp.features.flow.queries_head import FlowHead
from webapp.features.flows.queries_blocks import BlockFigures, BlockTable, join_blocks, list_blocks
from webapp.features.flows.queries_graph import load_graph
from webapp.features.flows.queries_observed import observed_graph
from webapp.web.graph_view import Identity

Matches = Mapping[str, tuple[UUID, ...]]
MOST_UNDRAWN = 200
UNSEEN = frozenset({BlockType.CONDITION, BlockType.LOOP, BlockType.TRANSFORM})
"""Types of blocks that decide or pass on, for which traces often have no span."""
EMPTY = ObservedGraph(FlowGraph(""), (), {})


@dataclass(frozen=True, slots=True)
class Drawn:
    """A definition with the discovered blocks as which its blocks run; ``overrides`` are those that somebody chose."""

    graph: FlowGraph
    matches: Matches
    overrides: Mapping[str, UUID]


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture with the figures behind it."""

    table: BlockTable
    picture: Picture
    drawn: Drawn | None

    def observed_ids(self, key: str) -> list[UUID]:
        """The discovered blocks behind a key."""
        if self.drawn is not None and key in self.drawn.matches:
            return list(self.drawn.matches[key])
        figures = self.picture.rows[key].figures
        return [figures.block_id] if figures else []

    @property
    def overrides(self) -> Mapping[str, UUID]:
        return self.drawn.overrides if self.drawn else {}


def read_seen(session: Session, actor: Actor, head: FlowHead, period: Period) -> Seen:
    """Figures and drawing of a flow. Cost: one statement for figures, two for a definition, two or three for what was
    seen; a flow that was never seen needs none for that."""
    organization_id = actor.organization_id
    before = (period.previous_since, period.previous_until)
    table = list_blocks(session, organization_id, head.id, period.since, period.until, before=before)
    observed = EMPTY
    if head.is_observed:
        observed = observed_graph(session, organization_id, head.id, period.since, period.until, name=head.name)
    drawn = read_drawn(session, organization_id, head, table)
    if drawn is None:
        return Seen(table, _as_seen(observed, table), None)
    return Seen(table, _as_drawn(drawn, observed, table, head), drawn)


def read_drawn(session: Session, organization_id: UUID, head: FlowHead, table: BlockTable) -> Drawn | None:
    """The definition, None where nothing is drawn. Cost: two statements, none without a definition."""
    graph = load_graph(session, organization_id, head.id) if head.is_drawn else None
    if graph is None:
        return None
    overrides = list_overrides(session, organization_id, head.id)
    return Drawn(graph, match_blocks(graph, table.blocks, overrides), overrides)


def rows_of(drawn: Drawn | None, table: BlockTable, head: FlowHead) -> list[BlockRow]:
    """Drawn blocks in their order, then what ran without being drawn."""
    if drawn is None:
        return [observed_row(block) for block in table.blocks]
    known = {block.block_id: block for block in table.blocks}
    unran = _unran(drawn, known)
    rows = [_drawn_row(block, drawn, known, table.flow.now.cost_usd, unran) for block in drawn.graph.blocks]
    others = [known[id_] for id_ in ran_not_drawn(drawn.matches, known)]
    return rows + [observed_row(block, is_undrawn=not is_root(block, head)) for block in others]


def is_root(block: BlockFigures | BlockRow, head: FlowHead) -> bool:
    """Whether it is the step that stands for the whole flow, which is in no drawing."""
    return block.step_kind == "step" and fold(block.name) == fold(head.name)


def _unran(drawn: Drawn, known: Mapping[UUID, BlockFigures]) -> set[str]:
    """Drawn blocks that did not run. One that only decides counts as run where something after it ran."""
    ran = {id_ for id_, block in known.items() if block.now.executions}
    unran = set(drawn_never_ran(drawn.graph, drawn.matches, ran))
    types = {block.key: block.block_type for block in drawn.graph.blocks}
    for _ in range(3):
        passed = {e.source for e in drawn.graph.edges if e.kind != EdgeKind.ATTACH and e.target not in unran}
        unran -= {key for key in unran if types[key] in UNSEEN and key in passed}
    return unran


def _drawn_row(
    block: GraphBlock,
    drawn: Drawn,
    known: Mapping[UUID, BlockFigures],
    flow_cost: Decimal | None,
    unran: set[str],
) -> BlockRow:
    found = [known[id_] for id_ in drawn.matches.get(block.key, ()) if id_ in known]
    figures = join_blocks(found, flow_cost) if found else None
    return BlockRow(
        key=block.key,
        name=block.name,
        block_type=block.block_type,
        step_kind=figures.step_kind if figures else "",
        figures=figures,
        is_drawn=True,
        needs_review=block.needs_review,
        never_ran=block.key in unran,
    )


def _as_seen(observed: ObservedGraph, table: BlockTable) -> Picture:
    rows = [observed_row(block) for block in table.blocks]
    runs = _runs(table)
    shares = {
        one.edge.identity: min(one.traversals / runs[one.edge.source], 1.0)
        for one in observed.edges
        if one.share is not None and runs.get(one.edge.source)
    }
    return Picture(observed.graph, {row.key: row for row in rows}, _telling(shares), frozenset())


def _as_drawn(drawn: Drawn, observed: ObservedGraph, table: BlockTable, head: FlowHead) -> Picture:
    """The definition with what ran beside it. Steps that only group others are no nodes, so they are not missed."""
    nodes = {block.key: block for block in observed.graph.blocks}
    rows = {row.key: row for row in rows_of(drawn, table, head)}
    for key, row in rows.items():
        if row.is_undrawn and key not in nodes:
            rows[key] = replace(row, is_undrawn=False)
    extra = [key for key, row in rows.items() if row.is_undrawn][:MOST_UNDRAWN]
    keys = _keys(drawn, extra)
    edges = _undrawn_edges(observed, keys, set(extra))
    graph = replace(
        drawn.graph,
        blocks=(*drawn.graph.blocks, *(nodes[key] for key in extra)),
        edges=(*drawn.graph.edges, *edges),
    )
    return Picture(graph, rows, _shares(drawn, observed, _runs(table)), frozenset(edge.identity for edge in edges))


def _keys(drawn: Drawn, extra: Iterable[str]) -> dict[str, str]:
    """The key in the picture for each key of what was seen."""
    keys = {str(id_): key for key, ids in reversed(drawn.matches.items()) for id_ in ids}
    trigger = next((b.key for b in drawn.graph.blocks if b.block_type == BlockType.TRIGGER), None)
    return keys | {key: key for key in extra} | ({START: trigger} if trigger else {})


def _undrawn_edges(observed: ObservedGraph, keys: Mapping[str, str], extra: set[str]) -> Sequence[GraphEdge]:
    """What led to or from a block that is not drawn. Between drawn blocks the definition may have more on the way."""
    found = {}
    for one in observed.edges:
        source, target = keys.get(one.edge.source), keys.get(one.edge.target)
        if source and target and source != target and {source, target} & extra:
            edge = replace(one.edge, source=source, target=target)
            found[edge.identity] = edge
    return list(found.values())


def _shares(drawn: Drawn, observed: ObservedGraph, runs: Mapping[str, int]) -> dict[Identity, float]:
    """Of the runs of a block, how many went along each drawn edge; only where both of its ends were seen."""
    ids = {key: [str(id_) for id_ in found] for key, found in drawn.matches.items()}
    ids |= {block.key: [START] for block in drawn.graph.blocks if block.block_type == BlockType.TRIGGER}
    kinds = {edge.identity: edge.kind for edge in drawn.graph.edges}
    shares = {}
    for identity, count in drawn_traversals(drawn.graph, drawn.matches, observed).items():
        total = sum(runs.get(id_, 0) for id_ in ids[identity[0]])
        if total and kinds[identity] != EdgeKind.ATTACH:
            shares[identity] = min(count / total, 1.0)
    return _telling(shares)


def _runs(table: BlockTable) -> dict[str, int]:
    """Runs of each observed block by its key."""
    runs = {str(block.block_id): block.now.executions for block in table.blocks}
    return runs | {START: table.flow.now.executions}


def _telling(shares: Mapping[Identity, float]) -> dict[Identity, float]:
    """Without those of edges that were always taken: a number at every edge would hide the ones that tell something."""
    return {identity: share for identity, share in shares.items() if share < 0.995}
