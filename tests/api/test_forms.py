"""Every parameter of the list is read strictly, and a refusal names it."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from webapp.api.forms import PARAMETERS, read_question
from webapp.domain.errors import Invalid
from webapp.domain.paging import Cursor

FLOW = UUID("01938f3a-0000-7000-8000-000000000001")


def wanted(**arguments):
    return read_question(arguments.items()).wanted


def test_nothing_given_asks_for_the_first_page_of_everything():
    question = read_question([])
    assert (question.after, question.limit) == (None, 50)
    assert question.wanted.active == []


def test_a_flow_is_an_id_or_a_name():
    assert wanted(flow=str(FLOW)).flow == (FLOW,)
    assert read_question([("flow", "환불 결정")]).flow_name == "환불 결정"


def test_a_trace_id_is_taken_in_either_case():
    assert read_question([("trace_id", "AB" * 16)]).trace_id == bytes.fromhex("ab" * 16)


def test_statuses_are_separated_by_commas():
    assert wanted(status="failed, cancelled,failed").status == ("failed", "cancelled")


def test_names_may_be_repeated_and_may_hold_commas():
    wanted = read_question([("model", "gpt-4o"), ("model", "a, b"), ("agent", "요약 담당")]).wanted
    assert (wanted.model, wanted.agent) == (("gpt-4o", "a, b"), ("요약 담당",))


def test_a_trace_id_and_words_to_search_for_exclude_each_other():
    with pytest.raises(Invalid):
        read_question([("trace_id", "ab" * 16), ("q", "timeout")])


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-24T09:30:00Z", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24T09:30:00", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24T09:30:00 09:00", datetime(2026, 11, 24, 9, 30, tzinfo=timezone(timedelta(hours=9)))),
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
    ],
)
def test_times_are_read_with_their_zone_and_utc_without(text, at):
    assert wanted(since=text).since == at
    assert wanted(until=text).until == at


def test_a_cursor_comes_back_as_the_place_it_names():
    cursor = Cursor(datetime(2026, 11, 24, 1, 2, 3, 456789, tzinfo=UTC), FLOW)
    assert read_question([("cursor", cursor.encode())]).after == cursor


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("trace_id", "xyz"),
        ("status", "succeeded"),
        ("since", "yesterday"),
        ("until", "2026-13-01"),
        ("trigger", "cron"),
        ("since", "0001-01-01"),
        ("cost_min", "NaN"),
        ("cost_max", "-1"),
        ("duration_min_ms", "soon"),
        ("model", "x" * 501),
        ("cursor", "!!"),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "-5"),
        ("limit", "ten"),
        ("limit", "٣"),
        ("statsu", "failed"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name, text):
    with pytest.raises(Invalid) as refusal:
        read_question([(name, text)])
    assert refusal.value.field == name
    assert name in refusal.value.message or name == "cursor"


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(Invalid) as refusal:
        read_question([("limit", "5"), ("limit", "6")])
    assert refusal.value.field == "limit"


def test_an_empty_value_filters_nothing():
    assert read_question([(parameter.name, "") for parameter in PARAMETERS]) == read_question([])
