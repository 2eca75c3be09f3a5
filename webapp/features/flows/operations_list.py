"""What people do to flows in the list: bookmark, tag, hand to a team, pause, delete, restore, and take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Forbidden, Invalid, NotFound
from webapp.domain.flow_tags import MOST_TAGS, merged_tags, without_tags
from webapp.features.events import operations as events
from webapp.features.flows.visibility import SEES_ALL, visible_flows
from webapp.models import Agentflow, Bookmark, Event, Team
from webapp.models.base import new_id

UNDO_FOR = timedelta(hours=24)
_READ = (
    Agentflow.id,
    Agentflow.name,
    Agentflow.tags,
    Agentflow.team_id,
    Agentflow.is_active,
    Agentflow.deleted_at,
    Agentflow.user_id,
)


@dataclass(frozen=True, slots=True)
class Done:
    """What was changed, as the numbers of its events; ``undo`` takes them. ``count`` 0: all was so already."""

    count: int
    first: int = 0
    last: int = 0


def may_delete(actor: Actor, author_id: UUID | None) -> bool:
    """Whether the actor may delete and restore flows of this author: their own, an admin all."""
    return actor.role in SEES_ALL or (author_id is not None and author_id == actor.user_id)


def toggle_bookmark(session: Session, actor: Actor, agentflow_id: UUID) -> bool:
    """Set the actor's bookmark or take it away; answers whether it is set now. Raises: NotFound."""
    _known(session, actor, [agentflow_id])
    removed = session.execute(
        delete(Bookmark)
        .where(
            Bookmark.organization_id == actor.organization_id,
            Bookmark.user_id == actor.user_id,
            Bookmark.record_type == "agentflow",
            Bookmark.record_id == agentflow_id,
        )
        .returning(Bookmark.id)
    ).all()
    if removed:
        return False
    values = {"organization_id": actor.organization_id, "user_id": actor.user_id, "record_type": "agentflow"}
    stmt = insert(Bookmark).values(id=new_id(), record_id=agentflow_id, **values)
    session.execute(stmt.on_conflict_do_nothing())
    return True


def delete_flows(session: Session, actor: Actor, flow_ids: Iterable[UUID], *, now: datetime) -> Done:
    """Take flows out of the list and of every choice. Executions, costs and versions stay.

    Raises: NotFound, Forbidden (somebody else's flow, and the actor is no admin).
    """
    flows = [flow for flow in _lock_own(session, actor, flow_ids) if flow.deleted_at is None]
    values = {"deleted_at": now, "deleted_by_id": actor.user_id}
    return _set(session, actor, "agentflow.deleted", flows, values, lambda flow: {}, now)


def restore_flows(session: Session, actor: Actor, flow_ids: Iterable[UUID], *, now: datetime) -> Done:
    """Bring deleted flows back as they were. Raises: as :func:`delete_flows`."""
    flows = [flow for flow in _lock_own(session, actor, flow_ids) if flow.deleted_at is not None]
    values = {"deleted_at": None, "deleted_by_id": None}
    return _set(session, actor, "agentflow.restored", flows, values, lambda flow: {}, now)


def set_active(session: Session, actor: Actor, flow_ids: Iterable[UUID], *, is_active: bool, now: datetime) -> Done:
    """Pause flows, so that nothing starts them by itself, or resume them. Raises: NotFound."""
    flows = [
        f for f in _lock(session, actor, flow_ids) if f.deleted_at is None and (f.is_active is not False) != is_active
    ]
    name = "agentflow.resumed" if is_active else "agentflow.paused"
    return _set(session, actor, name, flows, {"is_active": is_active}, lambda flow: {}, now)


def set_team(session: Session, actor: Actor, flow_ids: Iterable[UUID], team_id: UUID | None, *, now: datetime) -> Done:
    """Hand flows to a team, or to none. Raises: NotFound, also for a team of another organization."""
    if team_id is not None and not session.scalar(
        select(Team.id).where(Team.organization_id == actor.organization_id, Team.id == team_id)
    ):
        raise NotFound("There is no such team. Reload the page to see the teams that there are.")
    flows = [f for f in _lock(session, actor, flow_ids) if f.deleted_at is None and f.team_id != team_id]

    def change(flow: Row[Any]) -> dict[str, Any]:
        return _change("team_id", _text(flow.team_id), _text(team_id))

    return _set(session, actor, "agentflow.team_changed", flows, {"team_id": team_id}, change, now)


def add_tags(session: Session, actor: Actor, flow_ids: Iterable[UUID], tags: Sequence[str], *, now: datetime) -> Done:
    """Give flows further tags. Raises: NotFound, Invalid (a flow would have too many)."""
    return _retag(session, actor, flow_ids, lambda present: merged_tags(present, tags), now)


def remove_tags(
    session: Session, actor: Actor, flow_ids: Iterable[UUID], tags: Sequence[str], *, now: datetime
) -> Done:
    """Take tags from flows, whatever their case. Raises: NotFound."""
    return _retag(session, actor, flow_ids, lambda present: without_tags(present, tags), now)


def undo(session: Session, actor: Actor, first: int, last: int, *, now: datetime) -> int:
    """Take back what the actor did in these events; answers how many flows were put back.

    A flow that was changed again since stays as it is.

    Raises:
        NotFound: these are not changes of the actor's of the last day.
    """
    done = session.execute(
        select(Event.event_type, Event.aggregate_id, Event.payload)
        .where(
            Event.organization_id == actor.organization_id,
            Event.sequence.between(first, last),
            Event.actor_id == actor.user_id,
            Event.aggregate_type == "agentflow",
            Event.event_type.in_(_UNDO),
            Event.occurred_at > now - UNDO_FOR,
        )
        .order_by(Event.sequence)
    ).all()
    if not done:
        raise NotFound("There is nothing to take back here: only your own changes of the last day can be.")
    count = 0
    for name in _UNDO:
        payloads = {row.aggregate_id: row.payload for row in done if row.event_type == name}
        count += _UNDO[name](session, actor, payloads, now) if payloads else 0
    return count


def _undo_deleted(session: Session, actor: Actor, payloads: Mapping[UUID, Any], now: datetime) -> int:
    return restore_flows(session, actor, payloads, now=now).count


def _undo_restored(session: Session, actor: Actor, payloads: Mapping[UUID, Any], now: datetime) -> int:
    return delete_flows(session, actor, payloads, now=now).count


def _undo_paused(session: Session, actor: Actor, payloads: Mapping[UUID, Any], now: datetime) -> int:
    return set_active(session, actor, payloads, is_active=True, now=now).count


def _undo_resumed(session: Session, actor: Actor, payloads: Mapping[UUID, Any], now: datetime) -> int:
    return set_active(session, actor, payloads, is_active=False, now=now).count


def _undo_team(session: Session, actor: Actor, payloads: Mapping[UUID, Any], now: datetime) -> int:
    by_team: dict[str | None, list[UUID]] = {}
    for flow in _lock(session, actor, payloads):
        if _text(flow.team_id) == payloads[flow.id]["after"]["team_id"]:
            by_team.setdefault(payloads[flow.id]["before"]["team_id"], []).append(flow.id)
    return sum(
        set_team(session, actor, ids, UUID(team) if team else None, now=now).count for team, ids in by_team.items()
    )


def _undo_tags(session: Session, actor: Actor, payloads: Mapping[UUID, Any], now: datetime) -> int:
    same = {f.id for f in _lock(session, actor, payloads) if list(f.tags) == payloads[f.id]["after"]["tags"]}
    return _write_tags(session, actor, {id_: payloads[id_] for id_ in same}, now, is_undo=True).count


_UNDO: Mapping[str, Callable[[Session, Actor, Mapping[UUID, Any], datetime], int]] = {
    "agentflow.deleted": _undo_deleted,
    "agentflow.restored": _undo_restored,
    "agentflow.paused": _undo_paused,
    "agentflow.resumed": _undo_resumed,
    "agentflow.team_changed": _undo_team,
    "agentflow.tags_changed": _undo_tags,
}


def _retag(
    session: Session,
    actor: Actor,
    flow_ids: Iterable[UUID],
    wanted: Callable[[Sequence[str]], tuple[str, ...]],
    now: datetime,
) -> Done:
    changes: dict[UUID, dict[str, Any]] = {}
    for flow in _lock(session, actor, flow_ids):
        present = [str(tag) for tag in flow.tags]
        after = list(wanted(present))
        if len(after) > max(MOST_TAGS, len(present)):
            raise Invalid(f"“{flow.name}” would have more than {MOST_TAGS} tags. Nothing was changed.", field="tags")
        if after != present and flow.deleted_at is None:
            changes[flow.id] = {"name": flow.name} | _change("tags", present, after)
    return _write_tags(session, actor, changes, now)


def _write_tags(
    session: Session, actor: Actor, changes: Mapping[UUID, Any], now: datetime, *, is_undo: bool = False
) -> Done:
    """Write the tags after, or with ``is_undo`` those before each change."""
    if not changes:
        return Done(0)
    after, before = ("before", "after") if is_undo else ("after", "before")
    mark = {"updated_at": now, "updated_by_id": actor.user_id}
    rows = [{"id": id_, "tags": change[after]["tags"], **mark} for id_, change in changes.items()]
    session.execute(update(Agentflow), rows)
    written = [
        (id_, {"name": change.get("name")} | _change("tags", change[before]["tags"], change[after]["tags"]))
        for id_, change in changes.items()
    ]
    return _recorded(events.record_all(session, actor, "agentflow", "agentflow.tags_changed", written, at=now))


def _known(session: Session, actor: Actor, flow_ids: Sequence[UUID]) -> None:
    found = session.scalars(select(Agentflow.id).where(visible_flows(actor), Agentflow.id.in_(flow_ids))).all()
    if len(found) < len(set(flow_ids)):
        raise NotFound("There is no such flow in this organization, or it is not shared with you.")


def _lock(session: Session, actor: Actor, flow_ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """The flows, held until the transaction ends, in the order of their ids so that two people never wait in a ring."""
    wanted = set(flow_ids)
    stmt = select(*_READ).where(visible_flows(actor), Agentflow.id.in_(wanted)).order_by(Agentflow.id)
    flows = session.execute(stmt.with_for_update(of=Agentflow)).all()
    if len(flows) < len(wanted):
        raise NotFound("There is no such flow in this organization, or it is not shared with you.")
    return flows


def _lock_own(session: Session, actor: Actor, flow_ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    flows = _lock(session, actor, flow_ids)
    foreign = next((flow for flow in flows if not may_delete(actor, flow.user_id)), None)
    if foreign is not None:
        raise Forbidden(f"“{foreign.name}” is not yours. An admin can delete and restore flows of others.")
    return flows


def _set(
    session: Session,
    actor: Actor,
    event_type: str,
    flows: Sequence[Row[Any]],
    values: Mapping[str, Any],
    change: Callable[[Row[Any]], dict[str, Any]],
    now: datetime,
) -> Done:
    """Set the same values on flows that are locked, and tell of it."""
    if not flows:
        return Done(0)
    mark = {"updated_at": now, "updated_by_id": actor.user_id}
    ids = [flow.id for flow in flows]
    session.execute(update(Agentflow).where(Agentflow.id.in_(ids)).values({**values, **mark}))
    things = [(flow.id, {"name": flow.name} | change(flow)) for flow in flows]
    return _recorded(events.record_all(session, actor, "agentflow", event_type, things, at=now))


def _recorded(written: Sequence[Event]) -> Done:
    return Done(len(written), written[0].sequence, written[-1].sequence)


def _change(name: str, before: Any, after: Any) -> dict[str, Any]:
    return {"before": {name: before}, "after": {name: after}}


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
