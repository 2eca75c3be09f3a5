"""What changed before a failure: whose it is, how much it asks, what it shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from tests.factories import make_user
from tests.incidents.timeline import at
from tests.incidents.world import FINE, Outcome, Run, Setup, body_of
from webapp.database.tenancy import organization_session
from webapp.features.events.operations import AuthorId, record
from webapp.features.failures.queries_changes import find_suspects, top_suspects
from webapp.ingest.decode import PROTOBUF, decode
from webapp.ingest.spans import spans_of
from webapp.ingest.store import ingest

NOT_PARSED = Outcome("late", "OutputParserException", "the answer is not the JSON that was asked for")
OTHER = Outcome("tool", "TimeoutError", "upstream took longer than 30 s")
OLD, NEW = "You are a support agent.\nAnswer from the manual.", "You are a support agent.\nAnswer as a poem."
NOW = at(13)


@pytest.fixture
def send(app_engine: Engine, organization, api_key) -> Callable[[list[Run]], None]:
    def send(runs: list[Run]) -> None:
        spans, _ = spans_of(decode(body_of(runs, Random(7)), PROTOBUF))
        with organization_session(app_engine, organization.id) as session:
            result = ingest(session, api_key.row, spans, now=max(run.at for run in runs) + timedelta(seconds=9))
        result.committed()

    return send


@pytest.fixture
def ask(app_engine: Engine, organization, owner_engine: Engine) -> Callable[..., Any]:
    def ask(query: Callable, *args: Any, organization_id: UUID | None = None):
        with organization_session(app_engine, organization_id or organization.id) as session:
            return query(session, organization_id or organization.id, *args, now=NOW)

    return ask


@pytest.fixture
def groups(owner_engine: Engine) -> Callable[[], list[UUID]]:
    def groups() -> list[UUID]:
        with owner_engine.connect() as connection:
            return list(connection.scalars(text("SELECT id FROM failure_groups ORDER BY number")))

    return groups


def incident(flow: str = "support", *, hour: float = 3, outcome: Outcome = NOT_PARSED, **new: Any) -> list[Run]:
    """Thirty good runs, then thirty of which most fail."""
    before, after = Setup(prompt=OLD), Setup(prompt=NEW, **new)
    moments = [at(hour + number / 60) for number in range(60)]
    return [
        Run(moment, after if number >= 30 else before, outcome if number >= 30 and number % 5 else FINE, flow)
        for number, moment in enumerate(moments)
    ]


def test_a_changed_prompt_is_shown_with_its_texts_and_figures(send, ask, groups):
    send(incident())
    found = ask(find_suspects, groups()[0])
    suspect = found.items[0]
    assert (suspect.dimension, suspect.words, suspect.changed_at) == ("prompt", "Prompt", at(3.5))
    assert (suspect.before.content, suspect.after.content) == (OLD, NEW)
    assert [line.text for line in suspect.diff if line.kind == "added"] == ["Answer as a poem."]
    assert suspect.reason("09:30").endswith("since 09:30: 24 of 30 failed, before 0 of 30")
    assert (found.run_count, found.failed_count, found.flow_count) == (60, 24, 1)
    assert (found.last_good, found.first_bad) == (at(3.5), at(3 + 31 / 60))
    assert "agent" not in found.unknown_dimensions and "plugin" in found.unknown_dimensions


def test_a_stranger_sees_nothing_of_it(send, ask, groups, other_organization):
    send(incident())
    theirs = ask(find_suspects, groups()[0], organization_id=other_organization.id)
    assert (theirs.items, theirs.run_count) == ((), 0)
    assert ask(top_suspects, groups(), organization_id=other_organization.id) == {groups()[0]: None}


def test_executions_that_failed_otherwise_are_neither_good_nor_bad(send, ask, groups, owner_engine):
    send([*incident(), *(Run(at(3.2 + n / 500), Setup(prompt=OLD), OTHER) for n in range(12))])
    with owner_engine.connect() as connection:
        query = "SELECT failure_group_id FROM failure_occurrences GROUP BY 1 ORDER BY count(*) DESC"
        biggest = connection.scalars(text(query)).first()
    assert ask(find_suspects, biggest).run_count == 60


def test_the_number_of_statements_does_not_grow(send, ask, groups, count_queries):
    send(incident())
    with count_queries() as one:
        ask(find_suspects, groups()[0])
    assert len(one) == 4, str(one)
    with count_queries() as one:
        assert ask(top_suspects, groups())[groups()[0]].dimension == "prompt"
    with count_queries() as again:
        ask(top_suspects, groups())
    assert (len(one), len(again)) == (3, 0)
    send([run for flow in "abcdef" for run in incident(f"flow {flow}", outcome=replaced(flow))])
    assert len(groups()) == 7
    with count_queries() as many:
        found = ask(top_suspects, groups())
    assert len(many) == 3 and {suspect.dimension for suspect in found.values()} == {"prompt"}


def replaced(word: str) -> Outcome:
    return Outcome("late", f"{word.upper()}Error", f"cannot {word * 5} this")


def test_who_changed_it_is_told_and_what_others_changed_elsewhere_is_not(send, ask, groups, app_engine, organization):
    user = make_user(full_name="Ann Other")
    send(incident())
    with organization_session(app_engine, organization.id) as session:
        flow = session.scalar(text("SELECT id FROM agentflows WHERE name = :name"), {"name": "support"})
        agent = session.scalar(
            text("SELECT agent_id FROM blocks WHERE agentflow_id = :id AND agent_id IS NOT NULL"), {"id": flow}
        )
        author = AuthorId(organization.id, user.id)
        changed = {"changed": ["system_prompt"]}
        record(session, author, "agent", agent, "agent.changed", changed, at=at(3.45))
        record(session, author, "agent", UUID(int=7), "agent.changed", changed, at=at(3.49))
    suspect = ask(find_suspects, groups()[0]).items[0]
    assert (suspect.dimension, suspect.author, suspect.event_type) == ("prompt", "Ann Other", "agent.changed")
    assert suspect.after.content == NEW


def test_flows_that_fail_alike_without_a_change_are_a_hint(send, ask, groups):
    for flow in ("support a", "support b"):
        runs = incident(flow, outcome=Outcome("model", "APIStatusError", "Error code: 503 - overloaded"))
        send([Run(run.at, Setup(), run.outcome, run.flow) for run in runs])
    [group] = groups()
    found = ask(find_suspects, group)
    assert found.items == () and found.flow_count == 2 and "2 flows fail in the same way" in found.hint


def test_a_failure_without_occurrences_or_of_nobody_names_nothing(ask):
    assert ask(find_suspects, UUID(int=1)).items == ()
    assert ask(top_suspects, [UUID(int=1)]) == {UUID(int=1): None}
