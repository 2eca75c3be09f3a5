"""A small believable trace, as an SDK would send it: an agent that asks a model, calls a tool, and asks again."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUESTION = '[{"role": "user", "parts": [{"type": "text", "content": "Is order 4711 on its way?"}]}]'
CALL = (
    '[{"role": "assistant", "finish_reason": "tool_call", "parts": [{"type": "tool_call", "id": "call_1",'
    ' "name": "look_up_order", "arguments": {"order": 4711}}]}]'
)
ANSWER = (
    '[{"role": "assistant", "finish_reason": "stop", "parts": [{"type": "text",'
    ' "content": "Yes. Order 4711 left our warehouse this morning and arrives tomorrow."}]}]'
)


def sample_request(now: datetime) -> bytes:
    """One export in OTLP protobuf; the trace ended just now. Each call gives another trace."""
    trace_id, root, first, tool, second = secrets.token_bytes(16), *(secrets.token_bytes(8) for _ in range(4))
    begin = now - timedelta(milliseconds=2_900)

    def span(
        name: str, span_id: bytes, start_ms: int, end_ms: int, kind: int, attributes: dict[str, str | int]
    ) -> Span:
        return Span(
            trace_id=trace_id,
            span_id=span_id,
            parent_span_id=b"" if span_id == root else root,
            name=name,
            kind=kind,
            start_time_unix_nano=_nanoseconds(begin + timedelta(milliseconds=start_ms)),
            end_time_unix_nano=_nanoseconds(begin + timedelta(milliseconds=end_ms)),
            attributes=_attributes(attributes),
        )

    inside, client = Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "order-helper"}
    call = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look_up_order"}
    words = {"gen_ai.input.messages": QUESTION, "gen_ai.output.messages": ANSWER}
    spans = [
        span("invoke_agent order-helper", root, 0, 2_840, inside, agent | words),
        span("chat gpt-4o-mini", first, 30, 1_120, client, _chat(212, 19, CALL)),
        span("execute_tool look_up_order", tool, 1_130, 1_410, inside, call),
        span("chat gpt-4o-mini", second, 1_420, 2_830, client, _chat(268, 24, ANSWER)),
    ]
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans()])
    request.resource_spans[0].resource.attributes.extend(
        _attributes({"service.name": "welcome-sample", "telemetry.sdk.name": "agenticbuilder-sample"})
    )
    request.resource_spans[0].scope_spans.add(spans=spans).scope.name = "agenticbuilder.welcome"
    return request.SerializeToString()


def _chat(input_tokens: int, output_tokens: int, output: str) -> dict[str, str | int]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini",
        "gen_ai.input.messages": QUESTION,
        "gen_ai.output.messages": output,
        "gen_ai.usage.input_tokens": input_tokens,
        "gen_ai.usage.output_tokens": output_tokens,
    }


def _attributes(values: dict[str, str | int]) -> list[KeyValue]:
    return [
        KeyValue(
            key=name,
            value=AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value),
        )
        for name, value in values.items()
    ]


def _nanoseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1) * 1_000
