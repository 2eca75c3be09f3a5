"""The list page: whole and in parts, for readers and strangers, its pages, its counts and its empty states."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.factories.executions import make_flow_execution
from tests.features.executions.conftest import part

ID = re.compile(r'href="/executions/([0-9a-f-]{36})"')


def ids(html: str) -> list[str]:
    return ID.findall(html)


def test_a_browser_gets_the_page_and_htmx_the_rows(as_bob, make_run):
    run = make_run(flow="Triage")
    page = as_bob.get("/executions").text
    rows = as_bob.get("/executions", headers=part("execution-rows"))
    assert "<html" in page and ids(page) == [str(run.id)]
    assert "<html" not in rows.text and '<div class="stack" id="execution-rows">' in rows.text
    assert ids(rows.text) == [str(run.id)]
    assert "HX-Target" in rows.headers["Vary"]


def test_the_whole_list_can_be_swapped_and_brings_its_export_along(as_bob, make_run):
    make_run()
    text = as_bob.get("/executions?status=completed", headers=part("execution-list")).text
    assert "<html" not in text and 'id="execution-list"' in text
    assert 'id="list-acts" hx-swap-oob="true"' in text and "/executions/export.csv?status=completed" in text


def test_another_organization_sees_nothing(as_charlie, make_run):
    run = make_run(flow="Triage", status="failed", error_message="secret cause")
    for address in ("/executions", f"/executions?q={run.id}", "/executions?q=secret", "/executions?time=all"):
        text = as_charlie.get(address).text
        assert "Triage" not in text and str(run.id) not in ids(text)
    summary = as_charlie.get("/executions", headers=part("execution-summary")).text
    assert "0 runs match" in summary


def test_nobody_reads_without_signing_in(client, make_run):
    make_run()
    assert client.get("/executions").status_code == 303


@pytest.mark.parametrize("size", [1, 30])
def test_statements_do_not_grow_with_rows(as_bob, make_run, count_queries, size):
    for number in range(size):
        make_run(minutes_ago=number + 1)
    as_bob.get("/executions")
    with count_queries() as page:
        as_bob.get("/executions")
    with count_queries() as rows:
        as_bob.get("/executions", headers=part("execution-rows"))
    assert len(page) == 4, page
    assert len(rows) == 3, rows


def test_a_failed_row_says_why_in_one_line(as_bob, make_run):
    make_run(status="failed", error_type="lab.errors.LedgerError", error_message="order 42 is gone\nsecond line")
    text = as_bob.get("/executions").text
    assert "LedgerError: order 42 is gone" in text and "second line" not in text
    assert '<tr data-s="failed"' in text


def test_unknown_cost_is_not_free(as_bob, make_run):
    make_run(cost_usd=None, unpriced_call_count=2)
    text = as_bob.get("/executions").text
    assert "unpriced" in text and "$0.00" not in text


def test_hostile_text_is_shown_and_not_run(as_bob, make_run):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    run = make_run(flow=evil, status="failed", error_message=evil, session_id=evil, environment=evil[:90])
    query = "&".join(f"{name}=%3Cscript%3Ealert(1)%3C/script%3E" for name in ("q", "model", "session", "environment"))
    for text in (as_bob.get("/executions").text, as_bob.get(f"/executions?{query}").text):
        assert "<script>alert" not in text and "<img src=x" not in text
    assert str(run.id) in as_bob.get("/executions").text


def test_pages_go_both_ways_and_ties_lose_nothing(as_bob, make_run):
    same = datetime.now(UTC) - timedelta(minutes=10)
    made = {str(make_run(started_at=same).id) for _ in range(120)}
    seen, address, pages = [], "/executions", []
    while address:
        text = as_bob.get(address).text
        pages.append((address, ids(text)))
        seen += ids(text)
        older = re.search(r'rel="next" href="([^"]+)"', text)
        address = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(made) == len(set(seen)) and set(seen) == made
    assert [len(rows) for _, rows in pages] == [50, 50, 20]
    newer = re.search(r'rel="prev" href="([^"]+)"', as_bob.get(pages[2][0]).text)[1].replace("&amp;", "&")
    assert ids(as_bob.get(newer).text) == pages[1][1]
    newer = re.search(r'rel="prev" href="([^"]+)"', as_bob.get(newer).text)[1].replace("&amp;", "&")
    assert ids(as_bob.get(newer).text) == pages[0][1]


def test_rows_that_arrive_meanwhile_shift_no_page(as_bob, make_run):
    for number in range(55):
        make_run(minutes_ago=10 + number)
    first = as_bob.get("/executions").text
    older = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    make_run(minutes_ago=1)
    assert len(ids(as_bob.get(older).text)) == 5
    assert not set(ids(as_bob.get(older).text)) & set(ids(first))


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%00", "A" * 400])
def test_a_damaged_cursor_is_refused(as_bob, cursor):
    assert as_bob.get(f"/executions?cursor={cursor}").status_code == 422


def test_new_runs_are_offered_and_not_forced(as_bob, make_run):
    make_run(minutes_ago=5)
    text = as_bob.get("/executions").text
    poll = re.search(r'id="new-runs"[^>]*hx-get="([^"]+)"', text)[1].replace("&amp;", "&")
    assert "new run" not in as_bob.get(poll, headers=part("new-runs")).text
    for _ in range(3):
        make_run(minutes_ago=1)
    offered = as_bob.get(poll, headers=part("new-runs")).text
    assert "3 new runs" in offered and 'hx-trigger="every 10s"' in offered and "<table" not in offered


def test_an_ended_time_asks_for_nothing_new(as_bob, make_run):
    make_run(started_at=datetime(2026, 1, 2, 3, tzinfo=UTC))
    assert 'id="new-runs"' not in as_bob.get("/executions?since=2026-01-01T00:00Z&until=2026-02-01T00:00Z").text


def test_first_use_leads_to_the_welcome_page(as_bob):
    text = as_bob.get("/executions").text
    assert "No executions yet" in text and 'href="/welcome"' in text


def test_no_match_names_the_filter_that_excludes_everything(as_bob, make_run):
    make_run(models=["gpt-5"], environment="prod")
    text = as_bob.get("/executions?model=claude&environment=prod").text
    assert "No runs match these filters" in text
    assert "1 run matches without “Model: claude”" in text
    assert 'href="/executions?environment=prod"' in text and "Remove model filter" in text


def test_columns_are_remembered_for_the_reader(as_bob, make_run):
    make_run(environment="prod", execution_time_ms=1234)
    assert "Duration</th>" in as_bob.get("/executions").text
    answer = as_bob.post("/executions/columns", data={"column": ["environment"], "query": "?status=completed"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/executions?status=completed")
    text = as_bob.get("/executions").text
    assert "Environment</th>" in text and "Duration</th>" not in text
    assert as_bob.post("/executions/columns", data={"column": ["password"]}).status_code == 422


def test_an_execution_of_a_removed_flow_is_still_listed(as_bob, organization):
    run = make_flow_execution(organization_id=organization.id, agentflow_id=None)
    text = as_bob.get("/executions").text
    assert str(run.id) in ids(text) and "Unnamed flow" in text
