"""What a flow runs with is written once, with the moment from which it does, and never without bound."""

from __future__ import annotations

from collections.abc import Callable
from random import randbytes

import pytest
from psycopg import Cursor
from sqlalchemy import Engine, text

from tests.ingest.build import START_NS
from tests.ingest.http import export, make_span, send
from webapp.ingest import discover
from webapp.ingest.decode import PROTOBUF

PROMPT = "You are a weather assistant. Today is {date}."


def run(*, model: str = "gpt-4o-mini", prompt: str | None = None, flow: str = "weather", start_ns: int = START_NS):
    """One execution with one model call."""
    trace, root = randbytes(16), randbytes(8)
    workflow = {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": flow}
    call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model, "gen_ai.request.temperature": 0.2}
    if prompt is not None:
        call["gen_ai.system_instructions"] = prompt
    return [
        make_span(name=flow, trace_id=trace, span_id=root, start_ns=start_ns, attributes=workflow),
        make_span(name=f"chat {model}", trace_id=trace, parent=root, start_ns=start_ns, attributes=call),
    ]


@pytest.fixture
def post(client, api_key):
    def post(spans, **resource):
        assert send(client, api_key.text, export(spans, **resource), PROTOBUF).status_code == 200

    return post


@pytest.fixture
def rows(owner_engine: Engine):
    def rows(query: str, **values):
        with owner_engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    return rows


def test_an_execution_keeps_hashes_and_the_values_are_written_once(post, rows):
    post(run(prompt="You are a poet."), **{"service.version": "1.4", "deployment.environment.name": "prod"})
    post(run(prompt="You are a poet."), **{"service.version": "1.4", "deployment.environment.name": "prod"})
    [context, same] = [row[0] for row in rows("SELECT context FROM flow_executions")]
    assert context == same
    assert set(context) == {"model", "model_settings", "prompt", "service_version"}
    values = rows("SELECT dimension, encode(hash, 'hex'), label, content #>> '{}' FROM context_values ORDER BY 1")
    assert [(dimension, context[dimension]) for dimension, *_ in values] == [(d, [h]) for d, h, *_ in values]
    assert [(label, content) for _, _, label, content in values] == [
        ("gpt-4o-mini", None),
        ("temperature 0.2", "temperature 0.2"),
        ("You are a poet.", "You are a poet."),
        ("shop 1.4", None),
    ]
    seen = rows("SELECT environment, dimension, first_seen_at <= now() FROM context_sightings ORDER BY dimension")
    assert seen == [("prod", dimension, True) for dimension, *_ in values]


def test_what_no_span_tells_is_absent(post, rows):
    trace = randbytes(16)
    post([make_span(name="nightly", trace_id=trace)])
    assert rows("SELECT context FROM flow_executions") == [(None,)]
    assert rows("SELECT count(*) FROM context_values") == [(0,)]


def test_dates_and_ids_in_a_prompt_make_no_new_value(post, rows):
    for day in range(1, 9):
        date = f"2026-11-0{day}, ticket 4829{day}{day}, run 7c9e6679-7425-40de-944b-e07fc1f90ae{day}"
        post(run(prompt=PROMPT.format(date=date)))
    assert rows("SELECT count(*) FROM context_values WHERE dimension = 'prompt'") == [(1,)]
    post(run(prompt=PROMPT.format(date="2026-11-01") + " Answer in at most 50 words."))
    post(run(prompt=PROMPT.format(date="2026-11-01") + " Answer in at most 90 words."))
    assert rows("SELECT count(*) FROM context_values WHERE dimension = 'prompt'") == [(3,)]


def test_a_prompt_that_differs_with_each_run_does_not_fill_the_tables(post, rows):
    names = [f"{a}{b}" for a in "ABCDEFGHIJ" for b in ("nna", "lex", "lma", "ida", "ugo", "eva")]
    for start in range(0, 60, 10):
        post([span for name in names[start : start + 10] for span in run(prompt=f"You help {name}.")])
    assert rows("SELECT count(*) FROM context_values WHERE dimension = 'prompt'") == [(40,)]
    assert rows("SELECT count(DISTINCT context -> 'prompt') FROM flow_executions") == [(60,)]
    assert rows("SELECT count(*) FROM context_values WHERE dimension = 'model'") == [(1,)]


def test_known_values_cost_no_statement_and_an_unknown_one_costs_one(post):
    post(run())
    assert "context_sightings" not in " ".join(statements_of(lambda: post(run())))
    assert " ".join(statements_of(lambda: post(run(model="gpt-4o")))).count("INTO context_sightings") == 1


def statements_of(action: Callable[[], None]) -> list[str]:
    """What is sent over psycopg while an action runs."""
    texts: list[str] = []
    real = Cursor.execute

    def execute(self, query, *more, **options):
        texts.append(str(query))
        return real(self, query, *more, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cursor, "execute", execute)
        action()
    return texts


def test_a_flow_that_is_not_known_yet_gets_its_sighting_with_its_name(post, rows):
    root, call = run()
    post([call])
    assert rows("SELECT count(*) FROM context_sightings") == [(0,)]
    assert rows("SELECT context ? 'model' FROM flow_executions") == [(True,)]
    post([root])
    assert rows("SELECT count(*) FROM context_sightings WHERE dimension = 'model'") == [(1,)]


def test_values_that_were_only_remembered_are_written_again_after_forgetting(post, rows, organization):
    post(run())
    discover.forget(organization.id)
    post(run())
    assert rows("SELECT count(*) FROM context_values") == [(2,)]
