"""One execution: its head with what people said about it, and the other executions of its session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Float, Select, Uuid, bindparam, cast, func, literal, select
from sqlalchemy.orm import Session, aliased

from webapp.domain.errors import NotFound
from webapp.models import (
    Agentflow,
    Bookmark,
    Conversation,
    FailureGroup,
    FailureOccurrence,
    Feedback,
    FlowExecution,
    Message,
    User,
)
from webapp.models.base import id_time

USUAL_OF = 50
"""The usual duration is the median of so many completed executions of the flow before this one."""
SHOWN_CHARACTERS = 20_000
MOST_COUNTED = 1_000
"""Executions of a failure are counted no further beside one of them."""
MOST_IN_SESSION = 100


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person thinks of the execution: a score of 1 or -1 and perhaps words."""

    id: UUID
    user_id: UUID | None
    by: str
    score: int
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FailureLink:
    """The failure that an execution belongs to. ``count`` of its executions; no further than :data:`MOST_COUNTED`."""

    id: UUID
    number: int
    count: int


@dataclass(frozen=True, slots=True)
class ExecutionDetail:
    """The head of the page. Units: ``cost_usd`` US dollars, NULL when unpriced; ``usual_ms`` NULL under 3 samples."""

    id: UUID
    created_at: datetime
    flow_id: UUID | None
    flow_name: str | None
    flow_source: str | None
    status: str
    trigger_type: str | None
    trace_id: bytes | None
    service_name: str | None
    service_version: str | None
    environment: str | None
    session_id: str | None
    user_ref: str | None
    tags: Any
    started_at: datetime | None
    completed_at: datetime | None
    execution_time_ms: int | None
    input_tokens: int | None
    output_tokens: int | None
    cached_input_tokens: int | None
    tokens_used: int | None
    cost_usd: Decimal | None
    unpriced_call_count: int
    model_call_count: int
    tool_call_count: int
    agents: list[str] | None
    models: list[str] | None
    error_type: str | None
    error_message: str | None
    error_raised_type: str | None
    error_raised_message: str | None
    error_span_id: bytes | None
    is_root_seen: bool | None
    span_count: int | None
    last_received_at: datetime | None
    is_bookmarked: bool
    usual_ms: float | None
    failure: FailureLink | None
    opinions: list[Opinion]

    @property
    def is_live(self) -> bool:
        return self.status in ("running", "pending")


def get_execution(session: Session, organization_id: UUID, user_id: UUID, execution_id: UUID) -> ExecutionDetail:
    """The head of one execution, with the reader's bookmark and everybody's feedback. Cost: one statement.

    Raises: NotFound, also when it belongs to another organization.
    """
    keys = {"organization_id": organization_id, "user_id": user_id} | execution_keys(execution_id)
    row = session.execute(_head(), keys).one_or_none()
    if row is None:
        raise NotFound("There is no such execution here. It may be older than what is kept.")
    *plain, failure, opinions = row
    link = FailureLink(UUID(failure["id"]), failure["number"], failure["count"]) if failure else None
    return ExecutionDetail(*plain, link, [_opinion(one) for one in opinions or ()])


ORGANIZATION_ID = bindparam("organization_id", type_=Uuid())
EXECUTION_ID = bindparam("execution_id", type_=Uuid())
CREATED_AT = bindparam("created_at", type_=DateTime(timezone=True))
USER_ID = bindparam("user_id", type_=Uuid())
"""Statements of the page are put together once, which would otherwise take longer than running them."""


def execution_keys(execution_id: UUID) -> dict[str, Any]:
    """Both keys of an execution as parameters. Raises: NotFound for an id that carries no time of ours."""
    if execution_id.version != 7:
        raise NotFound("There is no such execution here. It may be older than what is kept.")
    return {"execution_id": execution_id, "created_at": id_time(execution_id)}


@cache
def _head() -> Select[Any]:
    fields = FlowExecution
    return (
        select(
            fields.id, fields.created_at, fields.agentflow_id, Agentflow.name, Agentflow.source, fields.status,
            fields.trigger_type, fields.trace_id, fields.service_name, fields.service_version, fields.environment,
            fields.session_id, fields.user_ref, fields.tags, fields.started_at, fields.completed_at,
            fields.execution_time_ms, fields.input_tokens, fields.output_tokens, fields.cached_input_tokens,
            fields.tokens_used, fields.cost_usd, fields.unpriced_call_count, fields.model_call_count,
            fields.tool_call_count, fields.agents, fields.models, fields.error_type,
            func.left(fields.error_message, SHOWN_CHARACTERS), fields.error_raised_type,
            func.left(fields.error_raised_message, 2_000), fields.error_span_id, fields.is_root_seen,
            fields.span_count, fields.last_received_at, _is_bookmarked(), _usual(), _failure(),
            _opinions(),
        )
        .select_from(fields)
        .join(Agentflow, Agentflow.id == fields.agentflow_id, isouter=True)
        .where(
            fields.organization_id == ORGANIZATION_ID, fields.id == EXECUTION_ID, fields.created_at == CREATED_AT
        )
    )  # fmt: skip


def is_execution(organization_id: UUID, execution_id: UUID) -> tuple[Any, ...]:
    """The execution by both of its keys."""
    keys = execution_keys(execution_id)
    fields = FlowExecution
    return (
        fields.organization_id == organization_id,
        fields.id == keys["execution_id"],
        fields.created_at == keys["created_at"],
    )


def exists_here(session: Session, organization_id: UUID, execution_id: UUID) -> datetime:
    """The second key of an execution. Raises: NotFound."""
    stmt = select(FlowExecution.created_at).where(*is_execution(organization_id, execution_id))
    created_at = session.scalar(stmt)
    if created_at is None:
        raise NotFound("There is no such execution here. It may be older than what is kept.")
    return created_at


def _is_bookmarked() -> Any:
    return (
        select(literal(True))
        .where(
            Bookmark.organization_id == ORGANIZATION_ID,
            Bookmark.user_id == USER_ID,
            Bookmark.record_type == "execution",
            Bookmark.record_id == EXECUTION_ID,
        )
        .exists()
    )


def _usual() -> Any:
    other = aliased(FlowExecution)
    last = (
        select(other.execution_time_ms, other.status)
        .where(
            other.organization_id == ORGANIZATION_ID,
            other.agentflow_id == FlowExecution.agentflow_id,
            other.started_at < FlowExecution.started_at,
        )
        .order_by(other.started_at.desc(), other.id.desc())
        .limit(USUAL_OF)
        .correlate(FlowExecution)
        .subquery()
    )
    completed = last.c.status == "completed"
    median = func.percentile_cont(0.5).within_group(last.c.execution_time_ms).filter(completed)
    enough = func.count().filter(completed) >= 3
    return select(cast(median, Float)).select_from(last).having(enough).scalar_subquery()


def _failure() -> Any:
    mine, other = FailureOccurrence, aliased(FailureOccurrence)
    some = (
        select(literal(1))
        .where(other.organization_id == ORGANIZATION_ID, other.failure_group_id == FailureGroup.id)
        .limit(MOST_COUNTED)
        .correlate(FailureGroup)
        .subquery()
    )
    count = select(func.count()).select_from(some).scalar_subquery()
    return (
        select(func.jsonb_build_object("id", FailureGroup.id, "number", FailureGroup.number, "count", count))
        .select_from(mine)
        .join(FailureGroup, FailureGroup.id == mine.failure_group_id)
        .where(
            mine.organization_id == ORGANIZATION_ID,
            mine.flow_execution_id == EXECUTION_ID,
            mine.flow_created_at == CREATED_AT,
        )
        .scalar_subquery()
    )


def _opinions() -> Any:
    one = func.jsonb_build_object(
        "id", Feedback.id, "user_id", Feedback.user_id, "by", func.coalesce(User.full_name, User.email, "Somebody"),
        "score", Feedback.score, "comment", func.coalesce(func.left(Feedback.comment, 4_000), ""),
        "at", Feedback.created_at,
    )  # fmt: skip
    return (
        select(func.jsonb_agg(one))
        .select_from(Feedback)
        .join(User, User.id == Feedback.user_id, isouter=True)
        .where(Feedback.organization_id == ORGANIZATION_ID, Feedback.flow_execution_id == EXECUTION_ID)
        .scalar_subquery()
    )


def _opinion(one: dict[str, Any]) -> Opinion:
    return Opinion(
        UUID(one["id"]),
        UUID(one["user_id"]) if one["user_id"] else None,
        one["by"],
        one["score"],
        one["comment"],
        datetime.fromisoformat(one["at"]),
    )


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One execution of a session, in the order of time."""

    id: UUID
    flow_name: str | None
    status: str
    started_at: datetime | None
    execution_time_ms: int | None
    tokens_used: int | None
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One turn of the conversation, cut to 20,000 characters."""

    role: str
    content: str
    flow_execution_id: UUID | None
    created_at: datetime


def list_session(
    session: Session, organization_id: UUID, execution: ExecutionDetail
) -> tuple[list[SessionRow], list[MessageRow]]:
    """The newest 100 executions and messages of the execution's session, oldest first. Cost: two statements."""
    if execution.session_id is None:
        return [], []
    fields = FlowExecution
    runs = session.execute(
        select(
            fields.id, Agentflow.name, fields.status, fields.started_at, fields.execution_time_ms, fields.tokens_used,
            fields.cost_usd,
        )
        .select_from(fields)
        .join(Agentflow, Agentflow.id == fields.agentflow_id, isouter=True)
        .where(fields.organization_id == organization_id, fields.session_id == execution.session_id)
        .order_by(fields.started_at.desc(), fields.id.desc())
        .limit(MOST_IN_SESSION)
    )  # fmt: skip
    said = session.execute(
        select(
            Message.role, func.left(Message.content, SHOWN_CHARACTERS), Message.flow_execution_id, Message.created_at
        )
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Message.organization_id == organization_id,
            Conversation.organization_id == organization_id,
            Conversation.session_id == execution.session_id,
        )
        .order_by(Message.created_at.desc(), Message.sequence.desc())
        .limit(MOST_IN_SESSION)
    )
    return [SessionRow(*row) for row in runs][::-1], [MessageRow(r[0], r[1] or "", r[2], r[3]) for r in said][::-1]
