"""One block of a flow in detail: its figures per column of the period, and as what it may be said to run."""

# SQL is put together from constants; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from webapp.domain.periods import Period
from webapp.features.rollups.queries_blocks import Sums, facts, grouped, parameters, sums_of
from webapp.models import Block, Source

CONDITIONS = (
    "x.agentflow_id = ANY(CAST(:flows AS uuid[]))",
    "x.block_id = ANY(CAST(:blocks AS uuid[]))",
)
FACTS, SUMS = facts(conditions=CONDITIONS), grouped("agentflow_id")
COLUMNS = text(f"WITH {FACTS}{SUMS} SELECT * FROM figures")


@dataclass(frozen=True, slots=True)
class ObservedBlock:
    """A block of the traces, as which a drawn one may run."""

    id: UUID
    name: str
    step_kind: str


def list_columns(
    session: Session, organization_id: UUID, agentflow_id: UUID, block_ids: Sequence[UUID], period: Period
) -> list[Sums]:
    """What some blocks did together in each column of the period. Cost: one statement."""
    windows = [(start, period.column_end(i)) for i, start in enumerate(period.edges[:-1])]
    values = parameters(organization_id, windows, [agentflow_id]) | {"blocks": list(block_ids)}
    found = {row.place: sums_of(row) for row in session.execute(COLUMNS, values)}
    return [found.get(place, Sums()) for place in range(1, len(windows) + 1)]


def list_observed_blocks(session: Session, organization_id: UUID, agentflow_id: UUID) -> list[ObservedBlock]:
    """Blocks of the flow's traces by name. Cost: one statement."""
    stmt = (
        select(Block.id, Block.name, Block.step_kind)
        .where(
            Block.organization_id == organization_id,
            Block.agentflow_id == agentflow_id,
            Block.source == Source.DISCOVERED,
        )
        .order_by(Block.name, Block.step_kind, Block.id)
        .limit(1_000)
    )
    return [ObservedBlock(*row) for row in session.execute(stmt)]


def list_overrides(session: Session, organization_id: UUID, agentflow_id: UUID) -> dict[str, UUID]:
    """Drawn blocks, by key, for which somebody said as which block of the traces they run. Cost: one statement."""
    stmt = select(Block.key, Block.observed_block_id).where(
        Block.organization_id == organization_id,
        Block.agentflow_id == agentflow_id,
        Block.key.is_not(None),
        Block.removed_at.is_(None),
        Block.observed_block_id.is_not(None),
    )
    return {row.key: row.observed_block_id for row in session.execute(stmt)}
