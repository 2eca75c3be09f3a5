"""What stands above every page of a flow: its name, how it does, its version, and the counts of the tabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, Uuid, and_, bindparam, func, select, text, true
from sqlalchemy.orm import Session, aliased, defer

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.flow_state import FlowState, flow_state
from webapp.features.flows.operations_list import may_delete
from webapp.features.flows.visibility import visible_flows
from webapp.models import Agentflow, AgentflowVersion, ExecutionRollup, Source, Team, User, Workflow

ORGANIZATION, FLOW = bindparam("organization_id", type_=Uuid), bindparam("agentflow_id", type_=Uuid)


@dataclass(frozen=True, slots=True)
class FlowHead:
    """One flow as all its pages show it. ``version`` and ``saved_*`` are None where nothing was drawn.

    ``state`` looks at the executions of the last 24 hours. ``joined_into`` is the flow with which a drawn one was
    joined. ``can_delete`` is for its author and admins.
    """

    id: UUID
    name: str
    description: str
    source: str
    source_format: str | None
    service_name: str
    state: FlowState
    version: int | None
    saved_at: datetime | None
    saved_by: str | None
    created_at: datetime | None
    author: str | None
    author_id: UUID | None
    last_execution_at: datetime | None
    block_count: int | None
    version_count: int
    automation_count: int
    problems: Sequence[Mapping[str, Any]]
    pattern: str | None
    tags: Sequence[str]
    config: Mapping[str, Any]
    visibility: str
    team_id: UUID | None
    team_name: str | None
    is_active: bool
    is_template: bool
    deleted_at: datetime | None
    deleted_by: str | None
    can_delete: bool

    @property
    def is_drawn(self) -> bool:
        """Whether somebody drew or imported a graph for it; a discovered flow may have none."""
        return self.block_count is not None

    @property
    def is_observed(self) -> bool:
        """Whether traces may say what it does: ingest found it, or it ran."""
        return self.source == Source.DISCOVERED or self.last_execution_at is not None

    @property
    def is_observed_name(self) -> bool:
        """Whether traces give it its name, so that nobody can change it here."""
        return self.source == Source.DISCOVERED

    @property
    def problems_by_block(self) -> dict[str, str]:
        """What the check said of each block, the worst first."""
        found: dict[str, str] = {}
        for problem in sorted(self.problems, key=lambda each: each.get("severity") != "error"):
            key = problem.get("block_key")
            if key:
                found.setdefault(key, str(problem.get("message", "")))
        return found

    @property
    def joined_into(self) -> UUID | None:
        """The flow that took over this one's drawing."""
        if self.deleted_at is None:
            return None
        try:
            return UUID(str(self.config.get("joined_into")))
        except ValueError:
            return None

    @property
    def is_manual_layout(self) -> bool:
        return self.config.get("layout") == "manual"


def get_head(session: Session, actor: Actor, agentflow_id: UUID) -> FlowHead:
    """The flow, deleted or not, if the actor may see it. Cost: one statement.

    Raises:
        NotFound: there is no such flow in the organization, or the actor may not see it.
    """
    values = {"organization_id": actor.organization_id, "agentflow_id": agentflow_id}
    row = session.execute(STATEMENT.where(visible_flows(actor)), values).one_or_none()
    if row is None:
        raise NotFound("There is no such flow in this organization, or it is not shared with you.")
    flow: Agentflow = row.Agentflow
    is_drawn = flow.block_count is not None
    return FlowHead(
        id=flow.id,
        name=flow.name,
        description=flow.description or "",
        source=flow.source,
        source_format=flow.source_format,
        service_name=flow.service_name,
        state=_state(row),
        version=flow.version if is_drawn else None,
        saved_at=row.saved_at,
        saved_by=row.saved_by,
        created_at=flow.created_at,
        author=row.author,
        author_id=flow.user_id,
        last_execution_at=flow.last_execution_at,
        block_count=flow.block_count,
        version_count=row.version_count,
        automation_count=row.automation_count,
        problems=tuple(flow.problems or ()),
        pattern=flow.orchestration_pattern,
        tags=tuple(str(tag) for tag in flow.tags or ()),
        config=flow.config or {},
        visibility=flow.visibility,
        team_id=flow.team_id,
        team_name=row.team_name,
        is_active=flow.is_active is not False,
        is_template=flow.is_template,
        deleted_at=flow.deleted_at,
        deleted_by=row.deleted_by,
        can_delete=may_delete(actor, flow.user_id),
    )


def _state(row: Any) -> FlowState:
    flow: Agentflow = row.Agentflow
    return flow_state(
        failed=row.failed or 0,
        ended=row.ended or 0,
        is_active=flow.is_active is not False,
        is_template=flow.is_template,
        is_deleted=flow.deleted_at is not None,
    )


def _recent() -> Subquery:
    """Executions of the last 24 hours by the kept sums, which lag by moments: good for a word, not for a figure."""
    ended = ExecutionRollup.status.in_(("completed", "failed"))
    return (
        select(
            func.sum(ExecutionRollup.executions).filter(ExecutionRollup.status == "failed").label("failed"),
            func.sum(ExecutionRollup.executions).filter(ended).label("ended"),
        )
        .where(
            ExecutionRollup.organization_id == ORGANIZATION,
            ExecutionRollup.agentflow_id == FLOW,
            ExecutionRollup.bucket >= func.now() - text("interval '24 hours'"),
        )
        .subquery()
    )


def _name(user: Any) -> ColumnElement[str]:
    return func.coalesce(user.full_name, user.username)


def _count(model: Any) -> ColumnElement[int]:
    mine = (model.organization_id == ORGANIZATION, model.agentflow_id == FLOW)
    return select(func.count()).select_from(model).where(*mine).scalar_subquery()


def _statement() -> Select[Any]:
    author, saver, deleter, recent = aliased(User), aliased(User), aliased(User), _recent()
    return (
        select(
            Agentflow,
            recent.c.failed,
            recent.c.ended,
            AgentflowVersion.created_at.label("saved_at"),
            _name(saver).label("saved_by"),
            _name(author).label("author"),
            _name(deleter).label("deleted_by"),
            Team.name.label("team_name"),
            _count(AgentflowVersion).label("version_count"),
            _count(Workflow).label("automation_count"),
        )
        .select_from(Agentflow)
        .join(recent, true())
        .outerjoin(
            AgentflowVersion,
            and_(AgentflowVersion.agentflow_id == Agentflow.id, AgentflowVersion.version == Agentflow.version),
        )
        .outerjoin(saver, saver.id == AgentflowVersion.author_id)
        .outerjoin(author, author.id == Agentflow.user_id)
        .outerjoin(deleter, deleter.id == Agentflow.deleted_by_id)
        .outerjoin(Team, Team.id == Agentflow.team_id)
        .where(Agentflow.organization_id == ORGANIZATION, Agentflow.id == FLOW)
        .options(defer(Agentflow.graph_definition, raiseload=True), defer(Agentflow.compiled_graph, raiseload=True))
    )


STATEMENT = _statement()
"""Built once: putting it together took longer than running it."""
