"""What is decided about failures: each once, with its event and a word to whom it concerns; undone, raced, refused."""

from __future__ import annotations

import html
import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.factories.observability import make_first_sighting
from tests.ingest.test_failures import failed_trace
from webapp.ingest.decode import PROTOBUF
from webapp.jobs.tasks.failures import watch_failures


def test_each_decision_is_made_once_with_an_event(as_mia, make_failure, read_group, read_events, mia):
    one = make_failure()
    for action, more, state, event in (
        ("review", {}, "open", "failure.reviewed"),
        ("assign_me", {}, "open", "failure.assigned"),
        ("mute", {"until": "escalating"}, "muted", "failure.muted"),
        ("mute", {"until": "1d"}, "muted", "failure.muted"),
        ("mute", {"until": "version", "version": "9.9"}, "muted", "failure.muted"),
        ("resolve", {}, "resolved", "failure.resolved"),
        ("resolve", {"version": "2.0"}, "resolved", "failure.resolved"),
        ("reopen", {}, "open", "failure.reopened"),
    ):
        before = len(read_events(one))
        for _ in range(2):
            answer = as_mia.post(f"/failures/{one}/state", data={"action": action, **more})
            assert answer.status_code == 303, answer.text
        assert read_group(one).state == state
        events = read_events(one)[before:]
        assert [name for name, _ in events] == [event], action
        assert set(events[0][1]["before"]) == set(events[0][1]["after"])
        assert "done=0" in answer.location
    group = read_group(one)
    assert group.owner_id == mia.id and group.is_reviewed
    assert (group.resolved_at, group.resolved_in_version, group.muted_until, group.muted_until_version) == (None,) * 4


def test_resolving_again_with_a_version_keeps_the_moment(as_mia, make_failure, read_group):
    one = make_failure(regressed_at=datetime.now(UTC))
    as_mia.post(f"/failures/{one}/state", data={"action": "resolve"})
    first = read_group(one)
    assert first.regressed_at is None
    as_mia.post(f"/failures/{one}/state", data={"action": "resolve", "version": "2.0"})
    assert read_group(one).resolved_at == first.resolved_at and read_group(one).resolved_in_version == "2.0"


def test_many_at_once_and_taken_back(as_mia, make_failure, read_group):
    ids = [make_failure(f"failure {n}", cost=str(n)) for n in range(3)]
    back = "?view=all&q=failure"
    answer = as_mia.post(
        "/failures/bulk", data={"action": "resolve", "failure": [str(id_) for id_ in ids[:2]], "back": back}
    )
    assert answer.location.startswith("/failures?view=all&q=failure&done=")
    assert [read_group(id_).state for id_ in ids] == ["resolved", "resolved", "open"]
    page = as_mia.get(answer.location).text
    assert "2 failures resolved." in page
    values = dict(re.findall(r'name="(first|last|back)" value="([^"]*)"', page[page.index("/failures/undo") :]))
    answer = as_mia.post("/failures/undo", data={k: html.unescape(v) for k, v in values.items()})
    assert [read_group(id_).state for id_ in ids] == ["open"] * 3 and read_group(ids[0]).resolved_at is None
    assert "2 failures put back as they were" in as_mia.get(answer.location).text
    answer = as_mia.post("/failures/undo", data={k: html.unescape(v) for k, v in values.items()})
    assert "undone=0" in answer.location


def test_all_that_match_means_the_filter(as_mia, make_failure, read_group):
    ids = [make_failure(f"failure {n}") for n in range(3)]
    other = make_failure("something else")
    as_mia.post("/failures/bulk", data={"action": "mute", "all": "1", "back": "?q=failure"})
    assert [read_group(id_).state for id_ in ids] == ["muted"] * 3 and read_group(other).state == "open"


def test_an_undo_leaves_what_was_changed_since(as_mia, as_alice, make_failure, read_group):
    one = make_failure()
    location = as_mia.post(f"/failures/{one}/state", data={"action": "resolve"}).location
    first, last = re.search(r"done=(\d+)-(\d+)", location).groups()
    as_alice.post(f"/failures/{one}/state", data={"action": "reopen"})
    assert as_alice.post("/failures/undo", data={"first": first, "last": last}).status_code == 404
    answer = as_mia.post("/failures/undo", data={"first": first, "last": last, "back": f"failure={one}"})
    assert answer.location == f"/failures/{one}?undone=0"
    assert read_group(one).state == "open"


def test_owners_are_told_and_only_members_can_be(as_mia, make_failure, alice, mia, charlie, told, read_group):
    one, two = make_failure("first"), make_failure("second")
    data = {"action": "assign", "owner": str(alice.id), "failure": [str(one), str(two)]}
    as_mia.post("/failures/bulk", data=data)
    as_mia.post("/failures/bulk", data=data)
    assert told(alice) == ["Mia Kang assigned 2 failures to you"] and told(mia) == []
    as_mia.post(f"/failures/{one}/state", data={"action": "resolve"})
    assert "resolved" in told(alice)[-1]
    as_mia.post(f"/failures/{one}/state", data={"action": "assign", "owner": "none"})
    assert read_group(one).owner_id is None and len(told(alice)) == 3
    answer = as_mia.post(f"/failures/{one}/state", data={"action": "assign", "owner": str(charlie.id)})
    assert answer.status_code == 404 and read_group(one).owner_id is None


@pytest.mark.parametrize(
    "data",
    [
        {}, {"action": "x"}, {"action": "assign"}, {"action": "assign", "owner": "x"}, {"action": "mute", "until": "x"},
        {"action": "mute", "until": "version"}, {"action": "resolve", "version": "x" * 256},
        {"action": "resolve", "failure": "x"}, {"action": "resolve"},
    ],
)  # fmt: skip
def test_invalid_decisions_change_nothing(as_mia, make_failure, read_events, data):
    one = make_failure()
    assert (
        as_mia.post("/failures/bulk", data={"failure": str(one), **data} if len(data) > 1 else data).status_code == 422
    )
    assert read_events(one) == []


def test_a_version_that_ran_cannot_end_a_mute(as_mia, make_failure, read_group, now):
    one = make_failure()
    make_first_sighting(
        agentflow_id=read_group(one).agentflow_id, kind="service_version", name="1.0", first_seen_at=now
    )
    answer = as_mia.post(f"/failures/{one}/state", data={"action": "mute", "until": "version", "version": "1.0"})
    assert answer.status_code == 422 and "has run already" in answer.text


def test_two_people_resolve_at_once(app, client_as, mia, alice, make_failure, read_events, read_group):
    ids = [make_failure(f"failure {n}") for n in range(4)]
    answers = []

    def resolve(user, order):
        data = {"action": "resolve", "failure": [str(id_) for id_ in ids[::order]]}
        answers.append(client_as(user).post("/failures/bulk", data=data).status_code)

    threads = [threading.Thread(target=resolve, args=pair) for pair in ((mia, 1), (alice, -1)) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303] * 6
    for id_ in ids:
        assert [name for name, _ in read_events(id_)] == ["failure.resolved"]


def test_a_resolution_racing_with_ingest_loses_no_failure(
    app, client_as, mia, post_failures, owner_engine, app_engine, api_key
):
    """Whatever comes first: an execution that started after the resolution opens it again, an earlier one never."""
    from tests.ingest.http import export, send

    post_failures("no such order 1")
    with owner_engine.connect() as connection:
        one = connection.scalar(sa.text("SELECT id FROM failure_groups"))
    stop = threading.Event()
    problems = []

    def ingest():
        with app.test_client() as client:
            while not stop.is_set():
                if send(client, api_key.text, export(failed_trace()), PROTOBUF).status_code != 200:
                    problems.append("ingest")

    def resolve():
        browser = client_as(mia)
        for _ in range(8):
            if browser.post(f"/failures/{one}/state", data={"action": "resolve"}).status_code != 303:
                problems.append("resolve")

    threads = [threading.Thread(target=ingest), threading.Thread(target=ingest)]
    for thread in threads:
        thread.start()
    resolve()
    stop.set()
    for thread in threads:
        thread.join()
    watch_failures(app_engine)
    state = """
        SELECT g.state, g.resolved_at, (SELECT max(o.occurred_at) FROM failure_occurrences o) FROM failure_groups g
    """
    with owner_engine.connect() as connection:
        state, resolved_at, last_at = connection.execute(sa.text(state)).one()
        executions, occurrences = connection.execute(
            sa.text("SELECT (SELECT count(*) FROM flow_executions), (SELECT count(*) FROM failure_occurrences)")
        ).one()
    assert problems == [] and executions == occurrences > 1
    assert state == ("open" if resolved_at is None else "resolved")
    assert state == "open" or last_at <= resolved_at


def test_an_older_version_never_reopens_in_the_worker(as_mia, post_failures, owner_engine, app_engine, read_group, now):
    post_failures("no such order 1", version="1.0")
    with owner_engine.begin() as owner:
        one, flow = owner.execute(sa.text("SELECT id, agentflow_id FROM failure_groups")).one()
    for version, days in (("1.0", 9), ("2.0", 1)):
        make_first_sighting(
            agentflow_id=flow, kind="service_version", name=version, first_seen_at=now - timedelta(days=days)
        )
    as_mia.post(f"/failures/{one}/state", data={"action": "resolve", "version": "2.0"})
    with owner_engine.begin() as owner:
        owner.execute(sa.text("UPDATE failure_groups SET resolved_at = now() - interval '1 minute'"))
    post_failures("no such order 2", version="1.0")
    watch_failures(app_engine)
    assert read_group(one).state == "resolved"
    post_failures("no such order 3", version="2.0")
    assert read_group(one).state == "open" and read_group(one).regressed_at is not None
    assert "Regressed" in as_mia.get("/failures").text
