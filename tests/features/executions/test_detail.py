"""The page of one execution: whole and in parts, its steps, texts, files, feedback and bookmark."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from tests.factories.conversations import make_conversation, make_message
from tests.factories.executions import make_agent_execution, make_tool_execution
from tests.factories.observability import make_span, make_usage_ledger
from tests.features.executions.conftest import part
from webapp.models import new_id

STACK = """Traceback (most recent call last):
  File "/app/flows/triage.py", line 12, in run
    answer = ask(question)
  File "/venv/lib/python3.11/site-packages/httpx/_client.py", line 99, in post
    return self.send(request)
TimeoutError: no answer
"""


@pytest.fixture
def failed_run(make_run):
    """A failed execution: a root, a model call with a known price, and the tool that broke it."""
    run = make_run(
        flow="Triage", status="failed", error_type="TimeoutError", error_message="no answer", error_span_id=b"tooltool"
    )
    keys = {"flow_execution_id": run.id, "organization_id": run.organization_id, "started_at": run.started_at}
    root = make_agent_execution(span_id=b"rootroot", kind="agent", name="triage", status="failed", sequence=0, **keys)
    call = make_agent_execution(
        span_id=b"modelmod", name="chat", sequence=1, depth=1, parent_id=root.id, model_used="gpt-5",
        input_tokens=900, output_tokens=34, is_billable=True,
        input_data=[{"role": "user", "content": "Where is order 42?"}], output_data="It left.", **keys,
    )  # fmt: skip
    make_tool_execution(
        span_id=b"tooltool", name="lookup", sequence=2, depth=1, parent_id=root.id, status="failed",
        input_data={"order": 42}, error_type="TimeoutError", error_message="no answer", error_stack=STACK,
        is_error_origin=True, **keys,
    )  # fmt: skip
    make_usage_ledger(
        id=call.id, flow_execution_id=run.id, organization_id=run.organization_id, occurred_at=run.started_at,
        cost_usd=Decimal("0.0123"),
    )  # fmt: skip
    return run


def hex_of(span: bytes) -> str:
    return span.hex()


def test_the_failing_step_is_open_on_arrival(as_bob, failed_run):
    text = as_bob.get(f"/executions/{failed_run.id}").text
    assert "Failed in" in text and re.search(r'aria-current="true"><span class="nm">.*?lookup', text)
    assert "no answer" in text and "flows/triage.py" in text and "1 frame in libraries" in text
    assert "&#34;order&#34;" in text


def test_a_step_can_be_linked_and_is_swapped_alone(as_bob, failed_run):
    address = f"/executions/{failed_run.id}?step={hex_of(b'modelmod')}"
    whole = as_bob.get(address).text
    pane = as_bob.get(address, headers=part("step")).text
    for text in (whole, pane):
        assert "900 in, 34 out" in text and "$0.0123" in text and "Where is order 42?" in text
    assert "<html" not in pane and pane.lstrip().startswith('<div class="stack" id="step"')
    assert '<div id="step-error" hx-swap-oob="true">' in pane and "triage.py" not in pane


@pytest.mark.parametrize("step", ["zz", "00" * 8, "", "0" * 300])
def test_an_unknown_step_opens_the_failing_one(as_bob, failed_run, step):
    text = as_bob.get(f"/executions/{failed_run.id}?step={step}").text
    assert re.search(r'aria-current="true"><span class="nm">.*?lookup', text)


def test_strangers_and_the_absent_get_404_everywhere(as_bob, as_charlie, failed_run):
    places = ["", "/trace.json", "/input.txt", "/output.json", "/stack.txt", "?tab=raw", "?tab=io", "?tab=session"]
    for place in places:
        assert as_charlie.get(f"/executions/{failed_run.id}{place}").status_code == 404, place
        assert as_bob.get(f"/executions/{new_id()}{place}").status_code == 404, place
    for place in ("bookmark", "feedback", "feedback/delete"):
        answer = as_charlie.post(f"/executions/{failed_run.id}/{place}", data={"score": "1"})
        assert answer.status_code == 404, place
    assert as_bob.get("/executions/not-an-id").status_code == 404
    assert as_bob.get("/executions/11111111-1111-4111-8111-111111111111").status_code == 404


@pytest.mark.parametrize("size", [1, 30])
def test_statements_do_not_grow_with_steps(as_bob, failed_run, count_queries, size):
    for number in range(size):
        make_agent_execution(
            flow_execution_id=failed_run.id, organization_id=failed_run.organization_id, sequence=number + 3, depth=1
        )
    as_bob.get(f"/executions/{failed_run.id}")
    with count_queries() as page:
        as_bob.get(f"/executions/{failed_run.id}")
    assert len(page) == 6, page


def test_a_failed_step_of_a_completed_execution_is_recovered(as_bob, make_run):
    run = make_run(status="completed")
    make_tool_execution(flow_execution_id=run.id, organization_id=run.organization_id, status="failed", name="lookup")
    text = as_bob.get(f"/executions/{run.id}").text
    assert "1 step failed and was recovered from" in text and "recovered" in text
    assert "st-failed" not in text.partition('id="waterfall"')[2].partition("</section>")[0]


def test_unknown_tokens_and_prices_say_so(as_bob, make_run):
    run = make_run(model_call_count=1, unpriced_call_count=1, tokens_used=None, cost_usd=None)
    make_agent_execution(flow_execution_id=run.id, organization_id=run.organization_id, is_billable=True, name="chat")
    text = as_bob.get(f"/executions/{run.id}").text
    assert "no span says how many" in text and "1 call unpriced" in text and "$0" not in text


def test_hostile_text_is_shown_and_not_run(as_bob, make_run):
    evil = "</pre><script>alert(1)</script>"
    run = make_run(
        flow=evil, status="failed", error_type=evil, error_message=evil, session_id=evil, user_ref=evil, tags=[evil],
        service_name=evil,
    )  # fmt: skip
    keys = {"flow_execution_id": run.id, "organization_id": run.organization_id}
    make_agent_execution(
        name=evil, model_used=evil, status="failed", input_data=[{"role": evil, "content": evil}],
        output_data={evil: evil}, error_type=evil, error_message=evil, error_stack=evil, **keys,
    )  # fmt: skip
    for tab in ("", "?tab=io", "?tab=session", "?tab=raw"):
        answer = as_bob.get(f"/executions/{run.id}{tab}")
        assert answer.status_code == 200 and "<script>alert" not in answer.text, tab


def test_a_large_prompt_is_cut_on_the_page_and_whole_behind_a_link(as_bob, make_run):
    run = make_run()
    prompt = "Lies <b>5 MB</b> vor.\n" * 230_000
    make_agent_execution(
        flow_execution_id=run.id, organization_id=run.organization_id, span_id=b"largelar", input_data=prompt
    )
    page = as_bob.get(f"/executions/{run.id}")
    assert len(page.data) < 120_000 and f"Show all {len(prompt):,} characters" in page.text
    whole = as_bob.get(f"/executions/{run.id}/input.txt?step={hex_of(b'largelar')}")
    assert whole.text == prompt
    assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    file = as_bob.get(f"/executions/{run.id}/input.json?step={hex_of(b'largelar')}&download=1")
    assert file.headers["Content-Disposition"].startswith("attachment")


def test_messages_read_as_a_transcript_and_download_as_json(as_bob, failed_run):
    address = f"/executions/{failed_run.id}/input"
    step = f"?step={hex_of(b'modelmod')}"
    assert as_bob.get(f"{address}.txt{step}").text == "[user]\nWhere is order 42?\n"
    assert json.loads(as_bob.get(f"{address}.json{step}").text)[0]["role"] == "user"
    assert as_bob.get(f"/executions/{failed_run.id}/stack.txt?step={hex_of(b'tooltool')}").text == STACK
    assert as_bob.get(f"/executions/{failed_run.id}/output.txt?step={hex_of(b'tooltool')}").status_code == 404
    assert as_bob.get(f"/executions/{failed_run.id}/password.txt").status_code == 404


def _stored(run, name: str, span_id: bytes = b"rawrawra") -> bytes:
    message = ResourceSpans()
    message.resource.attributes.add(key="service.name").value.string_value = "desk"
    scoped = message.scope_spans.add()
    scoped.scope.name = "lab"
    span = scoped.spans.add(
        trace_id=run.trace_id, span_id=span_id, name=name, kind=3, start_time_unix_nano=1, end_time_unix_nano=2
    )
    span.attributes.add(key="gen_ai.request.model").value.string_value = "gpt-5"
    span.events.add(name="exception", time_unix_nano=2).attributes.add(key="exception.type").value.string_value = "E"
    raw = message.SerializeToString()
    make_span(
        organization_id=run.organization_id, flow_execution_id=run.id, trace_id=run.trace_id, span_id=span_id, raw=raw,
        start_ns=1, end_ns=2,
    )  # fmt: skip
    return raw


def test_raw_shows_the_span_as_it_arrived(as_bob, make_run):
    run = make_run()
    _stored(run, "chat gpt-5")
    make_agent_execution(flow_execution_id=run.id, organization_id=run.organization_id, span_id=b"rawrawra")
    text = as_bob.get(f"/executions/{run.id}?tab=raw").text
    for expected in ("gen_ai.request.model", "service.name", "exception.type", "chat gpt-5", "client"):
        assert expected in text


def test_the_downloaded_trace_can_be_sent_again(as_bob, make_run):
    from webapp.ingest.decode import decode

    run = make_run()
    for number in range(3):
        _stored(run, f"step {number}", bytes([number + 1]) * 8)
    answer = as_bob.get(f"/executions/{run.id}/trace.json")
    assert json.loads(answer.text)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] == run.trace_id.hex()
    request = decode(answer.data, "application/json")
    names = [s.name for r in request.resource_spans for scoped in r.scope_spans for s in scoped.spans]
    assert names == ["step 0", "step 1", "step 2"]
    assert request.resource_spans[0].scope_spans[0].spans[0].kind == 3


def test_long_traces_draw_a_part_and_offer_the_rest(as_bob, make_run):
    from sqlalchemy import insert

    from tests.factories import base
    from webapp.models import AgentExecution

    run = make_run(status="failed", error_span_id=(2_600).to_bytes(8))
    root = make_agent_execution(
        flow_execution_id=run.id, organization_id=run.organization_id, kind="agent", span_id=b"rootroot", sequence=0
    )
    rows = [
        {
            "id": new_id(), "flow_execution_id": run.id, "flow_created_at": run.created_at, "depth": 1, "kind": "step",
            "organization_id": run.organization_id, "span_id": number.to_bytes(8), "sequence": number,
            "parent_id": root.id, "status": "failed" if number == 2_600 else "completed", "name": f"step {number}",
            "started_at": run.started_at + timedelta(milliseconds=number),
            "completed_at": run.started_at + timedelta(milliseconds=number + 1),
        }
        for number in range(1, 3_000)
    ]  # fmt: skip
    with base.bound_engine().begin() as connection:
        connection.execute(insert(AgentExecution), rows)
    text = as_bob.get(f"/executions/{run.id}").text
    assert 'title="step 1"' in text and 'title="step 2600"' in text and 'title="step 400"' not in text
    more = re.search(r'hx-get="([^"]+rows=250-500)"', text)[1].replace("&amp;", "&")
    rest = as_bob.get(more, headers=part("more-rows-250")).text
    assert 'title="step 400"' in rest and rest.count("<li ") == 250
    folded = as_bob.get(f"/executions/{run.id}?fold={hex_of(b'rootroot')}", headers=part("waterfall")).text
    assert "2,999 steps folded" in folded and folded.count('<li class="d') == 1


def test_a_running_execution_refreshes_itself_and_an_ended_one_does_not(as_bob, make_run):
    live, ended = make_run(status="running", completed_at=None), make_run()
    make_agent_execution(flow_execution_id=live.id, organization_id=live.organization_id, status="running")
    text = as_bob.get(f"/executions/{live.id}").text
    assert 'hx-trigger="every 4s"' in text
    fresh = as_bob.get(f"/executions/{live.id}", headers=part("execution-live")).text
    assert "<html" not in fresh and 'id="waterfall" hx-swap-oob="true"' in fresh
    assert "every 4s" not in as_bob.get(f"/executions/{ended.id}").text


def test_the_usual_duration_is_the_median_of_completed_ones_before(as_bob, make_run):
    for number, duration in enumerate((1_000, 2_000, 9_000)):
        make_run(execution_time_ms=duration, minutes_ago=60 + number)
    make_run(execution_time_ms=90_000, minutes_ago=50, status="failed")
    run = make_run(execution_time_ms=4_000, minutes_ago=5)
    assert "usually 2.00 s" in as_bob.get(f"/executions/{run.id}").text


def test_the_session_shows_its_other_runs_and_messages(as_bob, make_run, other_organization):
    first = make_run(session_id="s-1", minutes_ago=9)
    second = make_run(session_id="s-1", minutes_ago=5)
    make_run(session_id="s-2", flow="Elsewhere")
    make_run(session_id="s-1", flow="Foreign", organization_id=other_organization.id)
    conversation = make_conversation(organization_id=first.organization_id, session_id="s-1")
    make_message(conversation_id=conversation.id, organization_id=first.organization_id, role="user", content="Hello")
    text = as_bob.get(f"/executions/{second.id}?tab=session").text
    assert str(first.id) in text and "Hello" in text and "Elsewhere" not in text and "Foreign" not in text


def test_bookmarks_toggle_and_are_ones_own(as_bob, as_alice, failed_run):
    address = f"/executions/{failed_run.id}"
    assert as_bob.post(f"{address}/bookmark").status_code == 303
    assert "Bookmarked" in as_bob.get(address).text and "Bookmarked" not in as_alice.get(address).text
    as_bob.post(f"{address}/bookmark")
    assert "Bookmarked" not in as_bob.get(address).text


def test_feedback_is_one_per_person_and_can_be_taken_back(as_alice, as_bob, failed_run):
    address = f"/executions/{failed_run.id}"
    as_alice.post(f"{address}/feedback", data={"score": "1", "comment": "fine"})
    as_alice.post(f"{address}/feedback", data={"score": "-1", "comment": "wrong <b>answer</b>"})
    text = as_bob.get(address).text
    assert "wrong &lt;b&gt;answer" in text and "fine</p>" not in text and "1 person" in text
    as_alice.post(f"{address}/feedback/delete")
    assert "wrong" not in as_bob.get(address).text.partition('id="feedback"')[2]


def test_feedback_needs_the_right_and_a_thumb(as_bob, as_alice, failed_run):
    address = f"/executions/{failed_run.id}/feedback"
    assert as_bob.post(address, data={"score": "1"}).status_code == 403
    for score in ("", "0", "2", "x"):
        assert as_alice.post(address, data={"score": score}).status_code == 422
