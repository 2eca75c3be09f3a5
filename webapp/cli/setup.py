"""``agenticbuilder setup``: the first-run page without a browser."""

from __future__ import annotations

import json
import sys

import click
from sqlalchemy.orm import Session

from webapp.cli.database import application_engine, open_database
from webapp.config import Settings


@click.command("setup")
@click.option("--email", required=True, help="E-mail address of the first administrator.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, not from a prompt.")
@click.option("--organization", required=True, help="Name of the organization.")
@click.option("--full-name", help="Name of the administrator.")
def command(email: str, password_stdin: bool, organization: str, full_name: str | None) -> None:
    """Create the first administrator, organization and API key; print their ids and the key as JSON.

    The key is shown this once. A second run is refused.
    """
    from webapp.cli.migrate import bring_up_to_date
    from webapp.features.setup.operations import create_first_admin

    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    with open_database(Settings.from_environment()) as settings:
        bring_up_to_date(settings)
        with application_engine(settings) as engine, Session(engine) as session, session.begin():
            first = create_first_admin(session, email, password, organization, full_name=full_name)
    click.echo(json.dumps({name: str(getattr(first, name)) for name in ("organization_id", "user_id", "api_key")}))
