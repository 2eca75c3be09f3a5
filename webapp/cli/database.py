"""Give a command the database that it works on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click
import sqlalchemy
from sqlalchemy import Engine

from webapp.cli.serve_lock import is_serving
from webapp.config import Settings
from webapp.database.errors import DatabaseProblem
from webapp.database.provision import is_embedded, provision
from webapp.database.server import EmbeddedServer


def say(line: str) -> None:
    click.echo(line, err=True)


@contextlib.contextmanager
def open_database(settings: Settings) -> Iterator[Settings]:
    """The settings with both URLs of a database that runs; an embedded one that did not run is stopped afterwards."""
    if not is_embedded(settings):
        yield provision(settings)
        return
    server = EmbeddedServer(settings.data_dir)
    was_running = server.is_running()
    server.start(say)
    try:
        yield provision(settings)
    finally:
        if not was_running and not is_serving(settings.data_dir):
            server.stop()


def running_database(settings: Settings) -> Settings:
    """The settings with both URLs, for processes that others supervise: they start no database of their own."""
    if is_embedded(settings) and not EmbeddedServer(settings.data_dir).is_running():
        raise DatabaseProblem(
            f"no database runs for {settings.data_dir}; start `agenticbuilder serve`, or set DATABASE_URL"
        )
    return provision(settings)


@contextlib.contextmanager
def application_engine(settings: Settings) -> Iterator[Engine]:
    """An engine that connects as the application role."""
    with _engine(settings.database_url) as engine:
        yield engine


@contextlib.contextmanager
def owner_engine(settings: Settings) -> Iterator[Engine]:
    """An engine that connects as the owner role.

    Raises:
        DatabaseProblem: only the application's URL is known.
    """
    if not settings.database_owner_url:
        raise DatabaseProblem("this needs the owner's role; set DATABASE_OWNER_URL")
    with _engine(settings.database_owner_url) as engine:
        yield engine


@contextlib.contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = sqlalchemy.create_engine(url, pool_size=2, connect_args={"application_name": "agenticbuilder command"})
    try:
        yield engine
    finally:
        engine.dispose()
