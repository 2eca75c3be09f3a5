"""Bring a database to a revision, one run at a time, and keep a record of what was done.

`upgrade`, `downgrade`, `check` and `drift` take the owner's URL and need no Flask application. Flask-Migrate's commands
end in the same `run_environment`.
"""

import importlib.metadata
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, insert, make_url, text

from webapp.database.ddl import APP_ROLE
from webapp.models import Base, MigrationHistory, new_id

FOLDER = Path(__file__).resolve().parents[2] / "migrations"
ADVISORY_LOCK = 0x6167656E74  # any number, the same for every migration run
WAIT_FOR_OTHER_RUN = "10min"
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "15min"
NOT_OURS = re.compile(r"^procrastinate_|^alembic_version$|_\d{4}_\d{2}$")


def upgrade(owner_url: str, revision: str = "head", app_role: str = APP_ROLE) -> list[str]:
    """Apply what is missing up to `revision`; give the revisions that were applied, none when all were there.

    Raises:
        sqlalchemy.exc.DBAPIError: a revision failed; those before it stay applied, it left nothing.
    """
    return _run(command.upgrade, owner_url, revision, app_role)


def downgrade(owner_url: str, revision: str, app_role: str = APP_ROLE) -> list[str]:
    """Take back everything after `revision` (`base` = all); give the revisions that were taken back."""
    return _run(command.downgrade, owner_url, revision, app_role)


def check(connection: Connection) -> bool:
    """Tell whether the database is at the newest revision. The application's role may ask."""
    if connection.scalar(text("SELECT to_regclass('public.alembic_version')")) is None:
        return False
    return set(connection.scalars(text("SELECT version_num FROM public.alembic_version"))) == {head()}


def drift(owner_url: str) -> list[Any]:
    """List where the models and the database differ; empty when they agree. `flask db check` asks the same."""
    with _engine(owner_url) as engine, engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=_comparison())
        return compare_metadata(context, Base.metadata)


@lru_cache(maxsize=1)
def head() -> str:
    """Give the newest revision that this code knows."""
    return ScriptDirectory(str(FOLDER)).get_current_head() or ""


def run_environment(context: Any) -> None:
    """Run the migrations that Alembic's `context` was asked for, under a lock and with a record of each."""
    steps = _Record()
    with _engine(_url(context.config)) as engine, engine.connect() as connection:
        _take_turn(connection)
        context.configure(
            connection=connection,
            transaction_per_migration=True,
            on_version_apply=steps.note,
            app_role=_app_role(context),
            process_revision_directives=_no_empty_revision,
            **_comparison(),
        )
        try:
            context.run_migrations()
        except Exception as error:
            connection.rollback()
            steps.note_failure(connection, error)
            raise
        finally:
            steps.write(connection)
            context.config.attributes["applied"] = steps.revisions()


class _Record:
    """What one run did, written at its end: the first revisions run before their table exists."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.direction = "upgrade"
        self._begin()

    def note(self, *, step: Any, **_: Any) -> None:
        self.direction = "upgrade" if step.is_upgrade else "downgrade"
        self._add(step.up_revision_id, "completed", None)

    def note_failure(self, connection: Connection, error: Exception) -> None:
        at = MigrationContext.configure(connection).get_current_revision()
        known = [script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()][::-1]
        following = known.index(at) + 1 if at in known else 0
        self._add(known[min(following, len(known) - 1)], "failed", str(error)[:2000])
        connection.rollback()

    def revisions(self) -> list[str]:
        return [row["revision"] for row in self.rows if row["result"] == "completed"]

    def write(self, connection: Connection) -> None:
        exists = connection.scalar(text("SELECT to_regclass('public.migration_history')")) is not None
        if self.rows and exists:
            connection.execute(insert(MigrationHistory), self.rows)
        connection.commit()

    def _begin(self) -> None:
        self.started_at = datetime.now(UTC)
        self.started = time.monotonic()

    def _add(self, revision: str, result: str, error_message: str | None) -> None:
        self.rows.append(
            {
                "id": new_id(),
                "revision": revision,
                "direction": self.direction,
                "app_version": importlib.metadata.version("agenticbuilder"),
                "started_at": self.started_at,
                "duration_ms": round((time.monotonic() - self.started) * 1000),
                "result": result,
                "error_message": error_message,
            }
        )
        self._begin()


def _run(action: Callable[[Config, str], None], owner_url: str, revision: str, app_role: str) -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes |= {"owner_url": owner_url, "app_role": app_role}
    action(config, revision)
    return config.attributes.get("applied", [])


def _take_turn(connection: Connection) -> None:
    """Wait until no other migration runs; the lock lives as long as this connection."""
    connection.execute(text(f"SET lock_timeout = '{WAIT_FOR_OTHER_RUN}'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()


def _comparison() -> dict[str, Any]:
    return {
        "target_metadata": Base.metadata,
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, parents: kind != "table" or not NOT_OURS.search(name),
        "include_object": include_object,
    }


def include_object(item: Any, name: str, kind: str, reflected: bool, other: Any) -> bool:
    """Tell whether a comparison looks at this: not at months, the queue's tables and Alembic's own.

    A key to a partitioned table shows once per month of it beside the one that was declared.
    """
    if kind == "table":
        return not NOT_OURS.search(name)
    if kind == "foreign_key_constraint" and reflected:
        return not NOT_OURS.search(item.elements[0].target_fullname.split(".")[0])
    return True


def _no_empty_revision(context: Any, revision: Any, directives: list[Any]) -> None:
    """Keep `flask db migrate` from writing a revision that changes nothing."""
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives.clear()


def _app_role(context: Any) -> str:
    return context.get_x_argument(as_dictionary=True).get("app_role") or context.config.attributes.get(
        "app_role", APP_ROLE
    )


def _url(config: Config) -> str | URL:
    """The owner's URL: handed in, or from the environment, or what the Flask application was configured with."""
    given = config.attributes.get("owner_url") or os.environ.get("DATABASE_OWNER_URL")
    if given:
        return given
    from flask import current_app

    from webapp.models import db

    return current_app.config.get("DATABASE_OWNER_URL") or db.engine.url


@contextmanager
def _engine(url: str | URL) -> Iterator[Engine]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        yield engine
    finally:
        engine.dispose()
