"""How the commands are found, and how an error becomes one line and exit code 1."""

from __future__ import annotations

import importlib
import sys
from typing import Any, NoReturn

import click

from webapp.config import BadSetting
from webapp.database.errors import DatabaseProblem
from webapp.domain.errors import DomainError


class CommandGroup(click.Group):
    """Commands by the name of their module in this package; each module's click command is called ``command``."""

    def __init__(self, *args: Any, commands_by_module: dict[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.commands_by_module = commands_by_module

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands_by_module)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.commands_by_module:
            return None
        command = importlib.import_module(f"webapp.cli.{name}").command
        command.short_help = self.commands_by_module[name]
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.commands_by_module.items()))

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Run; whatever goes wrong ends in one line on stderr and exit code 1."""
        try:
            super().main(*args, **options | {"standalone_mode": False})
        except click.exceptions.Exit as end:
            sys.exit(end.exit_code)
        except click.UsageError as error:
            hint = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
            _fail(error.format_message() + hint)
        except click.ClickException as error:
            _fail(error.format_message())
        except (click.Abort, KeyboardInterrupt):
            _fail("interrupted")
        except (BadSetting, DatabaseProblem, DomainError) as error:
            _fail(str(error))
        except Exception as error:
            if (line := _known(error)) is None:
                raise
            _fail(line)
        sys.exit(0)


def _known(error: Exception) -> str | None:
    """One line for a failure that the operator can mend: database away, file refused; None for a defect of ours."""
    module = type(error).__module__.split(".")[0]
    if module in ("psycopg", "psycopg_pool", "sqlalchemy") and "Operational" in type(error).__name__:
        cause = getattr(error, "orig", None) or error
        return f"the database does not answer: {str(cause).strip().splitlines()[0]}"
    return f"{error.strerror}: {error.filename}" if isinstance(error, OSError) and error.filename else None


def _fail(line: str) -> NoReturn:
    click.echo(f"Error: {' '.join(line.split())}", err=True)
    sys.exit(1)
