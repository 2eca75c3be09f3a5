"""What the ingest address answers to exports that are wrong, too large, foreign, or fine but for a part."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from sqlalchemy import Engine, text

from tests.factories.security import make_api_key
from tests.ingest.http import export, items, make_span, send
from webapp.ingest.decode import JSON, PROTOBUF

LIMIT = 16 * 1024 * 1024
GOOD = export([make_span(name="hello")])


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return connection.scalar(text(f"SELECT count(*) FROM {table}"))


def status_of(response) -> tuple[int, str]:
    """Return code and message of a google.rpc.Status, in whichever encoding the answer says it has."""
    if response.content_type.startswith(JSON):
        status = json.loads(response.data)
        return status["code"], status["message"]
    assert response.content_type == PROTOBUF
    assert response.data[0] == 0x08 and response.data[2] == 0x12
    return response.data[1], response.data[-_length(response.data[3:]) :].decode()


def _length(data: bytes) -> int:
    size, shift = 0, 0
    for byte in data:
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    return size


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
@pytest.mark.parametrize(
    ("change", "http", "code"),
    [
        ({"headers": {"Authorization": "Bearer ab_live_aaaaaaaa_" + "x" * 43}}, 401, 16),
        ({"headers": {"Authorization": ""}}, 401, 16),
        ({"body": b"\x0a\xff\xff\xff\xff\x0f{"}, 400, 3),
        ({"body": b"not gzip at all", "headers": {"Content-Encoding": "gzip"}}, 400, 3),
        ({"body": gzip.compress(GOOD)[:-6], "headers": {"Content-Encoding": "gzip"}}, 400, 3),
        ({"body": GOOD, "headers": {"Content-Encoding": "br"}}, 415, 3),
        ({"body": b"x" * (LIMIT + 1)}, 413, 3),
        ({"body": gzip.compress(b"0" * (LIMIT + 1)), "headers": {"Content-Encoding": "gzip"}}, 413, 3),
    ],
    ids=["wrong key", "no key", "broken", "no gzip", "cut gzip", "brotli", "large", "bomb"],
)
def test_bad_exports_are_refused_with_a_status_in_their_encoding(
    kind, change, http, code, client, api_key, owner_engine
):
    response = send(client, api_key.text, change.get("body", GOOD), kind, **change.get("headers", {}))
    assert response.status_code == http
    assert response.content_type.startswith(kind)
    found, message = status_of(response)
    assert found == code
    assert message and "Traceback" not in message
    assert count(owner_engine, "spans") == 0
    assert count(owner_engine, "ingest_rejections") == (0 if http == 401 else 1)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_other_content_types_are_refused(kind, client, api_key):
    response = send(client, api_key.text, GOOD, kind)
    assert response.status_code == 415
    assert status_of(response)[0] == 3


def test_a_bomb_is_given_up_long_before_it_is_inflated(client, api_key):
    """A gigabyte of zeros in a megabyte; the memory that the process took at its peak hardly rises."""
    import resource

    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(1024)) + deflate.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert send(client, api_key.text, bomb, PROTOBUF, **{"Content-Encoding": "gzip"}).status_code == 413
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@pytest.mark.parametrize("header", ["x-api-key", "Authorization"])
def test_either_header_proves_the_key(header, client, api_key, organization, owner_engine):
    value = api_key.text if header == "x-api-key" else f"Bearer {api_key.text}"
    response = client.post("/v1/traces", data=GOOD, headers={header: value, "Content-Type": PROTOBUF})
    assert (response.status_code, response.data) == (200, b"")
    assert count(owner_engine, "flow_executions") == 1


def test_revoked_expired_and_unscoped_keys_store_nothing(client, organization, owner_engine):
    now = datetime.now(UTC)
    for change, status in (
        ({"revoked_at": now}, 401),
        ({"expires_at": now - timedelta(seconds=1)}, 401),
        ({"scopes": ["read"]}, 403),
    ):
        key = make_api_key(organization_id=organization.id, **change)
        assert send(client, key.text, GOOD, PROTOBUF).status_code == status
    assert count(owner_engine, "spans") == 0


def test_a_strangers_key_fills_the_strangers_organization_only(
    client, api_key, organization, other_organization, owner_engine
):
    stranger = make_api_key(organization_id=other_organization.id)
    trace = bytes(range(1, 17))
    ours, theirs = make_span(trace_id=trace, name="ours"), make_span(trace_id=trace, name="theirs")
    assert send(client, api_key.text, export([ours]), PROTOBUF).status_code == 200
    assert send(client, stranger.text, export([theirs]), PROTOBUF).status_code == 200
    mine, others = items(owner_engine, organization.id, [trace]), items(owner_engine, other_organization.id, [trace])
    assert [item["flow"]["name"] for item in mine] == ["ours"]
    assert [item["flow"]["name"] for item in others] == ["theirs"]
    assert mine[0]["id"] != others[0]["id"]


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_single_bad_spans_are_refused_and_the_rest_lands(kind, client, api_key, organization, owner_engine):
    from tests.ingest.reencode import reencoded

    body = export([make_span(name="good"), make_span(name="no id", trace_id=b""), make_span(name="early", start_ns=5)])
    if kind == JSON:
        body, _ = reencoded(body, PROTOBUF)
    response = send(client, api_key.text, body, kind)
    assert response.status_code == 200
    if kind == JSON:
        partial = json.loads(response.data)["partialSuccess"]
        rejected, message = int(partial["rejectedSpans"]), partial["errorMessage"]
    else:
        answer = ExportTraceServiceResponse.FromString(response.data).partial_success
        rejected, message = answer.rejected_spans, answer.error_message
    assert rejected == 2
    assert "trace id" in message and "start time" in message
    assert count(owner_engine, "spans") == 1
    with owner_engine.connect() as connection:
        noted = connection.execute(text("SELECT http_status, span_count, reason, sample FROM ingest_rejections")).all()
        arrival = connection.execute(text("SELECT spans_accepted, spans_rejected, requests FROM ingest_arrivals")).one()
    assert sorted((row.http_status, row.span_count) for row in noted) == [(200, 1), (200, 1)]
    assert tuple(arrival) == (1, 2, 1)


@pytest.mark.parametrize("signal", ["logs", "metrics"])
@pytest.mark.parametrize(("kind", "answer"), [(PROTOBUF, b""), (JSON, b"{}")])
def test_logs_and_metrics_are_taken_and_dropped(signal, kind, answer, client, owner_engine):
    response = client.post(f"/v1/{signal}", data=b"anything", content_type=kind)
    assert (response.status_code, response.data) == (200, answer)
    assert count(owner_engine, "spans") == 0


def test_an_empty_export_is_fine(client, api_key):
    assert send(client, api_key.text, b"", PROTOBUF).status_code == 200
    assert send(client, api_key.text, b"{}", JSON).status_code == 200


def test_a_browsers_cookie_or_foreign_origin_does_not_matter(client, api_key):
    headers = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert send(client, api_key.text, GOOD, PROTOBUF, **headers).status_code == 200


def test_a_five_megabyte_prompt_lands_whole(client, api_key, owner_engine):
    prompt = "질문 " * 1_000_000 + "끝"
    span = make_span(name="chat", attributes={"gen_ai.operation.name": "chat", "input.value": prompt})
    response = send(client, api_key.text, export([span]), PROTOBUF, is_gzipped=True)
    assert (response.status_code, response.data) == (200, b"")
    with owner_engine.connect() as connection:
        stored = connection.scalar(text("SELECT input_data #>> '{}' FROM agent_executions"))
    assert stored == prompt


@pytest.mark.parametrize(
    ("failure", "status"),
    [("57P01", 503), ("53100", 503), ("40P01", 503), ("23514", 503), ("22003", 400), ("42P01", 500)],
)
def test_database_failures_become_answers_that_exporters_understand(
    failure, status, client, api_key, monkeypatch, owner_engine, caplog
):
    import psycopg

    from webapp.ingest import receive

    calls = []

    def fail(*args, **kwargs):
        calls.append(1)
        raise psycopg.errors.lookup(failure)("the prompt must not show")

    monkeypatch.setattr(receive, "ingest", fail)
    response = send(client, api_key.text, GOOD, PROTOBUF)
    assert response.status_code == status
    assert ("Retry-After" in response.headers) == (status == 503)
    if status == 503:
        assert 1 <= int(response.headers["Retry-After"]) <= 3
    assert b"prompt" not in response.data
    assert len(calls) == (3 if failure == "40P01" else 1)
    assert count(owner_engine, "spans") == 0


def test_a_trace_that_cannot_be_mapped_is_refused_alone(client, api_key, monkeypatch, owner_engine, caplog):
    from webapp.ingest import batch

    real = batch.map_trace

    def sometimes(spans, settled=False):
        if spans[0].name == "poison":
            raise RuntimeError("broken mapping")
        return real(spans, settled)

    monkeypatch.setattr(batch, "map_trace", sometimes)
    response = send(client, api_key.text, export([make_span(name="poison"), make_span(name="fine")]), PROTOBUF)
    assert response.status_code == 200
    assert ExportTraceServiceResponse.FromString(response.data).partial_success.rejected_spans == 1
    assert count(owner_engine, "flow_executions") == 1


def test_random_bytes_never_make_a_server_error(client, api_key):
    import random

    rng = random.Random(3)
    whole = ExportTraceServiceRequest.FromString(GOOD).SerializeToString()
    for _ in range(200):
        body = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        kind = rng.choice([PROTOBUF, JSON])
        assert send(client, api_key.text, bytes(body), kind).status_code in (200, 400, 413, 415)


def test_a_connection_that_dies_under_an_export_is_a_503_and_the_next_export_lands(
    client, api_key, monkeypatch, owner_engine
):
    """The server ends the backend in the middle of the transaction; the pool must not hand its ruin to anyone."""
    from webapp.ingest import store

    real, calls = store.merge, []

    def die(cursor, stage, rows):
        if not calls:
            calls.append(1)
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return real(cursor, stage, rows)

    monkeypatch.setattr(store, "merge", die)
    response = send(client, api_key.text, GOOD, PROTOBUF)
    assert response.status_code == 503
    assert send(client, api_key.text, GOOD, PROTOBUF).status_code == 200
    assert count(owner_engine, "spans") == 1
