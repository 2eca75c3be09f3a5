"""Public links of a flow, and what such a link shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from webapp.domain.flow_graph import FlowGraph, GraphBlock, GraphEdge, from_document
from webapp.models import Agentflow, FlowShare, Organization, User

SETTING = "public_links_allowed"
MOST_SHARES = 100


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One link as its flow's settings show it; its token is stored nowhere."""

    id: UUID
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_seen_at: datetime | None

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class Sharing:
    """The links of a flow, and whether the organization lets them work."""

    is_allowed: bool
    shares: Sequence[ShareRow]


@dataclass(frozen=True, slots=True)
class SharedFlow:
    """What a link shows: the name and the drawing without anything that blocks are configured with."""

    name: str
    graph: FlowGraph


def get_sharing(session: Session, organization_id: UUID, agentflow_id: UUID) -> Sharing:
    """All links of a flow, those that work first, then the newest. Cost: one statement."""
    mine = (FlowShare.organization_id == organization_id, FlowShare.agentflow_id == agentflow_id)
    stmt = (
        select(
            Organization.settings,
            FlowShare.id,
            FlowShare.created_at,
            func.coalesce(User.full_name, User.username),
            FlowShare.expires_at,
            FlowShare.revoked_at,
            FlowShare.last_seen_at,
        )
        .select_from(Organization)
        .outerjoin(FlowShare, and_(*mine))
        .outerjoin(User, User.id == FlowShare.created_by_id)
        .where(Organization.id == organization_id)
        .order_by(FlowShare.revoked_at.desc().nulls_first(), FlowShare.created_at.desc(), FlowShare.id.desc())
        .limit(MOST_SHARES)
    )
    rows = session.execute(stmt).all()
    return Sharing(_is_allowed(rows[0].settings), [ShareRow(*row[1:]) for row in rows if row.id is not None])


def _is_allowed(settings: Any) -> bool:
    return (settings or {}).get(SETTING) is not False


def are_links_allowed(session: Session, organization_id: UUID) -> bool:
    """Whether the organization allows public links; it does unless an admin said no. Cost: one statement."""
    settings = session.scalar(select(Organization.settings).where(Organization.id == organization_id))
    return _is_allowed(settings)


def get_shared_flow(session: Session, organization_id: UUID, agentflow_id: UUID) -> SharedFlow | None:
    """The drawing behind a link. None when the flow is deleted, nothing is drawn, or the organization forbids links.

    Cost: one statement.
    """
    row = session.execute(
        select(Agentflow.name, Agentflow.graph_definition, Organization.settings)
        .join(Organization, Organization.id == Agentflow.organization_id)
        .where(
            Agentflow.organization_id == organization_id,
            Agentflow.id == agentflow_id,
            Agentflow.deleted_at.is_(None),
            Agentflow.block_count.is_not(None),
        )
    ).one_or_none()
    if row is None or not row.graph_definition or not _is_allowed(row.settings):
        return None
    return SharedFlow(row.name, bare_graph(from_document(row.graph_definition), row.name))


def bare_graph(graph: FlowGraph, name: str) -> FlowGraph:
    """Names, types and edges only: no settings, texts, notes, credentials, agents or where it came from."""
    blocks = tuple(GraphBlock(b.key, b.block_type, b.name, x=b.x, y=b.y, parent_key=b.parent_key) for b in graph.blocks)
    edges = tuple(GraphEdge(e.source, e.target, e.source_handle, e.target_handle, e.kind, e.label) for e in graph.edges)
    layout = {"layout": graph.config["layout"]} if "layout" in graph.config else {}
    return FlowGraph(name=name, config=layout, blocks=blocks, edges=edges)
