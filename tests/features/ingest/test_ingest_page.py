"""The ingest page tells who sends, what arrived last, what was refused and why, to members of the organization only."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.factories.observability import make_ingest_arrival, make_ingest_rejection
from tests.factories.security import make_api_key
from tests.ingest.http import export, make_span, send
from webapp.ingest.decode import PROTOBUF

NOW = datetime.now(UTC)


def test_what_came_over_the_wire_is_shown_with_its_reason(client, client_as, bob, api_key):
    body = export([make_span(), make_span(trace_id=b"")], **{"telemetry.sdk.language": "python"})
    assert send(client, api_key.text, body, PROTOBUF).status_code == 200
    assert send(client, api_key.text, b"\xff", PROTOBUF, **{"User-Agent": "OTel-Exporter/1.45"}).status_code == 400
    page = client_as(bob).get("/ingest/").text
    assert "shop" in page and "python" in page and "OTel-Exporter/1.45" in page
    assert "trace id must be 16 bytes" in page
    assert "not an ExportTraceServiceRequest" in page
    assert "partly taken" in page and "400" in page


def test_without_anything_it_says_what_to_do(client_as, bob):
    page = client_as(bob).get("/ingest/").text
    assert "Nothing has arrived yet" in page and "/api-keys/" in page
    assert "Nothing was refused" in page


def test_hostile_words_are_text(client_as, bob, organization):
    key = make_api_key(organization_id=organization.id).row
    make_ingest_arrival(
        organization_id=organization.id, api_key_id=key.id, sdk="<script>x</script>", service_name="<b>s</b>"
    )
    page = client_as(bob).get("/ingest/").text
    assert "<script>x" not in page and "<b>s" not in page and "&lt;b&gt;s" in page


def test_a_stranger_sees_nothing(client, client_as, charlie, organization, api_key):
    send(client, api_key.text, export([make_span(), make_span(span_id=b"")]), PROTOBUF)
    page = client_as(charlie).get("/ingest/").text
    assert "shop" not in page and "span id" not in page
    assert client.get("/ingest/").status_code in (302, 303)


def test_pages_go_back_without_gaps_or_repeats(client_as, bob, organization):
    for number in range(60):
        make_ingest_rejection(
            organization_id=organization.id, reason=f"reason-{number:02}", received_at=NOW - timedelta(seconds=number)
        )
    browser = client_as(bob)
    first = browser.get("/ingest/").text
    older = first.split('rel="next" href="', 1)[1].split('"', 1)[0]
    second = browser.get(older).text
    shown = [[number for number in range(60) if f"reason-{number:02}" in page] for page in (first, second)]
    assert shown == [list(range(50)), list(range(50, 60))]
    assert browser.get("/ingest/?cursor=damaged").status_code == 422


def test_htmx_gets_the_part_alone(client_as, bob, api_key, client):
    send(client, api_key.text, export([make_span()]), PROTOBUF)
    headers = {"HX-Request": "true", "HX-Target": "ingest-senders"}
    part = client_as(bob).get("/ingest/", headers=headers).text
    assert "<html" not in part
    assert '<section class="sec" id="ingest-senders"' in part and "ingest-refusals" not in part


@pytest.mark.parametrize("size", [1, 30])
def test_statements_do_not_grow_with_rows(client_as, bob, organization, count_queries, size):
    key = make_api_key(organization_id=organization.id).row
    for number in range(size):
        make_ingest_arrival(organization_id=organization.id, api_key_id=key.id, service_name=f"s{number}")
        make_ingest_rejection(organization_id=organization.id)
    browser = client_as(bob)
    with count_queries() as statements:
        browser.get("/ingest/")
    assert len(statements) <= 6, str(statements)
