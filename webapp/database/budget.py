"""Fit the connection pools to what the database server allows, before the first request finds out."""

from __future__ import annotations

import dataclasses

import psycopg

from webapp.config import Settings
from webapp.database.errors import DatabaseProblem

JOB_CONNECTIONS = 8  # the worker's own pool, its listener and one engine connection per running job
SPARE = 5  # commands, a person with psql, a backup
SMALLEST_POOL = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """Settings whose pools fit, and what to tell the operator when they had to be cut."""

    settings: Settings
    warning: str = ""


def fit(settings: Settings, allowed: int) -> Budget:
    """Lower the overflow, then the pool, until all processes together stay within ``allowed`` connections.

    Raises:
        DatabaseProblem: not even ``SMALLEST_POOL`` connections are left for each web worker.
    """
    each = (allowed - JOB_CONNECTIONS - SPARE) // settings.web_workers
    if each >= settings.pool_size + settings.max_overflow:
        return Budget(settings)
    if each < min(SMALLEST_POOL, settings.pool_size):
        needed = settings.web_workers * SMALLEST_POOL + JOB_CONNECTIONS + SPARE
        raise DatabaseProblem(
            f"the database allows {allowed} connections, {settings.web_workers} web workers need at least {needed}:"
            " raise max_connections or lower AGENTICBUILDER_WEB_WORKERS"
        )
    pool = min(settings.pool_size, each)
    cut = dataclasses.replace(settings, pool_size=pool, max_overflow=each - pool)
    wanted = settings.web_workers * (settings.pool_size + settings.max_overflow) + JOB_CONNECTIONS + SPARE
    warning = (
        f"the database allows {allowed} connections, {wanted} were wanted:"
        f" pools are cut to {pool} + {each - pool} for each of {settings.web_workers} web workers"
    )
    return Budget(cut, warning)


def allowed_connections(url: str) -> int:
    """How many connections the application's role may open at once; limits of role and database count too."""
    query = """
        SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
             - coalesce(current_setting('reserved_connections', true)::int, 0), d.datconnlimit, r.rolconnlimit
        FROM pg_database d, pg_roles r WHERE d.datname = current_database() AND r.rolname = current_user
    """
    with psycopg.connect(url, connect_timeout=10) as connection:
        limits = connection.execute(query).fetchone()
    return min(limit for limit in limits if limit >= 0)
