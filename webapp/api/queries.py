"""Executions as programs ask for them: a keyset list without payloads, and one execution with everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, literal, null, select, tuple_
from sqlalchemy.orm import Session

from webapp.api.forms import Question
from webapp.domain.execution_filter import ExecutionFilter
from webapp.domain.paging import Cursor
from webapp.features.executions.queries_matching import Found, matching, resolve_search
from webapp.models.base import NIL_UUID, id_time
from webapp.models.executions import AgentExecution, FlowExecution, ToolExecution
from webapp.models.failures import FailureOccurrence
from webapp.models.flows import Agentflow
from webapp.models.observability import TraceIndex

DEEPEST = 100
"""Steps nested deeper hang at this level, so that no reader of the JSON runs out of stack."""
IN_LIST = (
    FlowExecution.id,
    FlowExecution.trace_id,
    FlowExecution.agentflow_id,
    func.coalesce(Agentflow.name, FlowExecution.service_name).label("flow_name"),
    FlowExecution.status,
    FlowExecution.trigger_type,
    FlowExecution.started_at,
    FlowExecution.completed_at,
    FlowExecution.execution_time_ms,
    FlowExecution.input_tokens,
    FlowExecution.output_tokens,
    FlowExecution.cached_input_tokens,
    FlowExecution.tokens_used,
    FlowExecution.cost_usd,
    FlowExecution.agents,
    FlowExecution.agent_count,
    FlowExecution.model_call_count,
    FlowExecution.tool_call_count,
    FlowExecution.models,
    FlowExecution.error_type,
    FlowExecution.error_message,
    FlowExecution.error_stack,
    FlowExecution.error_raised_type,
    FlowExecution.error_raised_message,
    FlowExecution.session_id,
    FlowExecution.user_ref,
    select(FailureOccurrence.failure_group_id)
    .where(
        FailureOccurrence.organization_id == FlowExecution.organization_id,
        FailureOccurrence.flow_execution_id == FlowExecution.id,
        FailureOccurrence.flow_created_at == FlowExecution.created_at,
    )
    .correlate(FlowExecution)
    .scalar_subquery()
    .label("failure_id"),
)


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """One page, newest first; ``next_cursor`` is None on the last."""

    rows: Sequence[Row[Any]]
    next_cursor: str | None


@dataclass(slots=True)
class StepNode:
    """One step with the steps below it."""

    row: Row[Any]
    children: list[StepNode] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WholeExecution:
    """One execution's row, read through this object, and its top steps."""

    row: Row[Any]
    steps: list[StepNode]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)


def _named(session: Session, organization_id: UUID, wanted: ExecutionFilter, flow_name: str) -> ExecutionFilter:
    """The filter with the flows of this name, of whichever service; an unknown name means no flow at all."""
    named = session.scalars(
        select(Agentflow.id).where(Agentflow.organization_id == organization_id, Agentflow.name == flow_name)
    )
    return replace(wanted, flow=(*wanted.flow, *named) or (NIL_UUID,))


def _traced(session: Session, organization_id: UUID, trace_id: bytes) -> Found:
    rows = session.execute(
        select(TraceIndex.flow_execution_id, TraceIndex.flow_created_at).where(
            TraceIndex.organization_id == organization_id, TraceIndex.trace_id == trace_id
        )
    ).all()
    return Found(ids=tuple(row[0] for row in rows), times=tuple(row[1] for row in rows))


def list_executions(session: Session, organization_id: UUID, asked: Question) -> ExecutionPage:
    """One page of executions, newest first, ties by id.

    Cost: one statement; one more for a trace id, a flow's name or words to search for.
    """
    wanted = asked.wanted
    if asked.flow_name is not None:
        wanted = _named(session, organization_id, wanted, asked.flow_name)
    if asked.trace_id is not None:
        found = _traced(session, organization_id, asked.trace_id)
    else:
        found = resolve_search(session, organization_id, wanted)
    statement = matching(organization_id, wanted, found, *IN_LIST).join(
        Agentflow, Agentflow.id == FlowExecution.agentflow_id, isouter=True
    )
    place = tuple_(FlowExecution.started_at, FlowExecution.id)
    if asked.after is not None:
        statement = statement.where(place < (asked.after.at, asked.after.id))
    limit = asked.limit
    statement = statement.order_by(FlowExecution.started_at.desc(), FlowExecution.id.desc()).limit(limit + 1)
    rows = session.execute(statement).all()
    if len(rows) <= limit:
        return ExecutionPage(rows, None)
    last = rows[limit - 1]
    return ExecutionPage(rows[:limit], Cursor(last.started_at, last.id).encode())


def get_execution(session: Session, organization_id: UUID, execution_id: UUID) -> WholeExecution | None:
    """One execution with payloads and its tree of steps, None when this organization has no such one.

    Cost: three statements, each in one partition.
    """
    row = session.execute(
        select(*IN_LIST, FlowExecution.created_at, FlowExecution.input_data, FlowExecution.output_data)
        .join(Agentflow, Agentflow.id == FlowExecution.agentflow_id, isouter=True)
        .where(
            FlowExecution.organization_id == organization_id,
            FlowExecution.id == execution_id,
            FlowExecution.created_at == id_time(execution_id),
        )
    ).one_or_none()
    if row is None:
        return None
    rows = [*session.execute(_steps(row)), *session.execute(_tool_calls(row))]
    return WholeExecution(row, as_tree(sorted(rows, key=lambda step: step.sequence)))


def as_tree(rows: Iterable[Any]) -> list[StepNode]:
    """Steps in the order of display as a tree; a step whose parent is not among them stands at the top."""
    nodes: dict[UUID, StepNode] = {}
    places: dict[UUID, tuple[int, UUID | None]] = {}
    top: list[StepNode] = []
    for row in rows:
        node = nodes[row.id] = StepNode(row)
        parent_id = row.parent_id if row.parent_id in places else None
        depth = places[parent_id][0] + 1 if parent_id is not None else 0
        if depth >= DEEPEST and parent_id is not None:
            depth, parent_id = depth - 1, places[parent_id][1]
        places[row.id] = (depth, parent_id)
        (nodes[parent_id].children if parent_id is not None else top).append(node)
    return top


def _of(step: type[AgentExecution] | type[ToolExecution], execution: Row[Any]) -> tuple[Any, ...]:
    return step.flow_execution_id == execution.id, step.flow_created_at == execution.created_at


def _shared(step: type[AgentExecution] | type[ToolExecution]) -> tuple[Any, ...]:
    return (
        step.id,
        step.parent_id,
        step.sequence,
        step.name,
        step.agent_name,
        step.status,
        step.started_at,
        step.execution_time_ms,
        step.input_data,
        step.output_data,
        step.error_type,
        step.error_message,
        step.error_stack,
    )


def _steps(execution: Row[Any]) -> Select[Any]:
    return select(
        *_shared(AgentExecution),
        AgentExecution.kind,
        AgentExecution.model_used.label("model"),
        AgentExecution.input_tokens,
        AgentExecution.output_tokens,
        AgentExecution.cached_input_tokens,
        AgentExecution.cost_usd,
    ).where(*_of(AgentExecution, execution))


def _tool_calls(execution: Row[Any]) -> Select[Any]:
    unknown = [
        null().label(name) for name in ("model", "input_tokens", "output_tokens", "cached_input_tokens", "cost_usd")
    ]
    return select(*_shared(ToolExecution), literal("tool").label("kind"), *unknown).where(
        *_of(ToolExecution, execution)
    )
