"""What the organization page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.features.organizations.operations import SETTLE_AFTER_MINUTES, OrganizationSettings
from webapp.models import Organization, OrganizationMember, User


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member. ``last_active_at`` is the last sign-in."""

    user_id: UUID
    full_name: str
    email: str
    role: str
    joined_at: datetime
    last_active_at: datetime | None
    is_active: bool


def list_members(session: Session, organization_id: UUID) -> list[MemberRow]:
    """Members by name. Cost: one statement."""
    name = func.coalesce(User.full_name, User.username)
    stmt = (
        select(
            User.id,
            name,
            User.email,
            OrganizationMember.role,
            OrganizationMember.created_at,
            User.last_login_at,
            func.coalesce(User.is_active, False),
        )
        .join(User, User.id == OrganizationMember.user_id)
        .where(OrganizationMember.organization_id == organization_id)
        .order_by(func.lower(name), User.id)
    )
    return [MemberRow(*row) for row in session.execute(stmt)]


def get_settings(session: Session, organization_id: UUID) -> OrganizationSettings:
    """The settings, defaults where nothing was set. Cost: one statement."""
    row = session.execute(
        select(Organization.name, Organization.timezone, Organization.settings).where(
            Organization.id == organization_id
        )
    ).one()
    chosen = row.settings or {}
    return OrganizationSettings(
        row.name,
        row.timezone,
        int(chosen.get("settle_after_minutes") or SETTLE_AFTER_MINUTES),
        chosen.get("retention_days"),
        chosen.get("public_links_allowed") is not False,
    )
