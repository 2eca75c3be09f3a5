"""Spans for tests, made through the real messages so that every test reads what the wire carries."""

from itertools import count
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from webapp.ingest.mapped import MappedTrace
from webapp.ingest.spans import Span, spans_of
from webapp.ingest.trace import map_trace

START_NS = 1_795_000_000_000_000_000
TRACE_ID = bytes(range(1, 17))
_MS = 1_000_000
ERROR = 2


def put(pairs, values: dict[str, Any]) -> None:
    """Add attributes to a message."""
    for key, content in values.items():
        set_value(pairs.add(key=key).value, content)


def set_value(value, content: Any) -> None:
    if isinstance(content, bool):
        value.bool_value = content
    elif isinstance(content, int):
        value.int_value = content
    elif isinstance(content, float):
        value.double_value = content
    elif isinstance(content, bytes):
        value.bytes_value = content
    elif isinstance(content, list):
        value.array_value.SetInParent()
        for item in content:
            set_value(value.array_value.values.add(), item)
    elif isinstance(content, dict):
        value.kvlist_value.SetInParent()
        put(value.kvlist_value.values, content)
    elif content is not None:
        value.string_value = content


class Trace:
    """Collects the spans of one trace; times are milliseconds after its beginning."""

    def __init__(self, trace_id: bytes = TRACE_ID, **resource: Any):
        self.request = ExportTraceServiceRequest()
        self.resource_spans = self.request.resource_spans.add()
        put(self.resource_spans.resource.attributes, {"service.name": "shop", **resource})
        self.scope_spans = self.resource_spans.scope_spans.add()
        self.scope_spans.scope.name = "tests"
        self.trace_id = trace_id
        self._numbers = count(1)

    def span(
        self,
        name: str,
        parent: SpanMessage | bytes | None = None,
        at=(0, 10),
        kind: int = 1,
        status: int = 0,
        **more: Any,
    ) -> SpanMessage:
        """Add a span; more can be ``attributes``, ``exception`` (type, message, stack), ``message`` and ``span_id``."""
        span = self.scope_spans.spans.add(name=name, kind=kind, trace_id=self.trace_id)
        span.span_id = more.get("span_id") or next(self._numbers).to_bytes(8, "big")
        if parent is not None:
            span.parent_span_id = parent if isinstance(parent, bytes) else parent.span_id
        span.start_time_unix_nano, span.end_time_unix_nano = (START_NS + int(ms * _MS) for ms in at)
        span.status.code, span.status.message = status, more.get("message", "")
        put(span.attributes, more.get("attributes", {}))
        if "exception" in more:
            event = span.events.add(name="exception", time_unix_nano=span.end_time_unix_nano)
            names = ("exception.type", "exception.message", "exception.stacktrace")
            put(event.attributes, dict(zip(names, more["exception"], strict=False)))
        return span

    def spans(self) -> list[Span]:
        found, rejected = spans_of(self.request)
        assert not rejected
        return found

    def mapped(self, settled: bool = False) -> MappedTrace:
        return map_trace(self.spans(), settled)


def chat(**more: Any) -> dict[str, Any]:
    """Return the attributes of a model call with 10 + 2 tokens; keywords have ``__`` for dots."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m-1",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 2,
    }
    return {**attributes, **{name.replace("__", "."): value for name, value in more.items()}}
