"""What a flow's page knows of its blocks in a period: the definition, what was seen, and which is which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.flow_graph import FlowGraph, GraphBlock
from webapp.domain.periods import Period
from webapp.features.flow.page import Picture
from webapp.features.flow.page_blocks import BlockRow, observed_rows
from webapp.features.flow.queries_head import FlowHead
from webapp.features.flows.queries_blocks import BlockTable, list_blocks
from webapp.features.flows.queries_graph import load_graph


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture with the figures behind it. ``matches`` are the observed blocks of each key, ``overrides`` those that
    somebody chose."""

    table: BlockTable
    picture: Picture
    matches: Mapping[str, Sequence[UUID]]
    overrides: Mapping[str, UUID]

    def observed_ids(self, key: str) -> list[UUID]:
        return list(self.matches.get(key, ()))


def read_seen(session: Session, actor: Actor, head: FlowHead, period: Period) -> Seen:
    """Cost: three statements."""
    table = list_blocks(
        session,
        actor.organization_id,
        head.id,
        period.since,
        period.until,
        before=(period.previous_since, period.previous_until),
    )
    drawn = load_graph(session, actor.organization_id, head.id) if head.is_drawn else None
    if drawn is None:
        rows = observed_rows(table.blocks, is_undrawn=False)
        blocks = tuple(GraphBlock(str(b.block_id), b.block_type, b.name, source_type=b.step_kind) for b in table.blocks)
        picture = Picture(FlowGraph(head.name, blocks=blocks), {row.key: row for row in rows}, {}, frozenset())
        return Seen(table, picture, {str(b.block_id): (b.block_id,) for b in table.blocks}, {})
    rows = [
        BlockRow(b.key, b.name, b.block_type, "", None, is_drawn=True, needs_review=b.needs_review)
        for b in drawn.blocks
    ]
    return Seen(table, Picture(drawn, {row.key: row for row in rows}, {}, frozenset()), {}, {})
