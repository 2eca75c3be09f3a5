"""The overview: one sentence, figures that equal the executions, and nothing for strangers."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.factories.flows import make_agentflow
from tests.features.rollups.seed import insert_executions
from webapp.database.tenancy import organization_session
from webapp.domain.periods import quarter_floor
from webapp.features.rollups.operations import rebuild

HOSTILE = "<script>alert(1)</script> {{ 7*7 }} \"flow' \u202e한국어"


def part(name):
    return {"HX-Request": "true", "HX-Target": name}


def broken_flow_rows(flow_id, now, *, error_type="ToolTimeout"):
    """A flow that ran well with version 47 and failed every time with version 48 in the last two hours, 13 times.

    The first failure is the first run of its quarter hour, whatever the clock says.
    """
    rows = []
    for minutes in range(0, 2_800, 10):
        is_late = minutes <= 120
        rows.append(
            {
                "agentflow_id": flow_id,
                "started_at": quarter_floor(now) - timedelta(minutes=minutes),
                "status": "failed" if is_late else "completed",
                "error_type": error_type if is_late else None,
                "user_ref": f"user-{minutes % 3}" if is_late else None,
                "service_version": "48" if is_late else "47",
                "calls": [("m1", Decimal("0.25"))],
                "execution_time_ms": 4_000,
            }
        )
    return rows


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture
def sum_up(app_engine, organization):
    def run():
        with organization_session(app_engine, organization.id) as session:
            while rebuild(session, organization.id):
                pass

    return run


@pytest.fixture
def seeded(owner_engine, organization, now):
    """One flow that runs well and one that broke."""
    good, bad = make_agentflow(name="support-triage"), make_agentflow(name="invoice-intake")
    rows = [
        {"agentflow_id": good.id, "started_at": now - timedelta(minutes=m), "execution_time_ms": 900}
        for m in range(5, 2_800, 10)
    ]
    insert_executions(owner_engine, organization.id, rows + broken_flow_rows(bad.id, now))
    return bad


def links(page):
    return [html.unescape(address) for address in re.findall(r'href="([^"]*)"', page)]


def test_a_stranger_signs_in_first_and_another_organization_sees_nothing(client, client_as, charlie, seeded, sum_up):
    sum_up()
    assert client.get("/").status_code == 303
    page = client_as(charlie).get("/").text
    assert "invoice-intake" not in page and "ToolTimeout" not in page and "No executions yet" in page
    details = client_as(charlie).get("/", headers=part("details")).text
    assert "invoice-intake" not in details and "m1" not in details and "48" not in details


def test_the_sentence_names_what_broke_since_when_and_after_which_version(client_as, bob, seeded, sum_up):
    sum_up()
    page = client_as(bob).get("/").text
    note = page[page.index('class="note"') : page.index('class="tiles"')]
    assert "invoice-intake fails every time since" in note
    assert "13 of 13 runs since then failed with ToolTimeout." in note
    assert "It began when version 48 was first seen." in note
    assert "3 users hit and $3.25 spent on failed runs" in note
    review = next(link for link in links(note) if "status=failed" in link)
    asked = parse_qs(urlsplit(review).query)
    assert asked["flow"] == [str(seeded.id)] and asked["error_type"] == ["ToolTimeout"] and "since" in asked


def test_nothing_wrong_is_a_page_without_the_sentence(client_as, bob, owner_engine, organization, now):
    flow = make_agentflow(name="calm")
    rows = [{"agentflow_id": flow.id, "started_at": now - timedelta(minutes=m)} for m in range(1, 600, 7)]
    rows.append(rows[0] | {"status": "failed", "error_type": "Blip"})
    insert_executions(owner_engine, organization.id, rows)
    page = client_as(bob).get("/").text
    assert 'class="note"' not in page and "Blip" in page


@pytest.mark.parametrize("state", ["before sums", "after sums"])
@pytest.mark.parametrize("period", ["24h", "7d", "30d"])
def test_each_figure_equals_the_executions_behind_its_link(
    state, period, client_as, bob, seeded, sum_up, app_engine, organization
):
    if state == "after sums":
        sum_up()
    page = client_as(bob).get(f"/?period={period}").text
    strip = page[page.index('class="tiles"') : page.index('class="chart"')]
    shown = dict(re.findall(r'class="k">([^<]+)</span><span class="v"[^>]*>([^<]+)', strip))
    asked = parse_qs(urlsplit(next(link for link in links(strip) if "since=" in link)).query)
    since, until = asked["since"][0], asked["until"][0]
    with organization_session(app_engine, organization.id) as session:
        truth = (
            session.connection()
            .exec_driver_sql(
                "SELECT count(*), count(*) FILTER (WHERE status = 'failed'), "
                " (SELECT sum(l.cost_usd) FROM usage_ledger l JOIN flow_executions e ON e.id = l.flow_execution_id"
                " WHERE e.started_at >= %(a)s AND e.started_at < %(b)s)"
                " FROM flow_executions WHERE started_at >= %(a)s AND started_at < %(b)s",
                {"a": since, "b": until},
            )
            .one()
        )
    assert shown["Executions"] == f"{truth[0]:,}"
    assert shown["Cost"] == f"${truth[2]:,.2f}"
    assert f"{truth[1]} runs failed" in strip
    table = re.findall(r"<tr><th scope=\"row\">.*?</tr>", page, re.S)
    cells = [list(map(int, re.findall(r'class="num">([\d,]+)<', row))) for row in table]
    assert sum(map(sum, cells)) == truth[0] and sum(row[0] for row in cells) == truth[1]


def test_the_list_behind_the_sentence_and_each_cause_has_as_many_rows(client_as, bob, seeded, sum_up):
    sum_up()
    browser = client_as(bob)
    page = browser.get("/").text
    behind = [link for link in links(page) if "status=failed" in link and "user=" not in link]
    assert len(behind) >= 3
    for link in behind:
        assert browser.get(link).text.count("<tr data-s=") == 13, link
    users = next(link for link in links(page) if "user=" in link)
    assert browser.get(users).text.count("<tr data-s=") == 5


def test_a_column_of_the_chart_leads_to_its_own_executions(client_as, bob, seeded):
    page = client_as(bob).get("/").text
    columns = re.findall(r'<a class="col" href="([^"]+)"', page)
    spans = [parse_qs(urlsplit(html.unescape(address)).query) for address in columns]
    assert len(spans) == 24
    assert all(a["until"] == b["since"] for a, b in zip(spans, spans[1:], strict=False))


@pytest.mark.parametrize("flows", [1, 30])
@pytest.mark.parametrize("part_name", ["", "running", "details"])
def test_statements_do_not_grow_with_flows(
    flows, part_name, client_as, bob, owner_engine, organization, now, count_queries, sum_up
):
    rows = []
    for number in range(flows):
        flow = make_agentflow(name=f"flow {number}")
        rows += broken_flow_rows(flow.id, now, error_type=f"Error{number % 7}")[:20]
        rows.append({"agentflow_id": flow.id, "started_at": now, "status": "running"})
    insert_executions(owner_engine, organization.id, rows)
    sum_up()
    browser = client_as(bob)
    with count_queries() as statements:
        assert browser.get("/", headers=part(part_name) if part_name else {}).status_code == 200
    assert len(statements) == {"": 5, "running": 2, "details": 4}[part_name], statements


def test_parts_are_drawn_alone_and_polling_stops_when_nothing_runs(client_as, bob, owner_engine, organization, now):
    browser = client_as(bob)
    flow = make_agentflow(name="slow")
    insert_executions(
        owner_engine, organization.id, [{"agentflow_id": flow.id, "started_at": now, "status": "completed"}]
    )
    idle = browser.get("/", headers=part("running")).text
    assert idle.lstrip().startswith('<section class="card" id="running"') and "hx-trigger" not in idle
    insert_executions(
        owner_engine, organization.id, [{"agentflow_id": flow.id, "started_at": now, "status": "running"}]
    )
    busy = browser.get("/", headers=part("running")).text
    assert 'hx-trigger="every 5s"' in busy and "slow" in busy and "<html" not in busy
    details = browser.get("/", headers=part("details")).text
    assert 'id="details"' in details and "<html" not in details
    assert 'id="details"' in browser.get("/?details=1").text


def test_flows_come_in_the_order_asked_for(client_as, bob, owner_engine, organization, now):
    rows = []
    for name, count, failed, milliseconds, cost in (
        ("a", 30, 0, 10, "1"),
        ("b", 20, 10, 20, "2"),
        ("c", 10, 1, 9_000, "9"),
    ):
        flow = make_agentflow(name=f"flow-{name}")
        rows += [
            {
                "agentflow_id": flow.id,
                "started_at": now - timedelta(minutes=i),
                "status": "failed" if i < failed else "completed",
                "execution_time_ms": milliseconds,
                "calls": [("m", Decimal(cost))],
            }
            for i in range(count)
        ]
    insert_executions(owner_engine, organization.id, rows)
    browser = client_as(bob)
    for order, expected in (("failing", "bca"), ("executions", "abc"), ("slowest", "cba"), ("cost", "cba")):
        text = browser.get(f"/?sort={order}", headers=part("details")).text
        assert re.findall(r'title="flow-(\w)"', text) == list(expected), order
    assert "$160.00" in text and text.count("<tr") >= 5


def test_first_use_points_to_the_welcome_page(client_as, alice):
    page = client_as(alice).get("/").text
    assert "No executions yet" in page and 'href="/welcome"' in page and 'class="tiles"' not in page


def test_an_idle_organization_is_not_told_to_begin(client_as, bob, owner_engine, organization, now):
    insert_executions(owner_engine, organization.id, [{"started_at": now - timedelta(days=80)}])
    page = client_as(bob).get("/").text
    assert "No executions yet" not in page and "Nothing failed" in page


def test_hostile_names_stay_text(client_as, bob, owner_engine, organization, now, sum_up):
    flow = make_agentflow(name=HOSTILE)
    rows = broken_flow_rows(flow.id, now, error_type="<img src=x onerror=alert(1)>")
    for row in rows[:6]:
        row["user_ref"] = '"><script>alert(2)</script>'
    insert_executions(owner_engine, organization.id, rows)
    sum_up()
    browser = client_as(bob)
    for page in (browser.get("/?details=1").text, browser.get("/", headers=part("details")).text):
        assert "<script>alert" not in page and "<img src=x" not in page and "49" not in re.findall(r"}} (\S+)", page)
        assert html.escape("<script>alert(1)</script>") in page


def test_days_are_those_of_the_organization(client_as, bob, owner_engine, organization, now):
    from sqlalchemy import text

    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE organizations SET timezone = 'Asia/Kathmandu'"))
    insert_executions(owner_engine, organization.id, [{"started_at": now - timedelta(minutes=1)}])
    page = client_as(bob).get("/?period=7d").text
    assert "Asia/Kathmandu" in page
    assert re.search(r"since=\d{4}-\d\d-\d\dT18%3A15%3A00Z", html.unescape(page))


@pytest.mark.parametrize("address", ["/?period=nonsense", "/?sort=x", "/?period=24h&period=7d"])
def test_unknown_words_in_an_old_link_open_the_default(address, client_as, bob):
    assert client_as(bob).get(address).status_code == 200
