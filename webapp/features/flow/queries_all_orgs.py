"""The one read of a flow before its organization is known: which flow a public link opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

OPEN = text("SELECT * FROM auth_flow_share(:token_hash)")


@dataclass(frozen=True, slots=True)
class OpenedShare:
    """A link that may be looked at."""

    id: UUID
    organization_id: UUID
    agentflow_id: UUID


def find_share(session: Session, token_hash: bytes, *, now: datetime) -> OpenedShare | None:
    """The link of this token; None when there is none, or it is revoked or over. Cost: one statement."""
    row = session.execute(OPEN, {"token_hash": token_hash}).one_or_none()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return OpenedShare(row.share_id, row.organization_id, row.agentflow_id)
