"""A drawing as it may leave the organization."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.domain.flow_graph import FlowGraph, GraphBlock
from webapp.models import Agent


def portable_graph(session: Session, organization_id: UUID, graph: FlowGraph) -> FlowGraph:
    """The graph with agents by name, as ids mean nothing elsewhere, and credentials that nobody has filled.

    Cost: one statement, none where no block names an agent.
    """
    wanted = {id_ for block in graph.blocks if (id_ := _uuid(block.agent)) is not None}
    names: dict[str, str] = {}
    if wanted:
        stmt = select(Agent.id, Agent.name).where(Agent.organization_id == organization_id, Agent.id.in_(wanted))
        names = {str(row.id): row.name for row in session.execute(stmt)}
    return replace(graph, blocks=tuple(_portable(block, names) for block in graph.blocks))


def _portable(block: GraphBlock, names: dict[str, str]) -> GraphBlock:
    agent = block.agent
    if _uuid(agent) is not None:
        agent = names.get(str(UUID(agent)))  # an agent that is not there any more has no name to go by
    slots = tuple(replace(slot, is_filled=False) for slot in block.credentials)
    return replace(block, agent=agent, credentials=slots)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
