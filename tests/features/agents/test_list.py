"""The list of agents: whole and in part, worst first, filters, pages, export, and for whom it is."""

from __future__ import annotations

import csv
import io
import re

import pytest

from tests.factories.agents import make_agent
from tests.features.agents.conftest import part

ID = re.compile(r'class="main" href="/agents/([0-9a-f-]{36})"')


def ids(html: str) -> list[str]:
    return ID.findall(html)


def exported(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_a_browser_gets_the_page_and_htmx_the_list(as_bob, make_running):
    agent = make_running("router")
    page, rows = as_bob.get("/agents").text, as_bob.get("/agents", headers=part("agent-list"))
    assert "<html" in page and ids(page) == [str(agent.id)]
    assert "<html" not in rows.text and 'id="agent-list"' in rows.text and ids(rows.text) == [str(agent.id)]
    assert "HX-Target" in rows.headers["Vary"]


def test_the_worst_agent_comes_first_and_says_how_bad_it_is(as_bob, make_running):
    good = make_running("alpha", completed=4)
    bad = make_running("beta", completed=6, failed=4)
    idle = make_agent(name="aardvark")
    text = as_bob.get("/agents").text
    assert ids(text) == [str(bad.id), str(good.id), str(idle.id)]
    assert "40.0%" in text and "4 of 10 failed" in text
    assert re.search(r'href="/executions\?agent=beta&amp;status=failed&amp;since=', text)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=ALPH", ["alpha"]),
        ("q=%25", []),
        ("type=control", ["beta"]),
        ("type=none", ["gamma"]),
        ("source=observed", ["alpha"]),
        ("source=made", ["beta", "gamma"]),
        ("model=gpt-5", ["beta"]),
        ("state=inactive", ["gamma"]),
        ("state=retired", ["omega"]),
        ("state=nonsense&sort=nonsense&period=nonsense", ["alpha", "beta", "gamma"]),
        ("sort=name&q=a&source=made", ["beta", "gamma"]),
    ],
)
def test_filters_mean_what_they_say(as_bob, organization, query, names):
    own = {"organization_id": organization.id}
    made = {
        "alpha": make_agent(name="alpha", source="discovered", agent_type="general", **own),
        "beta": make_agent(name="beta", agent_type="control", model_name="gpt-5", **own),
        "gamma": make_agent(name="gamma", is_active=False, **own),
        "omega": make_agent(name="omega", removed_at="2026-01-01T00:00:00Z", **own),
    }
    assert ids(as_bob.get(f"/agents?{query}").text) == [str(made[name].id) for name in names]
    assert [row["name"] for row in exported(as_bob.get(f"/agents/export.csv?{query}"))] == names


@pytest.mark.parametrize("sort", ["", "name", "executions", "slowest", "cost", "changed"])
def test_pages_go_both_ways_and_lose_nothing(as_bob, organization, make_running, sort):
    make_running("zulu", failed=1)
    for number in range(120):
        make_agent(organization_id=organization.id, name="same name" if number < 60 else f"agent {number:03}")
    address, pages = f"/agents?sort={sort}", []
    while address:
        text = as_bob.get(address).text
        pages.append(ids(text))
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = following[1].replace("&amp;", "&") if following else ""
    seen = [one for page in pages for one in page]
    assert [len(page) for page in pages] == [50, 50, 21] and len(set(seen)) == 121
    assert [row["id"] for row in exported(as_bob.get(f"/agents/export.csv?sort={sort}"))] == seen
    back = re.search(r'rel="prev" href="([^"]+)"', text)[1].replace("&amp;", "&")
    text = as_bob.get(back).text
    assert ids(text) == pages[1]
    back = re.search(r'rel="prev" href="([^"]+)"', text)[1].replace("&amp;", "&")
    text = as_bob.get(back).text
    assert ids(text) == pages[0] and 'rel="prev"' not in text


@pytest.mark.parametrize("cursor", ["x", "AAAA", "bnVsbA", "W10", "WzEsImEiLCJiIixmYWxzZV0", "A" * 400])
def test_a_damaged_cursor_is_refused(as_bob, organization, cursor):
    assert as_bob.get(f"/agents?cursor={cursor}").status_code == 422


def test_the_export_has_the_figures_of_the_page(as_bob, make_running):
    make_running("=beta", completed=6, failed=4)
    text, row = as_bob.get("/agents").text, exported(as_bob.get("/agents/export.csv"))[0]
    assert (row["executions"], row["completed"], row["failed"], row["failure_rate"]) == ("10", "6", "4", "0.4")
    assert row["name"] == "'=beta" and row["source"] == "observed" and row["period"] == "24h"
    assert f"{float(row['p95_ms']):.0f} ms" in text


def test_another_organization_sees_nothing(as_charlie, make_running):
    agent = make_running("router", model_name="secret-model")
    for address in (
        "/agents",
        "/agents?q=router",
        f"/agents?q={agent.id}",
        "/agents/export.csv",
        "/agents?state=retired",
    ):
        text = as_charlie.get(address).text
        assert "secret-model" not in text and f"/agents/{agent.id}" not in text


def test_a_viewer_sees_no_way_to_write(as_bob, as_alice):
    assert "Create agent" in as_alice.get("/agents").text and "Create agent" not in as_bob.get("/agents").text
    assert as_bob.get("/agents/new").status_code == 403
    assert as_bob.post("/agents", data={"name": "x"}).status_code == 403


def test_an_empty_list_says_what_to_do(as_bob, organization):
    assert "No agents yet" in as_bob.get("/agents").text
    make_agent(organization_id=organization.id, name="alpha", agent_type="general")
    text = as_bob.get("/agents?q=alpha&type=control").text
    assert "No agents match these filters" in text and "Remove type filter (1 agent)" in text


def test_hostile_names_are_shown_and_not_run(as_bob, organization):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    agent = make_agent(organization_id=organization.id, name=evil, description=evil, model_name=evil[:90], tags=[evil])
    for address in ("/agents", f"/agents?q={evil[:20]}", f"/agents/{agent.id}", f"/agents/{agent.id}/versions"):
        text = as_bob.get(address).text
        assert "<script>alert" not in text and "<img src=x" not in text


@pytest.mark.parametrize("size", [1, 30])
def test_statements_do_not_grow_with_rows(as_bob, make_running, count_queries, size):
    for number in range(size):
        make_running(f"agent {number}")
    as_bob.get("/agents")
    with count_queries() as statements:
        as_bob.get("/agents")
    assert len(statements) == 5, str(statements)
