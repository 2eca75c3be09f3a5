"""Which organization the demo fills: the one asked for, the first one, or one made for it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from webapp.database.tenancy import organization_session
from webapp.domain.errors import NotFound
from webapp.features.setup.operations import create_first_admin
from webapp.models import Organization, OrganizationMember

EMAIL, NAME = "demo@example.com", "Demo"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The organization to fill and a member in whose name; ``password`` only where the member was just made."""

    id: UUID
    name: str
    user_id: UUID | None
    email: str = ""
    password: str = field(default="", repr=False)


def find_organization(engine: Engine, wanted: str | None) -> Chosen | None:
    """The organization with this name, slug or id, the first one when nothing is wanted; None when there is none.

    Raises:
        NotFound: something is wanted that is not there.
    """
    with engine.connect() as connection:
        ids = list(connection.scalars(text("SELECT organizations_due('all')")))
    for organization_id in ids:
        with organization_session(engine, organization_id) as session:
            row = session.execute(
                select(Organization.name, Organization.slug).where(Organization.id == organization_id)
            ).one()
            if wanted is None or wanted in (row.name, row.slug, str(organization_id)):
                return Chosen(organization_id, row.name, _oldest_member(session, organization_id))
    if ids or wanted is not None:
        raise NotFound(f"There is no organization {wanted!r} on this server.")
    return None


def _oldest_member(session: Session, organization_id: UUID) -> UUID | None:
    return session.scalars(
        select(OrganizationMember.user_id)
        .where(OrganizationMember.organization_id == organization_id)
        .order_by(OrganizationMember.created_at)
        .limit(1)
    ).first()


def make_organization(engine: Engine, timezone: str) -> Chosen:
    """Make the demo's administrator and organization, with a password that is shown once."""
    password = secrets.token_urlsafe(12)
    with Session(engine) as session, session.begin():
        made = create_first_admin(session, EMAIL, password, NAME, full_name="Demo Admin", timezone=timezone)
        return Chosen(made.organization_id, NAME, made.user_id, EMAIL, password)
