"""Spans of the OpenTelemetry GenAI conventions, written as an SDK writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

SDK = {
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.version": "1.38.0",
}
NS_PER_MS = 1_000_000


def put(target: Any, values: Mapping[str, Any]) -> None:
    """Add attributes; None is left out, a list holds texts."""
    for key, value in values.items():
        if value is None:
            continue
        pair: KeyValue = target.attributes.add()
        pair.key = key
        if isinstance(value, bool):
            pair.value.bool_value = value
        elif isinstance(value, int):
            pair.value.int_value = value
        elif isinstance(value, float):
            pair.value.double_value = value
        elif isinstance(value, list):
            for item in value:
                pair.value.array_value.values.add().string_value = item
        else:
            pair.value.string_value = value


def fail(span: Span, kind: str, message: str, stack: str | None) -> None:
    """End a span by an exception."""
    span.status.code = Status.STATUS_CODE_ERROR
    span.status.message = message
    put(span, {"error.type": kind})
    event = span.events.add()
    event.name = "exception"
    event.time_unix_nano = span.end_time_unix_nano
    put(event, {"exception.type": kind, "exception.message": message, "exception.stacktrace": stack})


def message(role: str, content: str) -> dict[str, Any]:
    """One chat message with one text part."""
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def compact(value: Any) -> str:
    """JSON as instrumentations write it into an attribute."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def export(groups: Mapping[tuple[tuple[str, str], ...], Sequence[Span]]) -> ExportTraceServiceRequest:
    """One export request: spans by their resource."""
    request = ExportTraceServiceRequest()
    for resource, spans in groups.items():
        resource_spans = request.resource_spans.add()
        put(resource_spans.resource, dict(resource) | SDK)
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name, scope_spans.scope.version = "demo.agents", "1.4.0"
        scope_spans.spans.extend(spans)
    return request
