"""``agenticbuilder remap``: read stored spans again, after the reading was improved."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import click
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from webapp.cli.database import application_engine, open_database
from webapp.config import Settings
from webapp.database.tenancy import use_organization

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("remap")
@click.option("--organization", type=click.UUID, help="Only this organization; all by default.")
@click.option("--since", type=DAY, help="Only executions first heard of on this day (UTC) or later.")
@click.option("--until", type=DAY, help="Only executions first heard of before this day (UTC).")
def command(organization: UUID | None, since: datetime | None, until: datetime | None) -> None:
    """Read stored spans again into executions. What stays the same is not written; safe while the server runs."""
    bounds = [day and day.replace(tzinfo=UTC) for day in (since, until)]
    with open_database(Settings.from_environment()) as settings, application_engine(settings) as engine:
        for organization_id in [organization] if organization else _all_organizations(engine):
            click.echo(f"{organization_id}: {_remap(engine, organization_id, *bounds)} executions read again")


def _remap(engine: Engine, organization_id: UUID, since: datetime | None, until: datetime | None) -> int:
    from webapp.ingest.remap import remap

    with Session(engine) as session:
        use_organization(session, organization_id)
        done = remap(session, organization_id, since, until, commit=session.commit)
        session.commit()
    return done


def _all_organizations(engine: Engine) -> list[UUID]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT organizations_due('all')")))
