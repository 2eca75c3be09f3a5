"""An execution and its steps as the API answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from webapp.api.shapes import (
    ANYTHING,
    MONEY,
    NAMES,
    TEXT,
    TIME,
    UUID_TEXT,
    WHOLE,
    Field,
    Shape,
    decimal,
    instant,
    ref,
)
from webapp.models.base import ExecutionStatus
from webapp.models.executions import StepKind, TriggerType

STATUS = {"type": "string", "enum": [str(word) for word in ExecutionStatus]}
STEP_KINDS = {"type": "string", "enum": [*(str(word) for word in StepKind), "tool"]}
TRIGGERS = {"type": "string", "enum": [str(word) for word in TriggerType]}


def _column(name: str) -> Callable[[Any], Any]:
    return lambda row: getattr(row, name)


def _list(name: str) -> Callable[[Any], Any]:
    return lambda row: list(getattr(row, name) or ())


def _raised(row: Any) -> dict[str, Any] | None:
    if row.error_raised_type is None and row.error_raised_message is None:
        return None
    return RAISED.render(row)


def _error(row: Any) -> dict[str, Any] | None:
    """Failed executions always have an error object, though nobody may have said what went wrong."""
    is_known = row.error_type is not None or row.error_message is not None
    return ERROR.render(row) if is_known or row.status == ExecutionStatus.FAILED else None


def _step_error(row: Any) -> dict[str, Any] | None:
    is_known = row.error_type is not None or row.error_message is not None
    return STEP_ERROR.render(row) if is_known or row.status == ExecutionStatus.FAILED else None


def _tokens(row: Any) -> dict[str, Any] | None:
    return TOKENS.render(row) if row.input_tokens is not None or row.output_tokens is not None else None


FLOW = Shape(
    "Flow",
    "The agentflow that ran. Until the root of the trace has arrived it has no id and the name of the service.",
    (
        Field("id", UUID_TEXT, "Id of the flow.", lambda row: row.agentflow_id and str(row.agentflow_id), True),
        Field("name", TEXT, "Name of the flow.", _column("flow_name"), True),
    ),
)
RAISED = Shape(
    "RaisedAs",
    "The exception that the caller of the flow got, where it is not the cause itself.",
    (
        Field("type", TEXT, "Type of the exception.", _column("error_raised_type"), True),
        Field("message", TEXT, "Its message.", _column("error_raised_message"), True),
    ),
)
ERROR = Shape(
    "Error",
    "The deepest cause on the failing path.",
    (
        Field("type", TEXT, "Type of the exception, null when no span says it.", _column("error_type"), True),
        Field("message", TEXT, "Its message.", _column("error_message"), True),
        Field("stack", TEXT, "Its stack.", _column("error_stack"), True),
        Field("raised_as", ref("RaisedAs"), "What the caller got; null when it is the same.", _raised, True),
    ),
)
STEP_ERROR = Shape("StepError", "Why a step failed.", ERROR.fields[:3])
TOKENS = Shape(
    "Tokens",
    "Tokens of one model call; each is null when the span does not say it.",
    (
        Field("input", WHOLE, "Input tokens, cached ones included.", _column("input_tokens"), True),
        Field("output", WHOLE, "Output tokens, reasoning included.", _column("output_tokens"), True),
        Field("cached_input", WHOLE, "The part of the input read from a cache.", _column("cached_input_tokens"), True),
    ),
)
EXECUTION_FIELDS = (
    Field("id", UUID_TEXT, "Id of the execution.", lambda row: str(row.id)),
    Field(
        "trace_id",
        {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "Trace that it was read from, in hex; null when it came from none.",
        lambda row: row.trace_id.hex() if row.trace_id else None,
        True,
    ),
    Field("flow", ref("Flow"), "The flow.", FLOW.render),
    Field("status", STATUS, "Where it stands.", _column("status")),
    Field(
        "trigger_type", TRIGGERS, "What started it; otel where the trace does not say.", _column("trigger_type"), True
    ),
    Field("started_at", TIME, "Start of its first span.", lambda row: instant(row.started_at), True),
    Field("completed_at", TIME, "End, null while it runs.", lambda row: instant(row.completed_at), True),
    Field("execution_time_ms", WHOLE, "Duration in milliseconds.", _column("execution_time_ms"), True),
    Field(
        "input_tokens", WHOLE, "Input tokens, cached ones included; null: nobody said.", _column("input_tokens"), True
    ),
    Field("output_tokens", WHOLE, "Output tokens; null: nobody said.", _column("output_tokens"), True),
    Field("cached_input_tokens", WHOLE, "The cached part of the input.", _column("cached_input_tokens"), True),
    Field("tokens_used", WHOLE, "Input and output together.", _column("tokens_used"), True),
    Field("cost_usd", MONEY, "US dollars; null when no call could be priced.", lambda row: decimal(row.cost_usd), True),
    Field("agents", NAMES, "Agents that ran, in the order of their start.", _list("agents")),
    Field("agent_count", WHOLE, "How many runs of agents.", _column("agent_count")),
    Field("model_call_count", WHOLE, "How many model calls, each counted once.", _column("model_call_count")),
    Field(
        "tool_call_count", WHOLE, "How many tool calls, without helpers of the framework.", _column("tool_call_count")
    ),
    Field("models", NAMES, "Models that answered.", _list("models")),
    Field("error", ref("Error"), "What went wrong; null when nothing did.", _error, True),
    Field(
        "failure_id",
        UUID_TEXT,
        "The failure that it belongs to.",
        lambda row: row.failure_id and str(row.failure_id),
        True,
    ),
    Field("session_id", TEXT, "Session as the sender names it.", _column("session_id"), True),
    Field("user_ref", TEXT, "User as the sender names them.", _column("user_ref"), True),
)
STEP_FIELDS = (
    Field("id", UUID_TEXT, "Id of the step.", lambda node: str(node.row.id)),
    Field("kind", STEP_KINDS, "What the step did.", lambda node: node.row.kind),
    Field("name", TEXT, "Name of the step.", lambda node: node.row.name, True),
    Field("agent_name", TEXT, "Agent that took it.", lambda node: node.row.agent_name, True),
    Field("status", STATUS, "Where it stands.", lambda node: node.row.status, True),
    Field("started_at", TIME, "Start of the span.", lambda node: instant(node.row.started_at), True),
    Field("execution_time_ms", WHOLE, "Duration in milliseconds.", lambda node: node.row.execution_time_ms, True),
    Field("model", TEXT, "Model that answered.", lambda node: node.row.model, True),
    Field("tokens", ref("Tokens"), "Tokens of a model call.", lambda node: _tokens(node.row), True),
    Field("cost_usd", MONEY, "US dollars; null when not priced.", lambda node: decimal(node.row.cost_usd), True),
    Field(
        "input", ANYTHING, "What it got, as any JSON; null when the span has none.", lambda node: node.row.input_data
    ),
    Field("output", ANYTHING, "What it gave, as any JSON.", lambda node: node.row.output_data),
    Field("error", ref("StepError"), "Why it failed.", lambda node: _step_error(node.row), True),
    Field(
        "steps",
        {"type": "array", "items": ref("Step")},
        "Steps below it, in the order of display.",
        lambda node: [STEP.render(child) for child in node.children],
    ),
)
STEP = Shape("Step", "One span as a step, with the steps below it.", STEP_FIELDS)
EXECUTION = Shape("Execution", "One execution: a trace, or a flow that was run here.", EXECUTION_FIELDS)
WHOLE_EXECUTION = Shape(
    "WholeExecution",
    "One execution with everything that is known of it.",
    (
        *EXECUTION_FIELDS,
        Field("input", ANYTHING, "What the flow got, as any JSON.", lambda row: row.input_data),
        Field("output", ANYTHING, "What the flow gave, as any JSON.", lambda row: row.output_data),
        Field(
            "steps",
            {"type": "array", "items": ref("Step")},
            "Steps at the top, each with those below it.",
            lambda row: [STEP.render(node) for node in row.steps],
        ),
    ),
)
SHAPES = (EXECUTION, WHOLE_EXECUTION, STEP, FLOW, ERROR, RAISED, STEP_ERROR, TOKENS)
