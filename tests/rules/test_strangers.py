"""A stranger tries every route on another organization's records: 404, and nothing changes (ASVS 8.2.1 to 8.4.1).

The routes come from the application itself, so that a new one is tried without anybody thinking of it: an argument
that the registry below does not know fails the test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.factories.accounts import make_browser_session, make_saved_view
from tests.factories.conversations import make_bookmark
from tests.factories.executions import make_feedback
from tests.factories.observability import make_ingest_rejection
from tests.factories.security import make_api_key
from tests.factories.system import make_notification
from webapp import create_app
from webapp.domain.api_keys import Scope
from webapp.extensions import db
from webapp.models import Base, FlowExecution, User
from webapp.permissions import Permission
from webapp.web.blueprint import GuardedBlueprint

CANARY = "canary-of-organization-one"

# What stands for each argument of a route: the name of one of organization one's things, or a plain word.
ARGUMENTS = {
    ("accounts.revoke_session", "session_id"): "session",
    ("api.show_execution", "execution_id"): "execution",
    ("api_keys.revoke", "api_key_id"): "api_key",
    ("executions.bookmark", "execution_id"): "execution",
    ("executions.delete_view", "view_id"): "view",
    ("executions.download_trace", "execution_id"): "execution",
    ("executions.give_feedback", "execution_id"): "execution",
    ("executions.show", "execution_id"): "execution",
    ("executions.text", "execution_id"): "execution",
    ("executions.text", "kind"): "=txt",
    ("executions.text", "part"): "=output",
    ("executions.withdraw_feedback", "execution_id"): "execution",
    ("ingest.nothing", "_signal"): "=logs",
    ("notifications.read", "notification_id"): "notification",
}
BODIES = {"executions.give_feedback": {"score": "1", "comment": "x"}}
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"HX-Request": "true", "HX-Target": "div#main"},
    {"X-Request-From": "internal", "X-Original-User": "alice@example.org", "X-Organization-Id": "1"},
)


@dataclass(frozen=True)
class Call:
    """One route with its arguments filled in from organization one."""

    endpoint: str
    method: str
    path: str
    is_for_keys: bool
    has_ids: bool


def calls(app: Flask, things: dict[str, Any]) -> Iterator[Call]:
    """Every route and method of the application.

    Raises:
        KeyError: an argument is not in the registry.
    """
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        words = {name: ARGUMENTS[rule.endpoint, name] for name in rule.arguments}
        values = {n: w[1:] if w.startswith("=") else str(things[w]) for n, w in words.items()}
        path = adapter.build(rule.endpoint, values)
        has_ids = any(not word.startswith("=") for word in words.values())
        is_for_keys = isinstance(getattr(app.view_functions[rule.endpoint], "permission", None), Scope)
        for method in sorted(rule.methods - {"OPTIONS"}):
            yield Call(rule.endpoint, method, path, is_for_keys, has_ids)


def intrusions(app: Flask, things: dict[str, Any], client: FlaskClient, key: str) -> list[str]:
    """Calls of a stranger that were not answered by 404, or whose answer holds words of organization one."""
    problems = []
    for call in calls(app, things):
        if not call.has_ids:
            continue
        for extra in HEADERS:
            headers = extra | ({"Authorization": f"Bearer {key}"} if call.is_for_keys else {})
            answer = client.open(call.path, method=call.method, headers=headers, data=BODIES.get(call.endpoint))
            if answer.status_code != 404:
                problems.append(f"{call.method} {call.path} ({call.endpoint}) answers {answer.status_code}, not 404")
            if CANARY in answer.text:
                problems.append(f"{call.method} {call.path} ({call.endpoint}) shows words of another organization")
    return problems


def fingerprint(engine: Engine, organization_id: Any, user_id: Any) -> dict[str, str]:
    """One hash per table over the rows of an organization, and over one person's own rows."""
    found = {}
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            column, value = (
                ("organization_id", organization_id) if "organization_id" in table.c else ("user_id", user_id)
            )
            if table.name == "sessions" or column not in table.c:
                column, value = ("user_id" if "user_id" in table.c else "id", user_id)
            if column in table.c and table.name not in ("alembic_version", "login_attempts"):
                rows = connection.scalars(
                    sa.text(f"SELECT t::text FROM {table.name} t WHERE {column} = :value ORDER BY 1"), {"value": value}
                )
                found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


@pytest.fixture
def things(client_as, alice, organization, api_key, owner_engine) -> dict[str, Any]:
    """One of each record that a route can name, all of organization one or of Alice."""
    assert client_as(alice).post("/welcome/sample").status_code == 303
    with owner_engine.begin() as connection:
        execution = connection.execute(sa.select(FlowExecution.id, FlowExecution.created_at)).one()
        connection.execute(sa.update(FlowExecution).values(error_message=CANARY, session_id=CANARY, user_ref=CANARY))
        connection.execute(sa.text("UPDATE agentflows SET name = :name"), {"name": CANARY})
        connection.execute(sa.update(User).where(User.id == alice.id).values(full_name=CANARY))
        connection.execute(sa.text("UPDATE api_keys SET name = :name"), {"name": CANARY})
    own = {"organization_id": organization.id, "user_id": alice.id}
    make_bookmark(record_id=execution.id, record_created_at=execution.created_at, **own)
    make_feedback(flow_execution_id=execution.id, flow_created_at=execution.created_at, comment=CANARY, **own)
    make_ingest_rejection(organization_id=organization.id, http_status=400, reason=CANARY)
    return {
        "execution": execution.id,
        "api_key": api_key.row.id,
        "session": make_browser_session(user_id=alice.id, user_agent=CANARY).id,
        "view": make_saved_view(name=CANARY, is_shared=True, **own).id,
        "notification": make_notification(title=CANARY, **own).id,
    }


@pytest.fixture
def strange_key(other_organization) -> str:
    return make_api_key(organization_id=other_organization.id).text


def test_every_argument_of_every_route_is_known(app):
    wanted = {(rule.endpoint, name) for rule in app.url_map.iter_rules() for name in rule.arguments}
    assert wanted == set(ARGUMENTS)


def test_a_stranger_finds_nothing_and_changes_nothing(
    app, client_as, charlie, things, strange_key, alice, organization, owner_engine
):
    before = fingerprint(owner_engine, organization.id, alice.id)
    assert intrusions(app, things, client_as(charlie), strange_key) == []
    assert fingerprint(owner_engine, organization.id, alice.id) == before


def test_pages_without_an_id_show_a_stranger_nothing(app, client_as, charlie, things, strange_key):
    client, seen = client_as(charlie), []
    for call in calls(app, things):
        if call.has_ids or call.method != "GET":
            continue
        for query in ("", f"?q={things['execution']}", f"?q={CANARY[:9]}", f"?organization_id={things['execution']}"):
            headers = {"Authorization": f"Bearer {strange_key}"} if call.is_for_keys else {}
            answer = client.get(call.path + query, headers=headers)
            assert answer.status_code < 500, call
            seen += [f"{call.path}{query}"] if CANARY in answer.text.replace(f'value="{CANARY[:9]}"', "") else []
    assert seen == []


def test_nobody_gets_in_without_an_account_or_key(app, client, things, alice, organization, owner_engine):
    before = fingerprint(owner_engine, organization.id, alice.id)
    public = {
        r.endpoint for r in app.url_map.iter_rules() if not isinstance(_permission(app, r.endpoint), Permission | Scope)
    }
    for call in calls(app, things):
        if call.endpoint in public:
            continue
        answer = client.open(call.path, method=call.method)
        assert answer.status_code == (401 if call.is_for_keys else 303), call
        assert call.is_for_keys or answer.location.startswith("/sign-in"), call
    assert fingerprint(owner_engine, organization.id, alice.id) == before


def test_a_viewer_of_the_organization_reads_and_does_not_manage(app, client_as, bob, things):
    client = client_as(bob)
    for call in calls(app, things):
        permission = _permission(app, call.endpoint)
        if isinstance(permission, Permission) and permission.value.endswith((":manage", ":annotate", ":share")):
            answer = client.open(call.path, method=call.method, data=BODIES.get(call.endpoint))
            assert answer.status_code == 403, call


def test_the_owner_gets_what_the_stranger_does_not(app, client_as, alice, things, api_key):
    """Without this the walk would prove nothing: every call of it works for whom it is meant."""
    client = client_as(alice)
    for call in sorted(calls(app, things), key=lambda c: c.method == "POST"):
        if call.has_ids:
            headers = (
                {"Authorization": f"Bearer {api_key.text}"} if call.is_for_keys and call.endpoint != "api_keys" else {}
            )
            answer = client.open(call.path, method=call.method, headers=headers, data=BODIES.get(call.endpoint))
            assert answer.status_code < 400, (call, answer.text[:300])


@pytest.fixture
def leaky_app(database, tmp_path) -> Iterator[Flask]:
    """The application with one more route, which gives everybody organization one's words."""
    app = create_app(replace(database, data_dir=tmp_path, database_owner_url=""))
    bp = GuardedBlueprint("leaky", __name__, url_prefix="/leaky")
    bp.get("/<uuid:execution_id>", permission=Permission.SELF, endpoint="show")(lambda actor, execution_id: CANARY)
    app.register_blueprint(bp)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_a_route_that_forgets_the_organization_is_found(
    leaky_app, things, charlie, strange_key, client_as, monkeypatch
):
    monkeypatch.setitem(ARGUMENTS, ("leaky.show", "execution_id"), "execution")
    client = leaky_app.test_client()
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    client.set_cookie("ab_session", client_as(charlie).get_cookie("ab_session").value)
    problems = intrusions(leaky_app, things, client, strange_key)
    assert problems and all("/leaky/" in problem for problem in problems)
    assert any("answers 200" in p for p in problems) and any("words of another" in p for p in problems)


def test_a_route_with_an_unknown_argument_is_found(leaky_app, things):
    with pytest.raises(KeyError, match="leaky.show"):
        list(calls(leaky_app, things))


def test_a_changed_row_is_found(things, alice, organization, owner_engine):
    before = fingerprint(owner_engine, organization.id, alice.id)
    with owner_engine.begin() as connection:
        connection.execute(sa.text("UPDATE feedback SET score = -1"))
    after = fingerprint(owner_engine, organization.id, alice.id)
    assert [name for name in before if before[name] != after[name]] == ["feedback"]
    assert len(before) > 40


def _permission(app: Flask, endpoint: str) -> object:
    return getattr(app.view_functions[endpoint], "permission", None)
