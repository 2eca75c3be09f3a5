"""OTLP bodies, both encodings, into one protobuf message; answers and errors back into the sender's encoding."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from typing import Any

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status as StatusMessage

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

# Protobuf readers stop at 100 messages inside each other, a list inside a list takes three of them. A value that is
# deeper could be built here, but the stored message could not be read again.
MAX_NESTING = 24

_INT64_MIN, _INT64_MAX, _UINT64_MAX, _UINT32_MAX = -(2**63), 2**63 - 1, 2**64 - 1, 2**32 - 1
_ESCAPE = re.compile(
    rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


class BadBody(ValueError):
    """The body is not an export request; the text says which part is wrong."""


def encoding_of(content_type: str) -> str | None:
    """Return PROTOBUF or JSON for a Content-Type header, None for anything else."""
    name = content_type.partition(";")[0].strip().lower()
    if name in (PROTOBUF, "application/protobuf"):
        return PROTOBUF
    return JSON if name == JSON else None


def decode(body: bytes, content_type: str) -> ExportTraceServiceRequest:
    """Return the request that a body holds; a JSON body gives the message that protobuf would have given.

    Raises: BadBody when it is not one, with the wrong field's place in the text.
    """
    if encoding_of(content_type) == JSON:
        return _from_json(body)
    try:
        return ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise BadBody("body is not an ExportTraceServiceRequest in protobuf") from error


def encode_response(rejected: int, message: str, content_type: str) -> bytes:
    """Return the body of a 200 answer: empty when all spans landed, else how many did not and why."""
    if encoding_of(content_type) == JSON:
        if not rejected and not message:
            return b"{}"
        # 64-bit integers are strings in protobuf's JSON.
        return orjson.dumps({"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": message}})
    response = ExportTraceServiceResponse()
    if rejected or message:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = message
    return response.SerializeToString()


def encode_status(code: int, message: str, content_type: str) -> bytes:
    """Return a google.rpc.Status, which the protocol wants as the body of every error."""
    if encoding_of(content_type) == JSON:
        return orjson.dumps({"code": code, "message": message})
    text = message.encode()
    return (b"\x08" + _varint(code) if code else b"") + (b"\x12" + _varint(len(text)) + text if text else b"")


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def _from_json(body: bytes) -> ExportTraceServiceRequest:
    tree = _load(body)
    if not isinstance(tree, dict):
        raise BadBody("body must be a JSON object")
    request = ExportTraceServiceRequest()
    for where, item in _objects(tree, "resourceSpans", ""):
        resource_spans = request.resource_spans.add(schema_url=_string(item, "schemaUrl", where))
        resource = _object(item, "resource", where)
        if resource is not None:
            resource_spans.resource.SetInParent()
            _put_attributes(resource_spans.resource.attributes, resource, f"{where}.resource")
            resource_spans.resource.dropped_attributes_count = _count(resource, "droppedAttributesCount", where)
        for scope_where, scope_item in _objects(item, "scopeSpans", f"{where}."):
            scope_spans = resource_spans.scope_spans.add(schema_url=_string(scope_item, "schemaUrl", scope_where))
            _put_scope(scope_spans, scope_item, scope_where)
            for span_where, span_item in _objects(scope_item, "spans", f"{scope_where}."):
                _put_span(scope_spans.spans.add(), span_item, span_where)
    return request


def _load(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        problem = error
    # JavaScript cuts strings in the middle of a pair of surrogates; the rest of such a body is good.
    repaired = _ESCAPE.sub(_whole_pairs, body) if b"\\u" in body else body
    if repaired != body:
        try:
            return orjson.loads(repaired)
        except orjson.JSONDecodeError as error:
            problem = error
    raise BadBody(f"body is not JSON: {str(problem)[:200]}") from problem


def _whole_pairs(match: re.Match) -> bytes:
    return b"\\ufffd" if match.group(3) else match.group(0)


def _put_scope(scope_spans, item: dict, where: str) -> None:
    scope = _object(item, "scope", where)
    if scope is None:
        return
    scope_spans.scope.SetInParent()
    scope_spans.scope.name = _string(scope, "name", where)
    scope_spans.scope.version = _string(scope, "version", where)
    _put_attributes(scope_spans.scope.attributes, scope, f"{where}.scope")
    scope_spans.scope.dropped_attributes_count = _count(scope, "droppedAttributesCount", where)


def _put_span(span, item: dict, where: str) -> None:
    span.trace_id = _id(item, "traceId", where)
    span.span_id = _id(item, "spanId", where)
    span.parent_span_id = _id(item, "parentSpanId", where)
    span.trace_state = _string(item, "traceState", where)
    span.name = _string(item, "name", where)
    span.kind = _enum(item, "kind", SpanMessage.SpanKind, where)
    span.start_time_unix_nano = _time(item, "startTimeUnixNano", where)
    span.end_time_unix_nano = _time(item, "endTimeUnixNano", where)
    span.flags = _count(item, "flags", where)
    _put_attributes(span.attributes, item, where)
    for event_where, event in _objects(item, "events", f"{where}."):
        put = span.events.add(
            time_unix_nano=_time(event, "timeUnixNano", event_where), name=_string(event, "name", event_where)
        )
        _put_attributes(put.attributes, event, event_where)
        put.dropped_attributes_count = _count(event, "droppedAttributesCount", event_where)
    for link_where, link in _objects(item, "links", f"{where}."):
        put = span.links.add(
            trace_id=_id(link, "traceId", link_where),
            span_id=_id(link, "spanId", link_where),
            trace_state=_string(link, "traceState", link_where),
            flags=_count(link, "flags", link_where),
        )
        _put_attributes(put.attributes, link, link_where)
        put.dropped_attributes_count = _count(link, "droppedAttributesCount", link_where)
    span.dropped_attributes_count = _count(item, "droppedAttributesCount", where)
    span.dropped_events_count = _count(item, "droppedEventsCount", where)
    span.dropped_links_count = _count(item, "droppedLinksCount", where)
    status = _object(item, "status", where)
    if status is not None:
        span.status.SetInParent()
        span.status.message = _string(status, "message", f"{where}.status")
        span.status.code = _enum(status, "code", StatusMessage.StatusCode, f"{where}.status")


def _put_attributes(target, item: dict, where: str) -> None:
    pairs = item.get("attributes")
    if pairs is None:
        return
    if not isinstance(pairs, list):
        raise BadBody(f"{where}.attributes must be a list")
    for number, pair in enumerate(pairs):
        if isinstance(pair, dict):
            # Nearly all attributes are text: these need no place for a complaint.
            key, value = pair.get("key"), pair.get("value")
            text = value.get("stringValue") if isinstance(value, dict) and len(value) == 1 else None
            if isinstance(key, str) and isinstance(text, str):
                target.add(key=key).value.string_value = text
                continue
        _put_attribute(target, pair, f"{where}.attributes[{number}]")


def _put_attribute(target, pair: Any, where: str) -> None:
    put = target.add(key=_string(_checked(pair, where), "key", where))
    value = _object(pair, "value", where)
    if value is not None:
        _put_value(put.value, value, where, 0)
        if not put.HasField("value"):
            put.value.SetInParent()


def _put_value(target, value: dict, where: str, depth: int) -> None:
    if depth > MAX_NESTING:
        raise BadBody(f"{where}.value is nested too deeply")
    for name, content in value.items():
        if content is None:
            continue
        if name == "stringValue":
            target.string_value = _string(value, name, where)
        elif name == "boolValue":
            if not isinstance(content, bool):
                raise BadBody(f"{where}.boolValue must be true or false")
            target.bool_value = content
        elif name == "intValue":
            number = _int(content, f"{where}.intValue")
            if _INT64_MIN <= number <= _INT64_MAX:
                target.int_value = number
            else:
                target.string_value = str(number)
        elif name == "doubleValue":
            target.double_value = _float(content, f"{where}.doubleValue")
        elif name == "bytesValue":
            target.bytes_value = _base64(content, f"{where}.bytesValue")
        elif name == "arrayValue":
            target.array_value.SetInParent()
            for item_where, item in _objects(_checked(content, where), "values", f"{where}."):
                _put_value(target.array_value.values.add(), item, item_where, depth + 1)
        elif name == "kvlistValue":
            target.kvlist_value.SetInParent()
            for pair_where, pair in _objects(_checked(content, where), "values", f"{where}."):
                put = target.kvlist_value.values.add(key=_string(pair, "key", pair_where))
                inner = _object(pair, "value", pair_where)
                if inner is not None:
                    _put_value(put.value, inner, pair_where, depth + 1)


def _objects(item: dict, name: str, where: str):
    """Yield the place and content of each object in a list field; an absent or null field has none."""
    found = item.get(name)
    if found is None:
        return
    if not isinstance(found, list):
        raise BadBody(f"{where}{name} must be a list")
    for number, content in enumerate(found):
        place = f"{where}{name}[{number}]"
        yield place, _checked(content, place)


def _checked(content: Any, where: str) -> dict:
    if not isinstance(content, dict):
        raise BadBody(f"{where} must be an object")
    return content


def _object(item: dict, name: str, where: str) -> dict | None:
    found = item.get(name)
    return None if found is None else _checked(found, f"{where}.{name}")


def _string(item: dict, name: str, where: str) -> str:
    found = item.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise BadBody(f"{where}.{name} must be a string")
    return found


def _id(item: dict, name: str, where: str) -> bytes:
    """Return the bytes of a hexadecimal id; a text that is none gives no bytes, so that only its span is refused."""
    text = _string(item, name, where)
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b"?"


def _time(item: dict, name: str, where: str) -> int:
    """Return nanoseconds; a time outside of 64 bits becomes 0, for which its span alone is refused."""
    found = item.get(name)
    if found is None:
        return 0
    number = _int(found, f"{where}.{name}")
    return number if 0 <= number <= _UINT64_MAX else 0


def _count(item: dict, name: str, where: str) -> int:
    found = item.get(name)
    if found is None:
        return 0
    return min(max(_int(found, f"{where}.{name}"), 0), _UINT32_MAX)


def _enum(item: dict, name: str, kinds, where: str) -> int:
    """Return an enum's number, given as number or name; one that is not known yet is 0, as in protobuf."""
    found = item.get(name)
    if isinstance(found, str) and not found.lstrip("-").isdigit():
        return kinds.Value(found) if found in kinds.keys() else 0  # noqa: SIM118 (not a dict)
    number = 0 if found is None else _int(found, f"{where}.{name}")
    return number if number in kinds.values() else 0


def _int(content: Any, where: str) -> int:
    if isinstance(content, str):
        if len(content) > 40:
            raise BadBody(f"{where} must be an integer")
        try:
            return int(content)
        except ValueError:
            raise BadBody(f"{where} must be an integer") from None
    if isinstance(content, bool) or not isinstance(content, int | float) or content != content // 1:
        raise BadBody(f"{where} must be an integer")
    return int(content)


def _float(content: Any, where: str) -> float:
    if isinstance(content, bool) or not isinstance(content, int | float | str):
        raise BadBody(f"{where} must be a number")
    try:
        return float(content)
    except (ValueError, OverflowError):
        raise BadBody(f"{where} must be a number") from None


def _base64(content: Any, where: str) -> bytes:
    if not isinstance(content, str):
        raise BadBody(f"{where} must be a base64 string")
    try:
        text = content.replace("-", "+").replace("_", "/")
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (NotBase64, ValueError):
        raise BadBody(f"{where} must be a base64 string") from None
