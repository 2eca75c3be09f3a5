"""``agenticbuilder migrate``, and what ``serve`` does of it at each start."""

from __future__ import annotations

import click
from sqlalchemy.orm import Session

from webapp.cli.database import application_engine, open_database, owner_engine
from webapp.config import Settings
from webapp.database.errors import DatabaseProblem


@click.command("migrate")
def command() -> None:
    """Bring the database to this version, make months ahead, refresh the price list and the agent templates."""
    with open_database(Settings.from_environment()) as settings:
        applied = bring_up_to_date(settings)
    click.echo(f"{len(applied)} migrations applied" if applied else "the database is up to date")


def bring_up_to_date(settings: Settings) -> list[str]:
    """Apply missing migrations, months, prices and agent templates; give the revisions applied.

    Raises:
        DatabaseProblem: the database is behind and only the application's role is known.
    """
    from webapp.database import migrate
    from webapp.database.partitions import ensure_ahead
    from webapp.features.agents.shipped_templates import seed_templates
    from webapp.ingest.prices import seed_prices

    applied: list[str] = []
    with application_engine(settings) as engine:
        with engine.connect() as connection:
            is_current = migrate.check(connection)
        if not is_current:
            if not settings.database_owner_url:
                raise DatabaseProblem("the database is of another version; set DATABASE_OWNER_URL to migrate it")
            applied = migrate.upgrade(settings.database_owner_url)
        ensure_ahead(engine)
    if settings.database_owner_url:
        with owner_engine(settings) as engine, Session(engine) as session, session.begin():
            seed_prices(session)
            seed_templates(session)
    return applied
