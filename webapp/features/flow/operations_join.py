"""Say as what a drawing runs: join a drawn flow with an observed one, and a drawn block with an observed one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Invalid, NotFound
from webapp.features.events import operations as events
from webapp.features.flow.operations_settings import lock_flow
from webapp.models import (
    Agentflow,
    AgentflowAgent,
    AgentflowDraft,
    AgentflowEdge,
    AgentflowVersion,
    Block,
    FlowNote,
    FlowShare,
    ImportReport,
    Source,
    Workflow,
)

MOVED = (AgentflowEdge, FlowNote, AgentflowVersion, AgentflowDraft, ImportReport, Workflow, FlowShare)
DRAWING = (
    "graph_definition", "compiled_graph", "problems", "block_count", "version", "orchestration_pattern", "description",
    "tags", "source_format", "source_version", "source_key",
)  # fmt: skip


def join_flows(session: Session, actor: Actor, drawn_id: UUID, observed_id: UUID, *, now: datetime) -> None:
    """Move the drawing of one flow onto the flow of traces as which it runs, with all that belongs to the drawing.

    The drawn flow is deleted and its address leads to the observed one, which keeps its name and its figures.

    Raises:
        NotFound: one of them is not there for the actor.
        Conflict: one is deleted, nothing is drawn for the first, or the second has a drawing or is not of traces.
    """
    if drawn_id == observed_id:
        raise Conflict("A flow cannot be joined with itself.")
    # In one order, so that two who join the same flows do not wait for each other in a ring.
    flows = {id_: lock_flow(session, actor, id_) for id_ in sorted((drawn_id, observed_id))}
    drawn, observed = flows[drawn_id], flows[observed_id]
    if drawn.block_count is None or drawn.source == Source.DISCOVERED:
        raise Conflict("Only a flow that was drawn or imported here can be joined with one of traces.")
    if observed.source != Source.DISCOVERED:
        raise Conflict("Choose a flow that was found in traces.")
    if observed.block_count is not None:
        raise Conflict("That flow has a drawing already.")
    _move_drawing(drawn, observed, actor, now)
    session.flush()
    _move_rows(session, drawn.id, observed.id, actor.organization_id)
    payload = {
        "before": {"drawn_as": None},
        "after": {"drawn_as": {"id": str(drawn.id), "name": drawn.name, "version": observed.version}},
    }
    events.record(session, actor, "agentflow", observed.id, "agentflow.joined", payload, at=now)
    gone = {"before": {"joined_into": None}, "after": {"joined_into": str(observed.id), "name": observed.name}}
    events.record(session, actor, "agentflow", drawn.id, "agentflow.deleted", gone, at=now)


def _move_drawing(drawn: Agentflow, observed: Agentflow, actor: Actor, now: datetime) -> None:
    for name in DRAWING:
        setattr(observed, name, getattr(drawn, name))
    config = {name: value for name, value in (drawn.config or {}).items() if name != "joined_into"}
    observed.config = {**(observed.config or {}), **config}
    observed.user_id = observed.user_id or drawn.user_id
    observed.team_id = observed.team_id or drawn.team_id
    observed.updated_at, observed.updated_by_id = now, actor.user_id
    drawn.graph_definition, drawn.compiled_graph, drawn.block_count, drawn.problems = {}, None, None, []
    drawn.config = {"joined_into": str(observed.id)}
    drawn.deleted_at, drawn.deleted_by_id = now, actor.user_id


def _move_rows(session: Session, drawn_id: UUID, observed_id: UUID, organization_id: UUID) -> None:
    for model in MOVED:
        session.execute(
            update(model)
            .where(model.organization_id == organization_id, model.agentflow_id == drawn_id)
            .values(agentflow_id=observed_id)
        )
    session.execute(
        update(Block)
        .where(Block.organization_id == organization_id, Block.agentflow_id == drawn_id, Block.key.is_not(None))
        .values(agentflow_id=observed_id)
    )
    there = select(AgentflowAgent.agent_id).where(AgentflowAgent.agentflow_id == observed_id)
    session.execute(
        delete(AgentflowAgent).where(AgentflowAgent.agentflow_id == drawn_id, AgentflowAgent.agent_id.in_(there))
    )
    session.execute(
        update(AgentflowAgent).where(AgentflowAgent.agentflow_id == drawn_id).values(agentflow_id=observed_id)
    )


def set_runs_as(
    session: Session, actor: Actor, agentflow_id: UUID, key: str, observed_block_id: UUID | None, *, now: datetime
) -> None:
    """Say as which block of the traces a drawn block runs; None goes back to what the names tell.

    Raises:
        NotFound: there is no such flow for the actor, or no such drawn block in it.
        Conflict: the flow is deleted.
        Invalid: the observed block is none of this flow.
    """
    flow = lock_flow(session, actor, agentflow_id)
    mine = (Block.organization_id == actor.organization_id, Block.agentflow_id == flow.id)
    block = session.scalar(select(Block).where(*mine, Block.key == key, Block.removed_at.is_(None)))
    if block is None:
        raise NotFound("There is no such block in this flow.")
    names = dict(
        session.execute(select(Block.id, Block.name).where(*mine, Block.source == Source.DISCOVERED)).all()  # type: ignore[arg-type]
    )
    if observed_block_id is not None and observed_block_id not in names:
        raise Invalid("Choose a block that was seen in traces of this flow.", field="observed_block_id")
    if block.observed_block_id == observed_block_id:
        return
    before, block.observed_block_id = block.observed_block_id, observed_block_id
    session.flush()
    payload = {
        "block": key,
        "before": {"runs_as": names.get(before) if before else None},
        "after": {"runs_as": names.get(observed_block_id) if observed_block_id else None},
    }
    events.record(session, actor, "agentflow", flow.id, "agentflow.block_matched", payload, at=now)
