"""``agenticbuilder demo``: believable data to look at, through the real ingest path."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from webapp.cli.database import application_engine, open_database, say
from webapp.config import Settings


@click.command("demo")
@click.option("--days", type=click.IntRange(1, 1_500), default=90, show_default=True, help="How far back it reaches.")
@click.option("--executions", type=click.IntRange(1), help="About how many executions; 75 for each day by default.")
@click.option("--flows", type=click.IntRange(1, 2_000), default=13, show_default=True, help="How many flows.")
@click.option("--seed", type=int, default=1, show_default=True, help="Equal seeds make equal traces.")
@click.option("--organization", help="Name, slug or id of the organization; the first one by default.")
@click.option("--timezone", default="Asia/Seoul", show_default=True, help="Zone of an organization made for the demo.")
def command(days: int, executions: int | None, flows: int, seed: int, organization: str | None, timezone: str) -> None:
    """Fill an organization with demo data.

    Where nobody has an account yet, an administrator and an organization are made first and the password is shown once.
    """
    from webapp.cli.migrate import bring_up_to_date
    from webapp.demo.fill import Demo, fill
    from webapp.demo.organization import find_organization, make_organization

    started = time.monotonic()
    with open_database(Settings.from_environment()) as settings:
        bring_up_to_date(settings)
        with application_engine(settings) as engine:
            chosen = find_organization(engine, organization)
            if chosen is None:
                chosen = make_organization(engine, timezone)
                click.echo(f"Sign in as {chosen.email} with the password {chosen.password}")
            demo = Demo(days=days, executions=executions, flows=flows, seed=seed)
            made = fill(engine, chosen.id, chosen.user_id, demo, now=datetime.now(UTC), say=say)
    seconds = time.monotonic() - started
    click.echo(f"{made.executions:,} executions, {made.spans:,} spans in {chosen.name} after {seconds:.0f} s")
