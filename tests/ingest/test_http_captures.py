"""All captures over HTTP give their truth: as captured, shuffled, doubled, gzipped and in the other encoding."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine

from tests.factories.accounts import make_organization
from tests.factories.security import make_api_key
from tests.ingest.captures_table import row, spans_in
from tests.ingest.http import items, plain_rows, send
from tests.ingest.reencode import reencoded
from tests.ingest.truth import CAPTURES, FIXTURES, NO_CAPTURES, Capture, Found, captures, differences, found_in
from webapp.database.tenancy import organization_session
from webapp.ingest.settle import settle_due

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason=NO_CAPTURES)
Request = tuple[bytes, str, dict[str, str]]


def as_captured(capture: Capture) -> list[Request]:
    """Return bodies and headers as they came over the wire."""
    found = []
    for request in json.loads((capture.path / "headers.json").read_text())["requests"]:
        headers = request["headers"]
        encoding = {"Content-Encoding": headers["content-encoding"]} if "content-encoding" in headers else {}
        found.append(((capture.path / request["file"]).read_bytes(), headers["content-type"], encoding))
    return found


def shuffled(capture: Capture) -> list[Request]:
    requests = as_captured(capture)
    random.Random(capture.name).shuffle(requests)
    return requests


def doubled(capture: Capture) -> list[Request]:
    requests = as_captured(capture) * 2
    random.Random(capture.name).shuffle(requests)
    return requests


def gzipped(capture: Capture) -> list[Request]:
    return [(gzip.compress(body), kind, {"Content-Encoding": "gzip"}) for body, kind in capture.bodies]


def in_the_other_encoding(capture: Capture) -> list[Request]:
    return [(*reencoded(body, kind), {}) for body, kind in capture.bodies]


VARIANTS = (as_captured, shuffled, doubled, gzipped, in_the_other_encoding)


def everything() -> Iterator[Capture]:
    yield from captures() or captures(FIXTURES / "otlp")


def deliver(client, key: str, variant: Callable[[Capture], list[Request]]) -> None:
    for capture in everything():
        for body, kind, headers in variant(capture):
            answer = send(client, key, body, kind, **headers)
            assert answer.status_code == 200, (capture.name, answer.status_code, answer.data)
            assert answer.data in (b"", b"{}"), (capture.name, answer.data)
            assert answer.content_type.startswith(kind.split(";")[0])


def test_captures_give_their_truth_and_the_same_rows_however_they_are_delivered(client, app_engine, owner_engine):
    """Not only the figures: each column of each step, span, bill and message, but for ids and our own clock."""
    rows, wrong = {}, []
    for variant in VARIANTS:
        organization = make_organization()
        deliver(client, make_api_key(organization_id=organization.id).text, variant)
        wrong += [f"{variant.__name__} before settling: {each}" for each in unsettled(owner_engine, organization.id)]
        with organization_session(app_engine, organization.id) as session:
            settle_due(session, organization.id, datetime.now(UTC) + timedelta(hours=1))
        lines = table(owner_engine, organization.id)
        print(f"\n{variant.__name__}", *lines, sep="\n")
        wrong += [f"{variant.__name__}: {line}" for line in lines if not line.endswith("| ok")]
        rows[variant.__name__] = plain_rows(owner_engine, organization.id)
    assert wrong == []
    first, *others = rows.values()
    assert len(first) > 1_000
    for other in others:
        assert [pair for pair in zip(first, other, strict=True) if pair[0] != pair[1]] == []


def unsettled(engine: Engine, organization_id: UUID) -> Iterator[str]:
    """Yield what is wrong as soon as all has arrived, for executions that do not wait for more."""
    for capture in everything():
        found = found_of(engine, organization_id, capture)
        if found.status != "running":
            yield from (f"{capture.name}: {each}" for each in differences(capture, found))


def table(engine: Engine, organization_id: UUID) -> list[str]:
    return [" | ".join(row(capture, found_of(engine, organization_id, capture))) for capture in everything()]


def found_of(engine: Engine, organization_id: UUID, capture: Capture) -> Found:
    return found_in(items(engine, organization_id, [span.trace_id for span in spans_in(capture.bodies)]))


def test_the_api_tells_the_truth_of_each_capture_by_its_trace_ids(client, app_engine, organization, api_key):
    deliver(client, api_key.text, as_captured)
    with organization_session(app_engine, organization.id) as session:
        settle_due(session, organization.id, datetime.now(UTC) + timedelta(hours=1))
    wrong = []
    for capture in everything():
        told = []
        for trace_id in sorted({span.trace_id.hex() for span in spans_in(capture.bodies)}):
            address = f"/api/v1/executions?trace_id={trace_id}"
            told += client.get(address, headers={"x-api-key": api_key.text}).json["items"]
        wrong += [f"{capture.name}: {each}" for each in differences(capture, found_in(told))]
    assert wrong == []
