"""``agenticbuilder worker``: jobs from the queue."""

from __future__ import annotations

import logging

import click

from webapp.cli.database import running_database
from webapp.cli.supervised import receive_settings
from webapp.config import Settings


@click.command("worker")
@click.option("--supervised", is_flag=True, hidden=True)
def command(supervised: bool) -> None:
    """Work off the queue and the regular tasks. The database must run and be migrated; several workers may run."""
    from webapp.jobs.worker import run_worker

    settings = Settings.from_environment()
    settings = receive_settings(settings) if supervised else running_database(settings)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    run_worker(settings)
