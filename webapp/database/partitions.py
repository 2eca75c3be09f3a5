"""Make and drop the months of executions, through the owner's functions in the database.

Both give way to readers and writers after half a second and try again, so a month is its own short transaction.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

AHEAD = 3
TRIES = 10
FIRST_PAUSE_SECONDS = 0.05
GIVES_WAY = ("55P03", "40P01")  # lock not available in time, deadlock

_ENSURE = text("SELECT ensure_partitions(:month, :month)")
_DROP = text("SELECT drop_partitions(:before)")


def ensure_ahead(engine: Engine, ahead: int = AHEAD, today: date | None = None) -> int:
    """Make the present month and the next ones where they are missing; give how many tables were made."""
    today = today or datetime.now(UTC).date()
    return ensure_months(engine, today, add_months(today, ahead))


def ensure_months(engine: Engine, month_from: date, month_to: date) -> int:
    """Make every month of the range, both ends included, where it is missing; give how many tables were made."""
    made, month = 0, month_from.replace(day=1)
    while month <= month_to:
        made += _persistently(engine, lambda connection, month=month: connection.scalar(_ENSURE, {"month": month}))
        month = add_months(month, 1)
    return made


def drop_before(engine: Engine, before: date) -> int:
    """Drop the months that end before the month of `before`, oldest first; give how many. The ledger stays.

    Raises:
        sqlalchemy.exc.DBAPIError: writers or readers held a month through all tries; the months before it are gone.
    """
    with engine.connect() as connection:
        due = [month for month in list_months(connection) if month < before.replace(day=1)]
    dropped = 0
    for month in due:
        limit = add_months(month, 1)
        dropped += _persistently(engine, lambda connection, limit=limit: connection.scalar(_DROP, {"before": limit}))
    return dropped


def list_months(connection: Connection) -> list[date]:
    """List the first days of the months that exist, oldest first."""
    return list(connection.scalars(text("SELECT partition_months()")))


def months_ahead(connection: Connection, today: date | None = None) -> int:
    """Count the months after the present one that exist without a hole; -1 when the present one is missing.

    Health is red under 2: without a month for it, nothing that arrives can be stored.
    """
    existing = set(list_months(connection))
    month, count = (today or datetime.now(UTC).date()).replace(day=1), -1
    while month in existing:
        month, count = add_months(month, 1), count + 1
    return count


def add_months(day: date, months: int) -> date:
    """Give the first day of the month that lies so many months after that of `day`."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _persistently(engine: Engine, action: Callable[[Connection], int]) -> int:
    """Do it in a transaction of its own, again after a growing pause when it had to give way."""
    for attempt in range(1, TRIES + 1):
        try:
            with engine.begin() as connection:
                return action(connection)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in GIVES_WAY or attempt == TRIES:
                raise
            time.sleep(FIRST_PAUSE_SECONDS * attempt)
    raise AssertionError("the last try returns or raises")
