"""The filter of executions: its address, its words, and what a search text is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from webapp.domain.execution_filter import ExecutionFilter, Search, describe, read_search

FLOW = UUID("01a20dd6-33c8-7ec2-8056-07d669cfae9a")
FULL = ExecutionFilter(
    preset="",
    since=datetime(2026, 11, 20, 11, 30, tzinfo=UTC),
    until=datetime(2026, 11, 20, 12, 30, 15, tzinfo=UTC),
    q="a&b",
    status=("failed", "running"),
    flow=(FLOW,),
    model=("gpt 5",),
    session="s",
    cost_min=Decimal("0.10"),
    duration_max_ms=1_500,
)


def test_the_address_of_the_default_filter_is_bare():
    assert ExecutionFilter().query() == ""
    assert ExecutionFilter(preset="3h").query(cursor="x") == "?time=3h&cursor=x"


def test_the_address_names_every_field_and_escapes_it():
    assert FULL.query() == (
        "?q=a%26b&since=2026-11-20T11%3A30Z&until=2026-11-20T12%3A30%3A15Z&status=failed&status=running"
        f"&flow={FLOW}&model=gpt+5&session=s&cost_min=0.1&duration_max=1.5"
    )


@pytest.mark.parametrize("name", FULL.active)
def test_leaving_one_field_open_leaves_the_others(name):
    assert FULL.without(name).active == [other for other in FULL.active if other != name]


def test_only_the_roll_ups_own_fields_are_rolled_up():
    assert ExecutionFilter(status=("failed",), flow=(FLOW,), environment=("prod",)).is_rolled_up
    assert not ExecutionFilter(model=("gpt-5",)).is_rolled_up and not ExecutionFilter(q="x").is_rolled_up


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("time", "20 Nov 20:30 to 21:30"), ("status", "failed or running"), ("flow", "Triage"), ("model", "gpt 5"),
        ("cost", "at least $0.1"), ("duration", "at most 1.5 s"), ("session", "s"),
    ],
)  # fmt: skip
def test_a_field_in_words(name, words):
    assert describe(FULL, name, {FLOW: "Triage"}, ZoneInfo("Asia/Seoul")) == words


def test_many_values_are_counted():
    assert describe(ExecutionFilter(model=("a", "b", "c")), "model", {}, ZoneInfo("UTC")) == "any of 3"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" ", None),
        ("ex_69CFAE9A", Search(tail="69cfae9a")),
        ("69cfae9a", Search(tail="69cfae9a")),
        (str(FLOW), Search(execution_id=FLOW)),
        (FLOW.hex, Search(execution_id=FLOW, trace_id=FLOW.bytes)),
        ("order 42", Search(words="order 42")),
        ("z" * 32, Search(words="z" * 32)),
    ],
)
def test_what_a_search_text_is(text, found):
    assert read_search(text) == found
