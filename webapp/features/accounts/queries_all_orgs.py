"""The few reads that happen before an organization is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.actor import Actor, Membership
from webapp.permissions import Role

SIGNED_IN = text("""
    SELECT s.session_id, s.user_id, s.organization_id AS chosen_id, s.last_seen_at, s.expires_at,
           u.email, coalesce(u.full_name, u.username) AS full_name,
           coalesce(us.theme, 'system') AS theme, us.timezone AS own_timezone,
           m.organization_id, m.name, m.slug, m.role, m.timezone
    FROM auth_session(:token_hash) s
    JOIN users u ON u.id = s.user_id AND u.is_active
    LEFT JOIN user_settings us ON us.user_id = u.id
    LEFT JOIN LATERAL my_organizations(u.id) m ON true
    ORDER BY lower(m.name), m.organization_id
""")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The actor of a live session, and when the session was last noted as used."""

    actor: Actor
    last_seen_at: datetime


def get_signed_in(session: Session, token_hash: bytes, *, now: datetime, idle: timedelta) -> SignedIn | None:
    """Who holds this session token, in which organization; None when it is unknown, revoked, idle too long or expired.

    The organization is the one chosen last in this session, else the first by name. Somebody who belongs to none is not
    signed in anywhere, so None.

    Cost: one statement.
    """
    rows = session.execute(SIGNED_IN, {"token_hash": token_hash}).all()
    rows = [r for r in rows if r.organization_id is not None]
    if not rows or rows[0].expires_at <= now or rows[0].last_seen_at + idle <= now:
        return None
    first = rows[0]
    memberships = tuple(Membership(r.organization_id, r.name, r.slug, Role(r.role), r.timezone) for r in rows)
    current = next((m for m in memberships if m.organization_id == first.chosen_id), memberships[0])
    actor = Actor(
        user_id=first.user_id,
        session_id=first.session_id,
        email=first.email,
        full_name=first.full_name,
        theme=first.theme,
        timezone=first.own_timezone or current.timezone,
        membership=current,
        memberships=memberships,
    )
    return SignedIn(actor, first.last_seen_at)


def is_first_run(session: Session) -> bool:
    """Whether nobody has an account here yet, so that the set-up page is to be shown."""
    return bool(session.scalar(text("SELECT first_run_needed()")))


def list_organization_ids(session: Session, user_id: UUID) -> list[UUID]:
    """The organizations that the person belongs to, by name. Cost: one statement."""
    stmt = text("SELECT organization_id FROM my_organizations(:user_id) ORDER BY lower(name), organization_id")
    return list(session.scalars(stmt, {"user_id": user_id}))
