"""An agent with all that a version of it holds, for the operations that compare before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from webapp.domain.errors import NotFound
from webapp.features.agents.state import agent_state, from_version
from webapp.models import Agent, AgentKnowledgeBase, AgentTool, AgentVersion, KnowledgeBase, Tool


def get_state(
    session: Session, organization_id: UUID, agent_id: UUID, *, is_locking: bool = False
) -> tuple[Agent, dict[str, Any]]:
    """The agent and its state; locked against other writers where it is about to be written.

    Cost: three statements. Raises: NotFound.
    """
    stmt = select(Agent).where(Agent.organization_id == organization_id, Agent.id == agent_id)
    agent = session.scalar(stmt.with_for_update().execution_options(populate_existing=True) if is_locking else stmt)
    if agent is None:
        raise NotFound("There is no such agent in this organization.")
    return agent, agent_state(agent, list_tools(session, organization_id, agent_id), _bases(session, agent_id))


def list_tools(session: Session, organization_id: UUID, agent_id: UUID) -> list[dict[str, Any]]:
    """The agent's tools as its state holds them, by name. Cost: one statement."""
    rows = session.execute(
        select(AgentTool.tool_id, Tool.name, AgentTool.is_enabled, AgentTool.config)
        .join(Tool, Tool.id == AgentTool.tool_id)
        .where(AgentTool.organization_id == organization_id, AgentTool.agent_id == agent_id)
        .order_by(func.lower(Tool.name), AgentTool.tool_id)
    )
    return [{"id": str(r[0]), "name": r[1], "is_enabled": r[2], "config": r[3] or {}} for r in rows]


def _bases(session: Session, agent_id: UUID) -> list[dict[str, Any]]:
    rows = session.execute(
        select(AgentKnowledgeBase.knowledge_base_id, KnowledgeBase.name, AgentKnowledgeBase.top_k)
        .join(KnowledgeBase, KnowledgeBase.id == AgentKnowledgeBase.knowledge_base_id)
        .where(AgentKnowledgeBase.agent_id == agent_id)
        .order_by(func.lower(KnowledgeBase.name), AgentKnowledgeBase.knowledge_base_id)
    )
    return [{"id": str(r[0]), "name": r[1], "top_k": r[2]} for r in rows]


def list_known_ids(session: Session, organization_id: UUID, state: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Which tools and knowledge bases of a state still exist. Cost: two statements."""
    wanted = [[UUID(row["id"]) for row in state[name] if row.get("id")] for name in ("tools", "knowledge_bases")]
    may_see = or_(Tool.organization_id == organization_id, Tool.organization_id.is_(None))
    tools = session.scalars(select(Tool.id).where(Tool.id.in_(wanted[0]), may_see))
    bases = session.scalars(
        select(KnowledgeBase.id).where(
            KnowledgeBase.id.in_(wanted[1]), KnowledgeBase.organization_id == organization_id
        )
    )
    return {str(id_) for id_ in tools}, {str(id_) for id_ in bases}


def get_version_states(
    session: Session, organization_id: UUID, agent_id: UUID, versions: tuple[int, int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an agent was at two versions. Cost: one statement. Raises: NotFound."""
    rows = session.scalars(
        select(AgentVersion).where(
            AgentVersion.organization_id == organization_id,
            AgentVersion.agent_id == agent_id,
            AgentVersion.version.in_(versions),
        )
    )
    found = {row.version: from_version(row) for row in rows}
    if not all(version in found for version in versions):
        raise NotFound("This agent has no such version.")
    return found[versions[0]], found[versions[1]]
