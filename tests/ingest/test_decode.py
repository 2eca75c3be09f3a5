"""Bodies in both encodings: what is read, what is refused, and what a refusal says."""

import orjson
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.ingest.build import START_NS, Trace
from tests.ingest.reencode import as_json
from webapp.ingest.decode import (
    JSON,
    MAX_NESTING,
    PROTOBUF,
    BadBody,
    decode,
    encode_response,
    encode_status,
    encoding_of,
)
from webapp.ingest.spans import span_from_raw, spans_of

SPAN = {
    "traceId": "0102030405060708090A0b0c0d0e0f10",
    "spanId": "0102030405060708",
    "name": "work",
    "startTimeUnixNano": str(START_NS),
    "endTimeUnixNano": START_NS + 5,
}


def body_of(**changes) -> bytes:
    span = {**SPAN, **changes}
    return orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


def span_of(**changes):
    (span,), rejected = spans_of(decode(body_of(**changes), JSON))
    assert not rejected
    return span


def attribute(value) -> list:
    return [{"key": "it", "value": value}]


@pytest.mark.parametrize(
    "header, encoding",
    [
        ("application/json; charset=utf-8", JSON),
        ("Application/X-Protobuf", PROTOBUF),
        ("text/plain", None),
        ("", None),
    ],
)
def test_content_type_names_the_encoding(header, encoding):
    assert encoding_of(header) == encoding


def test_json_ids_times_and_enums_are_read_in_each_spelling():
    span = span_of(kind="SPAN_KIND_SERVER", status={"code": "STATUS_CODE_ERROR", "message": "no"}, unknown={"x": [1]})
    assert span.trace_id == bytes(range(1, 17)) and span.span_id == bytes(range(1, 9)) and span.parent_span_id is None
    assert (span.start_ns, span.end_ns) == (START_NS, START_NS + 5)
    assert (span.kind, span.status_code, span.status_message) == (2, 2, "no")
    assert span_of(kind=4, status={}).kind == 4


@pytest.mark.parametrize(
    "value, expected",
    [
        ({"stringValue": "한국어"}, "한국어"),
        ({"intValue": "-9007199254740993"}, -9007199254740993),
        ({"intValue": 7}, 7),
        ({"intValue": "99999999999999999999"}, "99999999999999999999"),
        ({"doubleValue": 1}, 1.0),
        ({"doubleValue": "NaN"}, "nan"),
        ({"doubleValue": "-Infinity"}, "-inf"),
        ({"boolValue": False}, False),
        ({"bytesValue": "//79"}, "//79"),
        ({"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "a"}, {}]}}, [1, "a", None]),
        ({"kvlistValue": {"values": [{"key": "k", "value": {"arrayValue": {}}}]}}, {"k": []}),
        ({"futureValue": 1}, None),
        ({}, None),
    ],
)
def test_json_values(value, expected):
    assert span_of(attributes=attribute(value)).attributes == {"it": expected}


@pytest.mark.parametrize(
    "body, words",
    [
        (b"", "not JSON"),
        (b"\xff{", "not JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"resourceSpans": 1}', "resourceSpans must be a list"),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [3]}]}]}', "resourceSpans[0].scopeSpans[0].spans[0] must be"),
        (body_of(name=3), "spans[0].name must be a string"),
        (body_of(startTimeUnixNano="soon"), "spans[0].startTimeUnixNano must be an integer"),
        (body_of(startTimeUnixNano=True), "startTimeUnixNano must be an integer"),
        (body_of(attributes=attribute({"intValue": "1.5"})), "attributes[0].intValue must be an integer"),
        (body_of(attributes=attribute({"boolValue": "yes"})), "boolValue must be true or false"),
        (body_of(attributes=attribute({"bytesValue": "%"})), "bytesValue must be a base64 string"),
        (body_of(attributes={"a": 1}), "attributes must be a list"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_bad_json_is_refused_with_the_place(body, words):
    with pytest.raises(BadBody) as refused:
        decode(body, JSON)
    assert words in str(refused.value)


@pytest.mark.parametrize("body", [b"\x0a\xff", b'{"resourceSpans": []}', b"\x0a\x05\x12\x03\x12\x01"])
def test_bad_protobuf_is_refused(body):
    with pytest.raises(BadBody):
        decode(body, PROTOBUF)


def test_empty_requests_are_good():
    assert spans_of(decode(b"{}", JSON)) == spans_of(decode(b"", PROTOBUF)) == ([], [])


def test_nesting_is_bounded_where_the_stored_span_could_not_be_read_again():
    def nested(depth):
        value = {"stringValue": "deep"}
        for _ in range(depth):
            value = {"kvlistValue": {"values": [{"key": "k", "value": value}]}}
        return value

    span = span_of(attributes=attribute(nested(MAX_NESTING)), events=[{"attributes": attribute(nested(MAX_NESTING))}])
    assert span_from_raw(span.raw) == span
    with pytest.raises(BadBody, match="nested too deeply"):
        decode(body_of(attributes=attribute(nested(MAX_NESTING + 1))), JSON)


def test_text_that_the_database_refuses_is_replaced_but_kept_in_raw():
    span = span_of(name="a\x00b", attributes=[{"key": "k\x00", "value": {"stringValue": "\x00"}}])
    assert (span.name, span.attributes) == ("a\ufffdb", {"k\ufffd": "\ufffd"})
    assert b"a\x00b" in span.raw and span_from_raw(span.raw) == span


def test_lone_surrogates_cost_only_themselves():
    body = body_of(name="NAME").replace(b"NAME", rb"cut \ud83d, whole \ud83d\ude00, quoted \\ud83d, late \udE00")
    (span,), _ = spans_of(decode(body, JSON))
    assert span.name == "cut \ufffd, whole \U0001f600, quoted \\ud83d, late \ufffd"


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"traceId": ""}, "trace id"),
        ({"traceId": "0" * 32}, "trace id"),
        ({"traceId": "AQIDBAUGBwgJCgsMDQ4PEA=="}, "trace id"),
        ({"spanId": "01"}, "span id"),
        ({"spanId": "0" * 16}, "span id"),
        ({"parentSpanId": "xyz"}, "parent span id"),
        ({"startTimeUnixNano": 0}, "start time"),
        ({"startTimeUnixNano": "-5"}, "start time"),
        ({"startTimeUnixNano": "99999999999999999999999"}, "start time"),
        ({"endTimeUnixNano": 0}, "end time"),
        ({"endTimeUnixNano": START_NS - 10**13}, "end time"),
        ({"endTimeUnixNano": 2**63}, "end time"),
    ],
)
def test_a_bad_span_is_refused_alone(changes, words):
    tree = orjson.loads(body_of(**changes))
    tree["resourceSpans"][0]["scopeSpans"][0]["spans"].append(SPAN)
    spans, rejected = spans_of(decode(orjson.dumps(tree), JSON))
    assert len(spans) == 1 and spans[0].name == "work"
    assert len(rejected) == 1 and words in rejected[0].reason and rejected[0].name == "work"


def test_a_small_step_back_of_the_clock_is_no_reason_to_refuse():
    span = span_of(endTimeUnixNano=START_NS - 5)
    assert span.end_ns == span.start_ns


@pytest.mark.parametrize("rejected, message", [(0, ""), (3, "span id must be 8 bytes"), (0, "old names")])
def test_answers_are_the_messages_of_the_protocol(rejected, message):
    answer = ExportTraceServiceResponse.FromString(encode_response(rejected, message, PROTOBUF))
    assert (answer.partial_success.rejected_spans, answer.partial_success.error_message) == (rejected, message)
    said = orjson.loads(encode_response(rejected, message, JSON)).get("partialSuccess", {})
    assert (said.get("rejectedSpans", "0"), said.get("errorMessage", "")) == (str(rejected), message)
    if not rejected and not message:
        assert encode_response(0, "", PROTOBUF) == b"" and encode_response(0, "", JSON) == b"{}"
        assert MessageToDict(answer) == {}


def test_errors_are_a_status_message():
    assert encode_status(3, "no" * 100, PROTOBUF) == b"\x08\x03\x12\xc8\x01" + b"no" * 100
    assert orjson.loads(encode_status(16, "key", JSON)) == {"code": 16, "message": "key"}


def test_every_kind_of_field_survives_both_encodings():
    trace = Trace(**{"telemetry.sdk.name": "opentelemetry"})
    root = trace.span(
        "root",
        at=(0, 50),
        status=2,
        message="no",
        exception=("E", "m", "s"),
        attributes={
            "s": "x",
            "i": -1,
            "d": 0.1,
            "n": float("nan"),
            "b": True,
            "y": b"\xff\x00",
            "l": [1, ["a"]],
            "m": {},
        },
    )
    root.links.add(trace_id=bytes(16), span_id=bytes(8), flags=256).attributes.add(key="k")
    root.dropped_events_count = 2
    from_protobuf = spans_of(decode(trace.request.SerializeToString(), PROTOBUF))
    from_json = spans_of(decode(orjson.dumps(as_json(trace.request)), JSON))
    assert from_protobuf == from_json
    assert from_protobuf[0][0].attributes["y"] == "/wA="


@given(st.binary(max_size=300))
def test_random_bytes_give_a_request_or_a_refusal(body):
    for content_type in (PROTOBUF, JSON):
        try:
            request = decode(body, content_type)
        except BadBody:
            continue
        assert isinstance(request, ExportTraceServiceRequest)
        spans_of(request)


_WORDS = [*SPAN, "resourceSpans", "scopeSpans", "spans", "resource", "scope", "attributes", "key", "value", "kind"]
_WORDS += ["status", "code", "events", "links", "values", "intValue", "stringValue", "doubleValue", "bytesValue"]
_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*_WORDS, "arrayValue", "kvlistValue"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_TREES, st.sampled_from(["request", "span", "attributes"]))
def test_random_json_gives_a_request_or_a_refusal(tree, place):
    if place == "span":
        tree = {"resourceSpans": [{"scopeSpans": [{"spans": [tree]}]}]}
    elif place == "attributes":
        tree = {"resourceSpans": [{"resource": {"attributes": [{"key": "k", "value": tree}]}}]}
    try:
        body = orjson.dumps(tree)
    except TypeError:
        return
    try:
        spans_of(decode(body, JSON))
    except BadBody as refused:
        assert str(refused)
