"""The demo tells its story: one seed, one set of traces; what fails, since when, and what is unknown."""

from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from webapp.demo.causes import CAUSES, Moments, version_of
from webapp.demo.plans import LONG_NAME, OWN, PLANS, make_plans
from webapp.demo.schedule import schedule
from webapp.demo.traces import make_trace
from webapp.demo.wire import export
from webapp.ingest.names import short
from webapp.ingest.spans import spans_of
from webapp.ingest.trace import map_trace

NOW = datetime(2026, 11, 24, 22, 40, tzinfo=ZoneInfo("Asia/Seoul"))
MOMENTS = Moments.before(NOW)


@cache
def story(number=4000, days=30):
    """Every execution of a demo, planned and as the mapping reads it."""
    found = []
    for planned in schedule(PLANS, number=number, days=days, now=NOW, seed=1):
        trace = make_trace(planned, now=NOW, moments=MOMENTS, seed=1)
        spans, rejected = spans_of(export({trace.resource: trace.spans}))
        assert not rejected
        found.append((planned, map_trace(spans)))
    return found


def mapped_of(name, since=None, until=None):
    return [
        mapped
        for planned, mapped in story()
        if planned.plan.name == name
        and (since is None or planned.at >= since)
        and (until is None or planned.at < until)
    ]


def failed_share(executions):
    return sum(mapped.status == "failed" for mapped in executions) / len(executions)


def test_one_seed_always_makes_the_same_traces_and_another_makes_others():
    def bytes_of(seed):
        planned = schedule(PLANS, number=60, days=9, now=NOW, seed=seed)
        return [make_trace(one, now=NOW, moments=MOMENTS, seed=seed).spans for one in planned]

    assert bytes_of(1) == bytes_of(1)
    assert bytes_of(1) != bytes_of(2)


def test_each_trace_is_read_as_one_finished_execution_of_its_flow():
    for planned, mapped in story():
        assert mapped.flow_name == short(planned.plan.name)
        assert mapped.is_root_seen and mapped.status in ("completed", "failed", "cancelled")
        assert mapped.trigger_type == planned.plan.trigger
        assert mapped.started_ns < mapped.ended_ns < NOW.timestamp() * 1e9


def test_refunds_fail_in_two_of_five_since_the_version_of_friday_and_hardly_before():
    assert MOMENTS.friday == datetime(2026, 11, 20, 14, 2, tzinfo=NOW.tzinfo)
    assert 0.3 < failed_share(mapped_of("refund-decision", since=MOMENTS.friday)) < 0.55
    assert failed_share(mapped_of("refund-decision", until=MOMENTS.friday)) < 0.06
    versions = {mapped.service_version for mapped in mapped_of("refund-decision", since=MOMENTS.friday)}
    assert versions == {"2.14.0"}
    broken = [mapped for mapped in mapped_of("refund-decision", since=MOMENTS.friday) if mapped.status == "failed"]
    causes = Counter(mapped.error.type for mapped in broken)
    assert causes.most_common(1)[0][0] == "httpx.ReadTimeout"
    timeout = next(mapped for mapped in broken if mapped.error.type == "httpx.ReadTimeout")
    assert timeout.error.raised_type == "refunds.errors.RefundNotIssued"
    assert "issue_refund" in timeout.tools and timeout.error.stack.startswith("Traceback")


def test_the_other_flows_mostly_work():
    assert (
        0.005 < failed_share([mapped for planned, mapped in story() if planned.plan.name != "refund-decision"]) < 0.06
    )


def test_every_cause_is_seen_and_some_executions_recover_or_are_cancelled():
    seen = Counter(mapped.error.type for _, mapped in story() if mapped.error)
    assert {cause.type for cause in CAUSES if cause.since != "hours"} <= set(seen)
    assert any("찾을 수 없습니다" in (mapped.error.message or "") for _, mapped in story() if mapped.error)
    recovered = [m for _, m in story() if m.status == "completed" and any(s.error_type for s in m.steps)]
    assert recovered and any(m.status == "cancelled" for _, m in story())


def test_what_nobody_says_stays_unknown():
    assert all(mapped.input_tokens is None for mapped in mapped_of("meeting-brief"))
    assert any(OWN[0] in mapped.models and mapped.input_tokens for mapped in mapped_of("fraud-screen"))


def test_people_sleep_at_night_and_rest_at_weekends_but_the_night_flow_runs():
    office = [planned.at for planned, _ in story() if planned.plan.rhythm == "office"]
    by_hour = Counter(at.hour for at in office)
    assert by_hour[10] > 10 * max(by_hour[3], 1)
    by_day = Counter(at.weekday() for at in office)
    assert by_day[1] > 5 * by_day[6]
    assert {planned.at.hour for planned, _ in story() if planned.plan.rhythm == "night"} <= {2, 3}


def test_sessions_have_turns_of_one_person():
    turns = {}
    for _, mapped in story():
        if mapped.session_id:
            turns.setdefault(mapped.session_id, set()).add(mapped.user_ref)
    assert all(len(people) == 1 for people in turns.values())
    assert max(Counter(m.session_id for _, m in story() if m.session_id).values()) > 1


@pytest.mark.parametrize("number", [1, 13, 500])
def test_as_many_flows_as_wanted_each_with_its_own_name(number):
    names = [plan.name for plan in make_plans(number, 1)]
    assert len(set(names)) == number
    assert (LONG_NAME in names) == (number >= len(PLANS))


def test_friday_is_the_last_one_that_is_half_a_day_ago():
    friday = datetime(2026, 11, 27, 15, 0, tzinfo=NOW.tzinfo)
    assert Moments.before(friday).friday.day == 20
    assert Moments.before(friday + timedelta(days=1)).friday.day == 27
    assert version_of("support-api", NOW, NOW, MOMENTS) == "2.14.0"
