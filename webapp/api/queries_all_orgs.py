"""The one read that happens before an API key has named its organization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

AUTH_API_KEY = text("""
    SELECT api_key_id, organization_id, secret_hash, scopes, expires_at, revoked_at, user_id
    FROM auth_api_key(:key_id)
""")


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is known of a key before its secret is proven."""

    id: UUID
    organization_id: UUID
    secret_hash: bytes
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    user_id: UUID | None


def get_key(session: Session, key_id: str) -> StoredKey | None:
    """The key with this public id, of whichever organization; None when there is none.

    Cost: one statement, by a unique index.
    """
    row = session.execute(AUTH_API_KEY, {"key_id": key_id}).one_or_none()
    if row is None:
        return None
    return StoredKey(
        row.api_key_id,
        row.organization_id,
        bytes(row.secret_hash),
        frozenset(row.scopes or ()),
        row.expires_at,
        row.revoked_at,
        row.user_id,
    )
