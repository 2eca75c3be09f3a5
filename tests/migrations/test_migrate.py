"""Migrations run forward, back and forward again, one at a time, and leave a record."""

import json
import subprocess
import sys
from pathlib import Path

import flask_migrate
import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from webapp.database import migrate
from webapp.extensions import db
from webapp.models import Base, new_id

REVISIONS = [script.revision for script in ScriptDirectory(str(migrate.FOLDER)).walk_revisions()][::-1]
BEFORE_RIGHTS = "20261124_1333"
DERIVED = {"execution_rollups", "usage_rollups", "rollup_dirty"}  # sums that a migration may have made anew

LEFT_OVER = """
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^alembic_version'
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typname !~ 'alembic_version$'
"""


def contents(database) -> dict[str, list]:
    """All rows of the tables that do not describe migrations themselves."""
    tables = set(Base.metadata.tables) - {"alembic_version", "migration_history"}
    with database.owner.connect() as owner:
        return {t: sorted(owner.scalars(text(f"SELECT row_to_json(t)::text FROM {t} t"))) for t in sorted(tables)}


def history(database) -> list:
    query = "SELECT revision, direction, result FROM migration_history ORDER BY id"
    with database.owner.connect() as owner:
        return [tuple(row) for row in owner.execute(text(query))]


def test_there_is_one_newest_revision_and_files_are_named_by_it():
    assert ScriptDirectory(str(migrate.FOLDER)).get_heads() == [REVISIONS[-1]]
    names = sorted(path.name for path in (migrate.FOLDER / "versions").glob("*.py"))
    assert [name[:13] for name in names] == REVISIONS


def test_models_and_database_agree(shared):
    assert migrate.drift(shared.owner_url) == []


def test_a_difference_is_noticed(migrated):
    with migrated.owner.begin() as owner:
        owner.execute(text("ALTER TABLE agents ALTER COLUMN name TYPE varchar(100)"))
        owner.execute(text("ALTER TABLE teams ADD COLUMN stray text"))
        owner.execute(text("DROP INDEX ix_flow_executions_failed"))
    assert len(migrate.drift(migrated.owner_url)) == 3


def flask_app(database) -> Flask:
    app = Flask("migrations")
    app.config["SQLALCHEMY_DATABASE_URI"] = database.app_url.replace("postgresql://", "postgresql+psycopg://")
    app.config["DATABASE_OWNER_URL"] = database.owner_url
    db.init_app(app)
    flask_migrate.Migrate(app, db, directory=str(migrate.FOLDER))
    return app


def test_flask_migrates_own_commands_work_and_find_nothing_to_do(empty, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    with flask_app(empty).app_context():
        flask_migrate.upgrade()
        flask_migrate.check()
    with empty.owner.begin() as owner:
        owner.execute(text("ALTER TABLE teams ADD COLUMN stray text"))
    with flask_app(empty).app_context(), pytest.raises(SystemExit):
        flask_migrate.check()


def test_a_database_knows_whether_it_is_at_the_newest_revision(empty):
    with empty.owner.connect() as owner:
        assert migrate.check(owner) is False
    migrate.upgrade(empty.owner_url, REVISIONS[-2])
    with empty.owner.connect() as owner:
        assert migrate.check(owner) is False
    migrate.upgrade(empty.owner_url)
    with empty.app.connect() as app:
        assert migrate.check(app) is True


def test_each_run_leaves_a_record(empty):
    assert migrate.upgrade(empty.owner_url) == REVISIONS
    assert history(empty) == [(revision, "upgrade", "completed") for revision in REVISIONS]
    assert migrate.upgrade(empty.owner_url) == []
    assert migrate.downgrade(empty.owner_url, REVISIONS[-2]) == [REVISIONS[-1]]
    assert history(empty)[len(REVISIONS) :] == [(REVISIONS[-1], "downgrade", "completed")]
    with empty.owner.connect() as owner:
        row = owner.execute(text("SELECT * FROM migration_history ORDER BY id DESC LIMIT 1")).one()
    assert row.app_version and row.duration_ms >= 0 and row.started_at.tzinfo


def test_a_revision_that_fails_leaves_those_before_it_and_says_why(empty):
    with empty.owner.begin() as owner:
        owner.execute(text("CREATE TABLE agents (mine text)"))
    with pytest.raises(DBAPIError, match="already exists"):
        migrate.upgrade(empty.owner_url)
    recorded = history(empty)
    assert recorded == [
        *[(revision, "upgrade", "completed") for revision in REVISIONS[:2]],
        (REVISIONS[2], "upgrade", "failed"),
    ]
    with empty.owner.begin() as owner:
        reason = owner.scalar(text("SELECT error_message FROM migration_history WHERE result = 'failed'"))
        assert "already exists" in reason
        owner.execute(text("DROP TABLE agents"))
    assert migrate.upgrade(empty.owner_url) == REVISIONS[2:]


def test_up_down_and_up_again_keeps_all_data(migrated, fill):
    with migrated.owner.begin() as owner:
        fill(owner, new_id())
        fill(owner, new_id())
    before, everything = contents(migrated), columns(migrated)
    assert all(before.values())
    migrate.downgrade(migrated.owner_url, BEFORE_RIGHTS)
    old = columns(migrated)
    kept = existing_tables(migrated) - DERIVED
    migrate.upgrade(migrated.owner_url)
    after = contents(migrated)
    lost = {table: everything[table] - old[table] for table in kept}  # columns that a later revision adds
    assert {t: without(after[t], lost[t]) for t in kept} == {t: without(before[t], lost[t]) for t in kept}
    assert len(kept) > 54
    assert migrate.drift(migrated.owner_url) == []
    with migrated.app.connect() as app:
        assert app.scalar(text("SELECT count(*) FROM flow_executions")) == 0


def columns(database) -> dict[str, set[str]]:
    query = """
        SELECT table_name, array_agg(CAST(column_name AS text)) FROM information_schema.columns
        WHERE table_schema = 'public' GROUP BY table_name
    """
    with database.owner.connect() as owner:
        return {table: set(names) for table, names in owner.execute(text(query))}


def without(rows: list[str], names: set[str]) -> list[dict]:
    return [{name: value for name, value in json.loads(row).items() if name not in names} for row in rows]


def existing_tables(database) -> set[str]:
    with database.owner.connect() as owner:
        names = set(owner.scalars(text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")))
    return (names & set(Base.metadata.tables)) - {"alembic_version", "migration_history"}


def test_all_the_way_down_leaves_nothing(migrated, fill):
    with migrated.owner.begin() as owner:
        fill(owner, new_id())
    assert migrate.downgrade(migrated.owner_url, "base") == REVISIONS[::-1]
    with migrated.owner.connect() as owner:
        left = list(owner.scalars(text(LEFT_OVER)))
        extension_functions = owner.scalars(
            text("SELECT proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'")
        )
        extension_types = owner.scalars(
            text("SELECT typname FROM pg_type t JOIN pg_depend d ON d.objid = t.oid AND d.deptype = 'e'")
        )
        brought = set(extension_functions) | set(extension_types)
    assert sorted(set(left) - brought - {f"_{name}" for name in brought}) == []
    assert migrate.upgrade(migrated.owner_url) == REVISIONS


def test_of_two_runs_at_once_one_migrates_and_the_other_finds_it_done(empty):
    code = "import sys; from webapp.database import migrate; print(len(migrate.upgrade(sys.argv[1])))"
    command = [sys.executable, "-c", code, empty.owner_url]
    root = Path(__file__).resolve().parents[2]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root) for _ in range(3)]
    results = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], results
    assert sorted(int(out) for out, _ in results) == [0, 0, len(REVISIONS)]
    assert history(empty) == [(revision, "upgrade", "completed") for revision in REVISIONS]


def test_a_migration_gives_up_on_a_lock_instead_of_holding_up_the_product(migrated, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "200ms")
    with migrated.owner.connect() as reader:
        reader.execute(text("SELECT count(*) FROM flow_executions"))
        with pytest.raises(DBAPIError) as raised:
            migrate.downgrade(migrated.owner_url, BEFORE_RIGHTS)
    assert raised.value.orig.sqlstate == "55P03"
    migrate.upgrade(migrated.owner_url)
