"""Each filter of the list; and that rows, counts, chart and exports mean the same executions."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest

from tests.factories.accounts import make_user_settings
from tests.factories.observability import make_trace_index
from tests.features.executions.conftest import part
from tests.features.executions.test_list import ids
from webapp.features.rollups import operations as rollups


@pytest.fixture
def two_runs(make_run):
    """One that matches every query below, and one that none of them matches."""
    wanted = make_run(
        flow="Triage",
        status="failed",
        trigger_type="webhook",
        environment="prod",
        session_id="session-1",
        user_ref="user-1",
        models=["gpt-5", "o9"],
        agents=["planner"],
        tools=["search"],
        cost_usd=Decimal("0.50"),
        execution_time_ms=40_000,
        error_type="TimeoutError",
        error_message="the ledger did not answer",
    )
    other = make_run(
        flow="Digest",
        status="completed",
        trigger_type="api",
        environment="test",
        session_id="session-2",
        user_ref="user-2",
        models=["claude"],
        agents=["writer"],
        tools=["mail"],
        cost_usd=Decimal("0.01"),
        execution_time_ms=1_000,
    )
    make_trace_index(
        organization_id=wanted.organization_id,
        trace_id=wanted.trace_id,
        flow_execution_id=wanted.id,
        flow_created_at=wanted.created_at,
        last_received_at=wanted.created_at,
    )
    return wanted, other


QUERIES = [
    "status=failed", "status=failed&status=cancelled", "trigger=webhook", "environment=prod", "session=session-1",
    "user=user-1", "model=o9", "model=o9&model=absent", "agent=planner", "tool=search", "cost_min=0.1",
    "cost_min=0.5&cost_max=0.5", "duration_min=30", "duration_min=30&duration_max=40", "error_type=TimeoutError",
    "q=ledger", "q=TRIAGE", "q=tri", "status=failed&model=gpt-5&q=ledger", "flow={flow}", "q={id}", "q={tail}",
    "q=ex_{tail}", "q={trace}", "q={id}&time=15m", "time=1h&status=failed",
]  # fmt: skip


def _address(query: str, run) -> str:
    return query.format(flow=run.agentflow_id, id=run.id, tail=run.id.hex[-8:], trace=run.trace_id.hex())


@pytest.mark.parametrize("query", QUERIES)
def test_a_filter_finds_one_of_two_everywhere(as_bob, two_runs, query):
    wanted, _ = two_runs
    address = _address(query, wanted)
    assert ids(as_bob.get(f"/executions?{address}").text) == [str(wanted.id)]
    summary = as_bob.get(f"/executions?{address}", headers=part("execution-summary")).text
    assert "1 run matches, 1 failed" in summary
    rows = list(csv.DictReader(io.StringIO(as_bob.get(f"/executions/export.csv?{address}").text)))
    assert [row["id"] for row in rows] == [str(wanted.id)]
    assert len(as_bob.get(f"/executions/export.jsonl?{address}").text.splitlines()) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=broken", "Status"),
        ("cost_min=much", "Cost from"),
        ("cost_min=-1", "Cost from"),
        ("duration_max=NaN", "Duration up to"),
        ("time=2y", "Started"),
        ("since=yesterday", "From"),
        ("since=9999-01-01T00:00", "From"),
        ("since=2026-02-01T00:00&until=2026-01-01T00:00", "Until"),
        ("flow=triage", "Flow"),
        ("q=" + "x" * 201, "Search"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_by_name(as_bob, query, field):
    answer = as_bob.get(f"/executions?{query}")
    assert answer.status_code == 422 and f"{field}:" in answer.text
    assert as_bob.get(f"/executions/export.csv?{query}").status_code == 422


def test_a_plain_form_with_open_fields_means_no_filter(as_bob, make_run):
    run = make_run()
    names = "q since until status flow model agent tool trigger environment error_type session user cost_min cost_max"
    query = "&".join(f"{name}=" for name in [*names.split(), "duration_min", "duration_max", "time"])
    assert ids(as_bob.get(f"/executions?{query}").text) == [str(run.id)]


@pytest.mark.parametrize("text", ["100%", "a_b", "\\", "'; DROP TABLE x", "%00", "한국어", "ex_", "x" * 200])
def test_search_takes_any_text_literally(as_bob, make_run, text):
    make_run(flow="Triage")
    answer = as_bob.get(f"/executions?q={quote(text)}")
    assert answer.status_code == 200 and not ids(answer.text) or text == "%00"


def test_an_id_is_found_at_any_time(as_bob, make_run):
    old = make_run(minutes_ago=60 * 24 * 40)
    assert ids(as_bob.get("/executions").text) == []
    assert ids(as_bob.get(f"/executions?q={old.id}").text) == [str(old.id)]
    assert ids(as_bob.get(f"/executions?q=ex_{old.id.hex[-8:]}").text) == [str(old.id)]


def test_times_without_zone_are_the_readers(client_as, bob, make_run):
    make_user_settings(user_id=bob.id, timezone="Asia/Seoul")
    run = make_run(started_at=datetime(2026, 11, 20, 11, 30, tzinfo=UTC))
    browser = client_as(bob)
    assert ids(browser.get("/executions?since=2026-11-20T20:30&until=2026-11-20T20:31").text) == [str(run.id)]
    assert ids(browser.get("/executions?since=2026-11-20T11:30&until=2026-11-20T11:31").text) == []
    assert ids(browser.get("/executions?since=2026-11-20T11:30Z&until=2026-11-20T11:31Z").text) == [str(run.id)]


@pytest.mark.parametrize("is_summed_up", [False, True])
@pytest.mark.parametrize(
    "query", ["", "time=15m", "time=3h", "time=7d", "time=90d", "time=all", "status=failed", "environment=prod"]
)
def test_counts_chart_rows_and_export_agree(as_bob, make_run, app, organization, query, is_summed_up):
    for number in range(40):
        make_run(
            minutes_ago=number**2 * 1.7 + 0.5,
            status="failed" if number % 3 else "completed",
            environment="prod" if number % 2 else None,
        )
    if is_summed_up:
        sum_up(app, organization)
    rows, address = [], f"/executions?{query}"
    text = as_bob.get(address).text
    rows = ids(text)
    exported = list(csv.DictReader(io.StringIO(as_bob.get(f"/executions/export.csv?{query}").text)))
    failed = sum(row["status"] == "failed" for row in exported)
    summary = as_bob.get(address, headers=part("execution-summary")).text
    bars = [sum(map(int, re.findall(r": (\d+)", title))) for title in re.findall(r"<title>([^<]+)</title>", summary)]
    assert [row["id"] for row in exported] == rows
    assert sum(bars) == len(rows)
    word = "run matches" if len(rows) == 1 else "runs match"
    assert f"{len(rows)} {word}, {failed} failed" in summary


def sum_up(app, organization) -> None:
    """What the job does: bring the sums of all marked quarter hours up to date."""
    from webapp.database.tenancy import organization_session

    with app.app_context(), organization_session(app, organization.id) as session:
        rollups.rebuild(session, organization.id)


def test_a_bar_narrows_the_list_to_its_time(as_bob, make_run):
    inside = make_run(minutes_ago=200)
    make_run(minutes_ago=400)
    summary = as_bob.get("/executions", headers=part("execution-summary")).text
    bars = re.findall(r'<a class="col" href="([^"]+)"[^>]*aria-label="([^"]*)"', summary)
    hit = [href for href, label in bars if re.search(r"Completed: 1\b", label)]
    assert len(hit) == 2
    assert ids(as_bob.get(hit[1].replace("&amp;", "&")).text) == [str(inside.id)]


@pytest.mark.parametrize("facet", ["flow", "model", "agent", "tool", "environment", "error_type", "status", "trigger"])
def test_choices_of_a_filter_keep_what_is_chosen(as_bob, two_runs, facet):
    wanted, _ = two_runs
    chosen = {"flow": str(wanted.agentflow_id), "status": "failed", "trigger": "webhook"}.get(facet, "chosen")
    text = as_bob.get(f"/executions?facet={facet}&{facet}={chosen}", headers=part(f"facet-of-{facet}")).text
    assert text.lstrip().startswith(f'<div class="choices" id="facet-of-{facet}"')
    assert re.search(rf'value="{chosen}" checked', text)


def test_flow_choices_can_be_searched_and_are_of_the_tenant(as_bob, as_charlie, two_runs):
    ask = "/executions?facet=flow&facet_search=tri"
    assert "Triage" in as_bob.get(ask, headers=part("facet-of-flow")).text
    assert "Digest" not in as_bob.get(ask, headers=part("facet-of-flow")).text
    assert "Triage" not in as_charlie.get(ask, headers=part("facet-of-flow")).text


@pytest.mark.parametrize("facet", ["user", "session"])
def test_the_users_of_what_matches_are_offered_most_often_first(as_bob, as_charlie, make_run, facet):
    column = {"user": "user_ref", "session": "session_id"}[facet]
    for who in ("ann", "<b>bea</b>", "<b>bea</b>"):
        make_run(status="failed", **{column: who})
    make_run(status="completed", **{column: "cleo"})
    ask = f"/executions?status=failed&facet={facet}"
    text = as_bob.get(ask, headers=part(f"facet-of-{facet}")).text
    assert re.findall(r'title="([^"]+)">.*?faint xs">(\d+ runs?)<', text) == [
        ("&lt;b&gt;bea&lt;/b&gt;", "2 runs"),
        ("ann", "1 run"),
    ]
    assert f'href="/executions?status=failed&amp;{facet}=ann"' in text
    assert "ann" not in as_charlie.get(ask, headers=part(f"facet-of-{facet}")).text


def test_an_unknown_facet_is_not_found(as_bob):
    assert as_bob.get("/executions?facet=password", headers=part("facet-of-password")).status_code == 404


def test_chips_say_the_filter_and_remove_one_field(as_bob, two_runs):
    text = as_bob.get("/executions?status=failed&model=gpt-5&cost_min=0.1&time=3h").text
    assert "Started <b>last 3 h</b>" in text and "Cost <b>at least $0.1</b>" in text
    assert 'href="/executions?time=3h&amp;status=failed&amp;cost_min=0.1"' in text


def test_a_count_that_would_scan_stops_at_its_limit(as_bob, make_run, monkeypatch):
    from webapp.features.executions import list_page, queries_chart

    monkeypatch.setattr(queries_chart, "MOST_COUNTED", 3)
    monkeypatch.setattr(list_page, "MOST_COUNTED", 3)
    for number in range(5):
        make_run(models=["gpt-5"], minutes_ago=number + 1)
    assert "3+ runs match" in as_bob.get("/executions?model=gpt-5", headers=part("execution-summary")).text
    assert "5 runs match" in as_bob.get("/executions", headers=part("execution-summary")).text


def test_started_exactly_at_an_edge_belongs_to_the_later_time(as_bob, make_run):
    edge = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=2)
    run = make_run(started_at=edge)
    stamp, before = f"{edge:%Y-%m-%dT%H:%M}Z", f"{edge - timedelta(hours=1):%Y-%m-%dT%H:%M}Z"
    assert ids(as_bob.get(f"/executions?since={stamp}").text) == [str(run.id)]
    assert ids(as_bob.get(f"/executions?since={before}&until={stamp}").text) == []


def test_rare_values_are_paged_over_any_time_in_both_ways(as_bob, make_run):
    made = [str(make_run(minutes_ago=60 * 5 * (number + 1), models=["rare"]).id) for number in range(60)]
    for number in range(20):
        make_run(minutes_ago=60 * number + 1, models=["common"])
    address = "/executions?time=30d&model=rare"
    first = as_bob.get(address).text
    older = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = as_bob.get(older).text
    assert ids(first) + ids(second) == made
    newer = re.search(r'rel="prev" href="([^"]+)"', second)[1].replace("&amp;", "&")
    assert ids(as_bob.get(newer).text) == made[:50]
