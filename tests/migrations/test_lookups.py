"""The functions that run with the owner's rights: what they answer, to whom, and nothing more."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from webapp.database import migrate
from webapp.database.tenancy import set_organization
from webapp.models import (
    Agent,
    Agentflow,
    ApiKey,
    BrowserSession,
    FlowExecution,
    Invitation,
    Organization,
    OrganizationMember,
    RollupDirty,
    Tool,
    User,
    UserSettings,
    id_time,
    new_id,
)

NOW = datetime.now(UTC)
FOUND = "discovered"


def one(connection, sql: str, **values):
    return connection.execute(text(sql), values).one_or_none()


def write(connection, model, **values):
    connection.execute(insert(model), [values])
    return values


@pytest.fixture
def home(migrated):
    """Ann, member of two organizations, as the owner's transaction sees it."""
    user, first, second = new_id(), new_id(), new_id()
    with migrated.owner.begin() as owner:
        write(owner, User, id=user, email="ann@example.com", username="ann", password_hash="!", timezone="Asia/Seoul")
        for identity, name in ((first, "Acme"), (second, "Zoo")):
            write(owner, Organization, id=identity, name=name, slug=name.lower(), owner_id=user)
            write(owner, OrganizationMember, organization_id=identity, user_id=user, role="admin")
    return migrated, user, first, second


def test_a_first_run_is_needed_until_there_is_an_organization(migrated):
    with migrated.app.connect() as app:
        assert app.scalar(text("SELECT first_run_needed()")) is True
        organization_id = new_id()
        set_organization(app, organization_id)
        write(app, Organization, id=organization_id, name="Acme", slug="acme")
        assert app.scalar(text("SELECT first_run_needed()")) is False
        app.commit()
        assert app.scalar(text("SELECT first_run_needed()")) is False


def test_a_session_is_found_by_its_hash_with_who_and_where(home):
    database, user, first, _ = home
    with database.app.begin() as app:
        session = write(
            *(app, BrowserSession),
            id=new_id(),
            user_id=user,
            organization_id=first,
            token_hash=b"h" * 32,
            expires_at=NOW + timedelta(hours=1),
        )
        write(app, UserSettings, user_id=user, theme="dark", locale="ko")
    with database.app.connect() as app:
        row = one(app, "SELECT * FROM auth_session(:hash)", hash=b"h" * 32)
        assert (row.session_id, row.user_id, row.organization_id) == (session["id"], user, first)
        assert (row.member_role, row.organization_name, row.timezone) == ("admin", "Acme", "Asia/Seoul")
        assert (row.theme, row.locale, row.email) == ("dark", "ko", "ann@example.com")
        assert one(app, "SELECT * FROM auth_session(:hash)", hash=b"x" * 32) is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET revoked_at = now()",
        "UPDATE sessions SET expires_at = now() - interval '1 second'",
        "UPDATE users SET is_active = false",
        "UPDATE users SET deactivated_at = now()",
    ],
)
def test_a_dead_session_is_not_found(home, change: str):
    database, user, first, _ = home
    values = {"user_id": user, "organization_id": first, "token_hash": b"h", "expires_at": NOW + timedelta(hours=1)}
    with database.owner.begin() as owner:
        write(owner, BrowserSession, id=new_id(), **values)
        owner.execute(text(change))
    with database.app.connect() as app:
        assert one(app, "SELECT * FROM auth_session('h'::bytea)") is None


def test_a_session_forgets_an_organization_that_was_left(home):
    database, user, first, _ = home
    values = {"user_id": user, "organization_id": first, "token_hash": b"h", "expires_at": NOW + timedelta(hours=1)}
    with database.owner.begin() as owner:
        write(owner, BrowserSession, id=new_id(), **values)
        owner.execute(text("DELETE FROM organization_members WHERE organization_id = :id"), {"id": first})
    with database.app.connect() as app:
        row = one(app, "SELECT * FROM auth_session('h'::bytea)")
        assert (row.user_id, row.organization_id, row.member_role, row.organization_name) == (user, None, None, None)


def test_a_key_and_an_invitation_are_found_before_the_tenant_is_known(home):
    database, user, first, _ = home
    with database.owner.begin() as owner:
        values = {"key_id": "abcd1234", "secret_hash": b"s", "last_four": "wxyz", "scopes": ["ingest"]}
        key = write(owner, ApiKey, id=new_id(), organization_id=first, user_id=user, name="ci", **values)
        values = {"email": "bob@example.com", "token_hash": b"t", "expires_at": NOW, "role": "viewer"}
        invitation = write(owner, Invitation, id=new_id(), organization_id=first, **values)
    with database.app.connect() as app:
        row = one(app, "SELECT * FROM auth_api_key('abcd1234')")
        assert (row.api_key_id, row.organization_id, row.secret_hash, row.scopes) == (
            key["id"],
            first,
            b"s",
            ["ingest"],
        )
        assert (row.expires_at, row.revoked_at) == (None, None)
        assert one(app, "SELECT * FROM auth_api_key('nobody00')") is None
        row = one(app, "SELECT * FROM auth_invitation('t'::bytea)")
        assert (row.invitation_id, row.organization_name, row.role) == (invitation["id"], "Acme", "viewer")


def test_a_person_lists_only_their_organizations(home):
    database, user, first, second = home
    with database.owner.begin() as owner:
        write(owner, Organization, id=new_id(), name="Foreign", slug="foreign")
    with database.app.connect() as app:
        rows = app.execute(text("SELECT * FROM my_organizations(:user)"), {"user": user}).all()
        assert [(row.organization_id, row.name, row.role) for row in rows] == [
            (first, "Acme", "admin"),
            (second, "Zoo", "admin"),
        ]
        assert one(app, "SELECT * FROM my_organizations(:user)", user=new_id()) is None


def test_jobs_learn_which_organizations_have_work(home):
    database, _, first, second = home
    stale = {"status": "running", "last_received_at": NOW - timedelta(minutes=45)}
    with database.owner.begin() as owner:
        for organization_id in (first, second):
            write(
                owner,
                FlowExecution,
                id=(id_ := new_id()),
                created_at=id_time(id_),
                organization_id=organization_id,
                **stale,
            )
        owner.execute(
            text("""UPDATE organizations SET settings = '{"settle_after_minutes": 60}' WHERE id = :id"""),
            {"id": second},
        )
        write(owner, RollupDirty, organization_id=second, bucket=NOW)
        write(owner, RollupDirty, organization_id=second, bucket=NOW)
    with database.app.connect() as app:

        def due(kind: str) -> list:
            return app.scalars(text("SELECT organizations_due(:kind)"), {"kind": kind}).all()

        assert due("all") == [first, second]
        assert due("settle") == [first]
        assert due("rollup") == [second]
        assert due("blocks") == []
        assert due("retention") == []
        with pytest.raises(DBAPIError, match="knows no kind"):
            due("nonsense")


@pytest.mark.parametrize(("touched", "first_touched", "is_due"), [(1, 59, False), (3, 3, True), (1, 61, True)])
def test_hours_of_blocks_are_due_when_they_are_quiet_or_wait_for_long(home, touched, first_touched, is_due):
    database, _, first, _ = home
    note = """
        INSERT INTO block_rollup_dirty (organization_id, bucket, touched_at, first_touched_at)
        VALUES (:organization_id, now(), now() - :touched * interval '1 minute', now() - :first * interval '1 minute')
    """
    with database.owner.begin() as owner:
        owner.execute(text(note), {"organization_id": first, "touched": touched, "first": first_touched})
    with database.app.connect() as app:
        due = app.scalars(text("SELECT organizations_due('blocks')")).all()
    assert due == ([first] if is_due else [])


def test_blocks_found_before_get_their_agent_and_tool(migrated):
    """Blocks by name from the agents of the flow's service, never from another organization's."""
    migrate.downgrade(migrated.owner_url, "20261124_1800")
    ours, theirs = new_id(), new_id()
    with migrated.owner.begin() as owner:
        for organization_id, slug in ((ours, "a"), (theirs, "b")):
            flow = new_id()
            write(owner, Organization, id=organization_id, name=slug, slug=slug)
            write(
                owner, Agentflow, id=flow, organization_id=organization_id, name="f", service_name="api", source=FOUND
            )
            for service in ("api", "other"):
                write(
                    owner, Agent, id=new_id(), organization_id=organization_id, name="router", service_name=service,
                    source=FOUND,
                )  # fmt: skip
            write(owner, Tool, id=new_id(), organization_id=organization_id, name="search", source=FOUND)
            for kind, name in (("agent", "router"), ("agent", "unknown"), ("tool", "search"), ("step", "router")):
                owner.execute(
                    text("""
                        INSERT INTO blocks (id, organization_id, agentflow_id, step_kind, name, block_type, source)
                        VALUES (:id, :organization_id, :flow, :kind, :name, 'agent', 'discovered')"""),
                    {"id": new_id(), "organization_id": organization_id, "flow": flow, "kind": kind, "name": name},
                )
    migrate.upgrade(migrated.owner_url)
    with migrated.owner.connect() as owner:
        rows = owner.execute(
            text("""
                SELECT b.step_kind, b.name, a.service_name, t.name, coalesce(a.organization_id, t.organization_id)
                FROM blocks b LEFT JOIN agents a ON a.id = b.agent_id LEFT JOIN tools t ON t.id = b.tool_id
                WHERE b.organization_id = :ours"""),
            {"ours": ours},
        ).all()
    assert {tuple(row) for row in rows} == {
        ("agent", "router", "api", None, ours),
        ("agent", "unknown", None, None, None),
        ("tool", "search", None, "search", ours),
        ("step", "router", None, None, None),
    }


@pytest.fixture
def failures(home):
    """20,000 failed executions of Acme, one of Zoo; errors with the characters that ILIKE treats as special."""
    database, _, first, second = home
    rows = """
        INSERT INTO flow_executions (id, created_at, organization_id, status, started_at, error_message)
        SELECT id, id_time(id), :organization, 'failed', id_time(id), message FROM (
            SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - n), 12, '0') || '7' ||
                substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid AS id,
                CASE n WHEN 7 THEN '100% of disk_full reached' WHEN 8 THEN '1000 of disk-full reached'
                ELSE 'connection ' || md5(n::text) || ' was reset' END AS message
            FROM generate_series(1, :count) n) made
    """
    month_ago = (NOW - timedelta(days=31)).date()
    with database.owner.begin() as owner:
        owner.execute(text("SELECT ensure_partitions(:day, :day)"), {"day": month_ago})
        owner.execute(text(rows), {"organization": first, "count": 20_000})
        owner.execute(text(rows), {"organization": second, "count": 7})
        owner.execute(text("ANALYZE flow_executions"))
    return database, first, second


def search(connection, query: str, since=None, until=None, limit: int = 50) -> list:
    sql = "SELECT * FROM search_execution_errors(:query, :since, :until, :limit)"
    values = {"query": query, "since": since, "until": until, "limit": limit}
    return connection.execute(text(sql), values).all()


def test_error_text_is_searched_within_the_organization_only(failures):
    database, first, second = failures
    with database.app.connect() as app:
        assert search(app, "disk") == []
        set_organization(app, first)
        assert len(search(app, "DISK")) == 2
        assert len(search(app, "100% of disk_full")) == 1
        assert len(search(app, "0% of")) == 1
        assert search(app, "disk\\") == []
        assert len(search(app, "connection", limit=10)) == 10
        assert search(app, "disk", until=NOW - timedelta(days=1)) == []
        assert search(app, "disk", since=NOW + timedelta(days=1)) == []
        assert len(search(app, "disk", since=NOW - timedelta(days=1), until=NOW + timedelta(days=1))) == 2
        set_organization(app, second)
        assert len(search(app, "disk")) == 1


def test_a_search_for_error_text_uses_the_trigram_index(failures):
    database, first, _ = failures
    scans = """
        SELECT coalesce(sum(idx_scan), 0) FROM pg_stat_user_indexes
        WHERE relname LIKE 'flow_executions_%' AND indexrelname LIKE '%error_message%'
    """
    with database.owner.connect() as owner, database.app.connect() as app:
        before = owner.scalar(text(scans))
        owner.rollback()
        set_organization(app, first)
        assert len(search(app, "disk_full")) == 1
        app.execute(text("SELECT pg_stat_force_next_flush()"))
        app.commit()
        assert owner.scalar(text(scans)) > before


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ("true", "organization_id_started_at_id"),
        ("status = 'failed'", "organization_id_started_at_id"),
        ("agentflow_id = '00000000-0000-0000-0000-000000000001'", "agentflow"),
    ],
)
def test_the_policies_keep_the_lists_on_their_indexes(failures, where: str, index: str):
    database, first, _ = failures
    query = f"""
        EXPLAIN SELECT id FROM flow_executions WHERE organization_id = :organization AND {where}
        ORDER BY started_at DESC, id DESC LIMIT 50
    """
    with database.app.connect() as app:
        set_organization(app, first)
        plan = "\n".join(app.scalars(text(query), {"organization": first}))
    assert f"Seq Scan on flow_executions_{NOW:%Y_%m}" not in plan, plan
    assert index in plan, plan


def test_functions_with_the_owners_rights_are_closed_to_strangers_and_fix_their_path(shared):
    query = """
        SELECT p.oid::regprocedure::text AS name, p.proconfig,
            EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0) OR p.proacl IS NULL AS is_public,
            has_function_privilege('agenticbuilder_app', p.oid, 'EXECUTE') AS is_granted
        FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace
    """
    with shared.owner.connect() as owner:
        functions = owner.execute(text(query)).all()
    assert len(functions) >= 11
    for function in functions:
        assert "search_path=pg_catalog, public, pg_temp" in function.proconfig, function.name
        assert not function.is_public, function.name
        assert function.is_granted, function.name
