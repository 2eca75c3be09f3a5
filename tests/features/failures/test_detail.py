"""One failure's page: cause, good beside bad, whom it hits, samples, and its way from an execution."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.ingest.http import export, make_span, send
from tests.ingest.test_failures import failed_trace
from webapp.ingest.decode import PROTOBUF
from webapp.models import FailureGroup

HOSTILE = "<img src=x onerror=alert(1)>"
MINUTE = 60 * 1_000_000_000


@pytest.fixture
def arrive(client, api_key):
    def arrive(spans, **resource):
        assert send(client, api_key.text, export(spans, **resource), PROTOBUF).status_code == 200

    return arrive


@pytest.fixture
def find_groups(owner_engine):
    """All failures, by their number."""

    def find():
        with Session(owner_engine) as session:
            return session.scalars(sa.select(FailureGroup).order_by(FailureGroup.number)).all()

    return find


def good_trace(minutes_ago: float):
    spans = failed_trace(start_ns=time.time_ns() - int(minutes_ago * MINUTE))
    for span in spans:
        span.status.code = 1
        del span.events[:]
    return spans


def bad_trace(minutes_ago: float, message: str = "no such order 17", **more):
    return failed_trace(message, start_ns=time.time_ns() - int(minutes_ago * MINUTE), **more)


@pytest.fixture
def one(arrive, find_groups):
    """The address of a failure with a good run before it and four bad ones of two versions."""
    arrive(good_trace(50), **{"service.version": "1.0", "deployment.environment.name": "production"})
    arrive(good_trace(40), **{"service.version": "1.0", "deployment.environment.name": "production"})
    for minutes, version in ((30, "1.1"), (20, "1.1"), (10, "1.2")):
        arrive(
            bad_trace(minutes, f"no such order {minutes} {HOSTILE}"),
            **{"service.version": version, "deployment.environment.name": "production"},
        )
    [group] = find_groups()
    return f"/failures/{group.id}"


def test_cause_and_comparison_are_on_the_page(as_bob, one):
    text = as_bob.get(one).text
    assert "LookupError" in text and "no such order 10" in text and "find_order" in text
    assert "Propagated through 2 parents" in text
    changes = text[text.index("What changed") : text.index("Last good beside first bad")]
    assert "No tracked change" in changes and "Not known, as no span tells" in changes
    assert "not run" not in text
    assert text.count('<span class="tag" data-s="failed">status</span>') == 3
    assert HOSTILE not in text and "&lt;img" in text


def test_what_changed_is_named(as_bob, arrive, find_groups):
    for at in range(24):
        trace = good_trace(60 - at) if at < 12 else bad_trace(60 - at)
        arrive(trace, **{"service.version": "1.0" if at < 12 else "1.1"})
    [group] = find_groups()
    text = as_bob.get(f"/failures/{group.id}").text
    changes = text[text.index("What changed") : text.index("Last good beside first bad")]
    assert ">shop 1.0</span> → " in changes and ">shop 1.1</span>" in changes and "12 of 12 failed" in changes
    assert "1.1" in str(as_bob.get(f"/failures/{group.id}/bundle.json").get_json()["changes"])


def test_good_beside_bad_is_the_nearest_before_the_first(as_bob, one):
    text = as_bob.get(one).text
    address = text.split("Compare in full")[0].rsplit('href="', 1)[1].split('"')[0]
    page = as_bob.get(address).text
    assert page.count("1.0") == 1 and "1.1" in page and "1.2" not in page
    nearest = as_bob.get("/executions/" + address.split("/")[4] + "/compare").text
    assert f"/executions/{address.split('/')[2]}/compare/{address.split('/')[4]}" in nearest


def test_samples_and_shares(as_bob, one):
    text = as_bob.get(one).text
    samples = text[text.index("<h2>Samples</h2>") : text.index("<h2>Timeline</h2>")]
    assert samples.count("<tr data-row>") == 3
    assert samples.count(">first<") == 1 and samples.count(">newest<") == 3 and samples.count(">version<") == 2
    affected = text[text.index("Who is affected") :]
    assert ">1.1</dt><dd><span>2</span>" in affected and ">1.2</dt><dd><span>1</span>" in affected
    assert "environment=production" in affected and "status=failed" in affected
    short = as_bob.get(f"{one}?period=24h").text
    assert "last 24 hours" in short and "Failed runs by hour" in short


def test_no_good_run_and_gone_runs_are_said(as_bob, arrive, find_groups, make_failure):
    arrive(bad_trace(5))
    [group] = find_groups()
    assert "completed before" in as_bob.get(f"/failures/{group.id}").text
    gone = as_bob.get(f"/failures/{make_failure(times=3, number=99)}").text
    assert "older than what is kept" in gone and "no longer kept" in gone


def test_as_many_statements_for_one_occurrence_as_for_thirty(as_bob, arrive, find_groups, count_queries):
    counts = []
    for times in (1, 29):
        if times == 1:
            arrive(good_trace(50))
        for at in range(times):
            arrive(bad_trace(40 - at if times > 1 else 45))
        [group] = find_groups()
        with count_queries() as statements:
            assert as_bob.get(f"/failures/{group.id}").status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 27, statements


def test_a_large_text_is_cut(as_bob, arrive, find_groups):
    spans = bad_trace(5)
    spans[2].attributes.add(key="gen_ai.tool.call.arguments").value.string_value = "x" * 300_000
    spans[2].events[0].attributes.add(key="exception.stacktrace").value.string_value = "y" * 300_000
    arrive(spans)
    [group] = find_groups()
    answer = as_bob.get(f"/failures/{group.id}")
    assert "first 4,000 of 300,000 characters" in answer.text and len(answer.text) < 200_000


def test_a_viewer_has_no_buttons_and_a_stranger_no_page(as_bob, as_mia, as_charlie, one):
    assert "/state" not in as_bob.get(one).text and "/state" in as_mia.get(one).text
    assert as_charlie.get(one).status_code == 404


def test_an_execution_leads_to_its_failure(as_bob, arrive, one):
    text = as_bob.get(one).text
    run = text.split("Samples")[1].split('href="/executions/')[1][:36]
    page = as_bob.get(f"/executions/{run}").text
    assert f'href="{one}"' in page and "F-1, 3 times" in page


def test_a_provider_status_is_told(as_bob, arrive, find_groups):
    trace = bad_trace(5, "Error code: 429 - rate limited", error="openai.RateLimitError")
    trace.append(
        make_span(name="later", trace_id=trace[0].trace_id, parent=trace[0].span_id, start_ns=time.time_ns(), ms=1)
    )
    arrive(trace)
    [group] = find_groups()
    assert "status 429" in as_bob.get(f"/failures/{group.id}").text


def test_the_api_names_the_failure(client, api_key, as_bob, arrive, one):
    headers = {"Authorization": f"Bearer {api_key.text}"}
    rows = client.get("/api/v1/executions?status=failed", headers=headers).get_json()["items"]
    assert {f"/failures/{row['failure_id']}" for row in rows} == {one} and len(rows) == 3
    fine = client.get("/api/v1/executions?status=completed", headers=headers).get_json()["items"]
    assert [row["failure_id"] for row in fine] == [None, None]
    whole = client.get(f"/api/v1/executions/{rows[0]['id']}", headers=headers).get_json()
    assert one.endswith(whole["failure_id"])
