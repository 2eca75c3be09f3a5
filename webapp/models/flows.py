"""Agentflows: the graph of blocks and edges, the agents in it, and the automations that start it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.accounts import User
from webapp.models.agents import Agent
from webapp.models.base import (
    Source,
    created_column,
    db,
    id_column,
    json_column,
    one_of,
    organization_column,
    updated_column,
)


class TriggerKind(StrEnum):
    """What starts a workflow."""

    WEBHOOK = "webhook"
    SCHEDULE = "schedule"
    EVENT = "event"


class EdgeKind(StrEnum):
    """What an edge means: order of work, something attached to a block, or the way back of a loop."""

    FLOW = "flow"
    ATTACH = "attach"
    LOOP_BACK = "loop_back"


class Agentflow(db.Model):
    """A flow of agents: made by hand, imported, or seen in traces (then named by service and root)."""

    __tablename__ = "agentflows"
    __table_args__ = (
        Index("idx_agentflows_user", "user_id"),
        Index("idx_agentflows_active", "is_active"),
        Index(
            "uq_agentflows_discovered",
            "organization_id",
            "service_name",
            "name",
            unique=True,
            postgresql_where=text("source = 'discovered'"),
        ),
        Index(None, "organization_id", "name"),
        one_of("source", Source),
    )

    id: Mapped[UUID] = id_column()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    graph_definition: Mapped[dict[str, Any] | None] = json_column()
    compiled_graph: Mapped[dict[str, Any] | None]
    orchestration_pattern: Mapped[str | None] = mapped_column(String(100))
    config: Mapped[dict[str, Any] | None] = json_column()
    is_active: Mapped[bool | None] = mapped_column(server_default=text("true"))
    is_public: Mapped[bool | None] = mapped_column(server_default=text("false"))
    version: Mapped[int | None] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime | None] = created_column()
    updated_at: Mapped[datetime | None] = updated_column()
    deleted_at: Mapped[datetime | None]
    # Added: the tenant.
    organization_id: Mapped[UUID] = organization_column()
    # Added: tells flows that someone made from those that ingest found.
    source: Mapped[str] = mapped_column(String(20), server_default="manual")
    # Added: with the name it tells two services' flows of one name apart.
    service_name: Mapped[str] = mapped_column(String(255), server_default="")
    # Added: a flow list sorts by it without touching executions.
    last_execution_at: Mapped[datetime | None]
    # Added: a flow may belong to a team.
    team_id: Mapped[UUID | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"))

    user: Mapped[User | None] = relationship(lazy="raise_on_sql")
    blocks: Mapped[list["Block"]] = relationship(back_populates="agentflow", lazy="raise_on_sql", passive_deletes=True)
    edges: Mapped[list["AgentflowEdge"]] = relationship(
        back_populates="agentflow", lazy="raise_on_sql", passive_deletes=True
    )
    agents: Mapped[list["AgentflowAgent"]] = relationship(
        back_populates="agentflow", lazy="raise_on_sql", passive_deletes=True
    )


class Block(db.Model):
    """One node of an agentflow."""

    __tablename__ = "blocks"
    __table_args__ = (
        Index("idx_blocks_agentflow", "agentflow_id"),
        Index("idx_blocks_agent", "agent_id"),
        Index(
            "uq_blocks_discovered",
            "agentflow_id",
            "step_kind",
            "name",
            unique=True,
            postgresql_where=text("source = 'discovered'"),
        ),
        one_of("source", Source),
    )

    id: Mapped[UUID] = id_column()
    agentflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    block_type: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    position_x: Mapped[float | None]
    position_y: Mapped[float | None]
    config: Mapped[dict[str, Any] | None] = json_column()
    inputs: Mapped[dict[str, Any] | None] = json_column()
    outputs: Mapped[dict[str, Any] | None] = json_column()
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("agents.id"))
    created_at: Mapped[datetime | None] = created_column()
    # Added: the tenant.
    organization_id: Mapped[UUID] = organization_column()
    # Added: tells blocks that someone drew from those that ingest found.
    source: Mapped[str] = mapped_column(String(20), server_default="manual")
    # Added: what a discovered block does in a trace; a tool and an agent of one name stay two blocks.
    step_kind: Mapped[str | None] = mapped_column(String(30))
    # Added: blocks that ran are retired, never deleted.
    removed_at: Mapped[datetime | None]

    agentflow: Mapped[Agentflow | None] = relationship(back_populates="blocks", lazy="raise_on_sql")
    agent: Mapped[Agent | None] = relationship(lazy="raise_on_sql")


class AgentflowEdge(db.Model):
    """One connection between two blocks."""

    __tablename__ = "agentflow_edges"
    __table_args__ = (
        Index(None, "agentflow_id"),
        Index(None, "source_block_id"),
        Index(None, "target_block_id"),
        one_of("kind", EdgeKind),
    )

    id: Mapped[UUID] = id_column()
    agentflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    source_block_id: Mapped[UUID | None] = mapped_column(ForeignKey("blocks.id", ondelete="CASCADE"))
    target_block_id: Mapped[UUID | None] = mapped_column(ForeignKey("blocks.id", ondelete="CASCADE"))
    source_handle: Mapped[str | None] = mapped_column(String(100))
    target_handle: Mapped[str | None] = mapped_column(String(100))
    config: Mapped[dict[str, Any] | None] = json_column()
    created_at: Mapped[datetime | None] = created_column()
    # Added: the tenant.
    organization_id: Mapped[UUID] = organization_column()
    # Added: a tool attached to an agent is no step in the order of work, and a loop's way back is drawn apart.
    kind: Mapped[str] = mapped_column(String(20), server_default="flow")

    agentflow: Mapped[Agentflow | None] = relationship(back_populates="edges", lazy="raise_on_sql")
    source_block: Mapped[Block | None] = relationship(foreign_keys=[source_block_id], lazy="raise_on_sql")
    target_block: Mapped[Block | None] = relationship(foreign_keys=[target_block_id], lazy="raise_on_sql")


class AgentflowAgent(db.Model):
    """An agent's part in a flow: its role and place in the orchestration pattern."""

    __tablename__ = "agentflow_agents"
    __table_args__ = (UniqueConstraint("agentflow_id", "agent_id"), Index(None, "agent_id"))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agentflow_id: Mapped[UUID] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id"))
    role: Mapped[str | None] = mapped_column(String(100))
    position: Mapped[int] = mapped_column(server_default=text("0"))
    config: Mapped[dict[str, Any]] = json_column()
    created_at: Mapped[datetime] = created_column()

    agentflow: Mapped[Agentflow] = relationship(back_populates="agents", lazy="raise_on_sql")
    agent: Mapped[Agent] = relationship(lazy="raise_on_sql")


class Workflow(db.Model):
    """An automation: a webhook, a schedule or an event that starts an agentflow."""

    __tablename__ = "workflows"
    __table_args__ = (Index(None, "organization_id", "agentflow_id"), one_of("trigger_kind", TriggerKind))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agentflow_id: Mapped[UUID] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    trigger_kind: Mapped[str] = mapped_column(String(50))
    trigger_config: Mapped[dict[str, Any]] = json_column()
    input_data: Mapped[dict[str, Any] | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    last_started_at: Mapped[datetime | None]
    next_start_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()
