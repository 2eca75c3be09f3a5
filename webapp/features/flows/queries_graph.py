"""The drawing of a flow, now and at any version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.flow_graph import FlowGraph, from_document
from webapp.features.flows.visibility import visible_flows
from webapp.models import Agentflow, AgentflowVersion

UNKNOWN = "There is no such flow."
DRAWN = (Agentflow.version, Agentflow.graph_definition, Agentflow.name, Agentflow.description, Agentflow.tags)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What somebody drew or imported. ``version`` 0 and ``graph`` None: nothing was drawn, the flow was only seen."""

    version: int
    graph: FlowGraph | None


def get_drawing(session: Session, actor: Actor, agentflow_id: UUID) -> Drawing:
    """The current drawing of a flow that the actor may see.

    Raises:
        NotFound: no such flow for the actor; a deleted one is found.
    """
    row = session.execute(
        select(Agentflow.version, Agentflow.graph_definition).where(visible_flows(actor), Agentflow.id == agentflow_id)
    ).one_or_none()
    if row is None:
        raise NotFound(UNKNOWN)
    return Drawing(row.version, from_document(row.graph_definition)) if row.graph_definition else Drawing(0, None)


def load_graph(session: Session, organization_id: UUID, agentflow_id: UUID) -> FlowGraph | None:
    """The current drawing, None where nothing was drawn or there is no such flow. The caller has checked who asks."""
    row = session.execute(
        select(*DRAWN).where(Agentflow.organization_id == organization_id, Agentflow.id == agentflow_id)
    ).one_or_none()
    return _graph(row) if row and row.graph_definition else None


def _graph(row: Any) -> FlowGraph:
    """Name, description and tags change without a version, so the flow's own are the newest."""
    graph = from_document(row.graph_definition)
    return replace(graph, name=row.name, description=row.description or "", tags=tuple(row.tags))


def load_version(session: Session, organization_id: UUID, agentflow_id: UUID, version: int) -> FlowGraph:
    """The drawing as it was saved at one version. The caller has checked who asks.

    Raises:
        NotFound: the flow has no such version.
    """
    document = session.scalar(
        select(AgentflowVersion.graph).where(
            AgentflowVersion.organization_id == organization_id,
            AgentflowVersion.agentflow_id == agentflow_id,
            AgentflowVersion.version == version,
        )
    )
    if document is None:
        raise NotFound(f"This flow has no version {version}.")
    return from_document(document)
