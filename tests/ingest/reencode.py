"""The same request in the other encoding, written as exporters write OTLP/JSON: ids in hex, 64-bit integers as text."""

from base64 import b64encode
from typing import Any

import orjson

from webapp.ingest.decode import JSON, PROTOBUF, decode


def reencoded(body: bytes, content_type: str) -> tuple[bytes, str]:
    """Return a body in the encoding that it does not have."""
    message = decode(body, content_type)
    if content_type == JSON:
        return message.SerializeToString(), PROTOBUF
    return orjson.dumps(as_json(message)), JSON


def as_json(message) -> dict[str, Any]:
    """Return an ExportTraceServiceRequest as the tree of its JSON."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _pairs(resource_spans.resource.attributes)},
                "schemaUrl": resource_spans.schema_url,
                "scopeSpans": [_scope(scope_spans) for scope_spans in resource_spans.scope_spans],
            }
            for resource_spans in message.resource_spans
        ]
    }


def _scope(scope_spans) -> dict[str, Any]:
    scope = scope_spans.scope
    return {
        "scope": {"name": scope.name, "version": scope.version, "attributes": _pairs(scope.attributes)},
        "schemaUrl": scope_spans.schema_url,
        "spans": [_span(span) for span in scope_spans.spans],
    }


def _span(span) -> dict[str, Any]:
    found = {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex().upper(),
        "traceState": span.trace_state,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_time_unix_nano),
        "endTimeUnixNano": str(span.end_time_unix_nano),
        "flags": span.flags,
        "attributes": _pairs(span.attributes),
        "events": [
            {"timeUnixNano": str(e.time_unix_nano), "name": e.name, "attributes": _pairs(e.attributes)}
            for e in span.events
        ],
        "links": [
            {
                "traceId": link.trace_id.hex(),
                "spanId": link.span_id.hex(),
                "traceState": link.trace_state,
                "flags": link.flags,
                "attributes": _pairs(link.attributes),
            }
            for link in span.links
        ],
        "droppedAttributesCount": span.dropped_attributes_count,
        "droppedEventsCount": span.dropped_events_count,
        "droppedLinksCount": span.dropped_links_count,
    }
    if span.parent_span_id:
        found["parentSpanId"] = span.parent_span_id.hex()
    if span.HasField("status"):
        found["status"] = {"code": span.status.code, "message": span.status.message}
    return found


def _pairs(pairs) -> list[dict[str, Any]]:
    return [{"key": pair.key, **({"value": _value(pair.value)} if pair.HasField("value") else {})} for pair in pairs]


def _value(value) -> dict[str, Any]:
    match value.WhichOneof("value"):
        case "string_value":
            return {"stringValue": value.string_value}
        case "bool_value":
            return {"boolValue": value.bool_value}
        case "int_value":
            return {"intValue": str(value.int_value)}
        case "double_value":
            number = value.double_value
            return {"doubleValue": number if number - number == 0 else str(number).replace("inf", "Infinity")}
        case "bytes_value":
            return {"bytesValue": b64encode(value.bytes_value).decode()}
        case "array_value":
            return {"arrayValue": {"values": [_value(item) for item in value.array_value.values]}}
        case "kvlist_value":
            return {"kvlistValue": {"values": _pairs(value.kvlist_value.values)}}
    return {}
