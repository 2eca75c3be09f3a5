"""Whether this process can do its work: what ``/readyz`` and ``agenticbuilder check`` report."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from webapp.database import migrate, partitions

LEAST_MONTHS_AHEAD = 2


def problems(engine: Engine) -> list[str]:
    """Every reason not to send requests here, as sentences; empty when all is well.

    Cost: three short statements as the application's role.
    """
    try:
        with engine.connect() as connection:
            found = []
            if not migrate.check(connection):
                found.append("The database is not at the newest migration. Run: agenticbuilder migrate")
            else:
                found += _month_problems(partitions.months_ahead(connection))
            return found
    except SQLAlchemyError as error:
        return [f"The database cannot be reached ({type(error).__name__})."]


def _month_problems(ahead: int) -> list[str]:
    if ahead >= LEAST_MONTHS_AHEAD:
        return []
    if ahead < 0:
        return ["There is no partition for the present month, so nothing can be stored. Run: agenticbuilder partitions"]
    return [f"Partitions are made for only {ahead} more months. Is the worker running? Run: agenticbuilder partitions"]
