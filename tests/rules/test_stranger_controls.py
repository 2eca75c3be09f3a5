"""The walk of strangers goes red when a net is cut: two nets hold apart, and with both cut every route leaks.

The nets are the queries' own filter by the actor's organization and the database's row-level security. Each is taken
away by itself, so that neither is only believed to be there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.rules.strangers import ARGUMENTS, fingerprint, intrusions
from webapp import create_app
from webapp.actor import Actor
from webapp.api import keys
from webapp.database.tenancy import use_organization
from webapp.extensions import db
from webapp.features.executions import queries_detail
from webapp.models import Organization, User
from webapp.web import authentication

OF_A_PERSON = {"accounts.revoke_session", "executions.delete_view", "notifications.read"}
"""Routes whose record belongs to one person; the others' belong to everybody in the organization."""
OF_THE_ORGANIZATION = {name for (name, _), thing in ARGUMENTS.items() if not thing.startswith("=")} - OF_A_PERSON


@pytest.fixture
def app_without_row_security(database, tmp_path) -> Iterator[Flask]:
    """The application as the owner of the tables, whom row-level security does not bind."""
    app = create_app(
        replace(database, data_dir=tmp_path, database_url=database.database_owner_url, database_owner_url="")
    )
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def browser_in(sign_in) -> Callable[[Flask, User], FlaskClient]:
    """``browser_in(app, user)``: signed in, on an application of the test's choice."""

    def browser_in(app: Flask, user: User) -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
        client.set_cookie(*sign_in(user))
        return client

    return browser_in


@pytest.fixture
def without_filters(monkeypatch, organization: Organization, other_organization: Organization, charlie: User) -> None:
    """Queries and operations believe that Charlie is of organization one; the database is told the truth."""

    def believed(actor: Actor) -> UUID:
        return organization.id if actor.user_id == charlie.id else actor.membership.organization_id

    def told(session: Any, organization_id: UUID) -> None:
        use_organization(session, other_organization.id)

    monkeypatch.setattr(Actor, "organization_id", property(believed))
    monkeypatch.setattr(authentication, "use_organization", told)
    monkeypatch.setattr(
        keys, "ApiKey", lambda key_id, _, scopes, user_id, made=keys.ApiKey: made(key_id, organization.id, scopes)
    )


def endpoints(problems: list[str]) -> set[str]:
    """Which routes the walk complains about."""
    return {re.search(r"\((\S+)\)", problem)[1] for problem in problems}


def test_the_filters_hold_without_row_security(
    app_without_row_security,
    browser_in,
    things,
    charlie,
    alice,
    organization,
    strange_key,
    owner_engine,
):
    before = fingerprint(owner_engine, organization.id, alice.id)
    assert (
        intrusions(app_without_row_security, things, browser_in(app_without_row_security, charlie), strange_key) == []
    )
    assert fingerprint(owner_engine, organization.id, alice.id) == before


def test_row_security_holds_without_the_filters(
    app,
    browser_in,
    things,
    charlie,
    alice,
    organization,
    strange_key,
    owner_engine,
    without_filters,
):
    before = fingerprint(owner_engine, organization.id, alice.id)
    assert intrusions(app, things, browser_in(app, charlie), strange_key) == []
    assert fingerprint(owner_engine, organization.id, alice.id) == before


def test_without_both_the_walk_is_red_on_every_route_of_the_organization(
    app_without_row_security, browser_in, things, charlie, alice, organization, strange_key,
    owner_engine, without_filters,
):  # fmt: skip
    before = fingerprint(owner_engine, organization.id, alice.id)
    client = browser_in(app_without_row_security, charlie)
    problems = intrusions(app_without_row_security, things, client, strange_key)
    assert endpoints(problems) == OF_THE_ORGANIZATION
    assert any("words of another" in problem for problem in problems)
    assert fingerprint(owner_engine, organization.id, alice.id) != before


def test_one_query_that_forgets_its_filter_is_found_where_nothing_else_holds(
    app_without_row_security,
    browser_in,
    things,
    charlie,
    organization,
    strange_key,
    monkeypatch,
):
    real = queries_detail.get_execution
    monkeypatch.setattr(
        queries_detail, "get_execution", lambda session, _, *more: real(session, organization.id, *more)
    )
    client = browser_in(app_without_row_security, charlie)
    found = endpoints(intrusions(app_without_row_security, things, client, strange_key))
    assert "executions.show" in found and found <= OF_THE_ORGANIZATION
