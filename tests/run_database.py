"""The PostgreSQL of one test run: one embedded server, one migrated template, a copy of it for each test process.

The first test that asks starts it, whichever xdist process that is in; the controller stops it when all are done.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.database.provision import OWNER_ROLE, provision_embedded
from webapp.database.server import EmbeddedServer

VARIABLE = "TEST_RUN_DIR"
PREFIX = "agenticbuilder-test-"
TEMPLATE = "test_template"
EMPTY = "test_empty"
# A test database that is lost with the machine is no loss; so no wait for the disk.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "'1GB'"}
PARENTS = ("organizations", "users")
KEPT = ("alembic_version", "migration_history", "model_prices", "agent_templates")  # filled by migrations, not by tests


def begin_run() -> None:
    """Choose the folder of this run; xdist's processes inherit it. Also ends servers of runs that were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if not _is_alive(left):
            with contextlib.suppress(OSError):
                end_run(left)
    os.environ[VARIABLE] = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")


def end_run(folder: Path | None = None) -> None:
    folder = folder or Path(os.environ.pop(VARIABLE))
    if (folder / "postgres").exists():
        server = EmbeddedServer(folder)
        server.stop()
        shutil.rmtree(server.home, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def run_server() -> EmbeddedServer:
    """The run's server, with both templates in it."""
    folder = Path(os.environ[VARIABLE])
    server = EmbeddedServer(folder)
    with (folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "template").exists():
            server.start()
            _relax(server)
            provision_embedded(settings(), server, EMPTY)
            _migrate(provision_embedded(settings(), server, TEMPLATE))
            (folder / "template").touch()
    return server


def settings() -> Settings:
    return Settings(data_dir=Path(os.environ[VARIABLE]), pool_size=5, max_overflow=25, testing=True)


def make_database(server: EmbeddedServer, name: str, template: str = TEMPLATE) -> Settings:
    """A fresh copy of a template, and the settings that reach it by both roles."""
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY")
        connection.execute(statement.format(*(sql.Identifier(word) for word in (name, OWNER_ROLE, template))))
    return provision_embedded(settings(), server, name)


def drop_database(server: EmbeddedServer, name: str) -> None:
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def empty_used_tables(engine: Engine) -> None:
    """Remove what a test wrote; again when the last request of a browser that is being closed locked the other way."""
    for last_try in (False, False, True):
        try:
            _empty_used_tables(engine)
            return
        except OperationalError as error:
            if last_try or not isinstance(error.orig, psycopg.errors.DeadlockDetected):
                raise


def _empty_used_tables(engine: Engine) -> None:
    """A table that was written to has a size, and truncating makes it 0 again.

    Far cheaper than truncating all, and exact as nothing is guessed. A test that leaves a transaction open fails here.
    """
    # TRUNCATE CASCADE would empty every table that refers to these two, the price list included.
    used = text(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
        " AND c.relkind = 'r' AND c.relname <> ALL (:kept) AND pg_relation_size(c.oid) > 0"
    )
    with engine.begin() as connection:
        tables = list(connection.scalars(used, {"kept": list(KEPT)}))
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        if truncated := [table for table in tables if table not in PARENTS]:
            connection.execute(text(f"TRUNCATE {', '.join(truncated)} CASCADE"))
        for table in ("model_prices", "agent_templates"):
            connection.execute(text(f"DELETE FROM {table} WHERE organization_id IS NOT NULL"))
        for table in PARENTS:
            if table in tables:
                connection.execute(text(f"DELETE FROM {table}"))


def _relax(server: EmbeddedServer) -> None:
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        for name, value in CARELESS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = {value}")
        connection.execute("SELECT pg_reload_conf()")


def _migrate(template: Settings) -> None:
    from webapp.database import migrate
    from webapp.features.agents.shipped_templates import seed_templates
    from webapp.ingest.prices import seed_prices

    migrate.upgrade(template.database_owner_url)
    engine = create_engine(template.database_owner_url)
    with Session(engine) as session, session.begin():
        seed_prices(session)
        seed_templates(session)
    engine.dispose()


def _is_alive(folder: Path) -> bool:
    """Whether the run whose process id is in the folder's name still goes on."""
    pid = folder.name.removeprefix(PREFIX).split("-")[0]
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return True


@contextlib.contextmanager
def database(server: EmbeddedServer, name: str, template: str = TEMPLATE) -> Iterator[Settings]:
    """A database for the length of a block."""
    try:
        yield make_database(server, name, template)
    finally:
        drop_database(server, name)
