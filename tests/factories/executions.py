"""Executions, their steps, and what people said about them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from tests.factories.base import factory
from webapp.models import (
    AgentExecution,
    Event,
    ExecutionStatus,
    Feedback,
    FlowExecution,
    QueryLog,
    StepKind,
    ToolExecution,
    TriggerType,
    new_id,
)


def _now(number: int) -> datetime:
    return datetime.now(UTC)


make_flow_execution = factory(
    FlowExecution,
    status=ExecutionStatus.COMPLETED.value,
    trigger_type=TriggerType.OTEL.value,
    trace_id=lambda n: secrets.token_bytes(16),
    started_at=_now,
    completed_at=_now,
    execution_time_ms=1200,
)
make_agent_execution = factory(
    AgentExecution,
    id=lambda n: new_id(),
    span_id=lambda n: secrets.token_bytes(8),
    kind=StepKind.MODEL_CALL.value,
    name=lambda n: f"step {n}",
    status=ExecutionStatus.COMPLETED.value,
    started_at=_now,
)
make_tool_execution = factory(
    ToolExecution,
    id=lambda n: new_id(),
    span_id=lambda n: secrets.token_bytes(8),
    name=lambda n: f"tool {n}",
    status=ExecutionStatus.COMPLETED.value,
    started_at=_now,
)
make_query_log = factory(QueryLog, query_text="refund policy")
make_event = factory(
    Event,
    actor_kind="user",
    aggregate_type="agentflow",
    event_type="agentflow.renamed",
    sequence=lambda n: n,
    hash=lambda n: secrets.token_bytes(32),
)
make_feedback = factory(Feedback, flow_execution_id=lambda n: new_id(), score=1)
