"""Change what a flow says of itself, and copy it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Invalid, NotFound
from webapp.domain.flow_graph import FlowGraph
from webapp.features.events import operations as events
from webapp.features.flow.wanted import FlowSettings
from webapp.features.flows.operations_graph import create_flow, save_graph
from webapp.features.flows.queries_graph import load_graph
from webapp.features.flows.visibility import SEES_ALL, visible_flows
from webapp.models import Agentflow, Source, Team, Visibility

UNKNOWN = "There is no such flow in this organization, or it is not shared with you."


def lock_flow(session: Session, actor: Actor, agentflow_id: UUID) -> Agentflow:
    """The row of a flow that the actor may see, locked until the request ends.

    Raises:
        NotFound: there is no such flow for the actor.
        Conflict: it is deleted.
    """
    flow = session.scalar(
        select(Agentflow).where(visible_flows(actor), Agentflow.id == agentflow_id).with_for_update(of=Agentflow)
    )
    if flow is None:
        raise NotFound(UNKNOWN)
    if flow.deleted_at is not None:
        raise Conflict("This flow is deleted. Restore it first.")
    return flow


def change_settings(
    session: Session, actor: Actor, agentflow_id: UUID, wanted: FlowSettings, *, now: datetime
) -> tuple[str, ...]:
    """Set what people set for a flow; answers the names of what changed.

    The pattern and the layout belong to the drawing, so changing them makes a version.

    Raises:
        NotFound: there is no such flow for the actor.
        Conflict: it is deleted.
        Invalid: the team is none of this organization, or the actor would lose sight of the flow.
    """
    flow = lock_flow(session, actor, agentflow_id)
    _check_team(session, actor, flow, wanted)
    before = _described(flow)
    if wanted.name is not None and flow.source != Source.DISCOVERED:
        flow.name = wanted.name
    flow.description, flow.tags, flow.team_id = wanted.description or None, list(wanted.tags), wanted.team_id
    flow.visibility, flow.is_active, flow.is_template = wanted.visibility, wanted.is_active, wanted.is_template
    _set_drawing(session, actor, flow, wanted, now)
    after = _described(flow)
    changed = tuple(name for name in after if after[name] != before[name])
    if changed:
        flow.updated_at, flow.updated_by_id = now, actor.user_id
        session.flush()
        _record(session, actor, flow.id, "agentflow.changed", before, after, now)
    return changed


def _check_team(session: Session, actor: Actor, flow: Agentflow, wanted: FlowSettings) -> None:
    if wanted.team_id is not None:
        stmt = select(Team.id).where(Team.organization_id == actor.organization_id, Team.id == wanted.team_id)
        if session.scalar(stmt) is None:
            raise Invalid("There is no such team.", field="team_id")
    is_private = wanted.visibility == Visibility.PRIVATE
    if is_private and flow.user_id != actor.user_id and actor.role not in SEES_ALL:
        raise Invalid("Only its author or an admin can make a flow private.", field="visibility")


def _set_drawing(session: Session, actor: Actor, flow: Agentflow, wanted: FlowSettings, now: datetime) -> None:
    config = dict(flow.config or {})
    is_moved = config.get("layout", "auto") != wanted.layout
    is_other = flow.orchestration_pattern != wanted.pattern
    if not (is_moved or is_other):
        return
    session.flush()
    graph = load_graph(session, actor.organization_id, flow.id)
    if graph is not None:
        graph = replace(graph, pattern=wanted.pattern, config={**graph.config, "layout": wanted.layout})
        words = [f"pattern {wanted.pattern or 'none'}"] * is_other + [f"{wanted.layout} layout"] * is_moved
        note = f"Settings: {', '.join(words)}"
        save_graph(session, actor, flow.id, graph, base_version=flow.version or 0, note=note, now=now)
    flow.orchestration_pattern, flow.config = wanted.pattern, {**(flow.config or {}), "layout": wanted.layout}


def _described(flow: Agentflow) -> dict[str, Any]:
    """The settings as the event store keeps them."""
    return {
        "name": flow.name,
        "description": flow.description,
        "tags": list(flow.tags or ()),
        "team_id": str(flow.team_id) if flow.team_id else None,
        "pattern": flow.orchestration_pattern,
        "visibility": str(flow.visibility),
        "is_active": flow.is_active is not False,
        "is_template": flow.is_template,
        "layout": (flow.config or {}).get("layout", "auto"),
    }


def _record(
    session: Session,
    actor: Actor,
    agentflow_id: UUID,
    event_type: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    now: datetime,
) -> None:
    changed = [name for name in after if before.get(name) != after[name]]
    payload = {
        "before": {name: before.get(name) for name in changed},
        "after": {name: after[name] for name in changed},
    }
    events.record(session, actor, "agentflow", agentflow_id, event_type, payload, at=now)


def duplicate_flow(session: Session, actor: Actor, agentflow_id: UUID, *, now: datetime) -> UUID:
    """A new flow with the same drawing, seen by the same people, without figures; answers its id.

    Raises:
        NotFound: there is no such flow for the actor.
        Conflict: it is deleted, or nothing was drawn that could be copied.
    """
    flow = lock_flow(session, actor, agentflow_id)
    graph = load_graph(session, actor.organization_id, flow.id)
    if graph is None:
        raise Conflict("Nothing was drawn for this flow, so there is nothing to copy.")
    copy = replace(graph, name=copy_name(graph))
    return create_flow(
        session,
        actor,
        copy,
        now=now,
        visibility=Visibility(flow.visibility),
        team_id=flow.team_id,
        note=f"Copy of {graph.name}, version {flow.version}",
    )


def copy_name(graph: FlowGraph) -> str:
    """``Copy of …``, cut to the length of a name."""
    return f"Copy of {graph.name}"[:255]
