"""Months are made ahead and on demand, and dropped under the eyes of writers."""

import threading
import time
from datetime import UTC, date, datetime

import psycopg
import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from webapp.database import partitions
from webapp.models import FlowExecution, id_time, new_id

TODAY = datetime.now(UTC).date()


def at(month: date) -> datetime:
    return datetime(month.year, month.month, 15, 12, tzinfo=UTC)


def execution(organization_id, moment: datetime | None = None, **values) -> dict:
    identity = new_id(moment)
    return {"id": identity, "created_at": id_time(identity), "organization_id": organization_id, **values}


@pytest.fixture
def organization(migrated):
    identity = new_id()
    with migrated.owner.begin() as owner:
        owner.execute(text("INSERT INTO organizations (id, name, slug) VALUES (:id, 'Acme', 'acme')"), {"id": identity})
    return identity


def test_three_months_are_made_ahead_by_the_first_migration(shared):
    with shared.app.connect() as app:
        assert partitions.list_months(app) == [partitions.add_months(TODAY, n) for n in range(4)]
        assert partitions.months_ahead(app) == 3
        assert partitions.months_ahead(app, partitions.add_months(TODAY, 3)) == 0
        assert partitions.months_ahead(app, partitions.add_months(TODAY, 4)) == -1


def test_the_application_makes_missing_months_and_only_those(migrated):
    assert partitions.ensure_ahead(migrated.app) == 0
    assert partitions.ensure_ahead(migrated.app, ahead=5) == 10
    assert partitions.ensure_months(migrated.app, date(2024, 11, 30), date(2025, 2, 1)) == 20
    assert partitions.ensure_months(migrated.app, date(2024, 11, 30), date(2025, 2, 1)) == 0
    with migrated.app.connect() as app:
        assert partitions.list_months(app)[:4] == [
            date(2024, 11, 1),
            date(2024, 12, 1),
            date(2025, 1, 1),
            date(2025, 2, 1),
        ]
        assert partitions.months_ahead(app) == 5


def test_two_that_make_the_same_month_at_once_make_it_once(migrated):
    made: list[int] = []

    def make() -> None:
        made.append(partitions.ensure_months(migrated.app, date(2020, 1, 1), date(2020, 3, 1)))

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(made) == 15


def test_a_month_made_later_has_the_indexes_and_keys_of_its_parent(migrated):
    partitions.ensure_months(migrated.app, date(2020, 1, 1), date(2020, 1, 1))
    query = """
        SELECT (SELECT count(*) FROM pg_index WHERE indrelid = t.oid) AS indexes,
            (SELECT count(*) FROM pg_constraint WHERE conrelid = t.oid AND contype = 'c') AS checks,
            (SELECT count(*) FROM pg_constraint WHERE conrelid = t.oid AND contype = 'f' AND conparentid = 0
                OR conrelid = t.oid AND contype = 'f' AND t.relispartition AND confrelid NOT IN
                (SELECT inhrelid FROM pg_inherits)) AS keys
        FROM pg_class t WHERE t.oid = to_regclass(:table)
    """
    with migrated.owner.connect() as owner:
        for parent in ("flow_executions", "agent_executions", "tool_executions", "spans", "usage_ledger"):
            wanted = owner.execute(text(query), {"table": parent}).one()
            assert owner.execute(text(query), {"table": f"{parent}_2020_01"}).one() == wanted, parent


@pytest.mark.parametrize("started_at", ["1999-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
def test_a_row_with_a_wrong_client_clock_lands_in_the_month_of_the_server(migrated, organization, started_at: str):
    row = execution(organization, started_at=datetime.fromisoformat(started_at))
    with migrated.owner.begin() as owner:
        owner.execute(insert(FlowExecution), [row])
        month = f"flow_executions_{row['created_at']:%Y_%m}"
        assert owner.scalar(text(f"SELECT count(*) FROM {month}")) == 1


def test_created_at_must_be_the_time_of_the_id(migrated, organization):
    row = execution(organization) | {"created_at": datetime.now(UTC)}
    with migrated.owner.connect() as owner, pytest.raises(IntegrityError, match="created_at_is_id_time"):
        owner.execute(insert(FlowExecution), [row])


def test_the_database_reads_the_time_of_an_id_as_we_do(shared):
    moments = [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 2, 28, 23, 59, 59, 999000, UTC),
        datetime(2262, 4, 11, tzinfo=UTC),
    ]
    ids = [new_id(moment) for moment in moments] + [new_id() for _ in range(2_000)]
    with shared.app.connect() as app:
        rows = app.execute(text("SELECT id, id_time(id) FROM unnest(CAST(:ids AS uuid[])) AS id"), {"ids": ids}).all()
    assert [(made, id_time(made)) for made in ids] == [tuple(row) for row in rows]


def test_a_row_outside_all_months_is_a_clear_error(migrated, organization):
    row = execution(organization, datetime(2015, 5, 5, tzinfo=UTC))
    with migrated.owner.connect() as owner, pytest.raises(IntegrityError) as raised:
        owner.execute(insert(FlowExecution), [row])
    assert raised.value.orig.sqlstate == "23514"
    assert "no partition" in str(raised.value)


def test_the_present_month_is_never_dropped(migrated):
    with migrated.app.connect() as app, pytest.raises(DBAPIError, match="keeps the present month"):
        app.execute(text("SELECT drop_partitions(:day)"), {"day": partitions.add_months(TODAY, 1)})
    assert partitions.drop_before(migrated.app, TODAY) == 0


WRITE = """
    WITH made AS (
        INSERT INTO flow_executions (id, created_at, organization_id, status)
        SELECT id, id_time(id), %(organization)s, 'completed' FROM unnest(%(ids)s::uuid[]) id RETURNING id, created_at
    )
    SELECT count(*) FROM made
"""
WRITE_STEPS = """
    INSERT INTO agent_executions (id, flow_execution_id, flow_created_at, organization_id)
    SELECT gen_random_uuid(), id, id_time(id), %(organization)s FROM unnest(%(ids)s::uuid[]) id
"""
WRITE_SPANS = """
    INSERT INTO spans
        (organization_id, trace_id, span_id, flow_created_at, flow_execution_id, raw, start_ns, content_hash)
    SELECT %(organization)s, uuid_send(id), '\\x01', id_time(id), id, '', 0, '' FROM unnest(%(ids)s::uuid[]) id
"""
WRITE_TOOLS = """
    INSERT INTO tool_executions (id, flow_execution_id, flow_created_at, organization_id)
    SELECT gen_random_uuid(), id, id_time(id), %(organization)s FROM unnest(%(ids)s::uuid[]) id
"""
WRITE_INDEX = """
    INSERT INTO trace_index (organization_id, trace_id, flow_execution_id, flow_created_at, last_received_at)
    SELECT %(organization)s, uuid_send(id), id, id_time(id), now() FROM unnest(%(ids)s::uuid[]) id
"""
WRITE_LEDGER = """
    INSERT INTO usage_ledger (id, flow_created_at, organization_id, flow_execution_id, kind, occurred_at)
    SELECT gen_random_uuid(), id_time(id), %(organization)s, id, 'model_call', now() FROM unnest(%(ids)s::uuid[]) id
"""
TABLES = ("flow_executions", "agent_executions", "tool_executions", "spans", "trace_index", "usage_ledger")


def write_executions(connection: psycopg.Connection, organization_id, ids: list) -> None:
    values = {"organization": organization_id, "ids": ids}
    with connection.transaction():
        connection.execute("SELECT set_config('app.organization_id', %s, true)", [str(organization_id)])
        for statement in (WRITE, WRITE_STEPS, WRITE_TOOLS, WRITE_SPANS, WRITE_INDEX, WRITE_LEDGER):
            connection.execute(statement, values)


class Writer(threading.Thread):
    """Writes executions of now, as the application, until told to stop."""

    def __init__(self, url: str, organization_id) -> None:
        super().__init__()
        self.url, self.organization_id = url, organization_id
        self.stop = threading.Event()
        self.written, self.errors, self.slowest = 0, [], 0.0

    def run(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.stop.is_set():
                started = time.monotonic()
                try:
                    write_executions(connection, self.organization_id, [new_id() for _ in range(10)])
                    self.written += 10
                except psycopg.Error as error:
                    self.errors.append(error)
                self.slowest = max(self.slowest, time.monotonic() - started)
                time.sleep(0.01)


def test_months_are_dropped_whole_while_writers_go_on(migrated, organization):
    past = [partitions.add_months(TODAY, -n) for n in range(1, 5)]
    partitions.ensure_months(migrated.app, past[-1], past[0])
    with psycopg.connect(migrated.app_url, autocommit=True) as connection:
        for month in past:
            write_executions(connection, organization, [new_id(at(month)) for _ in range(500)])
    writers = [Writer(migrated.app_url, organization) for _ in range(3)]
    for writer in writers:
        writer.start()
    time.sleep(0.3)
    dropped = partitions.drop_before(migrated.app, past[0])
    time.sleep(0.3)
    for writer in writers:
        writer.stop.set()
    for writer in writers:
        writer.join()
    assert dropped == 3
    assert [writer.errors for writer in writers] == [[], [], []]
    assert max(writer.slowest for writer in writers) < 2
    written = sum(writer.written for writer in writers)
    assert written > 0
    with migrated.owner.connect() as owner:
        counts = {table: owner.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}
        assert partitions.list_months(owner)[0] == past[0]
        left = owner.scalars(
            text("SELECT relname FROM pg_class WHERE relname ~ :month"), {"month": f"_{past[1]:%Y_%m}$"}
        )
        assert [name for name in left if not name.startswith("usage_ledger")] == []
    kept = written + 500
    assert counts == dict.fromkeys(TABLES, kept) | {"usage_ledger": kept + 1500}


def test_dropping_waits_for_the_parent_before_it_touches_a_child(migrated, organization):
    """Else a writer that holds the parent and goes on to a child dies in a deadlock."""
    month = partitions.add_months(TODAY, -2)
    partitions.ensure_months(migrated.app, month, month)
    dropping = threading.Thread(target=partitions.drop_before, args=(migrated.app, TODAY))
    waiting = "SELECT FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted AND datname = %s"
    values = {"organization": organization, "ids": [new_id()]}
    with psycopg.connect(migrated.owner_url) as writer, psycopg.connect(migrated.owner_url, autocommit=True) as watcher:
        writer.execute(WRITE, values)
        dropping.start()
        while dropping.is_alive() and not watcher.execute(waiting, [migrated.name]).fetchall():
            time.sleep(0.01)
        writer.execute("SET LOCAL lock_timeout = '200ms'")
        for statement in (WRITE_STEPS, WRITE_TOOLS, WRITE_SPANS):
            writer.execute(statement, values)
    dropping.join()
    with migrated.app.connect() as app:
        assert month not in partitions.list_months(app)


def test_dropping_gives_way_to_a_reader_and_says_so_when_it_never_leaves(migrated, organization, monkeypatch):
    month = partitions.add_months(TODAY, -2)
    partitions.ensure_months(migrated.app, month, month)
    monkeypatch.setattr(partitions, "TRIES", 2)
    with migrated.owner.connect() as reader:
        reader.execute(text("SELECT count(*) FROM flow_executions"))
        started = time.monotonic()
        with pytest.raises(DBAPIError) as raised:
            partitions.drop_before(migrated.app, TODAY)
        assert raised.value.orig.sqlstate == "55P03"
        assert 1 <= time.monotonic() - started < 5
        assert month in partitions.list_months(reader)
    assert partitions.drop_before(migrated.app, TODAY) == 1


def test_a_month_is_made_beside_an_open_reader(migrated):
    with migrated.owner.connect() as reader:
        reader.execute(text("SELECT count(*) FROM flow_executions"))
        assert partitions.ensure_months(migrated.app, date(2020, 1, 1), date(2020, 1, 1)) == 5
