"""A large organization in minutes: a base from the demo through ingest, then copies of it made inside PostgreSQL."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.database.partitions import ensure_months
from webapp.database.tenancy import organization_session
from webapp.demo.fill import Demo, fill
from webapp.demo.organization import find_organization, make_organization
from webapp.features.rollups.operations import mark_all, rebuild
from webapp.features.rollups.operations_blocks import rebuild_blocks
from webapp.ingest.prices import seed_prices

DAYS = 90
WHOLE_OF = 10
"""One copy in so many gets raw spans and its steps' payloads too; each gets its execution, steps, ledger and trace."""
# A copy starts up to three days before its original, at a time of its own, and its id carries its own moment.
COPIES = """
    CREATE TEMP TABLE copies ON COMMIT DROP AS
    SELECT base_id, base_created_at, id, id_time(id) AS created_at, shift, decode(md5(id::text), 'hex') AS trace_id,
           row_number() OVER () %% %(whole_of)s = 0 AS is_whole
    FROM (
        SELECT f.id AS base_id, f.created_at AS base_created_at, x.shift,
               overlay(overlay(md5(random()::text || f.id::text) PLACING
                   lpad(to_hex(floor(extract(epoch FROM f.created_at - x.shift) * 1000)::bigint), 12, '0') || '7'
                   FROM 1 FOR 13) PLACING '8' FROM 17 FOR 1)::uuid AS id
        FROM flow_executions f
        CROSS JOIN generate_series(1, %(times)s) g
        CROSS JOIN LATERAL (SELECT random() * interval '3 days' AS shift WHERE g > 0 AND f.id IS NOT NULL) x
        WHERE f.organization_id = %(organization_id)s AND f.created_at >= %(since)s
          AND f.id <= %(last_id)s AND f.status NOT IN ('running', 'pending')
        ORDER BY random() LIMIT %(missing)s
    ) made
"""
EXECUTION = {
    "id": "c.id", "created_at": "c.created_at", "trace_id": "c.trace_id", "started_at": "t.started_at - c.shift",
    "completed_at": "t.completed_at - c.shift", "first_received_at": "t.first_received_at - c.shift",
    "last_received_at": "t.last_received_at - c.shift",
}  # fmt: skip
CHILD = {
    "id": "md5(t.id::text || c.id::text)::uuid", "flow_execution_id": "c.id", "flow_created_at": "c.created_at",
    "started_at": "t.started_at - c.shift", "completed_at": "t.completed_at - c.shift",
    "parent_id": "md5(t.parent_id::text || c.id::text)::uuid", "trace_id": "c.trace_id",
    "occurred_at": "t.occurred_at - c.shift", "input_data": "CASE WHEN c.is_whole THEN t.input_data END",
    "output_data": "CASE WHEN c.is_whole THEN t.output_data END",
}  # fmt: skip


def say(line: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def make_base(settings: Settings, number: int, flows: int = 500) -> UUID:
    """An organization with about ``number`` executions of the demo; the one that is there, where there is one."""
    owner, engine = create_engine(settings.database_owner_url), create_engine(settings.database_url)
    try:
        with Session(owner) as session, session.begin():
            seed_prices(session)
        if (chosen := find_organization(engine, None)) is None:
            chosen = make_organization(engine, "Asia/Seoul")
            demo = Demo(days=DAYS, executions=number, flows=flows)
            fill(engine, chosen.id, chosen.user_id, demo, now=datetime.now(UTC), say=say)
        return chosen.id
    finally:
        owner.dispose()
        engine.dispose()


def grow(settings: Settings, organization_id: UUID, target: int) -> int:
    """Copy executions until the organization has ``target``; returns how many it has."""
    since = datetime.now(UTC) - timedelta(days=DAYS + 8)
    engine = create_engine(settings.database_url)
    ensure_months(engine, since.date(), datetime.now(UTC).date())
    with psycopg.connect(settings.database_owner_url) as connection:
        have, last_id = connection.execute(
            "SELECT count(*), (SELECT id FROM flow_executions WHERE organization_id = %(o)s ORDER BY id DESC LIMIT 1)"
            " FROM flow_executions WHERE organization_id = %(o)s",
            {"o": organization_id},
        ).fetchone()
        missing = target - have
        if missing > 0:
            say(f"copying {missing:,} executions")
            connection.execute("SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '256MB'")
            values = {"whole_of": WHOLE_OF, "times": missing // have + 2, "organization_id": organization_id}
            values |= {"since": since, "last_id": last_id, "missing": missing}
            connection.execute(COPIES, values)
            connection.execute("CREATE INDEX ON copies (base_id); ANALYZE copies")
            _copy(connection)
            connection.commit()
    if missing > 0:
        _sum_up(engine, organization_id, since)
    engine.dispose()
    _vacuum(settings)
    return max(target, have)


def _copy(connection: psycopg.Connection) -> None:
    _insert(connection, "flow_executions", EXECUTION, "t.id = c.base_id AND t.created_at = c.base_created_at")
    connection.execute(
        "INSERT INTO trace_index (organization_id, trace_id, flow_execution_id, flow_created_at, last_received_at)"
        " SELECT f.organization_id, c.trace_id, c.id, c.created_at, c.created_at FROM copies c"
        " JOIN flow_executions f ON f.id = c.base_id AND f.created_at = c.base_created_at"
    )
    child = "t.flow_execution_id = c.base_id AND t.flow_created_at = c.base_created_at"
    _insert(connection, "usage_ledger", CHILD, child)
    for table in ("agent_executions", "tool_executions"):
        _insert(connection, table, CHILD, child)
    _insert(connection, "spans", CHILD, f"c.is_whole AND {child}")


def _insert(connection: psycopg.Connection, table: str, changed: dict[str, str], on: str) -> None:
    started = time.monotonic()
    names = [
        row[0]
        for row in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
            " ORDER BY attnum",
            (table,),
        )
    ]
    values = ", ".join(changed.get(name, f't."{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    made = connection.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM copies c JOIN {table} t ON {on}")
    say(f"  {table}: {made.rowcount:,} rows in {time.monotonic() - started:.0f} s")


def _sum_up(engine: Engine, organization_id: UUID, since: datetime) -> None:
    started = time.monotonic()
    with organization_session(engine, organization_id) as session:
        mark_all(session, organization_id, since, datetime.now(UTC))
    left = 1
    while left:
        with organization_session(engine, organization_id) as session:
            left = rebuild(session, organization_id)
    left = 1
    while left:
        with organization_session(engine, organization_id) as session:
            left = rebuild_blocks(session, organization_id, is_patient=False)
    say(f"  sums rebuilt in {time.monotonic() - started:.0f} s")


def _vacuum(settings: Settings) -> None:
    started = time.monotonic()
    with psycopg.connect(settings.database_owner_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    say(f"  vacuumed in {time.monotonic() - started:.0f} s")
