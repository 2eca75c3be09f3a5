"""A stranger tries every route on another organization's records: 404, and nothing changes (ASVS 8.2.1 to 8.4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.rules.strangers import ARGUMENTS, BODIES, CANARIES, CANARY, calls, fingerprint, intrusions, shown
from webapp import create_app
from webapp.domain.api_keys import Scope
from webapp.extensions import db
from webapp.models import Base
from webapp.permissions import Permission
from webapp.web.blueprint import GuardedBlueprint


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
            seen += [f"{call.path}{query} shows {word}" for word in shown(answer.text)]
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
    client, seen = client_as(alice), set()
    for call in sorted(calls(app, things), key=lambda c: c.method == "POST"):
        if call.has_ids:
            headers = {"Authorization": f"Bearer {api_key.text}"} if call.is_for_keys else {}
            answer = client.open(call.path, method=call.method, headers=headers, data=BODIES.get(call.endpoint))
            assert answer.status_code < 400, (call, answer.text[:300])
            seen |= set(shown(answer.text))
    assert seen == set(CANARIES)


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
    assert len(before) > 60 and set(before) <= set(Base.metadata.tables)


def test_every_table_of_an_organization_holds_a_row(things, organization, owner_engine):
    """A checksum over no rows would change only when something is added."""
    with owner_engine.connect() as connection:
        empty = [
            table.name
            for table in Base.metadata.sorted_tables
            if "organization_id" in table.c and table.name != "sessions"
            and not connection.scalar(
                sa.text(f"SELECT count(*) FROM {table.name} WHERE organization_id = :id"), {"id": organization.id}
            )
        ]  # fmt: skip
    assert empty == []


def _permission(app: Flask, endpoint: str) -> object:
    return getattr(app.view_functions[endpoint], "permission", None)
