"""The flow list: whole and in parts, for readers and strangers, its filters, orders, figures, pages, empty states."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.factories.accounts import make_team, make_team_member
from tests.factories.conversations import make_bookmark
from tests.features.flows.conftest import part

LINK = re.compile(r'<a class="main" href="/flows/([0-9a-f-]{36})')


def ids(html):
    return LINK.findall(html)


def names(browser, query=""):
    return [row["name"] for row in csv.DictReader(io.StringIO(browser.get(f"/flows/export.csv{query}").text))]


def test_a_browser_gets_the_page_and_htmx_the_list(as_bob, make_flow):
    flow = make_flow("Triage", completed=3)
    page = as_bob.get("/flows")
    assert page.status_code == 200 and "<html" in page.text and ids(page.text) == [str(flow.id)]
    assert "1 flow, 1 of them ran in the last 24 hours" in page.text
    fragment = as_bob.get("/flows", headers=part("flow-list"))
    assert "<html" not in fragment.text and 'id="flow-list"' in fragment.text and ids(fragment.text) == [str(flow.id)]
    assert 'id="list-acts" hx-swap-oob="true"' in fragment.text and "innerHTML:#flow-count" in fragment.text
    assert "HX-Target" in fragment.headers["Vary"]


def test_another_organization_sees_nothing(as_charlie, make_flow):
    flow = make_flow("Triage", completed=1, tags=["secret-tag"], service_name="secret-service")
    for address in ("/flows", "/flows?q=secret", "/flows?status=deleted&status=active", "/flows/export.csv"):
        text = as_charlie.get(address).text
        assert "Triage" not in text and str(flow.id) not in text
    assert "secret-tag" not in as_charlie.get("/flows?facet=tag", headers=part("facet-of-tag")).text
    assert as_charlie.post(f"/flows/{flow.id}/bookmark").status_code == 404


def test_nobody_reads_without_signing_in(client, make_flow):
    make_flow("Triage")
    assert client.get("/flows").status_code == 303


def test_a_viewer_sees_no_way_to_write_and_has_none(as_bob, as_alice, make_flow):
    flow = make_flow("Triage")
    text, owners = as_bob.get("/flows").text, as_alice.get("/flows").text
    for control in ('name="flow"', "/flows/new", "/flows/import", "/flows/bulk"):
        assert control not in text and control in owners
    for method, address in (
        ("get", "/flows/new"),
        ("post", "/flows/new"),
        ("get", "/flows/bulk"),
        ("post", "/flows/bulk"),
    ):
        data = {"action": "delete", "flow": str(flow.id), "name": "x"}
        assert getattr(as_bob, method)(address, data=data).status_code == 403
    assert as_bob.post("/flows/undo", data={"first": 1, "last": 1}).status_code == 403


@pytest.mark.parametrize("query", ["", "?sort=worst", "?status=failing&sort=cost", "?period=30d&sort=p95"])
@pytest.mark.parametrize("size", [1, 30])
def test_statements_do_not_grow_with_rows(as_alice, make_flow, count_queries, size, query):
    for number in range(size):
        make_flow(f"flow {number}", failed=4, tags=["a", "b"])
    as_alice.get(f"/flows{query}")
    with count_queries() as page:
        text = as_alice.get(f"/flows{query}").text
    with count_queries() as fragment:
        as_alice.get(f"/flows{query}", headers=part("flow-list"))
    assert len(ids(text)) == size
    assert len(page) == 6, page
    assert len(fragment) == 5, fragment


def test_figures_are_those_of_the_executions(as_bob, make_flow):
    make_flow("Refund", completed=9, failed=3, cost=Decimal("0.25"), run={"execution_time_ms": 2_000})
    text = as_bob.get("/flows").text
    assert "75.0%" in text and "$3.00" in text and "3 of 12 failed" in text
    (row,) = csv.DictReader(io.StringIO(as_bob.get("/flows/export.csv").text))
    assert (row["executions"], row["completed"], row["failed"], row["success_rate"]) == ("12", "9", "3", "0.75")
    assert Decimal(row["cost_usd"]) == 3 and 1_900 < float(row["p95_ms"]) < 2_100
    assert re.search(r"class=\"spark\" data-c=\"0\"", text), "no trend is drawn"


def test_the_period_decides_what_counts(as_bob, make_flow):
    make_flow("Digest", completed=4, minutes_ago=60 * 30)
    assert "1 flow, 0 of them ran in the last 24 hours" in as_bob.get("/flows").text
    text = as_bob.get("/flows?period=7d").text
    assert (
        "1 of them ran in the last 7 days" in text and "period=7d" in re.search(r'href="(/flows/export[^"]+)', text)[1]
    )


def test_each_filter_finds_one_of_two(as_alice, alice, make_flow):
    team = make_team(name="Finance")
    one = make_flow(
        "Invoice intake", completed=1, failed=9, description="Reads 영수증 papers", tags=["money", "café"],
        team_id=team.id, orchestration_pattern="Parallel", service_name="billing-api", source="imported",
        is_public=True, user_id=alice.id,
        problems=[{"code": "x", "severity": "error"}],
    )  # fmt: skip
    make_flow("Other", completed=10, tags=["mon"])
    make_bookmark(record_type="agentflow", record_id=one.id, user_id=alice.id)
    for query in (
        "q=INVOICE", "q=영수증", "q=caf%C3%A9", "q=billing", "tag=money", "tag=caf%C3%A9", "team=Finance",
        "pattern=Parallel",
        "source=imported", "public=1", "bookmarked=1", "mine=1", "status=failing", "status=problems",
        "q=invoice&tag=money&team=Finance&status=problems&source=imported",
    ):  # fmt: skip
        assert names(as_alice, f"?{query}") == ["Invoice intake"], query
    for query in ("team=none", "pattern=none", "source=observed", "tag=mon"):
        assert names(as_alice, f"?{query}") == ["Other"], query
    for query in ("tag=money&tag=mon", "team=none&team=Finance", "status=failing&status=active", "q=%25"):
        assert len(names(as_alice, f"?{query}")) == (0 if "q=" in query else 2), query


def test_statuses_tell_flows_apart(as_alice, make_flow):
    make_flow("running", completed=1)
    make_flow("resting", completed=1, is_active=False)
    make_flow("broken", failed=12)
    make_flow("new")
    make_flow("pattern book", is_template=True)
    make_flow("gone", completed=1, deleted_at=datetime.now(UTC))
    assert set(names(as_alice)) == {"running", "resting", "broken", "new"}
    expected = {
        "active": {"running", "broken", "new"}, "paused": {"resting"}, "failing": {"broken"}, "never_ran": {"new"},
        "template": {"pattern book"}, "deleted": {"gone"}, "problems": set(),
    }  # fmt: skip
    for status, wanted in expected.items():
        assert set(names(as_alice, f"?status={status}")) == wanted, status
    assert set(names(as_alice, "?status=failing&status=paused")) == {"broken", "resting"}
    assert set(names(as_alice, "?status=failing&status=deleted&status=template")) == {"broken", "gone", "pattern book"}
    text = as_alice.get("/flows").text
    for word in ("Healthy", "Paused", "Failing", "Never ran"):
        assert f"{word}</span>" in text


def test_worst_is_what_the_counts_prove(as_bob, make_flow):
    make_flow("once", failed=1)
    make_flow("often", failed=40, completed=60)
    make_flow("sometimes", failed=2, completed=98)
    make_flow("never", completed=30)
    make_flow("idle")
    assert names(as_bob, "?sort=worst") == ["often", "once", "sometimes", "never", "idle"]
    assert names(as_bob, "?sort=-worst") == ["idle", "never", "sometimes", "once", "often"]
    assert 'aria-sort="ascending"' in as_bob.get("/flows?sort=worst").text
    assert names(as_bob, "?status=failing") == ["often"]


def test_orders(as_bob, make_flow):
    make_flow("b", completed=1, minutes_ago=20, cost=Decimal(2), run={"execution_time_ms": 100})
    make_flow("A", completed=3, minutes_ago=10, cost=Decimal("0.1"), run={"execution_time_ms": 9_000})
    make_flow("c", version=4, block_count=2, orchestration_pattern="Adaptive")
    expected = {
        "name": "Abc", "-name": "cbA", "last": "Abc", "-last": "cbA", "executions": "Abc", "cost": "bAc", "p95": "Abc",
        "version": "cAb", "pattern": "cAb",
    }  # fmt: skip
    for sort, wanted in expected.items():
        assert "".join(names(as_bob, f"?sort={sort}")) == wanted, sort
        shown = as_bob.get(f"/flows?sort={sort}").text
        assert "".join(re.findall(r'<a class="main"[^>]*>(\w)</a>', shown)) == wanted
        assert shown.count("aria-sort=") == 1


def test_pages_go_both_ways_and_lose_nothing(as_bob, make_flow):
    made = {str(make_flow("same name", source="manual").id) for _ in range(120)}
    seen, address, pages = [], "/flows", []
    while address:
        text = as_bob.get(address).text
        pages.append(ids(text))
        seen += ids(text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = following[1].replace("&amp;", "&") if following else ""
    assert [len(rows) for rows in pages] == [50, 50, 20] and set(seen) == made and len(seen) == len(made)
    last = as_bob.get("/flows?page=3").text
    assert "101 to 120 of 120 flows" in last and 'rel="prev" href="/flows?page=2"' in last
    assert 'rel="prev" href="/flows"' in as_bob.get("/flows?page=2").text
    assert ids(as_bob.get("/flows?page=900").text) == pages[2]
    assert ids(as_bob.get("/flows?page=x").text) == pages[0]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=gone", "Status"), ("source=dify", "Source"), ("sort=luck", "Order"), ("period=1y", "Period"),
        ("pattern=Chaos", "Pattern"), ("q=" + "x" * 201, "Search"), ("&".join(f"tag={n}" for n in range(51)), "Tag"),
    ],
)  # fmt: skip
def test_what_no_filter_means_is_refused(as_bob, query, field):
    for address in ("/flows", "/flows/export.csv"):
        answer = as_bob.get(f"{address}?{query}")
        assert answer.status_code == 422 and field in answer.text


def test_hostile_text_is_shown_and_not_run(as_alice, make_flow):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    make_flow(evil, completed=1, description=evil, tags=[evil], service_name=evil, team_id=make_team(name=evil).id)
    make_flow("=HYPERLINK(1)")
    query = "&".join(f"{name}=%3Cscript%3Ealert(1)%3C/script%3E%00" for name in ("q", "tag", "team"))
    facets = [as_alice.get(f"/flows?facet={name}", headers=part(f"facet-of-{name}")).text for name in ("tag", "team")]
    for text in (as_alice.get("/flows").text, as_alice.get(f"/flows?{query}").text, *facets):
        assert "<script>alert" not in text and "<img src=x" not in text
    assert "'=HYPERLINK(1)" in names(as_alice)


def test_choices_of_tags_and_teams(as_bob, make_flow):
    make_team(name="Finance")
    make_flow("a", tags=["money", "night"])
    make_flow("b", tags=["money"])
    make_flow("c", tags=["of a deleted flow"], deleted_at=datetime.now(UTC))
    tags = as_bob.get("/flows?facet=tag&tag=night", headers=part("facet-of-tag")).text
    assert re.findall(r'value="([^"]+)"', tags) == ["night", "money"] and 'value="night" checked' in tags
    found = as_bob.get("/flows?facet=tag&facet_search=MON", headers=part("facet-of-tag")).text
    assert re.findall(r'value="([^"]+)"', found) == ["money"]
    teams = as_bob.get("/flows?facet=team", headers=part("facet-of-team")).text
    assert re.findall(r'value="([^"]+)"', teams) == ["Finance", "none"]
    assert as_bob.get("/flows?facet=password", headers=part("facet-of-password")).status_code == 404


def test_drafts_are_seen_by_their_author_team_and_admins(as_alice, as_bob, as_mia, mia, bob, make_flow):
    team = make_team(name="Finance")
    make_flow("of everybody")
    make_flow("of mia", visibility="private", user_id=mia.id, tags=["hidden"])
    make_flow("of the team", visibility="team", team_id=team.id)
    assert set(names(as_bob)) == {"of everybody"} and set(names(as_mia)) == {"of everybody", "of mia"}
    assert len(names(as_alice)) == 3
    assert "hidden" not in as_bob.get("/flows?facet=tag", headers=part("facet-of-tag")).text
    make_team_member(team_id=team.id, user_id=bob.id)
    assert set(names(as_bob)) == {"of everybody", "of the team"}


def test_a_deleted_flow_says_that_its_traces_still_arrive(as_alice, alice, make_flow):
    now = datetime.now(UTC)
    make_flow("ran on", completed=1, deleted_at=now - timedelta(hours=2), deleted_by_id=alice.id)
    text = as_alice.get("/flows?status=deleted").text
    assert "Deleted <time" in text and "by Alice" in text and "traces of it still arrive" in text
    assert '<option value="restore">' in text and '<option value="delete">' not in text
    make_flow("ended", last_execution_at=now - timedelta(hours=3), deleted_at=now)
    assert "traces of it" not in as_alice.get("/flows?status=deleted&q=ended").text


def test_first_use_offers_the_three_ways_in(as_alice, as_bob):
    text = as_alice.get("/flows").text
    assert "No flows yet" in text
    for address in ("/welcome", "/flows/import", "/flows/new"):
        assert f'href="{address}"' in text
    viewer = as_bob.get("/flows").text
    assert "No flows yet" in viewer and "/flows/new" not in viewer
    assert "Nothing is deleted" in as_bob.get("/flows?status=deleted").text
    assert "No templates yet" in as_bob.get("/flows?status=template").text


def test_no_match_offers_the_way_out(as_bob, make_flow):
    make_flow("Triage", tags=["a"])
    text = as_bob.get("/flows?tag=b&q=zzz&period=7d").text
    assert "No flows match these filters" in text and "0 flows match" in text
    assert 'href="/flows?q=zzz&amp;period=7d"' in text and 'href="/flows?tag=b&amp;period=7d"' in text
    assert 'href="/flows?period=7d"' in text


def test_a_star_with_and_without_script(as_bob, make_flow):
    flow = make_flow("Triage")
    star = as_bob.post(f"/flows/{flow.id}/bookmark", headers=part(""), data={"name": "Triage"})
    assert star.status_code == 200 and 'aria-pressed="true"' in star.text and "Bookmark Triage" in star.text
    assert ids(as_bob.get("/flows?bookmarked=1").text) == [str(flow.id)]
    answer = as_bob.post(f"/flows/{flow.id}/bookmark", data={"back": "?tag=a&done=1-2"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/flows?tag=a")
    assert ids(as_bob.get("/flows?bookmarked=1").text) == []


def test_the_list_is_reached_from_the_sidebar_and_marked_there(as_bob):
    assert re.search(r'<a href="/flows" aria-current="page" data-keys="g w">', as_bob.get("/flows").text)
