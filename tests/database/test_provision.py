"""Two roles, a secret that only we can read, and no role that row-level security would not bind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from webapp.config import Settings
from webapp.database.errors import DatabaseProblem
from webapp.database.provision import check_application_role, plain_url, provision, without_password
from webapp.database.server import EmbeddedServer


@pytest.fixture
def running(server: EmbeddedServer) -> EmbeddedServer:
    server.start()
    return server


def _ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def _foreign(server: EmbeddedServer, *statements: str) -> None:
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_makes_both_roles_and_the_database_once(running: EmbeddedServer, data_dir: Path) -> None:
    made = provision(Settings(data_dir=data_dir))
    assert _ask(made.database_url, "SELECT current_user") == "agenticbuilder_app"
    assert _ask(made.database_owner_url, "SELECT current_user") == "agenticbuilder_owner"
    collation = "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database WHERE datname = current_database()"
    assert _ask(made.database_url, collation) == "b C.UTF-8"
    assert (data_dir / "database.json").stat().st_mode & 0o777 == 0o600
    assert provision(Settings(data_dir=data_dir)) == made
    check_application_role(made.database_url)


def test_gives_roles_new_secrets_when_the_file_is_lost(running: EmbeddedServer, data_dir: Path) -> None:
    before = provision(Settings(data_dir=data_dir))
    (data_dir / "database.json").unlink()
    after = provision(Settings(data_dir=data_dir))
    assert after.database_url != before.database_url
    assert _ask(after.database_url, "SELECT 1") == 1
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(before.database_url)


def test_roles_need_their_password(running: EmbeddedServer, data_dir: Path) -> None:
    provision(Settings(data_dir=data_dir))
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(running.url("agenticbuilder_app", "wrong", "agenticbuilder"))


def test_one_foreign_url_that_may_make_roles_becomes_the_owner(running: EmbeddedServer, data_dir: Path) -> None:
    _foreign(running, "CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'x'", "CREATE DATABASE work OWNER boss")
    given = Settings(data_dir=data_dir / "own", database_url=running.url("boss", "x", "work"))
    made = provision(given)
    assert made.database_owner_url == given.database_url
    assert _ask(made.database_url, "SELECT pg_has_role('agenticbuilder_app', 'USAGE')") is True
    assert provision(given) == made


def test_two_databases_of_one_server_have_two_logins(running: EmbeddedServer, data_dir: Path) -> None:
    _foreign(running, "CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'x'")
    users = set()
    for name in ("one", "two"):
        _foreign(running, f"CREATE DATABASE {name} OWNER boss")
        made = provision(Settings(data_dir=data_dir / name, database_url=running.url("boss", "x", name)))
        users.add(_ask(made.database_url, "SELECT current_user"))
    assert len(users) == 2


def test_an_application_url_alone_cannot_migrate(running: EmbeddedServer, data_dir: Path) -> None:
    made = provision(Settings(data_dir=data_dir))
    alone = provision(Settings(data_dir=data_dir / "other", database_url=made.database_url))
    assert alone.database_owner_url == ""
    assert alone.database_url == made.database_url


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("CREATE ROLE wrong LOGIN SUPERUSER PASSWORD 'x'", "is a superuser"),
        ("CREATE ROLE wrong LOGIN BYPASSRLS PASSWORD 'x'", "may bypass row-level security"),
    ],
)
def test_refuses_an_application_role_that_sees_everything(
    running: EmbeddedServer, data_dir: Path, role: str, reason: str
) -> None:
    _foreign(running, role)
    with pytest.raises(DatabaseProblem, match=reason):
        check_application_role(running.url("wrong", "x", "postgres"))


def test_refuses_an_application_role_that_owns_tables(running: EmbeddedServer, data_dir: Path) -> None:
    made = provision(Settings(data_dir=data_dir))
    with psycopg.connect(made.database_owner_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE ours (n int)")
    wrong = replace(made, database_url=made.database_owner_url)
    with pytest.raises(DatabaseProblem, match="owns tables"):
        check_application_role(wrong.database_url)


def test_says_in_one_line_that_nobody_answers(data_dir: Path) -> None:
    given = Settings(data_dir=data_dir, database_url="postgresql://me:secret@127.0.0.1:1/work")
    with pytest.raises(DatabaseProblem, match="cannot connect to me@127.0.0.1/work") as caught:
        provision(given)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_says_that_a_url_is_none(data_dir: Path) -> None:
    with pytest.raises(DatabaseProblem, match="not a PostgreSQL URL"):
        provision(Settings(data_dir=data_dir, database_url="nonsense"))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_reads_urls_as_other_tools_write_them(scheme: str) -> None:
    assert plain_url(f"{scheme}://a:b@host/name") == "postgresql://a:b@host/name"


def test_names_a_database_without_its_password() -> None:
    assert without_password("postgresql://a:secret@host/name") == "a@host/name"
