"""Name a version, and bring an old one back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, NotFound
from webapp.domain.flow_graph import FlowGraph
from webapp.features.events import operations as events
from webapp.features.flows.operations_graph import SavedVersion, save_graph
from webapp.features.flows.queries_graph import UNKNOWN, load_graph, load_version
from webapp.features.flows.visibility import visible_flows
from webapp.models import Agentflow, AgentflowVersion, VersionKind


def name_version(
    session: Session, actor: Actor, agentflow_id: UUID, version: int, *, name: str, note: str, now: datetime
) -> None:
    """Say what a version is called and why it was made. What was drawn never changes.

    Raises:
        NotFound: there is no such flow for the actor, or no such version of it.
    """
    _require(session, actor, agentflow_id)
    row = session.scalar(
        select(AgentflowVersion)
        .where(
            AgentflowVersion.organization_id == actor.organization_id,
            AgentflowVersion.agentflow_id == agentflow_id,
            AgentflowVersion.version == version,
        )
        .with_for_update()
    )
    if row is None:
        raise NotFound(f"This flow has no version {version}.")
    if (row.name or "", row.note or "") == (name, note):
        return
    payload = {"version": version, "before": {"name": row.name}, "after": {"name": name or None}}
    row.name, row.note = name or None, note or None
    session.flush()
    events.record(session, actor, "agentflow", agentflow_id, "agentflow.version_named", payload, at=now)


def restore_version(
    session: Session, actor: Actor, agentflow_id: UUID, version: int, *, base_version: int, now: datetime
) -> SavedVersion:
    """Make what was drawn at a version the next one. The flow keeps its name, description and tags.

    Raises:
        NotFound: there is no such flow for the actor, or no such version of it.
        Conflict: it is the current version.
        StaleVersion: somebody saved since the page was drawn.
    """
    _require(session, actor, agentflow_id)
    if version == base_version:
        raise Conflict(f"Version {version} is the current one.")
    drawn = load_version(session, actor.organization_id, agentflow_id, version)
    now_drawn = load_graph(session, actor.organization_id, agentflow_id) or FlowGraph(drawn.name)
    graph = replace(drawn, name=now_drawn.name, description=now_drawn.description, tags=now_drawn.tags)
    return save_graph(
        session,
        actor,
        agentflow_id,
        graph,
        base_version=base_version,
        kind=VersionKind.RESTORE,
        note=f"As version {version} was.",
        now=now,
    )


def _require(session: Session, actor: Actor, agentflow_id: UUID) -> None:
    """Raises:
    NotFound: there is no such flow for the actor, or it is deleted.
    """
    found = session.scalar(
        select(Agentflow.id).where(visible_flows(actor), Agentflow.id == agentflow_id, Agentflow.deleted_at.is_(None))
    )
    if found is None:
        raise NotFound(UNKNOWN)
