"""What somebody edits: the flow, their draft, who else has one, and the agents to choose from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.flow_graph import FlowGraph, from_document
from webapp.domain.undo_steps import LONGEST_HEAD, StepNames, read_names
from webapp.features.flows.queries_graph import UNKNOWN, load_graph, load_version
from webapp.features.flows.queries_observed import observed_graph
from webapp.features.flows.visibility import visible_flows
from webapp.models import Agent, Agentflow, AgentflowDraft, AgentflowVersion, Source, User

MOST_AGENTS, SEEN_DAYS = 1_000, 30


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody has changed and not saved. ``revision`` 0 and no ``stored_at``: nothing yet."""

    graph: FlowGraph
    base_version: int
    revision: int = 0
    stored_at: datetime | None = None
    steps: StepNames = StepNames(None, None, 0)


@dataclass(frozen=True, slots=True)
class Edited:
    """A flow with the draft of the actor. ``version`` is the current one, 0 where nothing was drawn; ``saved_*`` tell
    of it. ``is_observed``: traces may say what it does. ``joined_into`` is the flow that took over the drawing."""

    id: UUID
    name: str
    source: str
    version: int
    saved_at: datetime | None
    saved_by: str | None
    is_observed: bool
    draft: Draft
    joined_into: str | None = None

    @property
    def is_behind(self) -> bool:
        """Whether somebody saved a version since the draft was begun."""
        return self.draft.base_version != self.version


@dataclass(frozen=True, slots=True)
class OtherDraft:
    """Somebody else's draft of the same flow."""

    name: str
    stored_at: datetime


def get_edited(session: Session, actor: Actor, agentflow_id: UUID) -> Edited:
    """The flow with the actor's draft, else with the current drawing to begin from. Cost: one statement.

    Raises:
        NotFound: there is no such flow for the actor, or it is deleted.
    """
    row = session.execute(_edited(actor, agentflow_id)).one_or_none()
    if row is None:
        raise NotFound(UNKNOWN)
    is_observed = row.source == Source.DISCOVERED or row.last_execution_at is not None
    return Edited(
        agentflow_id,
        row.name,
        row.source,
        row.version,
        row.saved_at,
        row.saved_by,
        is_observed,
        _draft(row),
        row.joined_into,
    )


def _edited(actor: Actor, agentflow_id: UUID) -> Select[Any]:
    """The flow, who saved it last, and the actor's draft; the graph is that of the draft where there is one."""
    step = func.unnest(AgentflowDraft.undo_stack).column_valued("step")
    heads = select(func.array_agg(func.substring(step, 1, LONGEST_HEAD))).scalar_subquery()
    has_no_draft = AgentflowDraft.id.is_(None)
    return (
        select(
            Agentflow.name,
            Agentflow.description,
            Agentflow.tags,
            Agentflow.source,
            Agentflow.last_execution_at,
            Agentflow.config["joined_into"].astext.label("joined_into"),
            case((Agentflow.graph_definition.is_(None), 0), else_=Agentflow.version).label("version"),
            case((has_no_draft, Agentflow.graph_definition), else_=AgentflowDraft.graph).label("graph"),
            AgentflowVersion.created_at.label("saved_at"),
            func.coalesce(User.full_name, User.username).label("saved_by"),
            AgentflowDraft.base_version,
            AgentflowDraft.revision,
            AgentflowDraft.updated_at,
            heads.label("heads"),
        )
        .outerjoin(
            AgentflowDraft,
            and_(AgentflowDraft.agentflow_id == Agentflow.id, AgentflowDraft.user_id == actor.user_id),
        )
        .outerjoin(
            AgentflowVersion,
            and_(AgentflowVersion.agentflow_id == Agentflow.id, AgentflowVersion.version == Agentflow.version),
        )
        .outerjoin(User, User.id == AgentflowVersion.author_id)
        .where(visible_flows(actor), Agentflow.id == agentflow_id, Agentflow.deleted_at.is_(None))
    )


def _draft(row: Any) -> Draft:
    if row.base_version is not None:
        names = read_names(row.heads or ())
        return Draft(from_document(row.graph), row.base_version, row.revision, row.updated_at, names)
    return Draft(begin_graph(row.graph, row.name, row.description, row.tags), row.version)


def begin_graph(document: Any, name: str, description: str | None, tags: list[Any] | None) -> FlowGraph:
    """What a draft begins with: the drawing, else nothing. What the flow says of itself now is newer than a version."""
    graph = from_document(document) if document else FlowGraph(name)
    return replace(graph, name=name, description=description or "", tags=tuple(str(tag) for tag in tags or ()))


def get_seen(session: Session, actor: Actor, agentflow_id: UUID, *, now: datetime) -> FlowGraph:
    """What ran of the flow in the last 30 days, as a graph; empty where nothing did. Cost: three statements.

    Raises:
        NotFound: there is no such flow for the actor, or it is deleted.
    """
    name = session.scalar(
        select(Agentflow.name).where(visible_flows(actor), Agentflow.id == agentflow_id, Agentflow.deleted_at.is_(None))
    )
    if name is None:
        raise NotFound(UNKNOWN)
    since = now - timedelta(days=SEEN_DAYS)
    return observed_graph(session, actor.organization_id, agentflow_id, since, now, name=name).graph


def load_sides(session: Session, organization_id: UUID, edited: Edited) -> tuple[FlowGraph, FlowGraph]:
    """The version that the draft began with, and the current one. Cost: two statements."""
    theirs = load_graph(session, organization_id, edited.id)
    base_version = edited.draft.base_version
    base = load_version(session, organization_id, edited.id, base_version) if base_version else None
    empty = FlowGraph(edited.name)
    return base or empty, theirs or empty


def list_other_drafts(session: Session, actor: Actor, agentflow_id: UUID) -> list[OtherDraft]:
    """Drafts of other people, the latest first. Cost: one statement."""
    rows = session.execute(
        select(func.coalesce(User.full_name, User.username), AgentflowDraft.updated_at)
        .join(User, User.id == AgentflowDraft.user_id)
        .where(
            AgentflowDraft.organization_id == actor.organization_id,
            AgentflowDraft.agentflow_id == agentflow_id,
            AgentflowDraft.user_id != actor.user_id,
        )
        .order_by(AgentflowDraft.updated_at.desc())
        .limit(20)
    )
    return [OtherDraft(*row) for row in rows]


def list_agents(session: Session, organization_id: UUID) -> dict[str, str]:
    """Names of the agents that a block can use, by their id as text, in the order of the alphabet."""
    rows = session.execute(
        select(Agent.id, Agent.name)
        .where(Agent.organization_id == organization_id, Agent.removed_at.is_(None))
        .order_by(func.lower(Agent.name), Agent.id)
        .limit(MOST_AGENTS)
    )
    return {str(id_): name for id_, name in rows}
