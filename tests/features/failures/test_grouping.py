"""Merge, take back, split: occurrences move with their fingerprints, and what arrives later follows."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from webapp.jobs.tasks.failures import watch_failures

ORDER, CUSTOMER = "no such order 1", "no such customer 1"


@pytest.fixture
def ids(owner_engine):
    """Ids of failures by number."""

    def ids():
        with owner_engine.connect() as connection:
            return dict(connection.execute(sa.text("SELECT number, id FROM failure_groups")).all())

    return ids


def test_a_merge_moves_what_was_and_what_will_be(as_mia, post_failures, placed, ids, read_events, read_group):
    post_failures(ORDER, ORDER, CUSTOMER)
    assert placed() == {1: 2, 2: 1}
    one, two = ids()[1], ids()[2]
    for _ in range(2):
        answer = as_mia.post(f"/failures/{two}/merge", data={"into": "F-1"})
        assert answer.status_code == 303 and answer.location == f"/failures/{one}"
    assert placed() == {1: 3}
    assert [name for name, _ in read_events(two)] == ["failure.merged"]
    post_failures(CUSTOMER)
    assert placed() == {1: 4}
    answer = as_mia.get(f"/failures/{two}")
    assert answer.status_code == 302 and answer.location == f"/failures/{one}"
    assert "F-2" in as_mia.get(f"/failures/{one}").text
    assert "was merged into" in as_mia.get(f"/failures/{two}?merged=stay").text
    assert as_mia.post(f"/failures/{two}/state", data={"action": "resolve"}).status_code == 409
    assert read_group(one).first_seen_at <= read_group(two).first_seen_at


def test_a_merge_is_taken_back(as_mia, post_failures, placed, ids, read_events):
    post_failures(ORDER, CUSTOMER)
    two = ids()[2]
    as_mia.post(f"/failures/{two}/merge", data={"into": "1"})
    post_failures(CUSTOMER, ORDER)
    assert placed() == {1: 4}
    for _ in range(2):
        assert as_mia.post(f"/failures/{two}/unmerge").status_code == 303
    assert placed() == {1: 2, 2: 2}
    assert [name for name, _ in read_events(two)] == ["failure.merged", "failure.unmerged"]
    post_failures(CUSTOMER)
    assert placed() == {1: 2, 2: 3}
    assert as_mia.get(f"/failures/{two}").status_code == 200


def test_merges_in_a_chain_end_in_one_and_come_apart(as_mia, post_failures, placed, ids):
    post_failures(ORDER, CUSTOMER, "no such price 1")
    number = ids()
    as_mia.post(f"/failures/{number[1]}/merge", data={"into": "F-2"})
    as_mia.post(f"/failures/{number[2]}/merge", data={"into": "F-3"})
    assert placed() == {3: 3}
    assert as_mia.post(f"/failures/{number[3]}/merge", data={"into": "F-1"}).status_code == 422
    as_mia.post(f"/failures/{number[1]}/unmerge")
    assert placed() == {1: 1, 3: 2}


@pytest.mark.parametrize("into", ["", "x", "F-1", "F-99", "F-99999999999"])
def test_merges_that_mean_nothing(as_mia, post_failures, placed, ids, into):
    post_failures(ORDER)
    assert as_mia.post(f"/failures/{ids()[1]}/merge", data={"into": into}).status_code == 422
    assert placed() == {1: 1}


def test_a_split_takes_a_part_and_what_follows(as_mia, post_failures, placed, ids, read_group):
    post_failures(ORDER, ORDER, environment="staging")
    post_failures(ORDER, environment="production")
    page = as_mia.get(f"/failures/{ids()[1]}").text
    assert 'value="environment:staging"' in page and "Environment staging (2 runs)" in page
    assert 'value="tool:' not in page
    answer = as_mia.post(f"/failures/{ids()[1]}/split", data={"part": "environment:staging"})
    assert answer.location == f"/failures/{ids()[2]}"
    assert placed() == {1: 1, 2: 2}
    again = as_mia.post(f"/failures/{ids()[1]}/split", data={"part": "environment:staging"})
    assert again.location == answer.location and set(ids()) == {1, 2}
    post_failures(ORDER, CUSTOMER, environment="staging", is_together=True)
    assert placed() == {1: 1, 2: 3, 3: 1}
    page = as_mia.get(answer.location).text
    assert "(environment staging)" in page and "Split by environment" in page
    # merged back, it is one again, and can be split again
    as_mia.post(f"/failures/{ids()[2]}/merge", data={"into": "F-1"})
    post_failures(ORDER, environment="staging")
    assert placed() == {1: 5, 3: 1}
    as_mia.post(f"/failures/{ids()[1]}/split", data={"part": "environment:staging"})
    assert placed() == {1: 1, 3: 1, 4: 4}


def test_a_split_by_flow_names_it(as_mia, post_failures, placed, ids):
    post_failures(ORDER, flow="orders")
    post_failures(ORDER, flow="returns")
    if placed() == {1: 1, 2: 1}:  # flows divide causes already: put together by hand, then taken apart
        as_mia.post(f"/failures/{ids()[2]}/merge", data={"into": "F-1"})
    page = as_mia.get(f"/failures/{ids()[1]}").text
    value = re.search(r'<option value="(agentflow:[^"]+)">Flow returns', page)[1]
    before = len(ids())
    assert as_mia.post(f"/failures/{ids()[1]}/split", data={"part": value}).status_code == 303
    post_failures(ORDER, flow="returns")
    assert placed() == {1: 1, before + 1: 2}


@pytest.mark.parametrize(
    "part", ["", "environment:mars", "environment:staging", "message:x", "nothing", "tool:find_order"]
)
def test_splits_that_mean_nothing(as_mia, post_failures, placed, ids, part):
    post_failures(ORDER, environment="staging")
    assert as_mia.post(f"/failures/{ids()[1]}/split", data={"part": part}).status_code == 422
    assert placed() == {1: 1} and set(ids()) == {1}


def test_what_an_export_stored_by_the_old_rule_follows(as_mia, post_failures, placed, ids, owner_engine, app_engine):
    post_failures(ORDER, CUSTOMER)
    as_mia.post(f"/failures/{ids()[2]}/merge", data={"into": "F-1"})
    with owner_engine.begin() as owner:
        owner.execute(
            sa.text("UPDATE failure_occurrences SET failure_group_id = :two WHERE flow_execution_id ="
                    " (SELECT min(flow_execution_id::text)::uuid FROM failure_occurrences)"),
            {"two": ids()[2]},
        )  # fmt: skip
    assert placed() == {1: 1, 2: 1}
    watch_failures(app_engine)
    assert placed() == {1: 2}


def test_viewers_and_strangers(as_bob, as_charlie, post_failures, ids):
    post_failures(ORDER)
    one = ids()[1]
    for act, data in (("merge", {"into": "F-1"}), ("unmerge", {}), ("split", {"part": "tool:x"})):
        assert as_bob.post(f"/failures/{one}/{act}", data=data).status_code == 403
        assert as_charlie.post(f"/failures/{one}/{act}", data=data).status_code == 404
    page = as_bob.get(f"/failures/{one}").text
    assert "Merge or split" not in page and "Resolve" not in page and "Say something" not in page
    assert "Why these are together" in page
