"""Fixtures for every test: a real PostgreSQL, the application on it, people in organizations, and no network.

``database`` gives each test an empty, migrated database. ``app`` and ``client`` use it as the application's role with
real commits; factories write to it as the owner.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from tests import run_database
from tests.factories import base as factories
from tests.factories.accounts import make_browser_session, make_organization, make_organization_member, make_user
from tests.factories.security import NewKey, make_api_key
from webapp.config import Settings
from webapp.models import Organization, User

pytest_plugins = ["tests.browser_fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        run_database.begin_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and run_database.VARIABLE in os.environ:
        run_database.end_run()


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse connections to other machines: a test that needs one is wrong or shows a leak."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to connect to {address}")
        return real(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        yield


@pytest.fixture(scope="session")
def base_url() -> None:
    """Stands in for the one of pytest-base-url, which is asked for in every run and warns under this pytest."""


@pytest.fixture(scope="session")
def process_database(worker_id: str) -> Iterator[Settings]:
    """The database of this test process, with the URLs of both roles."""
    server = run_database.run_server()
    with run_database.database(server, f"test_{worker_id}") as settings:
        yield settings


@pytest.fixture(scope="session")
def process_engine(process_database: Settings) -> Iterator[Engine]:
    engine = sqlalchemy.create_engine(process_database.database_owner_url)
    yield engine
    engine.dispose()


@pytest.fixture
def database(process_database: Settings, process_engine: Engine) -> Iterator[Settings]:
    """An empty, migrated database for one test."""
    factories.bind(process_engine)
    yield process_database
    factories.bind(None)
    run_database.empty_used_tables(process_engine)


@pytest.fixture
def owner_engine(database: Settings, process_engine: Engine) -> Engine:
    """Connects as the owner, whom row-level security does not bind: to look behind the application's back."""
    return process_engine


@pytest.fixture(scope="session")
def process_app(process_database: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    from webapp import create_app
    from webapp.extensions import db

    app = create_app(replace(process_database, data_dir=tmp_path_factory.mktemp("data"), database_owner_url=""))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(database: Settings, process_app: Flask) -> Flask:
    """The application on the test's database, as the application's role."""
    return process_app


@pytest.fixture
def app_engine(app: Flask) -> Engine:
    """The application's own engine: what it may not see, row-level security hides."""
    from webapp.extensions import db

    with app.app_context():
        return db.engine


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return _browser(app)


@pytest.fixture
def sign_in(app: Flask) -> Callable[..., tuple[str, str]]:
    """``sign_in(user, organization=None)``: name and value of a session's cookie."""

    def sign_in(user: User, organization: Organization | None = None) -> tuple[str, str]:
        from webapp.domain.session_tokens import new_token
        from webapp.web.authentication import cookie_name

        token = new_token()
        organization_id = organization.id if organization else _first_organization(user)
        make_browser_session(user_id=user.id, organization_id=organization_id, token_hash=token.token_hash)
        return cookie_name(is_https=False), token.text

    return sign_in


@pytest.fixture
def client_as(app: Flask, sign_in: Callable[..., tuple[str, str]]) -> Callable[..., FlaskClient]:
    """``client_as(user, organization=None)``: a signed-in browser, in the first organization unless one is named."""

    def client_as(user: User, organization: Organization | None = None) -> FlaskClient:
        browser = _browser(app)
        browser.set_cookie(*sign_in(user, organization))
        return browser

    return client_as


def _browser(app: Flask) -> FlaskClient:
    browser = app.test_client()
    browser.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    browser.environ_base["REMOTE_ADDR"] = "127.0.0.1"
    return browser


def _first_organization(user: User) -> Any:
    from webapp.models import OrganizationMember

    query = sqlalchemy.select(OrganizationMember.organization_id).filter_by(user_id=user.id).limit(1)
    with factories.bound_engine().connect() as connection:
        return connection.scalar(query)


@pytest.fixture
def organization(database: Settings) -> Organization:
    """Organization one, to which rows belong unless a test says otherwise."""
    return factories.default_organization()


@pytest.fixture
def other_organization(database: Settings) -> Organization:
    """Organization two, a stranger to the first."""
    return make_organization(name="Globex", slug="globex")


@pytest.fixture
def alice(organization: Organization) -> User:
    """Owner of organization one."""
    return _member("alice", organization, "owner")


@pytest.fixture
def bob(organization: Organization) -> User:
    """May look at organization one, and nothing more."""
    return _member("bob", organization, "viewer")


@pytest.fixture
def charlie(other_organization: Organization) -> User:
    """Owner of organization two: the stranger who must see nothing of one."""
    return _member("charlie", other_organization, "owner")


def _member(name: str, organization: Organization, role: str) -> User:
    user = make_user(email=f"{name}@example.org", username=name, full_name=name.capitalize())
    make_organization_member(organization_id=organization.id, user_id=user.id, role=role)
    return user


@pytest.fixture
def api_key(organization: Organization) -> NewKey:
    """A key of organization one; ``api_key.text`` is what a program sends."""
    return make_api_key(organization_id=organization.id)


@dataclass
class Statements:
    """What was sent to the database inside the block, without BEGIN and the setting of the organization."""

    texts: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    def __str__(self) -> str:
        return "\n---\n".join(self.texts)


@pytest.fixture
def count_queries(app: Flask) -> Callable[[], contextlib.AbstractContextManager[Statements]]:
    """``with count_queries() as statements: client.get(...)``, then ``len(statements)``."""
    from webapp.extensions import db

    with app.app_context():
        engine = db.engine

    @contextlib.contextmanager
    def counting() -> Iterator[Statements]:
        statements = Statements([])

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            if "set_config(" not in statement:
                statements.texts.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return counting


@pytest.fixture
def make_database(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Callable[..., Settings]]:
    """``make_database(migrated=False)``: one more database, for tests that migrate or that break theirs."""
    server = run_database.run_server()
    names: list[str] = []

    def make(*, migrated: bool = True) -> Settings:
        names.append(f"test_{worker_id}_{len(names)}")
        return run_database.make_database(server, names[-1], run_database.TEMPLATE if migrated else run_database.EMPTY)

    yield make
    for name in names:
        run_database.drop_database(server, name)
