"""Create an organization, and change what its admins may change."""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.database.tenancy import use_organization
from webapp.domain.errors import NotFound
from webapp.features.events import operations as events
from webapp.models import BrowserSession, MemberRole, Organization, OrganizationMember, new_id

SETTLE_AFTER_MINUTES = 30


@dataclass(frozen=True, slots=True)
class OrganizationSettings:
    """What an admin sets. ``retention_days`` None keeps everything; without ``public_links_allowed`` none works."""

    name: str
    timezone: str
    settle_after_minutes: int
    retention_days: int | None
    public_links_allowed: bool = True


def add_organization(session: Session, user_id: UUID, *, name: str, timezone: str, now: datetime) -> UUID:
    """Create an organization owned by the user and turn the session to it; answers its id.

    The id is made here and set first, so that row-level security lets the rows in.
    """
    organization_id = new_id()
    use_organization(session, organization_id)
    session.add(
        Organization(
            id=organization_id, name=name, slug=make_slug(name), owner_id=user_id, timezone=timezone, updated_at=now
        )
    )
    session.flush()
    session.add(OrganizationMember(organization_id=organization_id, user_id=user_id, role=MemberRole.OWNER))
    session.flush()
    author = events.AuthorId(organization_id, user_id)
    events.record(session, author, "organization", organization_id, "organization.created", {"name": name})
    return organization_id


def create_organization(session: Session, actor: Actor, *, name: str, timezone: str, now: datetime) -> UUID:
    """Create another organization for somebody signed in, and let their session look at it."""
    organization_id = add_organization(session, actor.user_id, name=name, timezone=timezone, now=now)
    session.execute(
        update(BrowserSession).where(BrowserSession.id == actor.session_id).values(organization_id=organization_id)
    )
    return organization_id


def save_settings(session: Session, actor: Actor, wanted: OrganizationSettings, *, now: datetime) -> None:
    """Save the settings of the actor's organization; other keys of its settings stay as they are.

    Raises:
        NotFound: the organization is gone.
    """
    organization = session.scalar(
        select(Organization).where(Organization.id == actor.organization_id).with_for_update()
    )
    if organization is None:
        raise NotFound("There is no such organization.")
    organization.name, organization.timezone = wanted.name, wanted.timezone
    organization.settings = {
        **(organization.settings or {}),
        "settle_after_minutes": wanted.settle_after_minutes,
        "retention_days": wanted.retention_days,
        "public_links_allowed": wanted.public_links_allowed,
    }
    organization.updated_at = now
    session.flush()
    events.record(session, actor, "organization", organization.id, "organization.settings_changed", asdict(wanted))


def make_slug(name: str) -> str:
    """A readable and unique part of an address: letters of the name that ASCII has, and eight random ones."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    readable = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-")
    return f"{readable or 'organization'}-{secrets.token_hex(4)}"
