"""Links to a failure's bundle, and what such a link shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.features.flow.queries_shares import are_links_allowed
from webapp.models import IncidentLink, User

MOST_LINKS = 100


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One link; its token is stored nowhere."""

    id: UUID
    created_at: datetime
    created_by: str | None
    expires_at: datetime
    revoked_at: datetime | None

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > now


def list_links(session: Session, organization_id: UUID, group_id: UUID) -> list[LinkRow]:
    """All links of a failure, newest first. Cost: one statement."""
    stmt = (
        select(
            IncidentLink.id, IncidentLink.created_at, func.coalesce(User.full_name, User.username),
            IncidentLink.expires_at, IncidentLink.revoked_at,
        )
        .outerjoin(User, User.id == IncidentLink.created_by_id)
        .where(IncidentLink.organization_id == organization_id, IncidentLink.failure_group_id == group_id)
        .order_by(IncidentLink.created_at.desc(), IncidentLink.id.desc())
        .limit(MOST_LINKS)
    )  # fmt: skip
    return [LinkRow(*row) for row in session.execute(stmt)]


def get_bundle(session: Session, organization_id: UUID, link_id: UUID) -> Mapping[str, Any] | None:
    """What a link shows, None where the organization forbids public links. Cost: two statements."""
    if not are_links_allowed(session, organization_id):
        return None
    stmt = select(IncidentLink.bundle).where(
        IncidentLink.organization_id == organization_id, IncidentLink.id == link_id
    )
    return session.scalar(stmt)
