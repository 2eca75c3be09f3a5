"""What people do to executions and to their own view of the list: bookmarks, feedback, saved views, columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Forbidden, Invalid, NotFound
from webapp.features.executions.queries_detail import exists_here
from webapp.features.executions.queries_views import PAGE
from webapp.models import Bookmark, Feedback, SavedView, UserSettings
from webapp.models.base import new_id
from webapp.permissions import Permission

MOST_VIEWS = 50


def toggle_bookmark(session: Session, actor: Actor, execution_id: UUID) -> bool:
    """Set the actor's bookmark or take it away; answers whether it is set now. Raises: NotFound."""
    created_at = exists_here(session, actor.organization_id, execution_id)
    removed = session.execute(
        delete(Bookmark)
        .where(
            Bookmark.organization_id == actor.organization_id,
            Bookmark.user_id == actor.user_id,
            Bookmark.record_type == "execution",
            Bookmark.record_id == execution_id,
        )
        .returning(Bookmark.id)
    ).all()
    if removed:
        return False
    session.execute(
        insert(Bookmark)
        .values(
            id=new_id(),
            organization_id=actor.organization_id,
            user_id=actor.user_id,
            record_type="execution",
            record_id=execution_id,
            record_created_at=created_at,
        )
        .on_conflict_do_nothing()
    )
    return True


def give_feedback(session: Session, actor: Actor, execution_id: UUID, *, score: int, comment: str) -> None:
    """Say thumbs up or down; a person has one opinion on an execution, the latest. Raises: NotFound."""
    created_at = exists_here(session, actor.organization_id, execution_id)
    mine = (
        Feedback.organization_id == actor.organization_id,
        Feedback.flow_execution_id == execution_id,
        Feedback.user_id == actor.user_id,
    )
    changed = session.execute(
        update(Feedback)
        .where(*mine)
        .values(score=score, comment=comment or None, created_at=datetime.now(UTC))
        .returning(Feedback.id)
    ).all()
    if not changed:
        session.add(
            Feedback(
                id=new_id(),
                organization_id=actor.organization_id,
                user_id=actor.user_id,
                flow_execution_id=execution_id,
                flow_created_at=created_at,
                score=score,
                comment=comment or None,
                source="page",
            )
        )
        session.flush()


def withdraw_feedback(session: Session, actor: Actor, execution_id: UUID) -> None:
    """Take the actor's own opinion back; nothing happens when there is none. Raises: NotFound."""
    exists_here(session, actor.organization_id, execution_id)
    session.execute(
        delete(Feedback).where(
            Feedback.organization_id == actor.organization_id,
            Feedback.flow_execution_id == execution_id,
            Feedback.user_id == actor.user_id,
        )
    )


def save_view(session: Session, actor: Actor, *, name: str, query: str, is_shared: bool) -> UUID:
    """Keep a filter under a name; the same name again replaces the actor's own view.

    Raises: Forbidden (sharing needs the right to), Invalid (too many views), Conflict (a colleague shares that name).
    """
    if is_shared and not actor.may(Permission.VIEWS_SHARE):
        raise Forbidden("Your role may keep views but not share them. An admin can change your role.")
    own = (
        SavedView.organization_id == actor.organization_id,
        SavedView.user_id == actor.user_id,
        SavedView.page == PAGE,
    )
    count = session.scalar(select(func.count()).select_from(SavedView).where(*own, SavedView.name != name)) or 0
    if count >= MOST_VIEWS:
        raise Invalid(f"You have {MOST_VIEWS} views already. Delete one first.", field="name")
    if is_shared and session.scalar(
        select(SavedView.id).where(
            SavedView.organization_id == actor.organization_id,
            SavedView.page == PAGE,
            SavedView.name == name,
            SavedView.is_shared,
            SavedView.user_id != actor.user_id,
        )
    ):
        raise Conflict(f"A colleague already shares a view named “{name}”. Choose another name.", field="name")
    kept = {"query": query, "is_shared": is_shared}
    stmt = insert(SavedView).values(
        id=new_id(), organization_id=actor.organization_id, user_id=actor.user_id, page=PAGE, name=name, **kept
    )
    keys = ["user_id", "organization_id", "page", "name"]
    return session.scalars(stmt.on_conflict_do_update(index_elements=keys, set_=kept).returning(SavedView.id)).one()


def delete_view(session: Session, actor: Actor, view_id: UUID) -> None:
    """Delete one of the actor's own views. Raises: NotFound, also for a colleague's view."""
    gone = session.execute(
        delete(SavedView)
        .where(
            SavedView.organization_id == actor.organization_id,
            SavedView.user_id == actor.user_id,
            SavedView.id == view_id,
            SavedView.page == PAGE,
        )
        .returning(SavedView.id)
    ).all()
    if not gone:
        raise NotFound("This view is not yours, or somebody deleted it.")


def choose_columns(session: Session, actor: Actor, columns: Sequence[str]) -> None:
    """Remember which columns the actor's list shows, in all organizations."""
    kept = {PAGE: {"columns": list(columns)}}
    stmt = insert(UserSettings).values(user_id=actor.user_id, table_preferences=kept)
    merged = UserSettings.table_preferences.op("||")(stmt.excluded.table_preferences)
    session.execute(
        stmt.on_conflict_do_update(
            index_elements=["user_id"], set_={"table_preferences": merged, "updated_at": datetime.now(UTC)}
        )
    )
