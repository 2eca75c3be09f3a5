"""Make the database and its two roles, and say by which URLs to reach them.

Embedded: both roles and the database are made, their secrets lie in ``DATA_DIR/database.json``, mode 0600. On a foreign
server ``DATABASE_URL`` is the application's and ``DATABASE_OWNER_URL`` migrates; where only one is given and it may
make roles, it is the owner's, and the application gets a login of its own. That login is a member of
``agenticbuilder_app``, to which the migrations grant, so several databases of one server do not share a password.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import secrets
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url

from webapp.config import Settings
from webapp.database.errors import DatabaseProblem
from webapp.database.server import EmbeddedServer

OWNER_ROLE = "agenticbuilder_owner"
APPLICATION_ROLE = "agenticbuilder_app"
DATABASE = "agenticbuilder"
OLDEST_VERSION = 150000
LOCK = 0x6167_6275_696C_6401  # advisory lock: two starts make roles one after the other
CONNECT_SECONDS = 10


def is_embedded(settings: Settings) -> bool:
    return not settings.database_url and not settings.database_owner_url


def provision(settings: Settings) -> Settings:
    """The settings with both URLs, after making what is missing. The embedded server must run. Safe to repeat.

    ``database_owner_url`` stays empty where the one URL given is the application's: then nothing can be migrated.

    Raises:
        DatabaseProblem: the server cannot be reached, is too old, or its roles would not keep organizations apart.
    """
    if is_embedded(settings):
        return provision_embedded(settings, EmbeddedServer(settings.data_dir))
    application, owner = plain_url(settings.database_url), plain_url(settings.database_owner_url)
    if application and owner:
        _join_application_group(owner, application)
    elif may_create_roles(application or owner):
        owner = application or owner
        application = _application_login(settings.data_dir, owner)
    elif not application:
        raise DatabaseProblem("DATABASE_OWNER_URL may not make roles; set DATABASE_URL to the application's role too")
    check_application_role(application)
    return dataclasses.replace(settings, database_url=application, database_owner_url=owner)


def provision_embedded(settings: Settings, server: EmbeddedServer, database: str = DATABASE) -> Settings:
    """Make both roles and ``database`` in the embedded server, unless both already open it."""
    known = _secrets(settings.data_dir)
    owner = server.url(OWNER_ROLE, known["owner"], database)
    application = server.url(APPLICATION_ROLE, known["application"], database)
    if not (_opens(owner) and _opens(application)):
        with _connect(server.admin_url()) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            _set_login(connection, OWNER_ROLE, known["owner"])
            _set_login(connection, APPLICATION_ROLE, known["application"])
            _make_database(connection, database)
        with _connect(server.admin_url(database)) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")  # the only one that its owner may not make
    return dataclasses.replace(settings, database_url=application, database_owner_url=owner)


def plain_url(url: str) -> str:
    """The URL as libpq and SQLAlchemy both read it: without a driver's name."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql://{rest}" if separator and scheme.split("+")[0] in ("postgres", "postgresql") else url


def may_create_roles(url: str) -> bool:
    with _connect(url) as connection:
        if connection.info.server_version < OLDEST_VERSION:
            raise DatabaseProblem("the server of DATABASE_URL is older than PostgreSQL 15")
        query = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        return connection.execute(query).fetchone()[0]


def check_application_role(url: str) -> None:
    """Refuse a role that row-level security does not bind: then one organization could see another's rows."""
    with _connect(url) as connection:
        row = connection.execute(
            "SELECT current_user, rolsuper, rolbypassrls, EXISTS (SELECT FROM pg_class JOIN pg_namespace n"
            " ON n.oid = relnamespace WHERE relowner = r.oid AND relkind IN ('r', 'p') AND nspname = 'public')"
            " FROM pg_roles r WHERE rolname = current_user"
        ).fetchone()
    reasons = ("is a superuser", "may bypass row-level security", "owns tables of the database")
    for reason, applies in zip(reasons, row[1:], strict=True):
        if applies:
            raise DatabaseProblem(f"DATABASE_URL's role {row[0]} {reason}; the application needs one that does not")


def _secrets(data_dir: Path) -> dict[str, str]:
    """The roles' passwords, made on first use."""
    path = data_dir / "database.json"
    data_dir.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"database.json.{secrets.token_hex(4)}")
    if not path.exists():
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"owner": secrets.token_urlsafe(32), "application": secrets.token_urlsafe(32)}, file)
        try:
            os.link(fresh, path)  # whoever is first wins, and the file is never seen half written
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return json.loads(path.read_text())


def _connect(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, connect_timeout=CONNECT_SECONDS, autocommit=True)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise DatabaseProblem(f"cannot connect to {without_password(url)}: {reason}") from None
    except psycopg.ProgrammingError as error:
        raise DatabaseProblem(f"DATABASE_URL is not a PostgreSQL URL: {str(error).strip()}") from None


def without_password(url: str) -> str:
    """How to name a database to people: host and name, no secret."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "DATABASE_URL"
    return f"{parts.get('user', '')}@{parts.get('host', 'localhost')}/{parts.get('dbname', '')}"


def _opens(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError:
        return False
    return True


def _role_exists(connection: psycopg.Connection, role: str) -> bool:
    return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None


def _set_login(connection: psycopg.Connection, role: str, password: str) -> None:
    verb = sql.SQL("ALTER" if _role_exists(connection, role) else "CREATE")
    # Utility statements take no parameters; sql.Literal quotes the password.
    statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
    connection.execute(statement.format(verb, sql.Identifier(role), sql.Literal(password)))


def _make_database(connection: psycopg.Connection, database: str) -> None:
    name, owner = sql.Identifier(database), sql.Identifier(OWNER_ROLE)
    if connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
        connection.execute(
            sql.SQL(
                "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
                " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
            ).format(name, owner)
        )
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    grant = sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}")
    connection.execute(grant.format(name, sql.Identifier(APPLICATION_ROLE)))


def _join_application_group(owner: str, application: str) -> None:
    """See to it that the given application role receives what migrations grant to ``agenticbuilder_app``."""
    may_make = may_create_roles(owner)
    role = conninfo_to_dict(application).get("user", "")
    with _connect(owner) as connection:
        if role == APPLICATION_ROLE:
            return
        member = "SELECT pg_has_role(%s::name, r.oid, 'USAGE') FROM pg_roles r WHERE rolname = %s"
        if (connection.execute(member, [role, APPLICATION_ROLE]).fetchone() or [False])[0]:
            return
        if not may_make:
            raise DatabaseProblem(
                f"as an administrator run: CREATE ROLE {APPLICATION_ROLE} NOLOGIN; GRANT {APPLICATION_ROLE} TO {role};"
            )
        _make_group(connection)
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(APPLICATION_ROLE), sql.Identifier(role)))


def _make_group(connection: psycopg.Connection) -> None:
    if not _role_exists(connection, APPLICATION_ROLE):
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(APPLICATION_ROLE)))


def _application_login(data_dir: Path, owner: str) -> str:
    """URL of the application's own login on a foreign server, made or given its password where needed."""
    with _connect(owner) as connection:
        database = connection.info.dbname
        role = f"{APPLICATION_ROLE}_{hashlib.sha256(database.encode()).hexdigest()[:8]}"
        password = _secrets(data_dir)["application"]
        url = make_url(owner).set(username=role, password=password, database=database).render_as_string(False)
        if not _opens(url):
            connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            _make_group(connection)
            _set_login(connection, role, password)
            names = (sql.Identifier(APPLICATION_ROLE), sql.Identifier(role))
            connection.execute(sql.SQL("GRANT {} TO {}").format(*names))
            grant = sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}")
            connection.execute(grant.format(sql.Identifier(database), names[0]))
    return url
