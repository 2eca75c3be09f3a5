"""What a person sees of their own account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.domain.user_agents import describe_browser
from webapp.models import BrowserSession, User, UserSettings


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One browser that is signed in."""

    id: UUID
    browser: str
    ip_address: str
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the person chose. ``timezone`` is empty when it follows the organization."""

    full_name: str
    timezone: str
    theme: str


def list_sessions(session: Session, user_id: UUID, *, now: datetime, idle: timedelta) -> list[SessionRow]:
    """The person's live sessions, last used first. Cost: one statement."""
    stmt = (
        select(
            BrowserSession.id,
            BrowserSession.user_agent,
            BrowserSession.ip_address,
            BrowserSession.created_at,
            BrowserSession.last_seen_at,
        )
        .where(
            BrowserSession.user_id == user_id,
            BrowserSession.revoked_at.is_(None),
            BrowserSession.expires_at > now,
            BrowserSession.last_seen_at > now - idle,
        )
        .order_by(BrowserSession.last_seen_at.desc(), BrowserSession.id.desc())
    )
    return [
        SessionRow(r.id, describe_browser(r.user_agent), r.ip_address or "", r.created_at, r.last_seen_at)
        for r in session.execute(stmt)
    ]


def get_preferences(session: Session, user_id: UUID) -> Preferences:
    """What the person chose, defaults where nothing was chosen. Cost: one statement."""
    row = session.execute(
        select(
            func.coalesce(User.full_name, User.username).label("full_name"), UserSettings.timezone, UserSettings.theme
        )
        .outerjoin(UserSettings, UserSettings.user_id == User.id)
        .where(User.id == user_id)
    ).one()
    return Preferences(row.full_name, row.timezone or "", row.theme or "system")
