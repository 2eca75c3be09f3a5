"""The steps of one execution: light rows for the waterfall, and the heavy parts of one step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Integer,
    Select,
    String,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from webapp.domain.errors import NotFound
from webapp.features.executions.queries_detail import (
    CREATED_AT,
    EXECUTION_ID,
    ORGANIZATION_ID,
    SHOWN_CHARACTERS,
    ExecutionDetail,
    execution_keys,
    is_execution,
)
from webapp.models import AgentExecution, FlowExecution, Span, ToolExecution, UsageLedger


@dataclass(frozen=True, slots=True)
class StepRow:
    """One row of the waterfall: a step or a tool call, without what it read and wrote."""

    id: UUID
    span_id: bytes | None
    parent_id: UUID | None
    sequence: int
    depth: int
    kind: str
    name: str | None
    agent_name: str | None
    status: str | None
    started_at: datetime | None
    completed_at: datetime | None
    execution_time_ms: int | None
    model: str | None
    tokens: int | None
    cost_usd: Decimal | None
    is_billable: bool
    is_error_origin: bool
    is_helper: bool


def list_steps(session: Session, organization_id: UUID, execution: ExecutionDetail) -> list[StepRow]:
    """All steps and tool calls in the order of display, depth first. Cost: one statement, no heavy column."""
    keys = {"organization_id": organization_id} | execution_keys(execution.id)
    return [StepRow(*row) for row in session.execute(_steps(), keys)]


@cache
def _steps() -> Select[Any]:
    step, tool, ledger = AgentExecution, ToolExecution, UsageLedger
    steps = (
        select(
            step.id, step.span_id, step.parent_id, step.sequence, step.depth, step.kind, step.name, step.agent_name,
            step.status, step.started_at, step.completed_at, step.execution_time_ms,
            func.coalesce(step.model_used, step.model_requested), step.input_tokens + step.output_tokens,
            ledger.cost_usd, step.is_billable, step.is_error_origin, literal(False),
        )
        .join(ledger, _is_ledger_of(step), isouter=True)
        .where(*_of(step))
    )  # fmt: skip
    tools = select(
        tool.id, tool.span_id, tool.parent_id, tool.sequence, tool.depth, literal("tool"), tool.name, tool.agent_name,
        tool.status, tool.started_at, tool.completed_at, tool.execution_time_ms, cast(null(), String),
        cast(null(), Integer), cast(null(), ledger.cost_usd.type), literal(False), tool.is_error_origin, tool.is_helper,
    ).where(*_of(tool))  # fmt: skip
    both = union_all(steps, tools).subquery()
    return select(both).order_by(both.c.sequence, both.c.started_at)


def _of(table: Any) -> tuple[Any, ...]:
    return (
        table.organization_id == ORGANIZATION_ID,
        table.flow_execution_id == EXECUTION_ID,
        table.flow_created_at == CREATED_AT,
    )


def _is_ledger_of(table: Any) -> Any:
    return and_(
        UsageLedger.id == table.id,
        UsageLedger.flow_created_at == CREATED_AT,
        UsageLedger.organization_id == ORGANIZATION_ID,
    )


@dataclass(frozen=True, slots=True)
class Payload:
    """A value that came from outside, as text: the first part of it, its whole length, and whether it was JSON."""

    text: str
    length: int
    is_json: bool

    @property
    def is_cut(self) -> bool:
        return self.length > len(self.text)


@dataclass(frozen=True, slots=True)
class StepDetail:
    """What the pane shows of one step beyond its row. Times to first token in milliseconds."""

    provider: str | None
    model_requested: str | None
    model_used: str | None
    input_tokens: int | None
    output_tokens: int | None
    cached_input_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    finish_reason: str | None
    time_to_first_token_ms: int | None
    reported_cost_usd: Decimal | None
    error_type: str | None
    error_message: str | None
    error_stack: str | None
    input: Payload | None
    output: Payload | None


def get_step(session: Session, organization_id: UUID, execution: ExecutionDetail, step: StepRow) -> StepDetail:
    """The heavy parts of one step; long values are cut to 20,000 characters by the database. Cost: one statement."""
    keys = {"organization_id": organization_id, "step_id": step.id} | execution_keys(execution.id)
    row = session.execute(_step(step.kind == "tool"), keys).one_or_none()
    if row is None:
        raise NotFound("This step is gone; the trace was mapped again. Reload the page.")
    *plain, in_text, in_length, in_json, out_text, out_length, out_json = row
    return StepDetail(*plain, _payload(in_text, in_length, in_json), _payload(out_text, out_length, out_json))


@cache
def _step(is_tool: bool) -> Select[Any]:
    table: Any = ToolExecution if is_tool else AgentExecution
    return (
        select(
            *(getattr(table, name) if hasattr(table, name) else null() for name in ONLY_MODELS),
            UsageLedger.reported_cost_usd,
            table.error_type,
            func.left(table.error_message, SHOWN_CHARACTERS),
            func.left(table.error_stack, 3 * SHOWN_CHARACTERS),
            *_shown(table.input_data),
            *_shown(table.output_data),
        )
        .select_from(table)
        .join(UsageLedger, _is_ledger_of(table), isouter=True)
        .where(*_of(table), table.id == bindparam("step_id", type_=Uuid()))
    )


ONLY_MODELS = (
    "provider", "model_requested", "model_used", "input_tokens", "output_tokens", "cached_input_tokens",
    "cache_write_tokens", "reasoning_tokens", "finish_reason", "time_to_first_token_ms",
)  # fmt: skip
"""Columns that tool calls have not, in the order of :class:`StepDetail`."""


def _text_of(column: Any) -> Any:
    """A JSON value for people: text as it is, anything else over several lines."""
    whole = column.op("#>>", return_type=String())(literal_column("CAST('{}' AS text[])"))
    return case((func.jsonb_typeof(column) == "string", whole), else_=func.jsonb_pretty(column))


def _shown(column: Any) -> tuple[Any, Any, Any]:
    text = _text_of(column)
    return func.left(text, SHOWN_CHARACTERS), func.length(text), func.jsonb_typeof(column) != "string"


def _payload(text: str | None, length: int | None, is_json: bool | None) -> Payload | None:
    return None if text is None else Payload(text, length or 0, bool(is_json))


def get_flow_payloads(
    session: Session, organization_id: UUID, execution: ExecutionDetail
) -> tuple[Payload | None, Payload | None]:
    """What went into the whole execution and what came out, cut like a step's. Cost: one statement."""
    stmt = select(*_shown(FlowExecution.input_data), *_shown(FlowExecution.output_data)).where(
        *is_execution(organization_id, execution.id)
    )
    row = session.execute(stmt).one()
    return _payload(*row[:3]), _payload(*row[3:])


def get_whole_text(
    session: Session, organization_id: UUID, execution: ExecutionDetail, span_id: bytes | None, part: str
) -> str | None:
    """One value of a step, or of the whole execution when ``span_id`` is None, uncut. Cost: one or two statements."""
    keys = {"organization_id": organization_id, "span_id": span_id} | execution_keys(execution.id)
    tables: tuple[Any, ...] = (AgentExecution, ToolExecution) if span_id is not None else (FlowExecution,)
    for table in tables:
        column = {"input": table.input_data, "output": table.output_data}.get(part)
        value = table.error_stack if part == "stack" else _text_of(column)
        stmt = select(value).select_from(table)
        if span_id is not None:
            stmt = stmt.where(*_of(table), table.span_id == bindparam("span_id"))
        else:
            stmt = stmt.where(*is_execution(organization_id, execution.id))
        if (row := session.execute(stmt, keys).first()) is not None:
            return row[0]
    return None


def get_raw_span(session: Session, organization_id: UUID, execution: ExecutionDetail, span_id: bytes) -> bytes | None:
    """A span as it arrived, None when it is no longer kept. Cost: one statement."""
    return session.scalar(
        select(Span.raw).where(
            Span.organization_id == organization_id,
            Span.trace_id == execution.trace_id,
            Span.span_id == span_id,
            Span.flow_created_at == execution.created_at,
        )
    )


def list_raw_spans(
    session: Session, organization_id: UUID, execution: ExecutionDetail, *, after: bytes, limit: int
) -> list[tuple[bytes, bytes]]:
    """Spans by their id with what arrived, those after a certain id. Cost: one range of the primary key."""
    stmt = (
        select(Span.span_id, Span.raw)
        .where(
            Span.organization_id == organization_id,
            Span.trace_id == execution.trace_id,
            Span.flow_created_at == execution.created_at,
            Span.span_id > after,
        )
        .order_by(Span.span_id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in session.execute(stmt)]


@dataclass(frozen=True, slots=True)
class StepTexts:
    """What one step read and wrote and why it failed, each cut to its first part."""

    error_type: str | None
    error_message: str | None
    error_stack: str | None
    input: Payload | None
    output: Payload | None


def list_texts(
    session: Session, organization_id: UUID, executions: Sequence[ExecutionDetail], step_ids: Sequence[UUID]
) -> dict[UUID, StepTexts]:
    """Texts of several steps of these executions. Cost: one statement, none for no steps."""
    if not step_ids:
        return {}
    parts = [
        select(
            table.id,
            table.error_type,
            func.left(table.error_message, SHOWN_CHARACTERS),
            func.left(table.error_stack, 3 * SHOWN_CHARACTERS),
            *_shown(table.input_data),
            *_shown(table.output_data),
        ).where(*_of_any(table, organization_id, executions), table.id.in_(step_ids))
        for table in (AgentExecution, ToolExecution)
    ]
    rows = session.execute(union_all(*parts))
    return {row[0]: StepTexts(*row[1:4], _payload(*row[4:7]), _payload(*row[7:10])) for row in rows}


def list_digests(
    session: Session, organization_id: UUID, executions: Sequence[ExecutionDetail]
) -> dict[UUID, tuple[str | None, str | None]]:
    """What tells whether inputs and outputs of steps are the same, by the step. Cost: one statement."""
    parts = [
        select(
            table.id, func.md5(cast(table.input_data, String)), func.md5(cast(table.output_data, String))
        ).where(*_of_any(table, organization_id, executions))
        for table in (AgentExecution, ToolExecution)
    ]  # fmt: skip
    return {row[0]: (row[1], row[2]) for row in session.execute(union_all(*parts))}


def _of_any(table: Any, organization_id: UUID, executions: Sequence[ExecutionDetail]) -> tuple[Any, ...]:
    return (
        table.organization_id == organization_id,
        table.flow_execution_id.in_([one.id for one in executions]),
        table.flow_created_at.in_([one.created_at for one in executions]),
    )
