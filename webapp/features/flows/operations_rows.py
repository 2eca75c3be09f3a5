"""The rows behind a drawing: blocks that keep their ids by key, edges, notes, and which agents take part."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from webapp.domain.flow_graph import FlowGraph, GraphBlock
from webapp.models import Agentflow, AgentflowAgent, AgentflowEdge, Block, FlowNote, Source, new_id


def write_rows(
    session: Session,
    organization_id: UUID,
    flow: Agentflow,
    graph: FlowGraph,
    *,
    agents: Collection[str],
    now: datetime,
) -> None:
    """Bring the rows of an organization's flow to its graph. ``agents`` are ids that exist; others leave a block bare.

    A block keeps its id as long as its key is drawn, also when it was removed and comes back; one that is gone is
    retired, not deleted. Cost: eight statements at any size.
    """
    of_flow = {"organization_id": organization_id, "agentflow_id": flow.id}
    ids = _write_blocks(session, flow, graph, agents, of_flow | {"created_at": now})
    _write_edges(session, of_flow, graph, ids)
    _write_notes(session, of_flow, graph)
    _write_agents(session, of_flow, graph, agents)


def _write_blocks(
    session: Session, flow: Agentflow, graph: FlowGraph, agents: Collection[str], shared: dict[str, Any]
) -> dict[str, UUID]:
    known: dict[str, UUID] = dict(
        session.execute(
            select(Block.key, Block.id).where(Block.agentflow_id == flow.id, Block.key.is_not(None)).order_by(Block.id)
        ).all()  # type: ignore[arg-type]
    )
    ids = {block.key: known.get(block.key) or new_id() for block in graph.blocks}
    gone = [id_ for key, id_ in known.items() if key not in ids]
    if gone:
        session.execute(
            update(Block).where(Block.id.in_(gone), Block.removed_at.is_(None)).values(removed_at=shared["created_at"])
        )
    rows = [_block_row(block, ids, agents) for block in graph.blocks]
    fresh = [row for row in rows if row["key"] not in known]
    same = [row for row in rows if row["key"] in known]
    source = Source.IMPORTED if flow.source == Source.IMPORTED else Source.MANUAL
    # Parents come second: a loop may be drawn after what it contains.
    if fresh:
        session.execute(insert(Block), [{**shared, **row, "source": source, "parent_block_id": None} for row in fresh])
    if same:
        session.execute(update(Block), [{**row, "removed_at": None} for row in same])
    inside = [{"id": row["id"], "parent_block_id": row["parent_block_id"]} for row in fresh if row["parent_block_id"]]
    if inside:
        session.execute(update(Block), inside)
    return ids


def _block_row(block: GraphBlock, ids: dict[str, UUID], agents: Collection[str]) -> dict[str, Any]:
    return {
        "id": ids[block.key],
        "key": block.key,
        "block_type": block.block_type[:100],
        "name": block.name[:255],
        "description": block.description or None,
        "position_x": block.x,
        "position_y": block.y,
        "config": dict(block.config),
        "inputs": dict(block.inputs),
        "outputs": dict(block.outputs),
        "agent_id": UUID(block.agent) if block.agent in agents else None,
        "parent_block_id": ids[block.parent_key] if block.parent_key else None,
        "needs_review": block.needs_review,
        "credentials": [asdict(slot) for slot in block.credentials],
        "source_id": block.source_id,
        "source_type": block.source_type,
    }


def _write_edges(session: Session, of_flow: dict[str, Any], graph: FlowGraph, ids: dict[str, UUID]) -> None:
    session.execute(delete(AgentflowEdge).where(AgentflowEdge.agentflow_id == of_flow["agentflow_id"]))
    rows = [
        {
            **of_flow,
            "id": new_id(),
            "source_block_id": ids[edge.source],
            "target_block_id": ids[edge.target],
            "source_handle": edge.source_handle,
            "target_handle": edge.target_handle,
            "kind": edge.kind,
            "label": edge.label or None,
        }
        for edge in graph.edges
    ]
    if rows:
        session.execute(insert(AgentflowEdge), rows)


def _write_notes(session: Session, of_flow: dict[str, Any], graph: FlowGraph) -> None:
    session.execute(delete(FlowNote).where(FlowNote.agentflow_id == of_flow["agentflow_id"]))
    rows = [
        {
            **of_flow,
            "id": new_id(),
            "key": note.key,
            "text": note.text,
            "position_x": note.x,
            "position_y": note.y,
            "width": note.width,
            "height": note.height,
        }
        for note in graph.notes
    ]
    if rows:
        session.execute(insert(FlowNote), rows)


def _write_agents(session: Session, of_flow: dict[str, Any], graph: FlowGraph, agents: Collection[str]) -> None:
    session.execute(delete(AgentflowAgent).where(AgentflowAgent.agentflow_id == of_flow["agentflow_id"]))
    taking_part = dict.fromkeys(block.agent for block in graph.blocks if block.agent in agents)
    roles = {block.agent: str(block.config.get("role") or "")[:100] for block in reversed(graph.blocks) if block.agent}
    rows = [
        {
            **of_flow,
            "id": new_id(),
            "agent_id": UUID(agent),
            "role": roles.get(agent) or None,
            "position": place,
        }
        for place, agent in enumerate(taking_part)
    ]
    if rows:
        session.execute(insert(AgentflowAgent), rows)
