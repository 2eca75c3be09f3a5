"""Signing in: the writes that happen before an organization is known."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.database.tenancy import use_organization
from webapp.domain.errors import Forbidden
from webapp.domain.session_tokens import NewToken, new_token
from webapp.features.accounts import queries_all_orgs
from webapp.features.accounts.password_hashes import hash_password, is_password, needs_rehash
from webapp.features.events import operations as events
from webapp.models import BrowserSession, User, new_id

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Device:
    """Where a sign-in comes from, shown to the person in the list of their sessions."""

    ip_address: str | None
    user_agent: str | None


def sign_in(
    session: Session,
    email: str,
    password: str,
    *,
    device: Device,
    replaced: bytes | None,
    now: datetime,
    lifetime: timedelta,
) -> NewToken | None:
    """Start a session and answer its token; None when the email or the password is wrong, without saying which.

    ``replaced`` is the hash of the token that the browser came with; that session ends here, so that nobody keeps using
    a token from before the sign-in.

    Raises:
        Forbidden: the password is right, but the person belongs to no organization (any more).
    """
    user = session.execute(select(User.id, User.password_hash, User.is_active).where(User.email == email)).first()
    is_right = is_password(password, user.password_hash if user and user.is_active else None)
    if user is None or not is_right:
        log.warning("sign-in refused for user %s from %s", user.id if user else "unknown", device.ip_address)
        return None
    organization_ids = queries_all_orgs.list_organization_ids(session, user.id)
    if not organization_ids:
        raise Forbidden("Your account belongs to no organization (any more). Ask the admin of this server.")
    values: dict[str, object] = {"last_login_at": now}
    if needs_rehash(user.password_hash):
        values["password_hash"] = hash_password(password)
    session.execute(update(User).where(User.id == user.id).values(values))
    if replaced is not None:
        session.execute(
            update(BrowserSession)
            .where(BrowserSession.token_hash == replaced, BrowserSession.revoked_at.is_(None))
            .values(revoked_at=now)
        )
    use_organization(session, organization_ids[0])
    return start_session(session, organization_ids[0], user.id, device=device, now=now, lifetime=lifetime)


def start_session(
    session: Session, organization_id: UUID, user_id: UUID, *, device: Device, now: datetime, lifetime: timedelta
) -> NewToken:
    """Note a new signed-in browser of a person whose identity is proven."""
    token = new_token()
    row = BrowserSession(
        id=new_id(),
        user_id=user_id,
        organization_id=organization_id,
        token_hash=token.token_hash,
        ip_address=(device.ip_address or "")[:45] or None,
        user_agent=(device.user_agent or "")[:500] or None,
        created_at=now,
        last_seen_at=now,
        expires_at=now + lifetime,
    )
    session.add(row)
    session.flush()
    author = events.AuthorId(organization_id, user_id)
    payload = {"session_id": str(row.id), "ip_address": row.ip_address}
    events.record(session, author, "user", user_id, "user.signed_in", payload)
    return token
