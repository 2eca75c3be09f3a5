"""What a trace becomes: one execution with its steps, tools, tokens, error and session, ready to be stored."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(slots=True, frozen=True)
class MappedError:
    """The deepest cause on the failing path.

    ``raised_type`` and ``raised_message`` are what the caller of the flow got, None when it is the cause itself.
    """

    type: str | None
    message: str | None
    stack: str | None
    span_id: bytes
    raised_type: str | None
    raised_message: str | None


@dataclass(slots=True, frozen=True)
class MappedStep:
    """One span as a step: an agent, a model call, an embedding, a retrieval, a plain step, or a tool (``is_tool``).

    ``kind`` is one of agent, model_call, embedding, retrieval, step, tool. Wrapper spans of a model call are steps of
    kind ``step`` whose ``usage_of`` names the call that carries the merged fields and the tokens. ``parent_step_id``
    is the nearest step above (None at the top), ``parent_span_id`` what the wire says. ``sequence`` counts depth first.
    ``input_tokens`` includes cached ones; None means that nobody said. ``block_name`` is the name without ids.
    ``content_hash`` changes whenever anything here does, so a stored step with the same one needs no writing.
    """

    span_id: bytes
    parent_span_id: bytes | None
    parent_step_id: bytes | None
    sequence: int
    depth: int
    is_tool: bool
    kind: str
    name: str
    block_name: str
    agent_name: str | None
    service_name: str | None
    status: str
    started_ns: int
    ended_ns: int
    execution_time_ms: int
    model_requested: str | None
    model_used: str | None
    provider: str | None
    input_tokens: int | None
    output_tokens: int | None
    cached_input_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    is_billable: bool
    usage_of: bytes | None
    reported_cost_usd: Decimal | None
    finish_reason: str | None
    time_to_first_token_ms: int | None
    input: Any
    output: Any
    error_type: str | None
    error_message: str | None
    error_stack: str | None
    is_error_origin: bool
    is_helper: bool
    content_hash: bytes


@dataclass(slots=True, frozen=True)
class MappedTrace:
    """One trace as one execution.

    ``is_ignored`` marks traces that are no execution (only the making of agents or graphs). ``status`` is pending,
    running, completed, failed or cancelled. ``question`` and ``answer`` are the text in ``input`` and ``output``, for
    the messages of a conversation. Token sums are None where no model call says how many. Names of agents, models and
    tools stand in the order of first start, each once; helper tools count neither there nor in ``tool_call_count``.
    ``sdk`` names the sender's telemetry SDK, language and version.
    """

    trace_id: bytes
    flow_name: str
    service_name: str | None
    service_version: str | None
    environment: str | None
    status: str
    trigger_type: str
    is_root_seen: bool
    is_ignored: bool
    started_ns: int
    ended_ns: int
    execution_time_ms: int
    input: Any
    output: Any
    question: str | None
    answer: str | None
    input_tokens: int | None
    output_tokens: int | None
    cached_input_tokens: int | None
    agents: tuple[str, ...]
    models: tuple[str, ...]
    tools: tuple[str, ...]
    agent_count: int
    model_call_count: int
    tool_call_count: int
    error: MappedError | None
    session_id: str | None
    user_ref: str | None
    tags: dict[str, Any]
    steps: tuple[MappedStep, ...]
    sdk: str | None
    span_count: int
