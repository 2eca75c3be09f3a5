"""``agenticbuilder partitions``: the months that executions are kept in."""

from __future__ import annotations

from datetime import date, datetime

import click

from webapp.cli.database import application_engine, open_database
from webapp.config import Settings


@click.group("partitions")
def command() -> None:
    """List, make or drop months of data. Months ahead are made by themselves, at each start and each day."""


@command.command("list")
def list_() -> None:
    """List the months that exist."""
    from webapp.database.partitions import list_months

    with (
        open_database(Settings.from_environment()) as settings,
        application_engine(settings) as engine,
        engine.connect() as connection,
    ):
        for month in list_months(connection):
            click.echo(f"{month:%Y-%m}")


@command.command("ensure")
@click.option("--ahead", default=3, show_default=True, type=click.IntRange(0, 36), help="Months after the present one.")
def ensure(ahead: int) -> None:
    """Make the present month and the next ones where they are missing."""
    from webapp.database.partitions import ensure_ahead

    with open_database(Settings.from_environment()) as settings, application_engine(settings) as engine:
        click.echo(f"{ensure_ahead(engine, ahead)} tables made")


@command.command("drop")
@click.option("--before", required=True, type=click.DateTime(["%Y-%m"]), help="First month to keep, as YYYY-MM.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(before: datetime, yes: bool) -> None:
    """Drop executions, steps and spans of all months before one; their costs stay in the ledger."""
    from webapp.database.partitions import drop_before

    if not yes:
        click.confirm(f"Drop all executions before {before:%Y-%m}, for every organization?", abort=True, err=True)
    with open_database(Settings.from_environment()) as settings, application_engine(settings) as engine:
        click.echo(f"{drop_before(engine, date(before.year, before.month, 1))} months dropped")
