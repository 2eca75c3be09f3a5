"""What a failure while storing means: try again at once, let the sender come again, or a value that never fits."""

from __future__ import annotations

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, scoped_session

DATABASE_ERROR = psycopg.Error
# Deadlock, lock timeout, serialization failure; a remembered id that is gone, a row that another export just made.
_AGAIN = {"40P01", "55P03", "40001", "23503", "23505"}
# No month for the row, disk full, too many connections, server stopping, statement timeout.
_LATER_CLASSES = ("08", "53", "57", "58", "40", "55")
_LATER = {"23514", "25P03", "25P04"}


def sqlstate_of(error: BaseException) -> str:
    """Return PostgreSQL's code of an error, empty when it has none."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    return getattr(origin, "sqlstate", None) or ""


def is_worth_a_try(error: BaseException) -> bool:
    """Return whether the same transaction may well succeed at once."""
    return sqlstate_of(error) in _AGAIN


def is_passing(error: BaseException) -> bool:
    """Return whether the same export may land later, so that the sender should keep it."""
    state = sqlstate_of(error)
    if state in _AGAIN or state in _LATER or state.startswith(_LATER_CLASSES):
        return True
    if isinstance(error, PoolTimeout):
        return True
    is_operational = isinstance(
        error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError
    )
    return is_operational and not is_about_data(error)


def is_about_data(error: BaseException) -> bool:
    """Return whether the database refused a value, which will be refused again."""
    return sqlstate_of(error).startswith("22") or isinstance(error, psycopg.DataError)


def first_line(error: BaseException) -> str:
    """Return the shortest useful text of an error; parameters are left out, since prompts do not belong into a log."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    return str(origin).strip().split("\n", 1)[0][:300]


def roll_back(session: Session | scoped_session[Session]) -> None:
    """End a failed transaction, also when its connection is gone."""
    own = session() if isinstance(session, scoped_session) else session
    try:
        own.rollback()
    except (SQLAlchemyError, psycopg.Error):
        own.invalidate()
