"""Traces that arrive in many pieces, at once, late or twice become one execution with exact figures."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import randbytes
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from tests.ingest.build import START_NS
from tests.ingest.http import export, items, make_span, plain_rows, send
from webapp.database.tenancy import organization_session
from webapp.ingest.decode import PROTOBUF
from webapp.ingest.remap import remap
from webapp.ingest.settle import settle_due

SECOND = 1_000_000_000


def rows_of(engine: Engine, query: str, **values) -> list:
    with engine.connect() as connection:
        return connection.execute(text(query), values).all()


def call(trace: bytes, parent: bytes | None, number: int, *, model: str = "gpt-4o-mini", **more):
    """Return a model call of 100 input and 10 output tokens, ``number`` seconds after the start."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": model,
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
    } | more.pop("attributes", {})
    start = START_NS + number * SECOND
    return make_span(name=f"chat {model}", trace_id=trace, parent=parent, start_ns=start, attributes=attributes, **more)


def root(trace: bytes, span_id: bytes, name: str = "triage", seconds: int = 100, **attributes):
    known = {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": name} | attributes
    return make_span(name=name, trace_id=trace, span_id=span_id, ms=seconds * 1000, attributes=known)


def test_three_thousand_spans_over_many_exports_become_one_execution(client, api_key, organization, owner_engine):
    """40 minutes of a run in 120 exports, each span as it ends: counted once, complete, at each moment readable."""
    trace, top = randbytes(16), randbytes(8)
    spans = [call(trace, top, number) if number % 3 else tool(trace, top, number) for number in range(2_999)]
    pieces = [spans[start : start + 25] for start in range(0, 2_999, 25)]
    for piece in pieces:
        assert send(client, api_key.text, export(piece), PROTOBUF).status_code == 200
    (running,) = items(owner_engine, organization.id, [trace])
    assert running["status"] == "running"
    assert send(client, api_key.text, export([root(trace, top, seconds=2_400)]), PROTOBUF).status_code == 200
    (done,) = items(owner_engine, organization.id, [trace])
    assert (done["status"], done["model_call_count"], done["tool_call_count"]) == ("completed", 1_999, 1_000)
    assert (done["input_tokens"], done["output_tokens"]) == (199_900, 19_990)
    assert rows_of(owner_engine, "SELECT count(*) FROM spans") == [(3_000,)]
    assert rows_of(owner_engine, "SELECT count(*), count(cost_usd) FROM usage_ledger") == [(1_999, 1_999)]
    assert rows_of(owner_engine, "SELECT count(*), max(sequence) FROM agent_executions")[0][0] == 2_000
    assert rows_of(owner_engine, "SELECT name FROM agentflows") == [("triage",)]
    shown = rows_of(owner_engine, "SELECT cost_usd FROM flow_executions")[0][0]
    billed = rows_of(owner_engine, "SELECT sum(cost_usd) FROM usage_ledger")[0][0]
    assert shown == billed.quantize(Decimal("0.000001"))


def tool(trace: bytes, parent: bytes, number: int):
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
    start = START_NS + number * SECOND
    return make_span(name="execute_tool search", trace_id=trace, parent=parent, start_ns=start, attributes=attributes)


def test_one_trace_from_four_senders_at_once_is_whole(app, api_key, organization, owner_engine):
    """Each span is sent twice by two of four threads, in small pieces in another order, several traces at a time."""
    traces = [(randbytes(16), randbytes(8)) for _ in range(5)]
    spans = [call(trace, top, number) for trace, top in traces for number in range(40)]
    spans += [root(trace, top) for trace, top in traces]
    answers: list[int] = []

    def post(seed: int) -> None:
        mine = spans[seed % 2 :: 2]
        random.Random(seed).shuffle(mine)
        client = app.test_client()
        for start in range(0, len(mine), 7):
            answers.append(send(client, api_key.text, export(mine[start : start + 7]), PROTOBUF).status_code)

    threads = [threading.Thread(target=post, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {200}
    found = items(owner_engine, organization.id, [trace for trace, _ in traces])
    assert [item["model_call_count"] for item in found] == [40] * 5
    assert [item["input_tokens"] for item in found] == [4_000] * 5
    assert rows_of(owner_engine, "SELECT count(*) FROM spans") == [(205,)]
    assert rows_of(owner_engine, "SELECT count(*) FROM usage_ledger") == [(200,)]
    assert rows_of(owner_engine, "SELECT count(*) FROM agentflows") == [(1,)]


def test_exports_that_share_new_sessions_flows_and_agents_do_not_deadlock(app, api_key, owner_engine):
    """Every export names the same few new things in another order; none of them may wait in a ring."""
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = rows_of(owner_engine, deadlocks)
    answers: list[int] = []
    together = threading.Barrier(4)

    def post(seed: int) -> None:
        client, rng = app.test_client(), random.Random(seed)
        for turn in range(12):
            names = list(range(turn * 4, turn * 4 + 20))
            rng.shuffle(names)
            together.wait()
            more = [{"session.id": f"s{n}", "input.value": "q", "output.value": "a"} for n in names]
            tops = [
                root(randbytes(16), randbytes(8), f"flow {n % 7}", **each) for n, each in zip(names, more, strict=True)
            ]
            answers.append(send(client, api_key.text, export(tops), PROTOBUF).status_code)

    threads = [threading.Thread(target=post, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 48
    assert rows_of(owner_engine, deadlocks) == before
    counted = "SELECT sum(message_count), (SELECT count(*) FROM messages) FROM conversations"
    assert rows_of(owner_engine, counted) == [(1_920, 1_920)]


def test_a_flow_is_made_when_its_name_is_sure(client, api_key, organization, owner_engine):
    """Before its root arrives an execution has no flow, unless one of that name is there already."""
    trace, top = randbytes(16), randbytes(8)
    send(client, api_key.text, export([call(trace, top, 1)]), PROTOBUF)
    assert rows_of(owner_engine, "SELECT count(*) FROM agentflows") == [(0,)]
    send(client, api_key.text, export([root(trace, top)]), PROTOBUF)
    assert rows_of(owner_engine, "SELECT name, service_name, source FROM agentflows") == [
        ("triage", "shop", "discovered")
    ]
    without = "SELECT count(*) FROM agent_executions WHERE block_id IS NULL"
    assert rows_of(owner_engine, without) == [(0,)]
    assert rows_of(owner_engine, "SELECT last_execution_at IS NOT NULL FROM agentflows") == [(True,)]


def test_ids_in_names_make_no_new_blocks(client, api_key, owner_engine):
    for number in range(5):
        trace, top = randbytes(16), randbytes(8)
        name = f"load order {number * 7919 + 100000} for 3fa85f64-5717-4562-b3fc-2c963f66af{number}6"
        step = make_span(name=name, trace_id=trace, parent=top)
        send(client, api_key.text, export([step, root(trace, top)]), PROTOBUF)
    assert rows_of(owner_engine, "SELECT count(*) FROM blocks") == [(2,)]


def test_a_corrected_copy_replaces_a_span_and_an_old_one_does_not(client, api_key, organization, owner_engine):
    trace, span_id = randbytes(16), randbytes(8)
    early = call(trace, None, 1, span_id=span_id, ms=1_000)
    late = call(trace, None, 1, span_id=span_id, ms=2_000, attributes={"gen_ai.usage.input_tokens": 7})
    for span in (early, late, early):
        send(client, api_key.text, export([span]), PROTOBUF)
    (item,) = items(owner_engine, organization.id, [trace])
    assert item["input_tokens"] == 7
    assert rows_of(owner_engine, "SELECT input_tokens FROM usage_ledger") == [(7,)]


def test_unknown_prices_and_missing_tokens_are_counted_and_stay_null(client, api_key, owner_engine):
    trace, top = randbytes(16), randbytes(8)
    silent = make_span(
        name="chat", trace_id=trace, parent=top,
        attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"},
    )  # fmt: skip
    spans = [call(trace, top, 1), call(trace, top, 2, model="house-model"), silent, root(trace, top)]
    send(client, api_key.text, export(spans), PROTOBUF)
    query = "SELECT model, cost_usd, model_price_id IS NULL FROM usage_ledger ORDER BY occurred_at DESC, model"
    assert rows_of(owner_engine, query) == [
        ("house-model", None, True), ("gpt-4o-mini", Decimal("0.0000210000"), False), ("gpt-4o-mini", None, True),
    ]  # fmt: skip
    assert rows_of(owner_engine, "SELECT cost_usd, unpriced_call_count FROM flow_executions") == [
        (Decimal("0.000021"), 2)
    ]


def test_turns_of_a_session_become_a_conversation(client, api_key, owner_engine):
    for number, (question, answer) in enumerate([("Where is it?", "On its way."), ("And now?", "Here.")]):
        trace, top = randbytes(16), randbytes(8)
        more = {"gen_ai.conversation.id": "s-1", "input.value": question, "output.value": answer, "user.id": "u-1"}
        span = root(trace, top, **more)
        span.start_time_unix_nano += number * 1000 * SECOND
        span.end_time_unix_nano += number * 1000 * SECOND
        for _ in range(2):
            send(client, api_key.text, export([span]), PROTOBUF)
    query = "SELECT session_id, user_ref, title, message_count FROM conversations"
    assert rows_of(owner_engine, query) == [("s-1", "u-1", "Where is it?", 4)]
    spoken = rows_of(owner_engine, "SELECT role, content FROM messages ORDER BY created_at, sequence")
    assert spoken == [
        ("user", "Where is it?"), ("assistant", "On its way."), ("user", "And now?"), ("assistant", "Here."),
    ]  # fmt: skip
    joined = "SELECT count(*) FROM flow_executions e JOIN conversations c ON c.id = e.conversation_id"
    assert rows_of(owner_engine, joined) == [(2,)]


def test_a_future_clock_is_moved_back_and_durations_stay(client, api_key, owner_engine):
    trace, top = randbytes(16), randbytes(8)
    ahead = int((datetime.now(UTC) + timedelta(days=30)).timestamp()) * SECOND
    spans = [make_span(name="chat", trace_id=trace, parent=top, start_ns=ahead + SECOND, attributes={})]
    spans.append(make_span(name="flow", trace_id=trace, span_id=top, start_ns=ahead, ms=5_000))
    send(client, api_key.text, export(spans), PROTOBUF)
    ((started, completed, created),) = rows_of(
        owner_engine, "SELECT started_at, completed_at, created_at FROM flow_executions"
    )
    assert started == created + timedelta(minutes=5)
    assert completed - started == timedelta(seconds=5)


def test_a_moved_start_marks_the_old_and_the_new_quarter_hour(client, api_key, owner_engine):
    trace, top = randbytes(16), randbytes(8)
    first = make_span(name="late", trace_id=trace, parent=top, start_ns=START_NS + 3_600 * SECOND)
    send(client, api_key.text, export([first]), PROTOBUF)
    before = {row[0] for row in rows_of(owner_engine, "SELECT bucket FROM rollup_dirty")}
    with owner_engine.begin() as connection:
        connection.execute(text("TRUNCATE rollup_dirty"))
    send(client, api_key.text, export([root(trace, top, seconds=4_000)]), PROTOBUF)
    after = {row[0] for row in rows_of(owner_engine, "SELECT bucket FROM rollup_dirty")}
    assert len(before) == 1 and before < after and len(after) == 2
    assert all(bucket.minute % 15 == 0 and bucket.second == 0 for bucket in after)


def test_silent_executions_are_settled_and_run_again_when_a_span_comes(
    client, api_key, organization, owner_engine, app_engine
):
    trace, top = randbytes(16), randbytes(8)
    send(client, api_key.text, export([call(trace, top, 1)]), PROTOBUF)
    now = datetime.now(UTC)
    for minutes, count, status in ((29, 0, "running"), (31, 1, "completed"), (31, 0, "completed")):
        with organization_session(app_engine, organization.id) as session:
            assert settle_due(session, organization.id, now + timedelta(minutes=minutes)) == count
        assert items(owner_engine, organization.id, [trace])[0]["status"] == status
    assert rows_of(owner_engine, "SELECT settled_at IS NOT NULL FROM flow_executions") == [(True,)]
    send(client, api_key.text, export([call(trace, top, 2)]), PROTOBUF)
    assert items(owner_engine, organization.id, [trace])[0]["status"] == "running"
    send(client, api_key.text, export([root(trace, top)]), PROTOBUF)
    (item,) = items(owner_engine, organization.id, [trace])
    assert (item["status"], item["model_call_count"]) == ("completed", 2)
    assert rows_of(owner_engine, "SELECT settled_at FROM flow_executions") == [(None,)]


def test_the_time_until_settling_is_the_organizations(client, api_key, organization, owner_engine, app_engine):
    with owner_engine.begin() as connection:
        connection.execute(text("""UPDATE organizations SET settings = '{"settle_after_minutes": 5}'"""))
    send(client, api_key.text, export([call(randbytes(16), randbytes(8), 1)]), PROTOBUF)
    with organization_session(app_engine, organization.id) as session:
        assert settle_due(session, organization.id, datetime.now(UTC) + timedelta(minutes=6)) == 1


def test_mapping_again_changes_nothing_and_repairs_what_was_lost(
    client, api_key, organization, owner_engine, app_engine
):
    for number in range(3):
        trace, top = randbytes(16), randbytes(8)
        spans = [call(trace, top, number), tool(trace, top, 5), root(trace, top, **{"session.id": f"s{number}"})]
        send(client, api_key.text, export(spans), PROTOBUF)
    before = plain_rows(owner_engine, organization.id)
    with organization_session(app_engine, organization.id) as session:
        assert remap(session, organization.id, batch=2) == 3
    assert plain_rows(owner_engine, organization.id) == before
    with owner_engine.begin() as connection:
        connection.execute(text("DELETE FROM usage_ledger"))
        connection.execute(text("UPDATE agent_executions SET name = 'damaged', content_hash = NULL"))
    with organization_session(app_engine, organization.id) as session:
        (id_,) = rows_of(owner_engine, "SELECT id FROM flow_executions LIMIT 1")[0]
        assert remap(session, organization.id, execution_id=id_) == 1
        assert remap(session, organization.id) == 3
    assert plain_rows(owner_engine, organization.id) == before


def test_mapping_again_keeps_to_the_organization(client, api_key, organization, other_organization, app_engine):
    send(client, api_key.text, export([make_span(name="ours")]), PROTOBUF)
    with organization_session(app_engine, other_organization.id) as session:
        assert remap(session, other_organization.id) == 0
        assert remap(session, organization.id) == 0


def test_a_remembered_flow_that_is_gone_is_found_again(client, api_key, organization, owner_engine):
    """After a restore the process still remembers ids that the database does not have."""
    for _ in range(2):
        trace, top = randbytes(16), randbytes(8)
        assert send(client, api_key.text, export([root(trace, top)]), PROTOBUF).status_code == 200
    with owner_engine.begin() as connection:
        tables = ("spans", "messages", "agent_executions", "flow_executions", "trace_index", "blocks", "agentflows")
        for table in tables:
            connection.execute(text(f"DELETE FROM {table}"))
    trace, top = randbytes(16), randbytes(8)
    assert send(client, api_key.text, export([root(trace, top)]), PROTOBUF).status_code == 200
    assert rows_of(owner_engine, "SELECT count(*) FROM agentflows") == [(1,)]


@pytest.mark.parametrize("traces", [1, 40])
def test_the_number_of_statements_does_not_grow_with_the_export(traces, client, api_key, count_statements):
    ids = [(randbytes(16), randbytes(8)) for _ in range(traces)]
    for trace, top in ids:  # Half of each trace is there, and all names are known.
        send(client, api_key.text, export([call(trace, top, 1)]), PROTOBUF)
        send(client, api_key.text, export([root(trace, top)]), PROTOBUF)
    new = [(randbytes(16), randbytes(8)) for _ in range(traces)]
    body = export([span for trace, top in ids + new for span in (call(trace, top, 2), root(trace, top, seconds=200))])
    with count_statements() as texts:
        assert send(client, api_key.text, body, PROTOBUF).status_code == 200
    assert len(texts) == 15, "\n".join(texts)


@pytest.fixture
def count_statements(monkeypatch):
    """Count what goes through psycopg, since ingest speaks to it directly."""
    import contextlib

    import psycopg

    @contextlib.contextmanager
    def counting():
        texts, real = [], psycopg.Cursor.execute

        def execute(self, query, *rest, **more):
            if "set_config(" not in str(query) and str(query) != ";":
                texts.append(str(query)[:90])
            return real(self, query, *rest, **more)

        monkeypatch.setattr(psycopg.Cursor, "execute", execute)
        yield texts
        monkeypatch.setattr(psycopg.Cursor, "execute", real)

    return counting


def test_created_at_is_the_time_in_the_id(client, api_key, owner_engine):
    send(client, api_key.text, export([make_span()]), PROTOBUF)
    ((id_, created),) = rows_of(owner_engine, "SELECT id, created_at FROM flow_executions")
    assert isinstance(id_, UUID)
    assert int(created.timestamp() * 1000) == id_.int >> 80
