"""Tell people something, and note that they have read it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.models.base import new_id
from webapp.models.system import Notification


def notify(
    session: Session,
    organization_id: UUID,
    user_id: UUID,
    *,
    kind: str,
    title: str,
    body: str | None = None,
    link: str | None = None,
) -> UUID:
    """Put one notification behind the person's bell. ``link`` is an address inside the product, with its slash."""
    if link is not None and (not link.startswith("/") or link.startswith(("//", "/\\"))):
        raise ValueError("a notification links inside the product only")
    notification = Notification(
        id=new_id(),
        organization_id=organization_id,
        user_id=user_id,
        kind=kind,
        title=title[:255],
        body=body,
        link=link,
    )
    session.add(notification)
    return notification.id


def mark_read(session: Session, actor: Actor, notification_id: UUID, *, now: datetime) -> None:
    """Note that the person has read one notification; reading it twice changes nothing.

    Raises:
    NotFound: the person has no such notification here.
    """
    done = session.execute(
        update(Notification)
        .where(
            Notification.organization_id == actor.organization_id,
            Notification.user_id == actor.user_id,
            Notification.id == notification_id,
        )
        .values(read_at=func.coalesce(Notification.read_at, now))
        .returning(Notification.id)
    )
    if done.first() is None:
        raise NotFound("There is no such notification.")


def mark_all_read(session: Session, actor: Actor, *, now: datetime) -> int:
    """Note that the person has read everything so far in this organization; answer how many that were."""
    done = session.execute(
        update(Notification)
        .where(
            Notification.organization_id == actor.organization_id,
            Notification.user_id == actor.user_id,
            Notification.read_at.is_(None),
            Notification.created_at <= now,
        )
        .values(read_at=now)
        .returning(Notification.id)
    )
    return len(done.all())
