"""What people say about a failure: written, changed and deleted by its author; whom it mentions is told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Forbidden, NotFound
from webapp.domain.mentions import Person, find_mentions
from webapp.features.events import operations as events
from webapp.features.failures.operations_state import UNKNOWN
from webapp.features.notifications.operations import notify
from webapp.models import Comment, FailureGroup, OrganizationMember, User
from webapp.models.base import new_id

DOUBLE_CLICK = timedelta(seconds=10)
RECORD = "failure"


def add_comment(session: Session, actor: Actor, group_id: UUID, body: str, *, now: datetime) -> UUID:
    """Say something about a failure; answers the comment's id. The same words twice within seconds are one comment.

    Raises: NotFound.
    """
    group = _group(session, actor, group_id)
    same = session.scalar(
        select(Comment.id).where(
            *_of(actor, group_id),
            Comment.user_id == actor.user_id,
            Comment.body == body,
            Comment.created_at > now - DOUBLE_CLICK,
        )
    )
    if same is not None:
        return same
    mentions = _mentions(session, actor, body)
    comment = Comment(
        id=new_id(), organization_id=actor.organization_id, record_type=RECORD, record_id=group_id,
        user_id=actor.user_id, body=body, mentions=[str(id_) for id_ in mentions], created_at=now,
    )  # fmt: skip
    session.add(comment)
    session.flush()
    _tell(session, actor, group, mentions, body)
    if group.owner_id not in (None, actor.user_id, *mentions):
        title = f"{actor.full_name} commented on F-{group.number}"
        notify(
            session, actor.organization_id, group.owner_id, kind="comment", title=title, body=body[:200],
            link=f"/failures/{group.id}#comments",
        )  # fmt: skip
    events.record(session, actor, RECORD, group_id, "failure.commented", {"comment_id": str(comment.id)}, at=now)
    return comment.id


def edit_comment(session: Session, actor: Actor, group_id: UUID, comment_id: UUID, body: str, *, now: datetime) -> None:
    """Write one's own comment anew; whoever is mentioned for the first time is told.

    Raises: NotFound; Forbidden (somebody else's).
    """
    group, comment = _group(session, actor, group_id), _own(session, actor, group_id, comment_id)
    if comment.body == body:
        return
    mentions = _mentions(session, actor, body)
    _tell(session, actor, group, [id_ for id_ in mentions if str(id_) not in comment.mentions], body)
    comment.body, comment.mentions, comment.edited_at = body, [str(id_) for id_ in mentions], now
    session.flush()
    events.record(session, actor, RECORD, group_id, "failure.comment_edited", {"comment_id": str(comment_id)}, at=now)


def delete_comment(session: Session, actor: Actor, group_id: UUID, comment_id: UUID, *, now: datetime) -> None:
    """Take one's own comment away, words and all. Raises: NotFound; Forbidden (somebody else's)."""
    _group(session, actor, group_id)
    comment = _own(session, actor, group_id, comment_id)
    comment.body, comment.mentions, comment.deleted_at = "", [], now
    session.flush()
    events.record(session, actor, RECORD, group_id, "failure.comment_deleted", {"comment_id": str(comment_id)}, at=now)


def _of(actor: Actor, group_id: UUID) -> tuple:
    return (
        Comment.organization_id == actor.organization_id,
        Comment.record_type == RECORD,
        Comment.record_id == group_id,
        Comment.deleted_at.is_(None),
    )


def _own(session: Session, actor: Actor, group_id: UUID, comment_id: UUID) -> Comment:
    comment = session.scalar(select(Comment).where(*_of(actor, group_id), Comment.id == comment_id).with_for_update())
    if comment is None:
        raise NotFound("There is no such comment.")
    if comment.user_id != actor.user_id:
        raise Forbidden("This comment is somebody else's.")
    return comment


def _group(session: Session, actor: Actor, group_id: UUID) -> FailureGroup:
    """The failure, held so that the same words sent twice meet."""
    group = session.scalar(
        select(FailureGroup)
        .where(FailureGroup.organization_id == actor.organization_id, FailureGroup.id == group_id)
        .with_for_update(key_share=True)
    )
    if group is None:
        raise NotFound(UNKNOWN)
    return group


def _mentions(session: Session, actor: Actor, body: str) -> list[UUID]:
    """Members whom the text mentions, but not its author."""
    if "@" not in body:
        return []
    stmt = (
        select(User.id, User.full_name, User.username, User.email)
        .join(OrganizationMember, OrganizationMember.user_id == User.id)
        .where(OrganizationMember.organization_id == actor.organization_id)
    )
    people = [Person(row.id, (row.full_name or "", row.username, row.email)) for row in session.execute(stmt)]
    return [id_ for id_ in find_mentions(body, people) if id_ != actor.user_id]


def _tell(session: Session, actor: Actor, group: FailureGroup, people: Iterable[UUID], body: str) -> None:
    for user_id in people:
        notify(
            session, actor.organization_id, user_id, kind="mention",
            title=f"{actor.full_name} mentioned you in F-{group.number}", body=body[:200],
            link=f"/failures/{group.id}#comments",
        )  # fmt: skip
