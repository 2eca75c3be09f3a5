"""What a signed-in person does to their own account."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Invalid, NotFound
from webapp.domain.session_tokens import NewToken, new_token
from webapp.features.accounts.password_hashes import hash_password, is_password
from webapp.features.events import operations as events
from webapp.models import BrowserSession, User, UserSettings


def sign_out(session: Session, actor: Actor, *, now: datetime) -> None:
    """End the session that the request came with."""
    _revoke(session, actor, now, BrowserSession.id == actor.session_id)
    events.record(session, actor, "user", actor.user_id, "user.signed_out", {"session_id": str(actor.session_id)})


def switch_organization(session: Session, actor: Actor, organization_id: UUID) -> None:
    """Look at another of the person's organizations from now on.

    Raises:
        NotFound: the person does not belong to it.
    """
    if organization_id not in {m.organization_id for m in actor.memberships}:
        raise NotFound("You do not belong to this organization.")
    session.execute(
        update(BrowserSession).where(BrowserSession.id == actor.session_id).values(organization_id=organization_id)
    )


def revoke_session(session: Session, actor: Actor, session_id: UUID, *, now: datetime) -> None:
    """End one of the person's own sessions.

    Raises:
        NotFound: it is not theirs, or it ended before.
    """
    if not _revoke(session, actor, now, BrowserSession.id == session_id):
        raise NotFound("This session has ended already.")
    events.record(session, actor, "user", actor.user_id, "session.revoked", {"session_id": str(session_id)})


def revoke_other_sessions(session: Session, actor: Actor, *, now: datetime) -> int:
    """End all of the person's sessions but this one; answers how many."""
    ended = _revoke(session, actor, now, BrowserSession.id != actor.session_id)
    if ended:
        events.record(session, actor, "user", actor.user_id, "session.others_revoked", {"count": ended})
    return ended


def change_password(session: Session, actor: Actor, current: str, new: str, *, now: datetime) -> NewToken:
    """Change the password, end the other sessions, and give this one a new token.

    Raises:
        Invalid: the current password is wrong, or the new one is the same.
        Conflict: the account was changed meanwhile.
    """
    stored = session.scalar(select(User.password_hash).where(User.id == actor.user_id))
    if not is_password(current, stored):
        raise Invalid("This is not your current password.", field="current_password")
    if current == new:
        raise Invalid("The new password is the current one.", field="new_password")
    changed: CursorResult = session.execute(
        update(User)
        .where(User.id == actor.user_id, User.password_hash == stored)
        .values(password_hash=hash_password(new), updated_at=now)
    )
    if changed.rowcount != 1:
        raise Conflict("Your password was changed in another window. Sign in again.")
    ended = _revoke(session, actor, now, BrowserSession.id != actor.session_id)
    token = new_token()
    session.execute(
        update(BrowserSession).where(BrowserSession.id == actor.session_id).values(token_hash=token.token_hash)
    )
    events.record(session, actor, "user", actor.user_id, "user.password_changed", {"sessions_ended": ended})
    return token


def save_preferences(session: Session, actor: Actor, *, full_name: str, timezone: str, theme: str) -> None:
    """Save name, time zone (empty: as the organization) and theme."""
    session.execute(update(User).where(User.id == actor.user_id).values(full_name=full_name))
    _save_settings(session, actor, timezone=timezone or None, theme=theme)


def change_theme(session: Session, actor: Actor, theme: str) -> None:
    """Save the theme alone."""
    _save_settings(session, actor, theme=theme)


def _save_settings(session: Session, actor: Actor, **values: str | None) -> None:
    stmt = insert(UserSettings).values(user_id=actor.user_id, **values)
    session.execute(stmt.on_conflict_do_update(index_elements=["user_id"], set_=values))


def _revoke(session: Session, actor: Actor, now: datetime, which: object) -> int:
    ended: CursorResult = session.execute(
        update(BrowserSession)
        .where(BrowserSession.user_id == actor.user_id, BrowserSession.revoked_at.is_(None), which)
        .values(revoked_at=now)
    )
    return ended.rowcount
