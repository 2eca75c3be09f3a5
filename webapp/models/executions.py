"""Executions and their steps, by month; what people said about them; and the log of everything that was done."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    SmallInteger,
    String,
    UniqueConstraint,
    desc,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.agents import Agent
from webapp.models.base import (
    BigInt,
    ExecutionStatus,
    Payload,
    created_column,
    db,
    id_column,
    id_time,
    json_column,
    new_id,
    one_of,
    organization_column,
)
from webapp.models.flows import Agentflow, Block
from webapp.models.plugins import Tool


class TriggerType(StrEnum):
    """What started an execution; `otel` = a trace whose root does not say."""

    API = "api"
    EVENT = "event"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    MANUAL = "manual"
    OTEL = "otel"


class StepKind(StrEnum):
    """What a step that is no tool call did."""

    AGENT = "agent"
    MODEL_CALL = "model_call"
    EMBEDDING = "embedding"
    RETRIEVAL = "retrieval"
    STEP = "step"


def _time_of_id(context: Any) -> datetime:
    return id_time(context.get_current_parameters()["id"])


def _of_execution(table: str) -> tuple[Any, ...]:
    """What all tables of steps share: they hang on the execution's two keys and are read by it."""
    return (
        ForeignKeyConstraint(
            ["flow_execution_id", "flow_created_at"], ["flow_executions.id", "flow_executions.created_at"]
        ),
        Index(f"ix_{table}_flow_execution", "flow_execution_id", "sequence"),
        one_of("status", ExecutionStatus),
        {"postgresql_partition_by": "RANGE (flow_created_at)"},
    )


class FlowExecution(db.Model):
    """One execution: a trace that arrived or a flow that we ran.

    Partitioned by month of created_at, the server's time of its first span, which the id carries; a wrong clock of a
    client only shows in started_at. Look one up by both keys: `created_at = id_time(id)`.
    """

    __tablename__ = "flow_executions"
    __table_args__ = (
        CheckConstraint("created_at = id_time(id)", name="created_at_is_id_time"),
        one_of("status", ExecutionStatus),
        Index("idx_flow_executions_agentflow", "agentflow_id"),
        Index("idx_flow_executions_user", "user_id"),
        Index("idx_flow_executions_status", "status"),
        Index("idx_flow_executions_created", desc("created_at")),
        Index("ix_flow_executions_started", "organization_id", desc("started_at"), desc("id")),
        Index("ix_flow_executions_flow_started", "organization_id", "agentflow_id", desc("started_at"), desc("id")),
        Index(
            "ix_flow_executions_failed",
            "organization_id",
            desc("started_at"),
            desc("id"),
            postgresql_where=text("status = 'failed'"),
        ),
        Index(
            "ix_flow_executions_open",
            "organization_id",
            desc("started_at"),
            desc("id"),
            postgresql_where=text("status IN ('running', 'pending')"),
        ),
        Index("ix_flow_executions_session", "organization_id", "session_id"),
        Index(
            "ix_flow_executions_error_trgm",
            "error_message",
            postgresql_using="gin",
            postgresql_ops={"error_message": "gin_trgm_ops"},
            postgresql_where=text("error_message IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    agentflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("agentflows.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    status: Mapped[str | None] = mapped_column(String(50), server_default="pending")
    trigger_type: Mapped[str | None] = mapped_column(String(100))
    input_data: Mapped[Payload | None]
    output_data: Mapped[Payload | None]
    execution_time_ms: Mapped[int | None]
    tokens_used: Mapped[int | None]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(10, 6))
    error_message: Mapped[str | None]
    error_stack: Mapped[str | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(
        primary_key=True, default=_time_of_id, server_default=text("CURRENT_TIMESTAMP")
    )
    # Added: the tenant.
    organization_id: Mapped[UUID] = organization_column()
    # Added: the trace it was mapped from, and who sent it. Keys are revoked, never deleted, so the id needs no check.
    trace_id: Mapped[bytes | None]
    api_key_id: Mapped[UUID | None]
    # Added: what people filter by.
    service_name: Mapped[str | None] = mapped_column(String(255))
    service_version: Mapped[str | None] = mapped_column(String(255))
    environment: Mapped[str | None] = mapped_column(String(100))
    session_id: Mapped[str | None] = mapped_column(String(255))
    conversation_id: Mapped[UUID | None]
    user_ref: Mapped[str | None] = mapped_column(String(255))
    tags: Mapped[list[Any] | None]
    # Added: sums over the billable model calls; NULL = no call said it.
    input_tokens: Mapped[BigInt | None]
    output_tokens: Mapped[BigInt | None]
    cached_input_tokens: Mapped[BigInt | None]
    # Added: counts and names that a list shows without reading steps.
    model_call_count: Mapped[int] = mapped_column(server_default=text("0"))
    tool_call_count: Mapped[int] = mapped_column(server_default=text("0"))
    agent_count: Mapped[int] = mapped_column(server_default=text("0"))
    unpriced_call_count: Mapped[int] = mapped_column(server_default=text("0"))
    agents: Mapped[list[str] | None]
    models: Mapped[list[str] | None]
    tools: Mapped[list[str] | None]
    # Added: the deepest cause, the exception that the caller got, and the step that failed first.
    error_type: Mapped[str | None] = mapped_column(String(255))
    error_raised_type: Mapped[str | None] = mapped_column(String(255))
    error_raised_message: Mapped[str | None]
    error_span_id: Mapped[bytes | None]
    # Added: how complete the trace is, when it was settled, and by which mapping it was read.
    is_root_seen: Mapped[bool | None]
    span_count: Mapped[int | None]
    first_received_at: Mapped[datetime | None]
    last_received_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    mapping_version: Mapped[int | None]
    # Added: what it ran with, hashes by dimension, as its spans tell (`context_values` says what they stand for).
    context: Mapped[dict[str, Any] | None]
    # Added: equal content is not written again.
    content_hash: Mapped[bytes | None]

    agentflow: Mapped[Agentflow | None] = relationship(lazy="raise_on_sql")
    agent_executions: Mapped[list["AgentExecution"]] = relationship(
        back_populates="flow_execution", lazy="raise_on_sql", order_by="AgentExecution.sequence"
    )
    tool_executions: Mapped[list["ToolExecution"]] = relationship(
        back_populates="flow_execution", lazy="raise_on_sql", order_by="ToolExecution.sequence"
    )


class AgentExecution(db.Model):
    """One step of an execution that is no tool call. Its id follows from the span (`step_id`)."""

    __tablename__ = "agent_executions"
    __table_args__ = (one_of("kind", StepKind), *_of_execution("agent_executions"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    flow_execution_id: Mapped[UUID | None]
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("agents.id"))
    block_id: Mapped[UUID | None] = mapped_column(ForeignKey("blocks.id"))
    status: Mapped[str | None] = mapped_column(String(50))
    input_data: Mapped[Payload | None]
    output_data: Mapped[Payload | None]
    model_used: Mapped[str | None] = mapped_column(String(100))
    tokens_used: Mapped[int | None]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(10, 6))
    execution_time_ms: Mapped[int | None]
    error_message: Mapped[str | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    created_at: Mapped[datetime | None] = created_column()
    # Added: the parent's second key, so that a month goes as a whole. The tenant needs no key of its own beside it.
    flow_created_at: Mapped[datetime] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    # Added: place in the trace. `sequence` is the order of display over steps and tool calls together, depth first.
    span_id: Mapped[bytes | None]
    parent_span_id: Mapped[bytes | None]
    parent_id: Mapped[UUID | None]
    sequence: Mapped[int] = mapped_column(server_default=text("0"))
    depth: Mapped[int] = mapped_column(server_default=text("0"))
    kind: Mapped[str] = mapped_column(String(30), server_default="step")
    name: Mapped[str | None] = mapped_column(String(500))
    agent_name: Mapped[str | None] = mapped_column(String(255))
    # Added: what the call asked for and used. `is_billable` is false where a parent span repeats a child's tokens.
    model_requested: Mapped[str | None] = mapped_column(String(255))
    provider: Mapped[str | None] = mapped_column(String(100))
    input_tokens: Mapped[BigInt | None]
    output_tokens: Mapped[BigInt | None]
    cached_input_tokens: Mapped[BigInt | None]
    cache_write_tokens: Mapped[BigInt | None]
    reasoning_tokens: Mapped[BigInt | None]
    is_billable: Mapped[bool] = mapped_column(server_default=text("false"))
    finish_reason: Mapped[str | None] = mapped_column(String(100))
    time_to_first_token_ms: Mapped[int | None]
    # Added: the error's parts; `is_error_origin` marks the deepest cause.
    error_type: Mapped[str | None] = mapped_column(String(255))
    error_stack: Mapped[str | None]
    is_error_origin: Mapped[bool] = mapped_column(server_default=text("false"))
    # Added: equal content is not written again.
    content_hash: Mapped[bytes | None]

    flow_execution: Mapped[FlowExecution | None] = relationship(back_populates="agent_executions", lazy="raise_on_sql")
    agent: Mapped[Agent | None] = relationship(lazy="raise_on_sql")
    block: Mapped[Block | None] = relationship(lazy="raise_on_sql")


class ToolExecution(db.Model):
    """One tool call. `is_helper` marks a call that a framework made for itself."""

    __tablename__ = "tool_executions"
    __table_args__ = _of_execution("tool_executions")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    flow_execution_id: Mapped[UUID]
    flow_created_at: Mapped[datetime] = mapped_column(primary_key=True)
    span_id: Mapped[bytes | None]
    parent_span_id: Mapped[bytes | None]
    parent_id: Mapped[UUID | None]
    sequence: Mapped[int] = mapped_column(server_default=text("0"))
    depth: Mapped[int] = mapped_column(server_default=text("0"))
    tool_id: Mapped[UUID | None] = mapped_column(ForeignKey("tools.id"))
    block_id: Mapped[UUID | None] = mapped_column(ForeignKey("blocks.id"))
    agent_name: Mapped[str | None] = mapped_column(String(255))
    name: Mapped[str | None] = mapped_column(String(500))
    status: Mapped[str | None] = mapped_column(String(50))
    input_data: Mapped[Payload | None]
    output_data: Mapped[Payload | None]
    execution_time_ms: Mapped[int | None]
    error_type: Mapped[str | None] = mapped_column(String(255))
    error_message: Mapped[str | None]
    error_stack: Mapped[str | None]
    is_helper: Mapped[bool] = mapped_column(server_default=text("false"))
    is_error_origin: Mapped[bool] = mapped_column(server_default=text("false"))
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()
    content_hash: Mapped[bytes | None]

    flow_execution: Mapped[FlowExecution] = relationship(back_populates="tool_executions", lazy="raise_on_sql")
    tool: Mapped[Tool | None] = relationship(lazy="raise_on_sql")
    block: Mapped[Block | None] = relationship(lazy="raise_on_sql")


class QueryLog(db.Model):
    """One search against a knowledge base: what was asked, what was found, how long it took."""

    __tablename__ = "query_logs"
    __table_args__ = (Index(None, "organization_id", "created_at"), Index(None, "knowledge_base_id", "created_at"))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    knowledge_base_id: Mapped[UUID | None] = mapped_column(ForeignKey("knowledge_bases.id", ondelete="SET NULL"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("agents.id"))
    query_text: Mapped[str]
    hit_count: Mapped[int] = mapped_column(server_default=text("0"))
    hits: Mapped[list[Any]] = json_column("[]")
    execution_time_ms: Mapped[int | None]
    created_at: Mapped[datetime] = created_column()


class Event(db.Model):
    """Something that was done, never changed afterwards: audit log and timelines. `hash` covers the row and
    `previous_hash`, so a chain per organization shows tampering. The application may only add and read."""

    __tablename__ = "event_store"
    __table_args__ = (
        UniqueConstraint("organization_id", "sequence"),
        Index(None, "organization_id", "occurred_at"),
        Index(None, "aggregate_type", "aggregate_id", "sequence"),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    # Counted per organization by the writer, without holes.
    sequence: Mapped[BigInt]
    occurred_at: Mapped[datetime] = created_column()
    actor_id: Mapped[UUID | None]
    actor_kind: Mapped[str] = mapped_column(String(20))
    aggregate_type: Mapped[str] = mapped_column(String(50))
    aggregate_id: Mapped[UUID | None]
    event_type: Mapped[str] = mapped_column(String(100))
    payload: Mapped[dict[str, Any]] = json_column()
    previous_hash: Mapped[bytes | None]
    hash: Mapped[bytes]


class Feedback(db.Model):
    """A score and a comment on an execution or a message. Outlives the month of its execution, so no foreign key."""

    __tablename__ = "feedback"
    __table_args__ = (
        Index(None, "organization_id", "created_at"),
        Index(None, "flow_execution_id"),
        CheckConstraint("flow_execution_id IS NOT NULL OR message_id IS NOT NULL", name="has_subject"),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    flow_execution_id: Mapped[UUID | None]
    flow_created_at: Mapped[datetime | None]
    message_id: Mapped[UUID | None]
    score: Mapped[int] = mapped_column(SmallInteger)
    comment: Mapped[str | None]
    source: Mapped[str] = mapped_column(String(50), server_default="page")
    created_at: Mapped[datetime] = created_column()
