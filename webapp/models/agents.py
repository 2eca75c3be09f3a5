"""Agents: who they are, how they changed, what they may use and remember."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.accounts import User
from webapp.models.base import (
    Source,
    created_column,
    db,
    id_column,
    json_column,
    new_id,
    one_of,
    organization_column,
    updated_column,
)


class AgentType(StrEnum):
    """The text's agent types. The column takes other words too: frameworks name their own."""

    GENERAL = "general"
    CONTROL = "control"
    SPECIALIZED = "specialized"


class MemoryTerm(StrEnum):
    """How long an agent keeps a fact."""

    SHORT = "short"
    LONG = "long"


class Agent(db.Model):
    """An agent, made by hand or seen in a trace."""

    __tablename__ = "agents"
    __table_args__ = (
        Index(
            "uq_agents_discovered",
            "organization_id",
            "service_name",
            "name",
            unique=True,
            postgresql_where=text("source = 'discovered'"),
        ),
        Index(None, "organization_id", "name"),
        one_of("source", Source),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, server_default=text("uuid_generate_v4()"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    agent_type: Mapped[str | None] = mapped_column(String(100))
    config: Mapped[dict[str, Any] | None] = json_column()
    system_prompt: Mapped[str | None]
    model_provider: Mapped[str | None] = mapped_column(String(100))
    model_name: Mapped[str | None] = mapped_column(String(100))
    temperature: Mapped[float | None] = mapped_column(server_default=text("0.7"))
    max_tokens: Mapped[int | None]
    is_active: Mapped[bool | None] = mapped_column(server_default=text("true"))
    version: Mapped[int | None] = mapped_column(server_default=text("1"))
    tags: Mapped[list[Any] | None] = json_column("[]")
    metadata_: Mapped[dict[str, Any] | None] = json_column(name="metadata")
    created_at: Mapped[datetime | None] = created_column()
    updated_at: Mapped[datetime | None] = updated_column()
    # Added: the tenant.
    organization_id: Mapped[UUID] = organization_column()
    # Added: tells agents that someone made from those that ingest found.
    source: Mapped[str] = mapped_column(String(20), server_default="manual")
    # Added: with the name it tells two services' agents of one name apart.
    service_name: Mapped[str] = mapped_column(String(255), server_default="")
    # Added: agents that ran are retired, never deleted.
    removed_at: Mapped[datetime | None]
    # Added: the named prompt that it takes its instructions from; NULL = its own text.
    prompt_name: Mapped[str | None] = mapped_column(String(255))
    # Added: who changed it last.
    updated_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))

    user: Mapped[User | None] = relationship(foreign_keys=[user_id], lazy="raise_on_sql")
    versions: Mapped[list["AgentVersion"]] = relationship(back_populates="agent", lazy="raise_on_sql")


class AgentVersion(db.Model):
    """What an agent was at one save or sighting: never changed afterwards."""

    __tablename__ = "agent_versions"
    __table_args__ = (UniqueConstraint("agent_id", "version"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id"))
    version: Mapped[int]
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str | None]
    system_prompt: Mapped[str | None]
    model_provider: Mapped[str | None] = mapped_column(String(100))
    model_name: Mapped[str | None] = mapped_column(String(100))
    settings: Mapped[dict[str, Any]] = json_column()
    tools: Mapped[list[Any]] = json_column("[]")
    content_hash: Mapped[bytes | None]
    created_at: Mapped[datetime] = created_column()

    agent: Mapped[Agent] = relationship(back_populates="versions", lazy="raise_on_sql")


class AgentTemplate(db.Model):
    """A starting point to make an agent from. Organization NULL = shipped with the product, readable by all."""

    __tablename__ = "agent_templates"
    __table_args__ = (UniqueConstraint("organization_id", "name", postgresql_nulls_not_distinct=True),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID | None] = organization_column()
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    category: Mapped[str | None] = mapped_column(String(100))
    agent_type: Mapped[str | None] = mapped_column(String(100))
    system_prompt: Mapped[str | None]
    config: Mapped[dict[str, Any]] = json_column()
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()


class AgentTool(db.Model):
    """A tool that an agent may call, with its settings."""

    __tablename__ = "agent_tools"
    __table_args__ = (UniqueConstraint("agent_id", "tool_id"), Index(None, "tool_id"))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    tool_id: Mapped[UUID] = mapped_column(ForeignKey("tools.id"))
    config: Mapped[dict[str, Any]] = json_column()
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = created_column()


class AgentKnowledgeBase(db.Model):
    """A knowledge base that an agent may search, and how many chunks it takes."""

    __tablename__ = "agent_knowledgebases"
    __table_args__ = (UniqueConstraint("agent_id", "knowledge_base_id"), Index(None, "knowledge_base_id"))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    knowledge_base_id: Mapped[UUID] = mapped_column(ForeignKey("knowledge_bases.id", ondelete="CASCADE"))
    top_k: Mapped[int] = mapped_column(server_default=text("5"))
    created_at: Mapped[datetime] = created_column()


class AgentMemory(db.Model):
    """A fact that an agent keeps, for a while or for good."""

    __tablename__ = "agent_memories"
    __table_args__ = (Index(None, "agent_id", "created_at"), one_of("term", MemoryTerm))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    term: Mapped[str] = mapped_column(String(20), server_default="short")
    content: Mapped[str]
    importance: Mapped[float] = mapped_column(server_default=text("0.5"))
    metadata_: Mapped[dict[str, Any]] = json_column(name="metadata")
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()
