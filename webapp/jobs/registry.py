"""Which tasks there are. A task is a function of an engine and ids; nothing here knows the queue's library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, text

from webapp.config import Settings
from webapp.database.tenancy import organization_session

Function = Callable[..., None]
TASKS: dict[str, Task] = {}
_SETTINGS: list[Settings] = []


def use_settings(settings: Settings) -> None:
    """Let the tasks of this process work under these settings."""
    _SETTINGS[:] = [settings]


def process_settings() -> Settings:
    """What the operator set for this process."""
    return _SETTINGS[0] if _SETTINGS else Settings.from_environment()


@dataclass(frozen=True, slots=True)
class Task:
    """``every`` is a cron line (a sixth field holds seconds) for tasks that nobody enqueues."""

    name: str
    function: Function
    every: str | None = None
    attempts: int = 1


def task(
    name: str, *, every: str | None = None, attempts: int = 1
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function ``(engine, **ids)``. It must be safe to run twice: after a crash a job starts again."""

    def register(function: Function) -> Function:
        if name in TASKS:
            raise ValueError(f"two tasks are named {name}")
        TASKS[name] = Task(name, function, every, attempts)
        return function

    return register


def for_each_organization(engine: Engine, kind: str, work: Callable[..., object]) -> int:
    """Call ``work(session, organization_id)`` in one transaction for each organization that is due; count them.

    One organization's failure does not keep the others from their turn; the first is raised at the end.
    """
    failures: list[Exception] = []
    with engine.connect() as connection:
        due = list(connection.scalars(text("SELECT organizations_due(:kind)"), {"kind": kind}))
    for organization_id in due:
        try:
            with organization_session(engine, organization_id) as session:
                work(session, organization_id)
        except Exception as error:  # whatever it is, the next organization is not to wait for it
            failures.append(error)
    if failures:
        raise failures[0]
    return len(due)
