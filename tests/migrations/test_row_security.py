"""No query sees another organization's rows, on every tenant table there is, the ones added tomorrow included."""

import pytest
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from webapp.database.tenancy import (
    forget_organization,
    organization_session,
    set_organization,
    use_organization,
)
from webapp.models import Agentflow, Base, FlowExecution, Tool, User, new_id

# Tables that are not one organization's: people, the catalogue, and the records of the instance itself.
OPEN = {"users", "user_settings", "sessions", "login_attempts"}
OPEN |= {"plugin_registry", "plugin_dependencies", "plugin_security_scans", "migration_history", "alembic_version"}
# Organization NULL = shipped, readable by all.
SHIPPED = {"agent_templates", "model_prices", "tools", "rate_limit_configs"}
# The application adds and reads, nothing else.
APPEND_ONLY = {"credits", "event_store", "plugin_audit_logs"}
READ_ONLY = {"migration_history", "alembic_version"}

TENANT = sorted(set(Base.metadata.tables) - OPEN)
PARTITIONED = sorted(
    name for name, table in Base.metadata.tables.items() if table.dialect_options["postgresql"]["partition_by"]
)


def owner_column(table: str) -> str:
    return "id" if table == "organizations" else "organization_id"


@pytest.fixture
def app(populated):
    """A connection of the application's role; what it does is rolled back."""
    with populated[0].app.connect() as connection:
        yield connection
        connection.rollback()


def visible(connection: Connection, table: str) -> list:
    column = owner_column(table)
    return list(connection.scalars(text(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")))


@pytest.mark.parametrize("table", TENANT)
def test_every_other_table_belongs_to_an_organization(table: str):
    column = Base.metadata.tables[table].columns[owner_column(table)]
    assert column.nullable == (table in SHIPPED), "make it NOT NULL, or list the table in OPEN or SHIPPED and say why"


@pytest.mark.parametrize("table", TENANT)
def test_row_level_security_is_on_with_a_policy(populated, table: str):
    with populated[0].owner.connect() as connection:
        on = connection.scalar(text("SELECT relrowsecurity FROM pg_class WHERE oid = to_regclass(:t)"), {"t": table})
        policies = connection.scalar(
            text("SELECT count(*) FROM pg_policy WHERE polrelid = to_regclass(:t)"), {"t": table}
        )
    assert on, f"call ddl.protect(['{table}']) in its migration"
    assert policies == (2 if table in SHIPPED else 1)


@pytest.mark.parametrize("table", TENANT)
def test_without_an_organization_nothing_is_visible(app, table: str):
    assert visible(app, table) == []


@pytest.mark.parametrize("table", TENANT)
def test_a_query_that_forgets_its_organization_sees_only_its_own_rows(app, populated, table: str):
    mine = populated[1]["organizations"]["id"]
    set_organization(app, mine)
    assert set(visible(app, table)) == {mine}


@pytest.mark.parametrize("table", TENANT)
def test_a_row_for_another_organization_is_refused(app, populated, make_row, table: str):
    _, mine, theirs = populated
    set_organization(app, mine["organizations"]["id"])
    row = make_row(
        Base.metadata.tables[table], theirs, new_id() if table == "organizations" else theirs["organizations"]["id"]
    )
    with pytest.raises(ProgrammingError, match="row-level security"):
        app.execute(insert(Base.metadata.tables[table]), [row])


@pytest.mark.parametrize("table", sorted(set(TENANT) - APPEND_ONLY))
def test_another_organizations_rows_cannot_be_changed_or_deleted(app, populated, table: str):
    _, mine, theirs = populated
    set_organization(app, mine["organizations"]["id"])
    column = owner_column(table)
    own, foreign = mine["organizations"]["id"], theirs["organizations"]["id"]
    taken = text(f"UPDATE {table} SET {column} = :own WHERE {column} = :foreign")
    assert app.execute(taken, {"own": own, "foreign": foreign}).rowcount == 0
    assert app.execute(text(f"DELETE FROM {table} WHERE {column} = :foreign"), {"foreign": foreign}).rowcount == 0
    table_ = Base.metadata.tables[table]
    with pytest.raises(ProgrammingError, match="row-level security"):
        app.execute(update(table_).values({column: foreign}).where(table_.columns[column] == own))


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
def test_a_log_can_only_be_added_to(app, populated, table: str):
    set_organization(app, populated[1]["organizations"]["id"])
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET organization_id = organization_id"):
        with pytest.raises(ProgrammingError, match="permission denied"), app.begin_nested():
            app.execute(text(statement))


@pytest.mark.parametrize("table", sorted(READ_ONLY))
def test_the_record_of_migrations_can_only_be_read(app, table: str):
    assert app.scalar(text(f"SELECT count(*) FROM {table}")) > 0
    with pytest.raises(ProgrammingError, match="permission denied"):
        app.execute(text(f"DELETE FROM {table}"))


def test_shipped_rows_are_read_by_all_and_written_by_the_owner_only(populated):
    database, mine, _ = populated
    with database.owner.begin() as connection:
        connection.execute(insert(Tool), [{"id": new_id(), "name": "shipped tool", "organization_id": None}])
    with database.app.connect() as app:
        set_organization(app, mine["organizations"]["id"])
        assert app.scalar(text("SELECT count(*) FROM tools WHERE organization_id IS NULL")) == 1
        assert app.execute(text("UPDATE tools SET name = 'x' WHERE organization_id IS NULL")).rowcount == 0
        with pytest.raises(ProgrammingError, match="row-level security"):
            app.execute(insert(Tool), [{"id": new_id(), "name": "forged", "organization_id": None}])


@pytest.mark.parametrize("table", PARTITIONED)
def test_a_month_named_directly_gives_nothing(populated, table: str):
    """A policy on the parent guards only queries of the parent."""
    query = """
        SELECT c.relname, c.relrowsecurity, EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid) AS has_policy,
            has_table_privilege(:role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES') AS granted
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass(:table) ORDER BY c.relname DESC
    """
    with populated[0].owner.connect() as connection:
        rows = connection.execute(text(query), {"table": table, "role": populated[0].app.url.username}).all()
    assert len(rows) >= 4
    assert [row for row in rows if not row.relrowsecurity or row.has_policy or row.granted] == []
    with populated[0].app.connect() as app, pytest.raises(ProgrammingError, match="permission denied"):
        app.execute(text(f"SELECT count(*) FROM {rows[-1].relname}"))


def test_even_a_stray_grant_on_a_month_shows_nothing(populated):
    database, mine, _ = populated
    with database.owner.connect() as connection:
        month = connection.scalar(text("SELECT 'flow_executions_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')"))
        assert connection.scalar(text(f"SELECT count(*) FROM {month}")) > 0
        connection.execute(text(f"GRANT SELECT ON {month} TO {database.app.url.username}"))
        connection.commit()
    try:
        with database.app.connect() as app:
            set_organization(app, mine["organizations"]["id"])
            assert app.scalar(text(f"SELECT count(*) FROM {month}")) == 0
    finally:
        with database.owner.begin() as connection:
            connection.execute(text(f"REVOKE SELECT ON {month} FROM {database.app.url.username}"))


def test_the_application_owns_nothing_and_cannot_pass_the_policies(app):
    role = app.execute(
        text("SELECT current_user, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user")
    ).one()
    assert role[1:] == (False, False, False)
    owned = """
        SELECT relname FROM pg_class WHERE relowner = to_regrole(current_user)
        UNION ALL SELECT proname FROM pg_proc WHERE proowner = to_regrole(current_user)
    """
    assert app.execute(text(owned)).all() == []
    assert not app.scalar(text("SELECT has_schema_privilege('public', 'CREATE')"))


def test_every_table_of_the_database_is_known_here(populated):
    """A table that no model names would escape all of the above."""
    query = """
        SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
        AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition AND c.relname NOT LIKE 'procrastinate%'
    """
    with populated[0].owner.connect() as connection:
        assert set(connection.scalars(text(query))) == set(Base.metadata.tables)


# The session's side


def test_a_session_sets_its_organization_again_for_each_transaction(populated):
    database, mine, theirs = populated
    with Session(database.app) as session:
        use_organization(session, mine["organizations"]["id"])
        for _ in range(2):
            assert set(session.scalars(select(Agentflow.organization_id))) == {mine["organizations"]["id"]}
            session.rollback()
        session.scalar(select(User.id).limit(1))
        use_organization(session, theirs["organizations"]["id"])
        assert set(session.scalars(select(Agentflow.organization_id))) == {theirs["organizations"]["id"]}
        forget_organization(session)
        assert session.scalars(select(Agentflow.organization_id)).all() == []
        session.commit()
        assert session.scalars(select(Agentflow.organization_id)).all() == []


def test_an_organization_does_not_leak_through_the_pool(populated):
    from sqlalchemy import create_engine

    database, mine, _ = populated
    engine = create_engine(database.app.url, pool_size=1, max_overflow=0)
    with organization_session(engine, mine["organizations"]["id"]) as session:
        first = session.scalar(text("SELECT pg_backend_pid()"))
        assert session.scalar(select(FlowExecution.organization_id)) == mine["organizations"]["id"]
    with pytest.raises(ZeroDivisionError), organization_session(engine, mine["organizations"]["id"]):
        raise ZeroDivisionError
    with Session(engine) as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) == first
        assert session.scalars(select(FlowExecution.organization_id)).all() == []
    engine.dispose()


def test_an_organization_session_commits_at_its_end_and_rolls_back_on_an_exception(populated):
    database, mine, _ = populated
    organization_id = mine["organizations"]["id"]
    with pytest.raises(ZeroDivisionError), organization_session(database.app, organization_id) as session:
        session.add(Agentflow(organization_id=organization_id, name="lost"))
        session.flush()
        raise ZeroDivisionError
    with organization_session(database.app, organization_id) as session:
        session.add(Agentflow(organization_id=organization_id, name="kept"))
    with organization_session(database.app, organization_id) as session:
        names = set(session.scalars(select(Agentflow.name)))
        assert "kept" in names
        assert "lost" not in names
        session.delete(session.scalars(select(Agentflow).where(Agentflow.name == "kept")).one())
