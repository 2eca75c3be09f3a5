"""What happens to failures by itself: mutes end, escalations begin and end, older executions find their causes."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.factories.observability import make_first_sighting
from webapp.database.tenancy import organization_session
from webapp.features.failures.operations_watch import end_mutes, note_escalations
from webapp.jobs.tasks.failures import map_earlier_failures, watch_failures

LONG_AGO = timedelta(days=60)


@pytest.fixture
def watch(app_engine, organization):
    """``watch(now)``: which mutes ended, which escalations began and ended."""

    def watch(now):
        with organization_session(app_engine, organization.id) as session:
            return end_mutes(session, organization.id, now=now), *note_escalations(session, organization.id, now=now)

    return watch


def test_a_mute_ends_with_its_time(watch, make_failure, read_group, read_events, alice, told, now):
    one = make_failure(state="muted", is_reviewed=True, muted_until=now + timedelta(hours=1), owner_id=alice.id)
    assert watch(now) == ([], [], [])
    assert watch(now + timedelta(hours=2)) == ([one], [], [])
    assert watch(now + timedelta(hours=3)) == ([], [], [])
    group = read_group(one)
    assert (group.state, group.is_reviewed, group.muted_until) == ("open", False, None)
    [(name, payload)] = read_events(one)
    assert name == "failure.unmuted" and payload["why"] == "time" and len(told(alice)) == 1


def test_a_mute_ends_with_its_version_in_one_of_its_flows(watch, make_failure, read_group, now):
    one = make_failure(state="muted", muted_until_version="2.0")
    flow = read_group(one).agentflow_id
    make_failure(flow="other")
    make_first_sighting(agentflow_id=flow, kind="service_version", name="1.9", first_seen_at=now)
    make_first_sighting(agentflow_id=flow, kind="model", name="2.0", first_seen_at=now)
    assert watch(now)[0] == []
    make_first_sighting(agentflow_id=flow, kind="service_version", name="2.0", first_seen_at=now)
    assert watch(now)[0] == [one]


@pytest.mark.parametrize(("weekly", "events", "begins"), [(4, 9, False), (4, 12, True), (8, 15, False), (8, 24, True)])
def test_an_hour_is_compared_with_the_same_hour_of_past_weeks(
    watch, make_failure, read_group, now, weekly, events, begins
):
    one = make_failure(times=events, first_seen_at=now - LONG_AGO)
    add(one, [now - timedelta(weeks=week, minutes=30) for week in range(1, 5) for _ in range(weekly)], read_group)
    add(one, [now - timedelta(hours=hour, minutes=30) for hour in range(1, 9) for _ in range(50)], read_group)
    assert watch(now)[1] == ([one] if begins else [])
    assert (read_group(one).escalating_since == now) is begins


def test_an_escalation_wakes_what_was_muted_until_then_and_ends(watch, make_failure, read_group, read_events, now):
    muted = {"state": "muted", "is_reviewed": True, "first_seen_at": now - LONG_AGO}
    one = make_failure(times=10, is_muted_until_escalating=True, **muted)
    two = make_failure(times=10, muted_until=now + LONG_AGO, **muted)
    three = make_failure(times=10, is_reviewed=True, first_seen_at=now - LONG_AGO)
    resolved = make_failure(times=10, state="resolved", resolved_at=now, first_seen_at=now - LONG_AGO)
    assert set(watch(now)[1]) == {one, two, three}
    assert [read_group(id_).state for id_ in (one, two, three)] == ["open", "muted", "open"]
    assert not read_group(one).is_reviewed and not read_group(three).is_reviewed and read_group(two).is_reviewed
    assert read_group(resolved).escalating_since is None
    assert [name for name, _ in read_events(one)] == ["failure.escalated", "failure.unmuted"]
    assert watch(now + timedelta(minutes=1)) == ([], [], [])
    assert set(watch(now + timedelta(hours=2))[2]) == {one, two, three}
    assert read_group(one).escalating_since is None and read_events(three)[-1][0] == "failure.calmed_down"


def test_a_new_failure_is_new_and_does_not_escalate(watch, make_failure, now):
    make_failure(times=40)
    assert watch(now)[1] == []
    young = make_failure(times=40, first_seen_at=now - timedelta(hours=3))
    assert watch(now)[1] == [young]


def add(group_id, times, read_group):
    from tests.factories.failures import make_failure_occurrence
    from webapp.models import new_id

    group = read_group(group_id)
    for at in times:
        make_failure_occurrence(
            flow_execution_id=new_id(), flow_created_at=at, organization_id=group.organization_id,
            failure_group_id=group_id, agentflow_id=group.agentflow_id, occurred_at=at,
        )  # fmt: skip


def test_a_resolved_failure_that_is_back_opens_in_the_worker(make_failure, read_group, app_engine, alice, told, now):
    one = make_failure(state="resolved", resolved_at=now - timedelta(hours=1), minutes_ago=5, owner_id=alice.id)
    for _ in range(2):
        watch_failures(app_engine)
    assert [title.partition(" is ")[2] for title in told(alice)] == ["back: It broke"]
    assert read_group(one).state == "open" and read_group(one).regressed_at is not None


def test_executions_stored_before_find_their_causes(post_failures, placed, owner_engine, app_engine):
    post_failures("no such order 1", "no such customer 1")
    with owner_engine.begin() as owner:
        for table in ("failure_occurrences", "failure_fingerprints", "failure_groups"):
            owner.execute(sa.text(f"DELETE FROM {table}"))
    for _ in range(2):
        map_earlier_failures(app_engine)
        assert sorted(placed().values()) == [1, 1]
