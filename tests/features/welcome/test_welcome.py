"""The welcome page: correct snippets, a sample through the real path, and a line that turns into a link."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.factories.observability import make_ingest_rejection
from webapp.domain.api_keys import read_key
from webapp.features.welcome.sample import sample_request
from webapp.features.welcome.snippets import snippets
from webapp.ingest.decode import decode
from webapp.ingest.spans import spans_of
from webapp.models import AgentExecution, ApiKey, FlowExecution, ToolExecution, UsageLedger

LISTENING = {"HX-Request": "true", "HX-Target": "div#listening"}
KEY = "ab_live_AbCd1234_" + "s" * 43


def test_before_the_first_execution_the_page_listens(client_as, alice):
    client = client_as(alice)
    page = client.get("/welcome").text
    line = client.get("/welcome", headers=LISTENING).text
    assert "<html" in page and line.strip() in page
    assert line.lstrip().startswith('<div id="listening"') and 'hx-trigger="every 2s"' in line and "Listening" in line


def test_a_sample_goes_the_real_way_and_the_line_becomes_a_link(client_as, alice, api_key, organization, owner_engine):
    client = client_as(alice)
    assert client.post("/welcome/sample").location == "/welcome"
    with Session(owner_engine) as session:
        execution = session.scalars(sa.select(FlowExecution)).one()
        key_id = session.scalars(sa.select(ApiKey.id)).one()
        steps = session.scalars(sa.select(AgentExecution.kind).order_by(AgentExecution.sequence)).all()
        tools = session.scalars(sa.select(ToolExecution.name)).all()
        bills = session.scalars(sa.select(UsageLedger.cost_usd)).all()
    assert (execution.organization_id, execution.api_key_id, execution.status) == (organization.id, key_id, "completed")
    assert (execution.input_tokens, execution.output_tokens) == (480, 43)
    assert steps == ["agent", "model_call", "model_call"] and tools == ["look_up_order"]
    assert len(bills) == 2 and execution.cost_usd > 0
    line = client.get("/welcome", headers=LISTENING).text
    assert f"/executions/{execution.id}" in line and "Arrived" in line and "hx-trigger" not in line


def test_the_button_draws_the_line_anew_for_htmx(client_as, alice, api_key):
    answer = client_as(alice).post("/welcome/sample", headers=LISTENING)
    assert (
        answer.status_code == 200
        and answer.text.lstrip().startswith('<div id="listening"')
        and "Arrived" in answer.text
    )


def test_each_sample_is_a_new_execution(client_as, alice, api_key, owner_engine):
    client = client_as(alice)
    for _ in range(2):
        client.post("/welcome/sample")
    with Session(owner_engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(FlowExecution)) == 2


def test_without_a_key_there_is_no_sample(client_as, alice, owner_engine):
    answer = client_as(alice).post("/welcome/sample")
    assert answer.status_code == 409 and "Create one first" in answer.text
    with Session(owner_engine) as session:
        assert session.scalars(sa.select(FlowExecution)).all() == []


def test_executions_and_refusals_of_others_do_not_show(client_as, charlie, alice, api_key, organization):
    client_as(alice).post("/welcome/sample")
    make_ingest_rejection(organization_id=organization.id, http_status=400, reason="canary reason")
    page = client_as(charlie).get("/welcome").text
    assert "Listening" in page and "canary reason" not in page


def test_refusals_say_why_nothing_arrives(client_as, alice, organization):
    client = client_as(alice)
    assert "No request with a key of this organization was refused" in client.get("/welcome").text
    make_ingest_rejection(organization_id=organization.id, http_status=415, reason="send <protobuf> or JSON")
    part = client.get("/welcome", headers=LISTENING | {"HX-Target": "div#refusals"}).text
    assert part.lstrip().startswith('<div id="refusals"') and "send &lt;protobuf&gt; or JSON" in part and "415" in part


def test_a_key_made_here_is_shown_once(client_as, alice, owner_engine):
    client = client_as(alice)
    answer = client.post("/welcome/key", headers={"Accept-Encoding": "br, gzip"})
    text = re.search(r'<code id="api-key">([^<]+)</code>', answer.text)[1]
    assert answer.status_code == 201 and answer.headers.get("Content-Encoding", "identity") == "identity"
    assert answer.text.count(text) == 6 and read_key(text)
    assert text not in client.get("/welcome").text


@pytest.mark.parametrize("path", ["/welcome/key", "/welcome/sample"])
def test_a_viewer_makes_neither_key_nor_sample(client_as, bob, api_key, path):
    client = client_as(bob)
    assert client.post(path).status_code == 403
    page = client.get("/welcome").text
    assert "Send a sample trace" not in page and "Create a key" not in page and "Ask an owner or admin" in page


def test_the_address_is_the_one_that_the_reader_used_or_the_configured_one(client_as, alice, app):
    client = client_as(alice)
    client.set_cookie("ab_session", client.get_cookie("ab_session").value, domain="builder.lan")
    page = client.get("/welcome", base_url="http://builder.lan:8000").text
    assert 'endpoint="http://builder.lan:8000/v1/traces"' in page.replace("&#34;", '"')
    usual = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(usual, public_url="https://builder.example.org")
    try:
        page = client.get("/welcome").text
    finally:
        app.config["SETTINGS"] = usual
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=https://builder.example.org\n" in page


def test_the_python_snippet_compiles_and_all_name_address_and_key():
    found = {s.id: s for s in snippets("https://builder.example.org/", KEY)}
    compile(found["python"].text, "snippet", "exec")
    for snippet in found.values():
        assert KEY in snippet.text and "https://builder.example.org" in snippet.text and "org//" not in snippet.text
        assert "{" not in snippet.text or snippet.id in ("python", "javascript")
    assert "/v1/traces" not in found["environment"].text, "SDKs add the path to this variable themselves"


def test_the_sample_is_one_whole_trace():
    from datetime import UTC, datetime

    spans, refused = spans_of(decode(sample_request(datetime.now(UTC)), "application/x-protobuf"))
    assert refused == [] and len({s.trace_id for s in spans}) == 1 and len(spans) == 4
