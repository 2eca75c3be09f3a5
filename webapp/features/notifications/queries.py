"""Notifications of one person in one organization, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, text, tuple_
from sqlalchemy.orm import Session

from webapp.domain.paging import Cursor, Page
from webapp.models.system import Notification

PAGE_SIZE = 50
COUNT_LIMIT = 100
"""The bell counts no further than this; what lies beyond is read on the page."""
# Every page asks this, so it is written once: building it costs several times what it takes to answer.
UNREAD = text("""
    SELECT count(*) FROM (
        SELECT FROM notifications
        WHERE organization_id = :organization_id AND user_id = :user_id AND read_at IS NULL LIMIT :most
    ) unread
""")


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """One line of the list. ``link`` is an address inside the product, or empty."""

    id: UUID
    kind: str
    title: str
    body: str
    link: str
    created_at: datetime
    is_read: bool


def count_unread(session: Session, organization_id: UUID, user_id: UUID) -> int:
    """How many notifications the person has not read, at most 100. Cost: one statement over an index."""
    values = {"organization_id": organization_id, "user_id": user_id, "most": COUNT_LIMIT}
    return session.scalar(UNREAD, values) or 0


def list_page(
    session: Session, organization_id: UUID, user_id: UUID, *, is_unread_only: bool, cursor: Cursor | None = None
) -> Page[NotificationRow]:
    """One keyset page of what the person was told. Cost: one statement."""
    wanted = _own(organization_id, user_id)
    if is_unread_only:
        wanted = wanted.where(Notification.read_at.is_(None))
    place = tuple_(Notification.created_at, Notification.id)
    is_backward = cursor is not None and cursor.is_backward
    if cursor is not None:
        edge = tuple_(cursor.at, cursor.id)
        wanted = wanted.where(place > edge if is_backward else place < edge)
    order = (
        (Notification.created_at, Notification.id)
        if is_backward
        else (Notification.created_at.desc(), Notification.id.desc())
    )
    found = [_row(record) for record in session.execute(wanted.order_by(*order).limit(PAGE_SIZE + 1))]
    has_more = len(found) > PAGE_SIZE
    rows = found[:PAGE_SIZE]
    if is_backward:
        rows.reverse()
    has_older = has_more if not is_backward else True
    has_newer = has_more if is_backward else cursor is not None
    return Page(
        rows=rows,
        older=Cursor(rows[-1].created_at, rows[-1].id).encode() if rows and has_older else None,
        newer=Cursor(rows[0].created_at, rows[0].id, is_backward=True).encode() if rows and has_newer else None,
    )


def _own(organization_id: UUID, user_id: UUID) -> Select[tuple[UUID, str, str, str, str, datetime, datetime]]:
    return select(
        Notification.id,
        Notification.kind,
        Notification.title,
        Notification.body,
        Notification.link,
        Notification.created_at,
        Notification.read_at,
    ).where(Notification.organization_id == organization_id, Notification.user_id == user_id)


def _row(record: tuple[UUID, str, str, str | None, str | None, datetime, datetime | None]) -> NotificationRow:
    id_, kind, title, body, link, created_at, read_at = record
    return NotificationRow(id_, kind, title, body or "", link or "", created_at, read_at is not None)
