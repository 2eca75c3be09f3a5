"""What is done to many flows: asked before, told of, taken back; by whom it may be done, and to what."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from tests.factories.accounts import make_team
from tests.features.flows.conftest import row_of
from webapp.models import Agentflow, Event


def state(flow):
    row = row_of(Agentflow, flow.id)
    return {"deleted": row.deleted_at is not None, "active": row.is_active, "tags": row.tags, "team": row.team_id}


def do(browser, action, *flows, **data):
    return browser.post("/flows/bulk", data={"action": action, "flow": [str(f.id) for f in flows], **data})


def undo(browser, answer):
    """Press Undo on the page that a change led to."""
    page = browser.get(answer.headers["Location"]).text
    fields = dict(re.findall(r'name="(first|last|back)" value="([^"]*)"', page))
    return browser.post("/flows/undo", data=fields)


def events_of(owner_engine, flow):
    stmt = sa.select(Event.event_type, Event.payload).where(Event.aggregate_id == flow.id).order_by(Event.sequence)
    with owner_engine.connect() as connection:
        return [tuple(row) for row in connection.execute(stmt)]


def test_it_asks_first_and_names_what_it_would_do(as_alice, make_flow):
    flows = [make_flow(f"flow {number}") for number in range(3)]
    text = as_alice.get(
        "/flows/bulk", query_string={"action": "delete", "flow": [f.id for f in flows], "back": "?tag=a"}
    ).text
    assert "Delete 3 flows?" in text and "flow 1" in text and "can restore them" in text
    assert text.count('name="flow"') == 3 and 'href="/flows?tag=a"' in text
    assert not state(flows[0])["deleted"]
    assert "Tick flows in the list first" in as_alice.get("/flows/bulk?action=delete").text


def test_all_that_match_are_meant_and_no_others(as_alice, make_flow):
    for number in range(60):
        make_flow(f"flow {number}", tags=["a"])
    make_flow("another")
    text = as_alice.get("/flows/bulk?action=tag&all=1&back=%3Ftag%3Da").text
    assert "Add tags to 60 flows" in text and text.count('name="flow"') == 60 and "and 40 more" in text


CHANGES = [
    ("delete", {}, {}, {"deleted": True}),
    ("restore", {"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)}, {}, {"deleted": False}),
    ("pause", {}, {}, {"active": False}),
    ("resume", {"is_active": False}, {}, {"active": True}),
    ("tag", {"tags": ["old"]}, {"tags": "new, OLD ,two words"}, {"tags": ["old", "new", "two words"]}),
    ("untag", {"tags": ["old", "kept"]}, {"tags": "OLD"}, {"tags": ["kept"]}),
    ("team", {}, {"team": "{team}"}, {"team": "{team}"}),
    ("team", {"team_id": "{other}"}, {"team": "none"}, {"team": None}),
]


@pytest.mark.parametrize(("action", "begin", "data", "after"), CHANGES)
def test_each_change_is_done_told_of_and_taken_back(as_alice, make_flow, owner_engine, action, begin, data, after):
    teams = {"team": make_team(name="Finance").id, "other": make_team(name="Care").id}

    def filled(values):
        known = {f"{{{name}}}": id_ for name, id_ in teams.items()}
        return {k: known.get(v, v) if isinstance(v, str) else v for k, v in values.items()}

    flows = [make_flow("one", **filled(begin)), make_flow("two", **filled(begin))]
    untouched, before = make_flow("three", **filled(begin)), state(flows[0])
    answer = do(as_alice, action, *flows, back="?sort=name", **filled(data))
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/flows?sort=name&done=")
    for flow in flows:
        assert {name: state(flow)[name] for name in after} == filled(after)
        (event_type, payload), *rest = events_of(owner_engine, flow)
        assert not rest and payload["before"] != payload["after"] and payload["name"] == flow.name
        assert event_type.startswith("agentflow.")
    assert state(untouched) == before and not events_of(owner_engine, untouched)
    assert "2 flows" in as_alice.get(answer.headers["Location"]).text
    undone = undo(as_alice, answer)
    assert undone.status_code == 303 and "done=" not in undone.headers["Location"].replace("undone=", "")
    assert state(flows[0]) == state(flows[1]) == before
    assert "2 flows put back" in as_alice.get(undone.headers["Location"]).text


def test_undo_leaves_alone_what_was_changed_again(as_alice, make_flow):
    one, two = make_flow("one"), make_flow("two")
    answer = do(as_alice, "tag", one, two, tags="a")
    do(as_alice, "tag", two, tags="b")
    assert "undone=1" in undo(as_alice, answer).headers["Location"]
    assert state(one)["tags"] == [] and state(two)["tags"] == ["a", "b"]


def test_nobody_takes_back_what_others_did(as_alice, as_mia, make_flow):
    flow = make_flow("one")
    answer = do(as_alice, "pause", flow)
    first, last = re.search(r"done=(\d+)-(\d+)", answer.headers["Location"]).groups()
    assert as_mia.post("/flows/undo", data={"first": first, "last": last}).status_code == 404
    assert "Undo" not in as_mia.get(answer.headers["Location"]).text
    assert state(flow)["active"] is False
    assert as_alice.post("/flows/undo", data={"first": "x", "last": "1"}).status_code == 422


def test_what_is_so_already_is_no_change(as_alice, make_flow, owner_engine):
    flow = make_flow("one", tags=["a"])
    for action, data in (("resume", {}), ("tag", {"tags": "A"}), ("team", {"team": "none"}), ("restore", {})):
        assert "done=" not in do(as_alice, action, flow, **data).headers["Location"]
    assert not events_of(owner_engine, flow)


def test_a_member_deletes_only_what_is_theirs(as_mia, mia, alice, make_flow):
    own, foreign = make_flow("own", user_id=mia.id), make_flow("foreign", user_id=alice.id)
    seen = make_flow("seen in traces")
    text = as_mia.get("/flows/bulk", query_string={"action": "delete", "flow": [own.id, foreign.id, seen.id]}).text
    assert "Delete 1 flow?" in text and "2 not yours" in text and text.count('name="flow"') == 1
    answer = do(as_mia, "delete", own, foreign)
    assert answer.status_code == 403 and not state(own)["deleted"]
    assert do(as_mia, "delete", own).status_code == 303 and state(own)["deleted"]
    assert do(as_mia, "restore", own).status_code == 303 and not state(own)["deleted"]


def test_flows_of_others_are_not_there(as_charlie, as_mia, alice, make_flow):
    flow, hidden = make_flow("one"), make_flow("draft", visibility="private", user_id=alice.id)
    for action in ("delete", "pause", "tag", "team", "restore"):
        assert do(as_charlie, action, flow, tags="a", team="none").status_code == 404
        assert do(as_mia, action, flow, hidden, tags="a", team="none").status_code == 404
    assert state(flow) == state(hidden) == {"deleted": False, "active": True, "tags": [], "team": None}
    assert "one" not in as_charlie.get(f"/flows/bulk?action=pause&flow={flow.id}").text


def test_a_team_of_another_organization_is_not_there(as_alice, make_flow, other_organization):
    flow, team = make_flow("one"), make_team(organization_id=other_organization.id)
    assert do(as_alice, "team", flow, team=str(team.id)).status_code == 404
    assert state(flow)["team"] is None


@pytest.mark.parametrize(
    ("action", "data", "words"),
    [
        ("tag", {"tags": ""}, "type at least one"), ("tag", {"tags": "x" * 51}, "at most 50 letters"),
        ("tag", {"tags": ",".join(f"t{n}" for n in range(21))}, "at most 20 tags"),
        ("team", {"team": "x"}, "choose a team"), ("explode", {}, "is not known"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_with_a_sentence(as_alice, make_flow, action, data, words):
    flow = make_flow("one")
    answer = do(as_alice, action, flow, **data)
    assert answer.status_code == 422 and words in answer.text
    assert state(flow) == {"deleted": False, "active": True, "tags": [], "team": None}


def test_tags_that_do_not_fit_change_nothing(as_alice, make_flow):
    full, free = make_flow("full", tags=[f"t{n}" for n in range(20)]), make_flow("free")
    answer = do(as_alice, "tag", free, full, tags="one more")
    assert answer.status_code == 422 and "more than 20 tags" in answer.text
    assert state(free)["tags"] == [] and len(state(full)["tags"]) == 20


def test_a_deleted_flow_is_gone_from_choices_and_its_executions_stay(as_alice, make_flow):
    flow = make_flow("Triage", completed=2)
    do(as_alice, "delete", flow)
    assert str(flow.id) not in as_alice.get("/flows").text
    headers = {"HX-Request": "true", "HX-Target": "div#facet-of-flow"}
    assert str(flow.id) not in as_alice.get("/executions?facet=flow", headers=headers).text
    assert (
        "/flows/" not in as_alice.get("/search?q=triage", headers={"HX-Request": "true", "HX-Target": "cmd-list"}).text
    )
    assert as_alice.get(f"/executions?flow={flow.id}").text.count("<tr data-s") == 2


def test_what_moved_onto_another_flow_stays_deleted(as_alice, make_flow):
    flow = make_flow("joined", deleted_at=datetime.now(UTC), config={"joined_into": "0"})
    assert do(as_alice, "restore", flow).status_code == 409 and state(flow)["deleted"]


@pytest.mark.parametrize("size", [1, 30])
def test_statements_do_not_grow_with_flows(as_alice, make_flow, count_queries, size):
    flows = [make_flow(f"flow {number}") for number in range(size)]
    with count_queries() as asked:
        as_alice.get("/flows/bulk", query_string={"action": "tag", "flow": [flow.id for flow in flows]})
    with count_queries() as done:
        do(as_alice, "tag", *flows, tags="a")
    assert len(asked) == 3, asked
    assert len(done) == 6, done
