"""Which columns ingest writes, table by table, and when an arriving row replaces the one that is there."""

from __future__ import annotations

from webapp.ingest.stage import Stage

SPANS = Stage(
    "spans",
    (
        ("organization_id", "uuid"), ("trace_id", "bytea"), ("span_id", "bytea"), ("flow_created_at", "us"),
        ("flow_execution_id", "uuid"), ("raw", "bytea"), ("start_ns", "int8"), ("end_ns", "int8"),
        ("content_hash", "bytea"), ("received_at", "us"),
    ),
    key=("organization_id", "trace_id", "span_id", "flow_created_at"),
    kept=("flow_execution_id",),
    # Of two copies the later end wins, on a tie the larger hash, so the order of exports never matters.
    wins="(t.end_ns, t.content_hash) < (excluded.end_ns, excluded.content_hash)",
)  # fmt: skip

EXECUTIONS = Stage(
    "flow_executions",
    (
        ("id", "uuid"), ("created_at", "us"), ("organization_id", "uuid"), ("agentflow_id", "uuid"),
        ("user_id", "uuid"), ("api_key_id", "uuid"), ("trace_id", "bytea"), ("status", "text"),
        ("trigger_type", "text"), ("input_data", "json"), ("output_data", "json"), ("execution_time_ms", "int4"),
        ("tokens_used", "int4"), ("cost_usd", "numeric"), ("error_message", "text"), ("error_stack", "text"),
        ("started_at", "us"), ("completed_at", "us"), ("service_name", "text"), ("service_version", "text"),
        ("environment", "text"), ("session_id", "text"), ("conversation_id", "uuid"), ("user_ref", "text"),
        ("tags", "json"), ("input_tokens", "int8"), ("output_tokens", "int8"), ("cached_input_tokens", "int8"),
        ("model_call_count", "int4"), ("tool_call_count", "int4"), ("agent_count", "int4"),
        ("unpriced_call_count", "int4"), ("agents", "names"), ("models", "names"), ("tools", "names"),
        ("error_type", "text"), ("error_raised_type", "text"), ("error_raised_message", "text"),
        ("error_span_id", "bytea"), ("is_root_seen", "bool"), ("span_count", "int4"), ("first_received_at", "us"),
        ("last_received_at", "us"), ("settled_at", "us"), ("mapping_version", "int4"), ("content_hash", "bytea"),
        ("context", "json"),
    ),
    key=("id", "created_at"),
    kept=("organization_id", "user_id", "api_key_id", "trace_id", "first_received_at"),
    wins="true",
)  # fmt: skip

_PLACE = (
    ("id", "uuid"), ("flow_created_at", "us"), ("organization_id", "uuid"), ("flow_execution_id", "uuid"),
    ("span_id", "bytea"), ("parent_span_id", "bytea"), ("parent_id", "uuid"), ("sequence", "int4"), ("depth", "int4"),
    ("block_id", "uuid"), ("agent_name", "text"), ("name", "text"), ("status", "text"), ("input_data", "json"),
    ("output_data", "json"), ("execution_time_ms", "int4"), ("error_type", "text"), ("error_message", "text"),
    ("error_stack", "text"), ("is_error_origin", "bool"), ("started_at", "us"), ("completed_at", "us"),
    ("created_at", "us"), ("content_hash", "bytea"),
)  # fmt: skip
_CHANGED = "t.content_hash IS DISTINCT FROM excluded.content_hash OR t.block_id IS DISTINCT FROM excluded.block_id"

STEPS = Stage(
    "agent_executions",
    (
        *_PLACE, ("kind", "text"), ("agent_id", "uuid"), ("model_used", "text"), ("model_requested", "text"),
        ("provider", "text"), ("tokens_used", "int4"), ("cost_usd", "numeric"), ("input_tokens", "int8"),
        ("output_tokens", "int8"), ("cached_input_tokens", "int8"), ("cache_write_tokens", "int8"),
        ("reasoning_tokens", "int8"), ("is_billable", "bool"), ("finish_reason", "text"),
        ("time_to_first_token_ms", "int4"),
    ),
    key=("id", "flow_created_at"),
    kept=("organization_id", "flow_execution_id", "created_at"),
    wins=f"{_CHANGED} OR (t.agent_id, t.cost_usd) IS DISTINCT FROM (excluded.agent_id, excluded.cost_usd)",
)  # fmt: skip

TOOL_CALLS = Stage(
    "tool_executions",
    (*_PLACE, ("tool_id", "uuid"), ("is_helper", "bool")),
    key=("id", "flow_created_at"),
    kept=("organization_id", "flow_execution_id", "created_at"),
    wins=f"{_CHANGED} OR t.tool_id IS DISTINCT FROM excluded.tool_id",
)

LEDGER = Stage(
    "usage_ledger",
    (
        ("id", "uuid"), ("flow_created_at", "us"), ("organization_id", "uuid"), ("flow_execution_id", "uuid"),
        ("agentflow_id", "uuid"), ("agent_id", "uuid"), ("user_ref", "text"), ("api_key_id", "uuid"),
        ("environment", "text"), ("model", "text"), ("model_requested", "text"), ("provider", "text"),
        ("kind", "text"), ("occurred_at", "us"), ("input_tokens", "int8"), ("output_tokens", "int8"),
        ("cached_input_tokens", "int8"), ("cache_write_tokens", "int8"), ("cost_usd", "numeric"),
        ("reported_cost_usd", "numeric"), ("model_price_id", "uuid"), ("status", "text"),
    ),
    key=("id", "flow_created_at"),
    kept=("organization_id", "flow_execution_id", "api_key_id"),
    wins="t IS DISTINCT FROM excluded",
)  # fmt: skip

MESSAGES = Stage(
    "messages",
    (
        ("id", "uuid"), ("organization_id", "uuid"), ("conversation_id", "uuid"), ("role", "text"),
        ("content", "text"), ("flow_execution_id", "uuid"), ("flow_created_at", "us"), ("span_id", "bytea"),
        ("sequence", "int4"), ("tokens_used", "int4"), ("cost_usd", "numeric"), ("created_at", "us"),
    ),
    key=("id",),
    kept=("organization_id", "flow_execution_id", "flow_created_at"),
    wins="(t.conversation_id, t.content, t.created_at, t.tokens_used, t.cost_usd) IS DISTINCT FROM"
    " (excluded.conversation_id, excluded.content, excluded.created_at, excluded.tokens_used, excluded.cost_usd)",
)  # fmt: skip
