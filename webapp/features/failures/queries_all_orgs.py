"""The one read of a failure before its organization is known: which bundle an incident link opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

OPEN = text("SELECT * FROM auth_incident(:token_hash)")


@dataclass(frozen=True, slots=True)
class OpenedIncident:
    """A link that may be looked at."""

    id: UUID
    organization_id: UUID


def find_incident(session: Session, token_hash: bytes, *, now: datetime) -> OpenedIncident | None:
    """The link of this token; None when there is none, or it is revoked or over. Cost: one statement."""
    row = session.execute(OPEN, {"token_hash": token_hash}).one_or_none()
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    return OpenedIncident(row.link_id, row.organization_id)
