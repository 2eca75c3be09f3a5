"""The command ``agenticbuilder``. A command's module is imported when it is called, so that ``--help`` is quick."""

from __future__ import annotations

import click

from webapp.cli.group import CommandGroup

COMMANDS = {
    "serve": "Start database, worker and web server, and keep them running.",
    "web": "Start the web server alone.",
    "worker": "Start the worker alone.",
    "migrate": "Bring the database to this version and refresh the price list.",
    "setup": "Create the first administrator and organization.",
    "demo": "Fill an organization with demo data.",
    "remap": "Read stored spans again into executions.",
    "partitions": "List, make or drop months of data.",
    "check": "Say whether settings, database and data folder are in order.",
}


@click.group(cls=CommandGroup, commands_by_module=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="agenticbuilder", message="%(version)s")
def main() -> None:
    """AgenticBuilder: which agent flows ran, what they cost, what failed and why.

    Settings come from the environment: PORT, HOST, DATA_DIR, DATABASE_URL, DATABASE_OWNER_URL and AGENTICBUILDER_*.
    """
