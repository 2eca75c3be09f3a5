"""The keys of an organization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from webapp.domain.api_keys import Scope
from webapp.domain.errors import NotFound
from webapp.models import ApiKey, User


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key as it may be shown."""

    id: UUID
    name: str
    key_id: str
    last_four: str
    environment: str | None
    scopes: tuple[str, ...]
    created_by: str | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None

    @property
    def masked(self) -> str:
        """The readable parts of the key, its secret but for four characters hidden."""
        return f"ab_…_{self.key_id}_••••{self.last_four}"

    def is_usable(self, now: datetime) -> bool:
        """Whether a request with this key is let in."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def list_keys(session: Session, organization_id: UUID) -> list[KeyRow]:
    """All keys, those in use first and the newest of them first. Cost: one statement."""
    stmt = (
        select(
            ApiKey.id,
            ApiKey.name,
            ApiKey.key_id,
            ApiKey.last_four,
            ApiKey.environment,
            ApiKey.scopes,
            func.coalesce(User.full_name, User.username),
            ApiKey.created_at,
            ApiKey.last_used_at,
            ApiKey.expires_at,
            ApiKey.revoked_at,
        )
        .outerjoin(User, User.id == ApiKey.user_id)
        .where(ApiKey.organization_id == organization_id)
        .order_by(ApiKey.revoked_at.desc().nulls_first(), ApiKey.created_at.desc(), ApiKey.id.desc())
    )
    rows = session.execute(stmt).all()
    return [KeyRow(*row[:5], tuple(row[5] or ()), *row[6:]) for row in rows]


def get_name(session: Session, organization_id: UUID, api_key_id: UUID) -> str:
    """The name of a key.

    Raises:
        NotFound: there is no such key in the organization.
    """
    stmt = select(ApiKey.name).where(ApiKey.organization_id == organization_id, ApiKey.id == api_key_id)
    name = session.scalar(stmt)
    if name is None:
        raise NotFound("There is no such key in this organization.")
    return name


def get_ingest_key_id(session: Session, organization_id: UUID, *, now: datetime) -> UUID | None:
    """The newest key that may send traces; None when there is none. Cost: one statement."""
    return session.scalar(
        select(ApiKey.id)
        .where(
            ApiKey.organization_id == organization_id,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
            ApiKey.scopes.contains([str(Scope.INGEST)]),
        )
        .order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
        .limit(1)
    )
