"""One agent's page: what it is, its versions, what it may use and remembers, where it is used, which models it ran."""

# SQL is put together from constants; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, or_, select, text, true
from sqlalchemy.orm import Session, aliased

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.periods import Period
from webapp.features.agents.state import SETTINGS
from webapp.features.flows.visibility import visible_flows
from webapp.features.rollups.queries import STALE, window
from webapp.models import (
    Agent,
    Agentflow,
    AgentKnowledgeBase,
    AgentMemory,
    AgentTemplate,
    AgentTool,
    AgentVersion,
    Block,
    KnowledgeBase,
    PromptTemplate,
    Source,
    Tool,
    User,
)

MOST_FLOWS = 100
MOST_CHOICES = 500
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class AgentDetail:
    """One agent as its page shows it. ``prompt_id`` is None where the named prompt is gone or archived."""

    id: UUID
    name: str
    service_name: str
    source: str
    version: int
    created_at: datetime | None
    updated_at: datetime | None
    removed_at: datetime | None
    created_by: str | None
    updated_by: str | None
    description: str | None
    agent_type: str | None
    system_prompt: str | None
    prompt_name: str | None
    model_provider: str | None
    model_name: str | None
    temperature: float | None
    max_tokens: int | None
    is_active: bool
    tags: tuple[str, ...]
    tool_count: int
    base_count: int
    memory_count: int
    prompt_id: UUID | None
    template_name: str | None

    @property
    def is_observed(self) -> bool:
        return self.source == Source.DISCOVERED

    @property
    def state(self) -> dict[str, Any]:
        """The settings as the form edits them."""
        return {name: getattr(self, name) for name in SETTINGS} | {"tags": list(self.tags)}


@dataclass(frozen=True, slots=True)
class UsingFlow:
    """A flow that draws the agent or ran it."""

    id: UUID
    name: str
    is_template: bool
    has_drawn: bool
    has_run: bool
    last_execution_at: datetime | None


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version: who made it, when, and what they noted."""

    version: int
    author: str | None
    note: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """A fact that the agent keeps."""

    id: UUID
    content: str
    term: str
    importance: float
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class SeenModel:
    """A model that the agent called in the period, as traces say."""

    model: str
    provider: str
    calls: int


def get_agent(session: Session, organization_id: UUID, agent_id: UUID) -> AgentDetail:
    """The agent, with counts of what hangs on it. Cost: one statement. Raises: NotFound."""
    maker, editor = aliased(User), aliased(User)

    def count(model: Any) -> Any:
        return select(func.count()).where(model.agent_id == Agent.id).scalar_subquery()

    prompt = (
        select(PromptTemplate.id)
        .where(
            PromptTemplate.organization_id == organization_id,
            PromptTemplate.name == Agent.prompt_name,
            PromptTemplate.is_active,
        )
        .order_by(PromptTemplate.version)
        .limit(1)
        .scalar_subquery()
    )
    template = (
        select(AgentTemplate.name)
        .where(cast(AgentTemplate.id, Text) == Agent.metadata_["template_id"].astext)
        .scalar_subquery()
    )
    stmt = (
        select(
            Agent.id, Agent.name, Agent.service_name, Agent.source, func.coalesce(Agent.version, 1), Agent.created_at,
            Agent.updated_at, Agent.removed_at, func.coalesce(maker.full_name, maker.username),
            func.coalesce(editor.full_name, editor.username), Agent.description, Agent.agent_type, Agent.system_prompt,
            Agent.prompt_name, Agent.model_provider, Agent.model_name, Agent.temperature, Agent.max_tokens,
            func.coalesce(Agent.is_active, True), Agent.tags, count(AgentTool), count(AgentKnowledgeBase),
            count(AgentMemory), prompt, template,
        )
        .outerjoin(maker, maker.id == Agent.user_id)
        .outerjoin(editor, editor.id == Agent.updated_by_id)
        .where(Agent.organization_id == organization_id, Agent.id == agent_id)
    )  # fmt: skip
    row = session.execute(stmt).first()
    if row is None:
        raise NotFound("There is no such agent in this organization.")
    return AgentDetail(*row[:19], tuple(row[19] or ()), *row[20:])


def list_flows(session: Session, actor: Actor, agent_id: UUID) -> tuple[list[UsingFlow], int]:
    """Flows that draw the agent or ran it and that the actor may see, and how many more there are.

    Cost: one statement over indexes.
    """
    used = (
        select(
            Block.agentflow_id,
            func.bool_or(Block.key.is_not(None)).label("has_drawn"),
            func.bool_or(Block.key.is_(None)).label("has_run"),
        )
        .where(
            Block.organization_id == actor.organization_id,
            Block.agent_id == agent_id,
            or_(Block.key.is_(None), Block.removed_at.is_(None)),
        )
        .group_by(Block.agentflow_id)
        .subquery()
    )
    is_visible = visible_flows(actor).label("is_visible")
    rows = session.execute(
        select(
            Agentflow.id, Agentflow.name, Agentflow.is_template, used.c.has_drawn, used.c.has_run,
            Agentflow.last_execution_at, is_visible,
        )
        .join(used, used.c.agentflow_id == Agentflow.id)
        .where(Agentflow.organization_id == actor.organization_id, Agentflow.deleted_at.is_(None))
        .order_by(is_visible.desc(), Agentflow.last_execution_at.desc().nulls_last(), Agentflow.name, Agentflow.id)
    ).all()  # fmt: skip
    shown = [UsingFlow(*row[:6]) for row in rows if row.is_visible]
    return shown[:MOST_FLOWS], len(rows) - len(shown[:MOST_FLOWS])


def get_prompt_text(session: Session, organization_id: UUID, name: str) -> str | None:
    """The newest text of a named prompt, None where there is none. Cost: one statement."""
    return session.scalar(
        select(PromptTemplate.template)
        .where(PromptTemplate.organization_id == organization_id, PromptTemplate.name == name)
        .order_by(PromptTemplate.version.desc())
        .limit(1)
    )


def list_prompt_names(session: Session, organization_id: UUID) -> list[str]:
    """Named prompts that an agent may take its instructions from. Cost: one statement."""
    return list(
        session.scalars(
            select(PromptTemplate.name)
            .where(PromptTemplate.organization_id == organization_id, PromptTemplate.is_active)
            .distinct()
            .order_by(PromptTemplate.name)
            .limit(MOST_CHOICES)
        )
    )


def list_versions(
    session: Session, organization_id: UUID, agent_id: UUID, *, before: int | None = None
) -> tuple[list[VersionRow], int | None]:
    """The newest 50 versions, and the number before which older ones are found. Cost: one statement."""
    stmt = (
        select(
            AgentVersion.version,
            func.coalesce(User.full_name, User.username),
            AgentVersion.note,
            AgentVersion.created_at,
        )
        .outerjoin(User, User.id == AgentVersion.author_id)
        .where(AgentVersion.organization_id == organization_id, AgentVersion.agent_id == agent_id)
        .where(AgentVersion.version < before if before is not None else true())
        .order_by(AgentVersion.version.desc())
        .limit(PAGE_SIZE + 1)
    )
    rows = [VersionRow(*row) for row in session.execute(stmt)]
    kept = rows[:PAGE_SIZE]
    return kept, kept[-1].version if len(rows) > PAGE_SIZE else None


def list_memories(session: Session, organization_id: UUID, agent_id: UUID, *, search: str = "") -> list[MemoryRow]:
    """What the agent remembers, the most important first, at most 500. Cost: one statement."""
    stmt = select(
        AgentMemory.id,
        AgentMemory.content,
        AgentMemory.term,
        AgentMemory.importance,
        AgentMemory.created_at,
        AgentMemory.last_used_at,
        AgentMemory.expires_at,
    ).where(AgentMemory.organization_id == organization_id, AgentMemory.agent_id == agent_id)
    if search:
        stmt = stmt.where(AgentMemory.content.icontains(search, autoescape=True))
    stmt = stmt.order_by(AgentMemory.importance.desc(), AgentMemory.created_at.desc(), AgentMemory.id)
    return [MemoryRow(*row) for row in session.execute(stmt.limit(MOST_CHOICES))]


def get_memory(session: Session, organization_id: UUID, agent_id: UUID, memory_id: UUID) -> MemoryRow:
    """One fact. Cost: one statement. Raises: NotFound."""
    stmt = select(
        AgentMemory.id,
        AgentMemory.content,
        AgentMemory.term,
        AgentMemory.importance,
        AgentMemory.created_at,
        AgentMemory.last_used_at,
        AgentMemory.expires_at,
    ).where(
        AgentMemory.organization_id == organization_id, AgentMemory.agent_id == agent_id, AgentMemory.id == memory_id
    )
    row = session.execute(stmt).first()
    if row is None:
        raise NotFound("The agent does not remember this, or somebody deleted it.")
    return MemoryRow(*row)


def list_free_tools(session: Session, organization_id: UUID, agent_id: UUID) -> list[tuple[UUID, str]]:
    """Active tools that the agent does not have, by name, at most 500. Cost: one statement."""
    taken = select(AgentTool.tool_id).where(AgentTool.agent_id == agent_id)
    stmt = (
        select(Tool.id, func.coalesce(func.nullif(Tool.display_name, ""), Tool.name))
        .where(
            or_(Tool.organization_id == organization_id, Tool.organization_id.is_(None)),
            func.coalesce(Tool.is_active, True),
            Tool.id.not_in(taken),
        )
        .order_by(func.lower(Tool.name), Tool.id)
        .limit(MOST_CHOICES)
    )
    return [(row[0], row[1]) for row in session.execute(stmt)]


def list_bases(session: Session, organization_id: UUID, agent_id: UUID) -> list[tuple[UUID, str, int | None]]:
    """Knowledge bases of the organization with the chunks that the agent takes of each, None = it does not search it.

    Cost: one statement.
    """
    own = (AgentKnowledgeBase.knowledge_base_id == KnowledgeBase.id) & (AgentKnowledgeBase.agent_id == agent_id)
    stmt = (
        select(KnowledgeBase.id, KnowledgeBase.name, AgentKnowledgeBase.top_k)
        .outerjoin(AgentKnowledgeBase, own)
        .where(KnowledgeBase.organization_id == organization_id)
        .order_by(func.lower(KnowledgeBase.name), KnowledgeBase.id)
        .limit(MOST_CHOICES)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(stmt)]


# Kept sums where they are up to date, the calls themselves where not; as the overview counts models.
MODELS = text(f"""
    WITH {STALE}, calls AS (
        SELECT r.model, r.provider, r.calls FROM usage_rollups r
        WHERE r.organization_id = :organization_id AND r.bucket >= :first_whole AND r.bucket < :last_whole
          AND r.agent_id = :agent_id AND NOT EXISTS (SELECT FROM stale WHERE stale.bucket = r.bucket)
        UNION ALL
        SELECT c.* FROM stale CROSS JOIN LATERAL (
            SELECT coalesce(l.model, ''), coalesce(l.provider, ''), 1
            FROM flow_executions e
            JOIN usage_ledger l ON l.flow_execution_id = e.id AND l.flow_created_at = e.created_at
            WHERE e.organization_id = :organization_id AND l.agent_id = :agent_id
              AND e.started_at >= stale.bucket AND e.started_at < stale.bucket + interval '15 minutes'
              AND e.started_at >= :since AND e.started_at < :until
              AND e.created_at >= stale.bucket - interval '5 minutes'
            OFFSET 0
        ) c
    )
    SELECT model, provider, CAST(sum(calls) AS bigint) AS calls FROM calls WHERE model <> ''
    GROUP BY model, provider ORDER BY sum(calls) DESC, model, provider LIMIT 12
""")


def list_models_seen(session: Session, organization_id: UUID, agent_id: UUID, period: Period) -> list[SeenModel]:
    """Models that the agent called in the period, most often first. Cost: one statement."""
    values = window(organization_id, period.since, period.until) | {"agent_id": agent_id}
    return [SeenModel(*row) for row in session.execute(MODELS, values)]
