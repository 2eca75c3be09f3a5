"""Spans as the mapping sees them, read out of OTLP messages and refused one by one when they cannot be used."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from webapp.domain.trace_parent import sent_parent

STATUS_UNSET, STATUS_OK, STATUS_ERROR = 0, 1, 2
KIND_SERVER, KIND_CLIENT, KIND_PRODUCER, KIND_CONSUMER = 2, 3, 4, 5

# Bounds of a believable time: 1 Jan 2000 and 1 Jan 2200 (also keeps nanoseconds inside a signed 64-bit column).
EARLIEST_NS = 946_684_800_000_000_000
LATEST_NS = 7_258_118_400_000_000_000
# Clocks step back by seconds when they are set; more than this is not a clock, it is a broken span.
LARGEST_STEP_BACK_NS = 3_600_000_000_000

_NO_TRACE = bytes(16)
_NO_SPAN = bytes(8)
_CHUNK_SUFFIX = ".chunk"


@dataclass(slots=True, frozen=True)
class SpanEvent:
    """A dated note on a span; chunk events of a stream are left out but for the first."""

    name: str
    time_ns: int
    attributes: dict[str, Any]


@dataclass(slots=True, frozen=True)
class SpanLink:
    """A pointer from a span to a span of another trace."""

    trace_id: bytes
    span_id: bytes
    attributes: dict[str, Any]


@dataclass(slots=True)
class Span:
    """One span with its resource and scope.

    All text is safe for PostgreSQL (no NUL); ``raw`` is a serialized ResourceSpans message that holds just this span
    and keeps everything; ``content_hash`` is taken from it, so both encodings of a span have the same one.
    """

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes | None
    name: str
    kind: int
    start_ns: int
    end_ns: int
    status_code: int
    status_message: str
    attributes: dict[str, Any]
    events: list[SpanEvent]
    links: list[SpanLink]
    resource: dict[str, Any]
    scope_name: str
    scope_version: str
    raw: bytes
    content_hash: bytes


@dataclass(slots=True, frozen=True)
class Rejected:
    """A span that cannot be stored and why, in words for the person who sent it."""

    reason: str
    name: str
    trace_id: str
    span_id: str


def spans_of(request: ExportTraceServiceRequest) -> tuple[list[Span], list[Rejected]]:
    """Return the usable spans of a request in its order, and the refused ones with a reason."""
    spans: list[Span] = []
    rejected: list[Rejected] = []
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        before, after = _envelope(1, resource_spans, "resource"), _text_field(3, resource_spans.schema_url)
        for scope_spans in resource_spans.scope_spans:
            scope_before = _envelope(1, scope_spans, "scope")
            scope_after = _text_field(3, scope_spans.schema_url)
            name, version = _text(scope_spans.scope.name), _text(scope_spans.scope.version)
            for span in scope_spans.spans:
                reason = _reason_to_refuse(span)
                if reason:
                    rejected.append(
                        Rejected(reason, _text(span.name)[:200], span.trace_id.hex()[:64], span.span_id.hex()[:64])
                    )
                    continue
                scoped = scope_before + _bytes_field(2, span.SerializeToString(deterministic=True)) + scope_after
                raw = before + _bytes_field(2, scoped) + after
                spans.append(_read(span, resource, name, version, raw))
    return spans, rejected


def span_from_raw(raw: bytes) -> Span:
    """Return the span that ``Span.raw`` holds, equal to the one it was taken from.

    Raises: ValueError when the bytes are not such a message.
    """
    try:
        resource_spans = ResourceSpans.FromString(raw)
        scope_spans = resource_spans.scope_spans[0]
        span = scope_spans.spans[0]
    except (IndexError, DecodeError) as error:
        raise ValueError("not a stored span") from error
    resource = _attributes(resource_spans.resource.attributes)
    return _read(span, resource, _text(scope_spans.scope.name), _text(scope_spans.scope.version), raw)


def _read(span, resource: dict[str, Any], scope_name: str, scope_version: str, raw: bytes) -> Span:
    parent = span.parent_span_id
    # A parent that we made up when we asked for the execution never arrives: the span begins its trace.
    if not parent or parent == _NO_SPAN or parent == span.span_id or parent == sent_parent(span.trace_id):
        parent = None
    start, end, status = span.start_time_unix_nano, span.end_time_unix_nano, span.status
    return Span(
        span.trace_id,
        span.span_id,
        parent,
        _text(span.name),
        span.kind,
        start,
        end if end > start else start,
        status.code,
        _text(status.message),
        _attributes(span.attributes),
        _events(span.events) if span.events else [],
        [SpanLink(link.trace_id, link.span_id, _attributes(link.attributes)) for link in span.links],
        resource,
        scope_name,
        scope_version,
        raw,
        blake2b(raw, digest_size=16).digest(),
    )


def _reason_to_refuse(span) -> str:
    """Return why a span cannot be stored, or an empty text."""
    if len(span.trace_id) != 16 or span.trace_id == _NO_TRACE:
        return "trace id must be 16 bytes and not zero"
    if len(span.span_id) != 8 or span.span_id == _NO_SPAN:
        return "span id must be 8 bytes and not zero"
    if len(span.parent_span_id) not in (0, 8):
        return "parent span id must be 8 bytes"
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    if not EARLIEST_NS <= start < LATEST_NS:
        return "start time is missing or outside of the years 2000 to 2199"
    if end >= LATEST_NS or end < start - LARGEST_STEP_BACK_NS:
        return "end time is missing, before the start or after the year 2199"
    return ""


def _text(value: str) -> str:
    """Return the text with NUL replaced, which PostgreSQL can store neither as text nor in JSON."""
    return value.replace("\x00", "\ufffd") if "\x00" in value else value


def _attributes(pairs: Iterable) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        value = pair.value
        which = value.WhichOneof("value")
        if which == "string_value":
            text = value.string_value
            found[_text(pair.key)] = text.replace("\x00", "\ufffd") if "\x00" in text else text
        elif which == "int_value":
            found[_text(pair.key)] = value.int_value
        else:
            found[_text(pair.key)] = _value(value, which)
    return found


def _value(value, which: str | None) -> Any:
    """Return an AnyValue as plain Python that JSON can carry: bytes in base64, NaN and infinities as words."""
    match which:
        case "string_value":
            return _text(value.string_value)
        case "int_value" | "bool_value":
            return getattr(value, which)
        case "double_value":
            number = value.double_value
            return number if isfinite(number) else str(number)
        case "array_value":
            return [_value(item, item.WhichOneof("value")) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case "bytes_value":
            return b64encode(value.bytes_value).decode()
    return None


def _events(events: Iterable) -> list[SpanEvent]:
    found: list[SpanEvent] = []
    has_chunk = False
    for event in events:
        name = _text(event.name)
        if name.endswith(_CHUNK_SUFFIX):
            # A stream makes one of these per few letters; the first tells when the answer began, the rest nothing.
            if has_chunk:
                continue
            has_chunk = True
        found.append(SpanEvent(name, event.time_unix_nano, _attributes(event.attributes)))
    return found


def _envelope(field: int, message, name: str) -> bytes:
    return (
        _bytes_field(field, getattr(message, name).SerializeToString(deterministic=True))
        if message.HasField(name)
        else b""
    )


def _text_field(field: int, text: str) -> bytes:
    return _bytes_field(field, text.encode()) if text else b""


def _bytes_field(field: int, content: bytes) -> bytes:
    """Return a length-delimited protobuf field, written by hand so that shared parts are serialized once."""
    size = len(content)
    if size < 128:
        return bytes((field << 3 | 2, size)) + content
    head = bytearray((field << 3 | 2,))
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    head.append(size)
    return bytes(head) + content
