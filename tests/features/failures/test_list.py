"""The list of failures: views, figures, filters, orders, pages and export, for whom it is."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest

from tests.factories.executions import make_flow_execution
from tests.factories.flows import make_agentflow
from tests.factories.observability import make_rollup_dirty
from tests.features.failures.conftest import part
from webapp.domain.time_buckets import floor_quarter

HOSTILE = "<script>alert(1)</script> 'x\" {{ 7*7 }} 한국어"


def titles(page):
    return re.findall(r'<a class="main"[^>]*>([^<]*)</a>', page)


def main(page):
    return page[page.index("<main") :]


def test_the_page_tells_where_how_often_whom_and_how_much(as_bob, make_failure, alice, now, owner_engine):
    make_failure(
        "Tool timed out", times=3, user="u-1", cost="1.25", step_name="Look up HS code", step_kind="tool",
        owner_id=alice.id,
    )  # fmt: skip
    page = as_bob.get("/failures").text
    assert "1 failure covers 3 failed runs in the last 24 hours" in page
    row = re.search(r"<tr data-row>.*?</tr>", page, re.S)[0]
    for words in ("Tool timed out", "F-", "Triage › Look up HS code", "$3.75", "Alice", ">New<", "3 runs in 24 hours"):
        assert words in row, words
    assert re.search(r'class="strong">3</span> <span class="faint">of 3<', row)
    assert re.search(r'<td class="num p2">1</td>', row)
    assert 'data-keys="g f"' in page and re.search(r"for review: </span>1</span>", page)


def test_totals_are_the_runs_of_its_flows(as_bob, organization, make_failure, now):
    flow = make_agentflow(organization_id=organization.id, name="x")
    for number in range(4):
        at = now - timedelta(minutes=5 + number)
        make_flow_execution(
            agentflow_id=flow.id, organization_id=organization.id, status="completed" if number else "failed",
            started_at=at,
        )  # fmt: skip
        make_rollup_dirty(organization_id=organization.id, bucket=floor_quarter(at))
    make_failure("It broke", occurrence=None, flow="Triage")
    make_failure("Of four", occurrence=None, flow="other")
    page = as_bob.get("/failures?view=all").text
    assert page.count('<span class="faint">of 1<') == 2
    import sqlalchemy as sa

    from tests.factories.base import bound_engine

    with bound_engine().begin() as connection:
        connection.execute(sa.text("UPDATE failure_occurrences SET agentflow_id = :id"), {"id": flow.id})
    page = as_bob.get("/failures?view=all").text
    assert page.count('<span class="faint">of 4<') == 2


def test_views_hold_what_they_say(as_mia, make_failure, mia, now):
    long_ago = now - timedelta(days=40)
    make_failure("fresh")
    make_failure("seen", is_reviewed=True, first_seen_at=long_ago)
    make_failure("back", regressed_at=now, first_seen_at=long_ago)
    make_failure("more", escalating_since=now, first_seen_at=long_ago, is_reviewed=True)
    make_failure("mine", owner_id=mia.id, is_reviewed=True, first_seen_at=long_ago)
    make_failure("quiet", state="muted", is_muted_until_escalating=True, first_seen_at=long_ago)
    make_failure("done", state="resolved", resolved_at=now, resolved_in_version="2.0", first_seen_at=long_ago)
    target = make_failure("target", is_reviewed=True, first_seen_at=long_ago)
    make_failure("gone", merged_into_id=target)
    make_failure("empty", times=0)
    wanted = {
        "": {"fresh", "back"},
        "new": {"fresh", "empty"},
        "regressed": {"back"},
        "escalating": {"more"},
        "mine": {"mine"},
        "muted": {"quiet"},
        "resolved": {"done"},
        "all": {"fresh", "seen", "back", "more", "mine", "quiet", "done", "target", "empty"},
    }
    for view, expected in wanted.items():
        page = as_mia.get(f"/failures?view={view}").text
        assert set(titles(page)) == expected, view
        count = re.search(r'aria-current="page">[^<]*<span class="count">(\d+)</span>', page)
        assert int(count[1]) == len(expected), view
    assert "Muted until it escalates" in as_mia.get("/failures?view=muted").text
    assert "Resolved in 2.0" in as_mia.get("/failures?view=resolved").text
    assert "Regressed" in as_mia.get("/failures").text


@pytest.mark.parametrize("view", ["", "new", "regressed", "escalating", "mine", "muted", "resolved", "all"])
def test_an_empty_view_says_so(as_bob, view):
    page = as_bob.get(f"/failures?view={view}").text
    assert 'class="blank"' in page and "<table" not in main(page)


def test_orders(as_bob, make_failure, now):
    make_failure("a", times=5, cost="0.1", minutes_ago=50, first_seen_at=now - timedelta(days=3))
    make_failure("b", times=2, cost="9", minutes_ago=20, first_seen_at=now - timedelta(days=5))
    make_failure("c", times=1, cost=None, minutes_ago=1, first_seen_at=now - timedelta(days=4))
    make_failure("d", times=1, cost="99", minutes_ago=60 * 50, first_seen_at=now - timedelta(days=9))
    order = {"": "bacd", "lost": "bacd", "last": "cbad", "failed": "abcd", "first": "acbd"}
    for name, expected in order.items():
        assert "".join(titles(as_bob.get(f"/failures?sort={name}").text)) == expected, name
    assert "".join(titles(as_bob.get("/failures?period=7d").text)) == "dbac"


def test_filters(as_mia, make_failure, mia, alice):
    first = make_failure("Timeout 100%", flow="orders", owner_id=mia.id, occurrence={"environment": "production"})
    make_failure("Bad JSON_x", flow="returns", owner_id=alice.id, occurrence={"environment": "staging"}, number=218)
    page = as_mia.get("/failures").text
    flow = re.search(r'<option value="([0-9a-f-]{36})">orders</option>', page)[1]
    assert "production" in page and "staging" in page and "Mia Kang" in page
    for query, expected in {
        "q=timeout": ["Timeout 100%"], "q=100%25": ["Timeout 100%"], "q=JSON_": ["Bad JSON_x"],
        "q=F-218": ["Bad JSON_x"], "q=218": ["Bad JSON_x"], "q=returns": ["Bad JSON_x"], "q=%25": ["Timeout 100%"],
        f"flow={flow}": ["Timeout 100%"], "environment=staging": ["Bad JSON_x"], "owner=me": ["Timeout 100%"],
        f"owner={alice.id}": ["Bad JSON_x"], "owner=none": [],
    }.items():  # fmt: skip
        assert titles(as_mia.get(f"/failures?{query}").text) == expected, query
    page = as_mia.get("/failures?q=nothing-like-it&owner=me").text
    assert "No failures match these filters" in page and "Remove owner filter" in page
    assert str(first) in as_mia.get(f"/failures?flow={flow}&q=time&owner=me&environment=production").text


@pytest.mark.parametrize(
    "query",
    ["view=x", "flow=x", "owner=x", "period=x", "sort=x", f"q={'x' * 201}", f"environment={'x' * 101}", "flow=%00"],
)
def test_invalid_input_is_refused_with_the_field(as_bob, query):
    answer = as_bob.get(f"/failures?{query}")
    assert answer.status_code in ((200, 422) if "%00" in query else (422,))
    assert as_bob.get("/failures?page=x").status_code == as_bob.get("/failures?page=99").status_code == 200


def test_a_part_is_the_list_alone(as_bob, make_failure):
    make_failure(HOSTILE)
    answer = as_bob.get("/failures", headers=part("failure-list"))
    assert "<html" not in answer.text and 'id="failure-list"' in answer.text and "hx-swap-oob" in answer.text
    assert "<script>alert" not in answer.text and "&lt;script&gt;alert" in answer.text


def test_readers_see_no_buttons_and_strangers_nothing(as_bob, as_charlie, client, make_failure):
    id_ = make_failure("secret words")
    page = main(as_bob.get("/failures").text)
    assert "secret words" in page and 'name="action"' not in page and "checkbox" not in page
    for path in ("/failures/bulk", "/failures/undo", f"/failures/{id_}/state"):
        assert as_bob.post(path, data={"action": "resolve", "failure": str(id_)}).status_code == 403
    assert "secret words" not in as_charlie.get("/failures?view=all").text
    assert as_charlie.post("/failures/bulk", data={"action": "resolve", "failure": str(id_)}).status_code == 404
    assert as_charlie.get(f"/failures/{id_}").status_code == 404
    assert client.get("/failures").status_code == 303


def test_pages_and_export(as_bob, make_failure):
    for number in range(53):
        make_failure(f"failure {number:02}", cost=str(100 - number), flow=HOSTILE if number == 3 else "x")
    first, second = as_bob.get("/failures"), as_bob.get("/failures?page=2")
    assert len(titles(first.text)) == 50 and titles(second.text) == ["failure 50", "failure 51", "failure 52"]
    assert "1 to 50 of 53 failures" in first.text and 'rel="next"' in first.text and 'rel="prev"' in second.text
    answer = as_bob.get("/failures/export.csv?q=failure")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["title"] for row in rows] == [f"failure {n:02}" for n in range(53)]
    assert rows[0]["failed"] == "1" and float(rows[0]["lost_usd"]) == 100 and rows[0]["state"] == "open"


def test_statements_do_not_grow(as_mia, make_failure, count_queries):
    counts = []
    for number in (1, 30):
        for n in range(number - 1 or 1):
            make_failure(f"failure {number} {n}", flow=f"flow {n}")
        with count_queries() as statements:
            page = as_mia.get("/failures").text
        assert len(titles(page)) == number
        counts.append(len(statements))
    assert counts == [8, 8], statements
    with count_queries() as statements:
        as_mia.get("/failures/export.csv")
    assert len(statements) == 4, statements


def test_trends_are_counted_from_now(as_bob, make_failure, now):
    make_failure("old", minutes_ago=60 * 24 * 13 + 60, times=2)
    make_failure("hours", minutes_ago=60 * 5 + 1, times=4)
    page = as_bob.get("/failures?view=all").text
    rows = {title: row for row in re.findall(r"<tr data-row>.*?</tr>", page, re.S) for title in titles(row)}
    assert "2 runs in 14 days" in rows["old"] and "in 24 hours" not in rows["old"]
    assert "4 runs in 14 days" in rows["hours"] and "4 runs in 24 hours" in rows["hours"]


def test_the_likeliest_suspect_has_a_column_with_its_reason(as_bob, make_failure, monkeypatch):
    from webapp.domain.suspect_words import Suspect
    from webapp.features.failures import routes

    def top(session, organization_id, ids, *, now):
        return {id_: object.__new__(_Named) for id_ in ids}

    class _Named(Suspect):
        label = "<b>model gpt-9</b>"

        def reason(self, since=""):
            return "Every failed run had it."

    make_failure()
    monkeypatch.setattr(routes, "top_suspects", top)
    page = as_bob.get("/failures").text
    assert "&lt;b&gt;model gpt-9" in page and 'title="Every failed run had it."' in page and ">Suspect<" in page
