"""Every command explains itself, and every error is one line and exit code 1."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests.cli.conftest import Run
from webapp.cli import COMMANDS, main

PASSWORD = "correct horse battery staple"
SETUP = ("setup", "--email", "ada@example.org", "--password-stdin", "--organization", "Acme")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output
    assert len(result.output.splitlines()) > 3


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "variables", "line"),
    [
        (["nonsense"], {}, "No such command 'nonsense'"),
        (["setup"], {}, "Missing option '--email'"),
        (["check"], {"AGENTICBUILDER_POOLSIZE": "5"}, "unknown setting AGENTICBUILDER_POOLSIZE"),
        (["check"], {"PORT": "many"}, "PORT='many' is not a valid int"),
        (["check"], {"DATABASE_URL": "postgresql://me:secret@127.0.0.1:1/x"}, "cannot connect to me@127.0.0.1/x"),
        (["web"], {}, "no database runs"),
        (["worker"], {}, "no database runs"),
        (["partitions", "drop", "--before", "soon"], {}, "Invalid value for '--before'"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(
    run: Run, arguments: list[str], variables: dict[str, str], line: str
) -> None:
    result = run(*arguments, **variables)
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert line in result.stderr
    assert "secret" not in result.stderr


def test_setup_makes_the_first_admin_once(run: Run) -> None:
    first = run(*SETUP, stdin=f"{PASSWORD}\n")
    assert first.returncode == 0, first.stderr
    made = json.loads(first.stdout)
    assert sorted(made) == ["api_key", "organization_id", "user_id"]
    assert made["api_key"].startswith("ab_")
    second = run(*SETUP, stdin=f"{PASSWORD}\n")
    assert second.returncode == 1
    assert second.stdout == ""
    assert len(second.stderr.splitlines()) == 1
    assert PASSWORD not in first.stdout + first.stderr + second.stderr
    assert run("check").stdout.endswith("all in order\n")


def test_migrate_can_be_repeated_and_leaves_no_server(run: Run) -> None:
    assert "migrations applied" in run("migrate").stdout
    assert run("migrate").stdout == "the database is up to date\n"
    months = run("partitions", "list").stdout.split()
    assert len(months) >= 4
    assert run("partitions", "ensure", "--ahead", "5").stdout == "10 tables made\n"
    assert "no database runs" in run("web").stderr
