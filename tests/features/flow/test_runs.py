"""What ran of a flow: its executions in the rows of the list, and causes of failure that equal plain counts."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.factories.flows import make_agentflow
from tests.features.rollups.seed import insert_executions
from webapp.database.tenancy import organization_session
from webapp.features.rollups.operations import rebuild


def main(text):
    return text[text.index("<main") : text.index("</main>")]


@pytest.fixture
def two_flows(owner_engine, organization, observed, now):
    """70 executions of one flow, every fifth failed in one of two ways, and some of another."""
    other = make_agentflow(organization_id=organization.id, name="other-flow").id
    rows = []
    for number in range(70):
        failed = number % 5 == 0
        rows.append(
            {
                "agentflow_id": observed,
                "started_at": now - timedelta(minutes=5 + number * 10),
                "status": "failed" if failed else "completed",
                "error_type": ("ToolTimeout" if number % 2 else "acme.LedgerClosed") if failed else None,
                "error_message": f"<b>ledger</b> {number}\nline two" if failed else None,
                "user_ref": f"user-{number % 3}" if failed else None,
                "execution_time_ms": 900,
                "calls": [("m", Decimal("0.5"))],
            }
        )
    rows += [row | {"agentflow_id": other, "error_type": "Elsewhere", "status": "failed"} for row in rows[:9]]
    insert_executions(owner_engine, organization.id, rows)
    return observed


@pytest.fixture
def sum_up(app_engine, organization):
    def run():
        with organization_session(app_engine, organization.id) as session:
            while rebuild(session, organization.id):
                pass

    return run


def test_its_executions_are_the_rows_of_the_list(client_as, bob, two_flows):
    client = client_as(bob)
    page = main(client.get(f"/flows/{two_flows}/executions").text)
    assert page.count("<tr data-s=") == 50 and "other-flow" not in page and 'rel="next"' in page
    older = html.unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
    assert older.startswith(f"/flows/{two_flows}/executions?cursor=")
    assert client.get(older).text.count("<tr data-s=") == 20
    part = client.get(older, headers={"HX-Request": "true", "HX-Target": "execution-rows"}).text
    assert "<html" not in part and part.count("<tr data-s=") == 20
    failed = main(client.get(f"/flows/{two_flows}/executions?status=failed").text)
    assert failed.count('<tr data-s="failed"') == 14 and failed.count("<tr data-s=") == 14
    assert f"/executions?status=failed&amp;flow={two_flows}" in failed
    assert f"/executions/export.csv?status=failed&amp;flow={two_flows}" in failed


def test_a_filter_without_runs_offers_more(client_as, bob, two_flows, observed):
    client = client_as(bob)
    page = main(client.get(f"/flows/{two_flows}/executions?status=running").text)
    assert "No run of this flow that is running or pending" not in page and "No runs here" in page
    assert "time=all" in page and "Show every status" in page
    assert client.get(f"/flows/{two_flows}/executions?time=nonsense&status=nonsense").text.count("<tr data-s=") == 50
    assert client.get(f"/flows/{two_flows}/executions?cursor=nonsense").status_code == 422
    empty = make_agentflow(source="discovered").id
    assert "No run of it is known" in client.get(f"/flows/{empty}/executions?time=all").text


@pytest.mark.parametrize("is_summed", [False, True])
def test_causes_are_counted_and_lead_to_their_executions(client_as, bob, two_flows, sum_up, is_summed):
    if is_summed:
        sum_up()
    client = client_as(bob)
    page = main(client.get(f"/flows/{two_flows}/failures").text)
    assert "14 of 70 runs failed" in page and "Elsewhere" not in page and page.count("<tr data-row>") == 2
    for error, count in (("ToolTimeout", 7), ("acme.LedgerClosed", 7)):
        row = next(r for r in re.findall(r"<tr data-row>.*?</tr>", page, re.S) if error in r)
        assert f'<td class="num">{count}<' in row and "10.0% of runs" in row and "$3.50" in row
        assert '<td class="num p3">3</td>' in row and ">New<" in row and "/executions/" in row
        assert "&lt;b&gt;ledger" in row and "<b>" not in row and "line two" not in row
        behind = html.unescape(re.search(r'class="main" href="([^"]+)"', row)[1])
        assert client.get(behind).text.count('<tr data-s="failed"') == count


def test_nothing_failed(client_as, bob, observed, owner_engine, organization, now):
    insert_executions(owner_engine, organization.id, [{"agentflow_id": observed, "started_at": now}])
    page = main(client_as(bob).get(f"/flows/{observed}/failures").text)
    assert "Nothing failed" in page and "period=30d" in page


@pytest.mark.parametrize("path", ["executions", "failures"])
def test_statements_do_not_grow(client_as, bob, owner_engine, organization, count_queries, now, path):
    counts = []
    for number in (1, 30):
        flow = make_agentflow(organization_id=organization.id, name=f"many {number}").id
        rows = [
            {"agentflow_id": flow, "started_at": now - timedelta(minutes=n), "status": "failed", "error_type": f"E{n}"}
            for n in range(number)
        ]
        insert_executions(owner_engine, organization.id, rows)
        client = client_as(bob)
        with count_queries() as statements:
            page = client.get(f"/flows/{flow}/{path}").text
        assert len(re.findall(r"<tr data-", page)) == number
        counts.append(len(statements))
    assert counts == [{"executions": 5, "failures": 4}[path]] * 2, counts
