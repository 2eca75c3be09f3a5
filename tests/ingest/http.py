"""Exports over HTTP in tests: bodies sent as an exporter sends them, and the executions that they became."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from random import randbytes
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from tests.ingest.build import START_NS, put

_ITEMS = text("""
    SELECT e.*, f.name AS flow_name FROM flow_executions e LEFT JOIN agentflows f ON f.id = e.agentflow_id
    WHERE e.organization_id = :organization_id AND e.trace_id = ANY(:trace_ids) ORDER BY e.started_at, e.id
""")
# What no two deliveries have in common: ids made at random, and our own clock.
_OURS = {
    "id", "created_at", "agentflow_id", "conversation_id", "first_received_at", "last_received_at", "settled_at",
    "organization_id", "user_id", "api_key_id",
}  # fmt: skip


def make_span(
    *,
    name: str = "step",
    trace_id: bytes | None = None,
    span_id: bytes | None = None,
    parent: bytes | None = None,
    start_ns: int = START_NS,
    ms: int = 1_000,
    attributes: dict[str, Any] | None = None,
) -> SpanMessage:
    """Return one span of a trace of its own unless one is named."""
    span = SpanMessage(name=name, start_time_unix_nano=start_ns, end_time_unix_nano=start_ns + ms * 1_000_000)
    span.trace_id = randbytes(16) if trace_id is None else trace_id
    span.span_id = randbytes(8) if span_id is None else span_id
    span.parent_span_id = parent or b""
    put(span.attributes, attributes or {})
    return span


def export(spans: Iterable[SpanMessage], **resource: Any) -> bytes:
    """Return the protobuf body of an export."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    put(resource_spans.resource.attributes, {"service.name": "shop", **resource})
    resource_spans.scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


def send(
    client: FlaskClient, key: str, body: bytes, content_type: str, *, is_gzipped: bool = False, **headers: str
) -> TestResponse:
    """Post an export."""
    sent = {"Authorization": f"Bearer {key}", "Content-Type": content_type} | headers
    if is_gzipped:
        body, sent = gzip.compress(body, 1), sent | {"Content-Encoding": "gzip"}
    return client.post("/v1/traces", data=body, headers=sent)


def items(engine: Engine, organization_id: UUID, trace_ids: Iterable[bytes]) -> list[dict[str, Any]]:
    """Return the executions of some traces in the shape of API items, as far as ``tests.ingest.truth`` reads it."""
    with engine.connect() as connection:
        rows = connection.execute(_ITEMS, {"organization_id": organization_id, "trace_ids": list(set(trace_ids))})
        return [_item(row._mapping) for row in rows]


def plain_rows(engine: Engine, organization_id: UUID) -> list[dict[str, Any]]:
    """Return all that was stored of an organization's executions but for ids and our clock, to compare deliveries."""
    found = []
    with engine.connect() as connection:
        for table, order in (
            ("flow_executions", "trace_id"), ("agent_executions", "span_id, name"),
            ("tool_executions", "span_id, name"), ("spans", "trace_id, span_id"),
            ("usage_ledger", "occurred_at, input_tokens, model"), ("messages", "created_at, role, content"),
        ):  # fmt: skip
            query = f"SELECT * FROM {table} WHERE organization_id = :organization_id ORDER BY {order}"
            for row in connection.execute(text(query), {"organization_id": organization_id}).mappings():
                found.append({"table": table} | {name: _plain(row[name]) for name in row if not _is_ours(name)})
    return found


def _is_ours(name: str) -> bool:
    return name in _OURS or name.endswith(("_id", "_created_at", "received_at")) and name not in ("trace_id", "span_id")


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _item(row: Any) -> dict[str, Any]:
    names = (
        "status", "input_tokens", "output_tokens", "cached_input_tokens", "model_call_count", "tool_call_count",
        "agent_count", "models", "agents", "session_id", "user_ref", "trace_id", "id",
    )  # fmt: skip
    raised = {"type": row["error_raised_type"], "message": row["error_raised_message"]}
    has_error = row["error_type"] is not None or row["error_message"] is not None
    return {name: row[name] for name in names} | {
        "flow": {"name": row["flow_name"]},
        "error": {
            "type": row["error_type"],
            "message": row["error_message"],
            "stack": row["error_stack"],
            "raised_as": raised if raised["type"] or raised["message"] else None,
        }
        if has_error
        else None,
    }
