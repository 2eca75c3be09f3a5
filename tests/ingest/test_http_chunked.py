"""The real server with bodies that come in pieces and promise no length, as JavaScript exporters send them."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.bench.instance import Instance, instance
from tests.ingest.http import export, make_span
from webapp.ingest.decode import JSON, PROTOBUF

LIMIT = 16 * 1024 * 1024


@pytest.fixture(scope="module")
def running() -> Iterator[Instance]:
    with instance() as own:
        yield own


def post(
    own: Instance, body: bytes, *, key: str | None = None, piece: int = 10_000, **headers: str
) -> tuple[int, bytes]:
    """Send a body of unknown length, which the client sends in chunks, and read the answer."""
    sent = {"Content-Type": PROTOBUF, "x-api-key": own.key if key is None else key} | headers
    pieces = (body[start : start + piece] for start in range(0, len(body), piece))
    with closing(http.client.HTTPConnection("127.0.0.1", own.port, timeout=60)) as connection:
        connection.request("POST", "/v1/traces", pieces, sent, encode_chunked=True)
        answer = connection.getresponse()
        return answer.status, answer.read()


def count(own: Instance, table: str) -> int:
    with own.connect() as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_a_chunked_export_lands_whole(running):
    before = count(running, "spans")
    spans = [make_span(attributes={"input.value": "x" * 5_000}) for _ in range(500)]
    assert post(running, export(spans)) == (200, b"")
    assert count(running, "spans") == before + 500


def test_a_chunked_gzipped_export_lands(running):
    before = count(running, "spans")
    body = gzip.compress(export([make_span() for _ in range(50)]))
    headers = {"Content-Encoding": "gzip"}
    assert post(running, body, piece=7, **headers) == (200, b"")
    assert count(running, "spans") == before + 50


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_a_chunked_body_over_the_limit_is_refused_and_never_cut(kind, running):
    before = count(running, "spans")
    body = export([make_span(attributes={"input.value": "x" * (LIMIT // 2)}) for _ in range(3)])
    status, answer = post(running, body, piece=65_536, **{"Content-Type": kind})
    assert status == 413
    assert b"larger than" in answer
    if kind == JSON:
        assert json.loads(answer)["code"] == 3
    assert count(running, "spans") == before


def test_a_wrong_key_with_a_large_body_gets_its_answer(running):
    body = export([make_span(attributes={"input.value": "x" * (LIMIT // 2)})])
    status, answer = post(running, body, key="ab_live_aaaaaaaa_" + "x" * 43, piece=65_536)
    assert status == 401 and b"API key" in answer


def test_one_connection_serves_good_exports_after_refused_ones(running):
    good, headers = export([make_span()]), {"Content-Type": PROTOBUF, "x-api-key": running.key}
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)) as connection:
        found = []
        for body, more in (
            (good, {}), (b"\xff" * 100, {}), (good, {}), (good, {"x-api-key": "no"}), (good, {}),
            (good, {"Content-Type": "text/plain"}), (good, {}), (b"x" * (LIMIT + 5), {}), (good, {}),
        ):  # fmt: skip
            connection.request("POST", "/v1/traces", body, headers | more)
            answer = connection.getresponse()
            answer.read()
            found.append(answer.status)
    assert found == [200, 400, 200, 401, 200, 415, 200, 413, 200]


def test_a_body_that_ends_too_early_stores_nothing(running):
    import socket

    before = count(running, "spans")
    body = export([make_span()])
    head = (
        f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nx-api-key: {running.key}\r\nContent-Type: {PROTOBUF}\r\n"
        f"Content-Length: {len(body) + 50}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as plain:
        plain.sendall(head.encode() + body)
        plain.shutdown(socket.SHUT_WR)
        answer = plain.recv(1_000)
    assert b" 200 " not in answer.split(b"\r\n", 1)[0]
    assert count(running, "spans") == before
