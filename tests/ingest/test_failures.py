"""Failed executions become occurrences of their causes; repaired causes come back, and only then."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from random import randbytes

import pytest
from sqlalchemy import Engine, text

from tests.ingest.http import export, make_span, send
from webapp.database.tenancy import organization_session
from webapp.ingest.decode import PROTOBUF
from webapp.ingest.reopening import reopen_returned

SECOND = 1_000_000_000


def now_ns() -> int:
    return time.time_ns()


def failed_trace(message: str = "no such order 17", *, start_ns: int | None = None, error: str = "LookupError", **more):
    """A root that fails because of a tool, the exception on three nested spans."""
    trace, root, agent = randbytes(16), randbytes(8), randbytes(8)
    start = start_ns or now_ns() - 2 * SECOND
    workflow = {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": more.pop("flow", "orders")}
    spans = [
        make_span(name="orders", trace_id=trace, span_id=root, start_ns=start, ms=900, attributes=workflow),
        make_span(
            name="invoke_agent clerk", trace_id=trace, span_id=agent, parent=root, start_ns=start, ms=800,
            attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "clerk"},
        ),
        make_span(
            name="execute_tool find_order", trace_id=trace, parent=agent, start_ns=start, ms=700,
            attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find_order"},
        ),
    ]  # fmt: skip
    for span in spans:
        span.status.code = 2
        event = span.events.add(name="exception", time_unix_nano=span.end_time_unix_nano)
        for name, value in (("exception.type", error), ("exception.message", message)):
            event.attributes.add(key=name).value.string_value = value
    return spans


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


def test_one_exception_through_nested_spans_is_one_occurrence_on_the_deepest(post, rows):
    post(failed_trace(), **{"service.version": "1.4"})
    assert rows("SELECT count(*) FROM failure_occurrences") == [(1,)]
    [(number, title, kind, step, version, parts)] = rows(
        "SELECT number, title, step_kind, step_name, first_seen_version, parts FROM failure_groups"
    )
    assert (number, kind, step, version) == (1, "tool", "find_order", "1.4")
    assert "LookupError" in title and "find_order" in title and {"label": "tool", "value": "find_order"} in parts
    [(same,)] = rows("""
        SELECT o.step_id = t.id FROM failure_occurrences o
        JOIN tool_executions t ON t.flow_execution_id = o.flow_execution_id
    """)
    assert same


def test_numbers_do_not_divide_and_other_errors_do(post, rows):
    post(failed_trace("no such order 17") + failed_trace("no such order 99") + failed_trace("no such customer 5"))
    counted = "SELECT count(*) FROM failure_occurrences GROUP BY failure_group_id ORDER BY 1"
    assert rows(counted) == [(1,), (2,)]
    assert rows("SELECT number FROM failure_groups ORDER BY 1") == [(1,), (2,)]


def test_the_same_export_twice_counts_once(post, rows):
    spans = failed_trace()
    post(spans)
    post(spans)
    assert rows("SELECT count(*) FROM failure_occurrences") == [(1,)]


def test_a_late_span_that_shows_that_it_was_coped_with_takes_the_occurrence_away(post, rows):
    spans = failed_trace()
    post(spans)
    assert rows("SELECT count(*) FROM failure_occurrences") == [(1,)]
    root = spans[0]
    root.status.code = 1
    del root.events[:]
    root.end_time_unix_nano += SECOND
    agent = spans[1]
    agent.status.code = 1
    del agent.events[:]
    agent.end_time_unix_nano += SECOND
    post([root, agent])
    assert rows("SELECT status FROM flow_executions") == [("completed",)]
    assert rows("SELECT count(*) FROM failure_occurrences") == [(0,)]


def test_many_exports_with_a_new_cause_at_once_make_one_group(app, api_key, rows):
    def send_one():
        with app.test_client() as client:
            assert send(client, api_key.text, export(failed_trace()), PROTOBUF).status_code == 200

    threads = [threading.Thread(target=send_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows("SELECT count(*) FROM failure_groups") == [(1,)]
    assert rows("SELECT count(*) FROM failure_occurrences") == [(8,)]


def resolve(owner_engine: Engine, at: datetime, version: str | None = None) -> None:
    with owner_engine.begin() as owner:
        owner.execute(
            text("UPDATE failure_groups SET state = 'resolved', resolved_at = :at, resolved_in_version = :version"),
            {"at": at, "version": version},
        )


def test_an_occurrence_that_started_after_the_resolution_reopens_with_an_event(post, rows, owner_engine):
    post(failed_trace())
    resolve(owner_engine, datetime.now(UTC) - timedelta(seconds=30))
    post(failed_trace("no such order 18"))
    [(state, regressed)] = rows("SELECT state, regressed_at IS NOT NULL FROM failure_groups")
    assert (state, regressed) == ("open", True)
    assert rows("SELECT event_type FROM event_store WHERE aggregate_type = 'failure'") == [("failure.regressed",)]


def test_an_occurrence_from_before_the_resolution_does_not(post, rows, owner_engine):
    post(failed_trace())
    resolve(owner_engine, datetime.now(UTC))
    post(failed_trace(start_ns=now_ns() - 60 * SECOND))
    assert rows("SELECT state FROM failure_groups") == [("resolved",)]


def test_an_older_version_does_not_reopen_what_was_repaired_in_a_later_one(post, rows, owner_engine, app_engine):
    early = now_ns() - 7200 * SECOND
    post(failed_trace(start_ns=early), **{"service.version": "1.0"})
    with owner_engine.begin() as owner:
        owner.execute(
            text("""
            INSERT INTO first_sightings (organization_id, agentflow_id, environment, kind, name, first_seen_at)
            SELECT organization_id, id, '', 'service_version', x.name, x.at
            FROM agentflows,
                 (VALUES ('1.0', now() - interval '3 hours'), ('2.0', now() - interval '1 hour')) x (name, at)
        """)
        )
    resolve(owner_engine, datetime.now(UTC) - timedelta(minutes=30), "2.0")
    post(failed_trace(), **{"service.version": "1.0"})
    post(failed_trace())
    assert rows("SELECT state FROM failure_groups") == [("resolved",)]
    post(failed_trace(), **{"service.version": "2.0"})
    assert rows("SELECT state FROM failure_groups") == [("open",)]


def test_a_resolution_that_an_export_could_not_see_yet_is_undone_by_the_worker(
    post, rows, owner_engine, organization, app_engine
):
    post(failed_trace())
    resolve(owner_engine, datetime.now(UTC) - timedelta(seconds=30))
    with organization_session(app_engine, organization.id) as session:
        assert len(reopen_returned(session, organization.id, now=datetime.now(UTC))) == 1
        assert reopen_returned(session, organization.id, now=datetime.now(UTC)) == []
    assert rows("SELECT state FROM failure_groups") == [("open",)]


def test_splits_and_merges_are_respected_by_later_occurrences(post, rows, owner_engine, organization):
    post(failed_trace(flow="orders") + failed_trace(flow="returns"))
    with owner_engine.begin() as owner:
        owner.execute(
            text("""
            INSERT INTO failure_groups (id, organization_id, number, title, first_seen_at)
            SELECT gen_random_uuid(), organization_id, 99, 'only returns', now() FROM failure_groups
        """)
        )
        owner.execute(
            text("""
            INSERT INTO failure_splits (id, organization_id, version, fingerprint, dimension, value, failure_group_id)
            SELECT gen_random_uuid(), f.organization_id, f.version, f.fingerprint, 'agentflow',
                   (SELECT id FROM agentflows WHERE name = 'returns')::text, g.id
            FROM failure_fingerprints f, failure_groups g WHERE g.number = 99
        """)
        )
    post(failed_trace(flow="orders") + failed_trace(flow="returns"))
    counted = """
        SELECT g.number, count(*) FROM failure_occurrences o JOIN failure_groups g ON g.id = o.failure_group_id
        GROUP BY 1 ORDER BY 1
    """
    assert rows(counted) == [(1, 3), (99, 1)]
