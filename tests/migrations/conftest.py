"""Databases of their own for the schema's tests: empty ones, migrated ones, and one with a row in every table."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    LargeBinary,
    NullPool,
    Numeric,
    Table,
    Uuid,
    create_engine,
    insert,
)
from sqlalchemy.types import Double, Float, Integer

from tests import run_database
from webapp.models import Base, id_time, new_id

# Values that a CHECK over several columns asks for.
NEEDED = {("feedback", "flow_execution_id"): new_id}


@dataclass
class Database:
    """One database with its two URLs and an engine for each role."""

    name: str
    owner_url: str
    app_url: str
    owner: Engine
    app: Engine


@pytest.fixture(scope="session")
def open_database() -> Iterator[Callable[[str], Database]]:
    """Give a fresh copy of a template; all are dropped at the end."""
    server = run_database.run_server()
    with contextlib.ExitStack() as stack:

        def make(template: str) -> Database:
            name = f"schema_{secrets.token_hex(4)}"
            settings = stack.enter_context(run_database.database(server, name, template))
            urls = (settings.database_owner_url, settings.database_url)
            return Database(name, *urls, *(create_engine(url, poolclass=NullPool) for url in urls))

        yield make


@pytest.fixture
def empty(open_database: Callable[[str], Database]) -> Database:
    """A database without any table of ours."""
    return open_database(run_database.EMPTY)


@pytest.fixture(scope="session")
def shared(open_database: Callable[[str], Database]) -> Database:
    """A migrated database for tests that only look."""
    return open_database(run_database.TEMPLATE)


@pytest.fixture
def migrated(open_database: Callable[[str], Database]) -> Database:
    """A migrated database of this test alone."""
    return open_database(run_database.TEMPLATE)


@pytest.fixture(scope="session")
def fill() -> Callable[[Connection, UUID], dict[str, dict[str, Any]]]:
    """Write one row into every table for an organization, as the owner; give the rows by table."""

    def write(connection: Connection, organization_id: UUID) -> dict[str, dict[str, Any]]:
        rows: dict[str, dict[str, Any]] = {}
        for table in Base.metadata.sorted_tables:
            if table.name != "alembic_version":
                rows[table.name] = row_for(table, rows, organization_id)
                connection.execute(insert(table), [rows[table.name]])
        return rows

    return write


@pytest.fixture(scope="session")
def make_row() -> Callable[[Table, dict[str, dict[str, Any]], UUID], dict[str, Any]]:
    return row_for


@pytest.fixture(scope="session")
def populated(
    open_database: Callable[[str], Database], fill: Callable[[Connection, UUID], dict[str, dict[str, Any]]]
) -> tuple[Database, dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """A migrated database with two organizations that have a row in every table, for tests that roll back."""
    database = open_database(run_database.TEMPLATE)
    with database.owner.begin() as connection:
        mine, theirs = fill(connection, new_id()), fill(connection, new_id())
    return database, mine, theirs


def row_for(table: Table, rows: dict[str, dict[str, Any]], organization_id: UUID) -> dict[str, Any]:
    """Make a row that fits the table; foreign keys point to the rows given."""
    row: dict[str, Any] = {}
    for column in table.columns:
        if (column.name == "organization_id") or (table.name == "organizations" and column.name == "id"):
            row[column.name] = organization_id
        elif column.foreign_keys:
            target = next(iter(column.foreign_keys)).column
            if target.table is not table:
                row[column.name] = rows[target.table.name][target.name]
        elif (table.name, column.name) in NEEDED:
            row[column.name] = NEEDED[table.name, column.name]()
        elif not (column.nullable or column.server_default or column.identity):
            row[column.name] = _value(table, column)
    if table.name == "flow_executions":
        row["id"] = new_id()
        row["created_at"] = id_time(row["id"])
    elif "id" in table.columns and not table.columns["id"].identity and "id" not in row:
        row["id"] = new_id()
    return row


def _value(table: Table, column: Column[Any]) -> Any:
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint) and f"{column.name} IN (" in str(constraint.sqltext):
            return str(constraint.sqltext).split("'")[1]
    values: tuple[tuple[type, Any], ...] = (
        (Uuid, new_id()),
        (ARRAY, []),
        (JSON, {}),
        (LargeBinary, secrets.token_bytes(8)),
        (DateTime, datetime.now(UTC)),
        (Date, date(2026, 1, 1)),
        (Boolean, False),
        ((Integer, Numeric, Float, Double), 1),
    )
    for kind, value in values:
        if isinstance(column.type, kind):
            return value
    return secrets.token_hex(2)
