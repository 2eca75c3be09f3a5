"""``agenticbuilder check``: what an operator wants to know before and after an upgrade."""

from __future__ import annotations

import click
import sqlalchemy

from webapp.cli.database import application_engine, open_database
from webapp.config import Settings


@click.command("check")
def command() -> None:
    """Say whether settings, database and months are in order; exit code 1 when something is not."""
    from webapp.database.budget import allowed_connections, fit
    from webapp.database.provision import check_application_role, without_password

    with open_database(Settings.from_environment()) as settings:
        check_application_role(settings.database_url)
        click.echo(f"database: {without_password(settings.database_url)}")
        allowed = allowed_connections(settings.database_url)
        click.echo(f"connections: {fit(settings, allowed).warning or f'{allowed} allowed, pools fit'}")
        with application_engine(settings) as engine:
            problems = _problems(engine)
    if problems:
        raise click.ClickException("; ".join(problems))
    click.echo("all in order")


def _problems(engine: sqlalchemy.Engine) -> list[str]:
    from webapp.database import migrate, partitions

    with engine.connect() as connection:
        if not migrate.check(connection):
            return ["the database is of another version: run agenticbuilder migrate"]
        ahead = partitions.months_ahead(connection)
    return [] if ahead >= 2 else [f"only {max(ahead, 0)} months are made ahead: run agenticbuilder partitions ensure"]
