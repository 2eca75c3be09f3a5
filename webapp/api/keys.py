"""From the key in a request's headers to the organization: the one check behind the JSON API and the ingest routes."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from webapp.api import queries_all_orgs
from webapp.database.tenancy import organization_session, use_organization
from webapp.domain.api_keys import Scope, read_key

log = logging.getLogger(__name__)
TOUCH_EVERY = timedelta(minutes=1)
MISSING = "Send your API key in the header Authorization: Bearer KEY, or in x-api-key: KEY."
WRONG = "This API key is not known here. Copy it again, or make a new one on the page API keys."
_touched: dict[UUID, float] = {}


class KeyRefused(Exception):
    """The request has no key that may do this. ``status`` is 401 (no valid key) or 403 (the key lacks the scope)."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A proven key. ``user_id`` made it and answers for what is done with it."""

    id: UUID
    organization_id: UUID
    scopes: frozenset[str]
    user_id: UUID | None = None


def authenticate(session: Session, headers: Mapping[str, str], scope: Scope, *, now: datetime | None = None) -> ApiKey:
    """Prove the key in the headers and turn the session to its organization.

    An unknown key and a wrong secret get the same words. ``get`` of ``headers`` ignores case, as Werkzeug's does.

    Raises:
        KeyRefused: there is no key, it is not valid (any more), or it lacks the scope.

    Cost: one statement.
    """
    now = now or datetime.now(UTC)
    given = _from_headers(headers)
    if not given:
        raise KeyRefused(401, MISSING)
    parts = read_key(given)
    stored = queries_all_orgs.get_key(session, parts.key_id) if parts else None
    if parts is None or stored is None or not parts.proves(stored.secret_hash):
        raise KeyRefused(401, WRONG)
    if stored.revoked_at is not None:
        raise KeyRefused(401, "This API key was revoked. Make a new one on the page API keys.")
    if stored.expires_at is not None and stored.expires_at <= now:
        raise KeyRefused(
            401, f"This API key expired on {stored.expires_at:%Y-%m-%d}. Make a new one on the page API keys."
        )
    if scope not in stored.scopes:
        raise KeyRefused(
            403, f"This API key may not {scope}. Its scopes: {', '.join(sorted(stored.scopes)) or 'none'}."
        )
    use_organization(session, stored.organization_id)
    return ApiKey(stored.id, stored.organization_id, stored.scopes, stored.user_id)


def touch(engine: Engine, key: ApiKey, *, now: datetime | None = None) -> None:
    """Note that the key is in use, at most once a minute, in a transaction of its own; a failure is only logged.

    Each process remembers what it noted, so that a busy key costs no statement at all.
    """
    tick = time.monotonic()
    if tick - _touched.get(key.id, float("-inf")) < TOUCH_EVERY.total_seconds():
        return
    _touched[key.id] = tick
    now = now or datetime.now(UTC)
    try:
        with organization_session(engine, key.organization_id) as session:
            session.execute(
                text(
                    "UPDATE api_keys SET last_used_at = :now WHERE id = :id"
                    " AND (last_used_at IS NULL OR last_used_at < :limit)"
                ),
                {"now": now, "id": key.id, "limit": now - TOUCH_EVERY},
            )
    except SQLAlchemyError:
        log.warning("last use of API key %s could not be noted", key.id)


def _from_headers(headers: Mapping[str, str]) -> str:
    """Either header is taken; some exporters decode ``Bearer%20KEY`` and some do not."""
    authorization = (headers.get("Authorization") or "").replace("%20", " ").strip()
    kind, _, value = authorization.partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip()
    return (headers.get("x-api-key") or "").strip()
