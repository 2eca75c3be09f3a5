"""What people do to flows in the list: bookmark, tag, hand to a team, pause, delete, restore, and take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Forbidden, Invalid, NotFound
from webapp.domain.flow_graph import BlockType, FlowGraph, GraphBlock
from webapp.domain.flow_tags import MOST_TAGS, merged_tags, without_tags
from webapp.features.events import operations as events
from webapp.features.flows.operations_graph import create_flow
from webapp.features.flows.queries_graph import load_graph
from webapp.features.flows.visibility import SEES_ALL, visible_flows
from webapp.models import Agentflow, Bookmark, Event, Team
from webapp.models.base import new_id

UNDO_FOR = timedelta(hours=24)
UNKNOWN = "There is no such flow in this organization, or it is not shared with you."
FIELDS = ("is_deleted", "is_active", "team_id", "tags")
_READ = (
    Agentflow.id,
    Agentflow.name,
    Agentflow.tags,
    Agentflow.team_id,
    Agentflow.is_active,
    Agentflow.deleted_at,
    Agentflow.user_id,
    Agentflow.config,
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
    _known(session, actor, agentflow_id)
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


def make_flow(session: Session, actor: Actor, graph: FlowGraph, copy_of: UUID | None, *, now: datetime) -> UUID:
    """Make a flow of a name, a description and a pattern; answers its id. It begins with a block where it starts, or as
    a copy of what is drawn in another flow.

    Raises:
        NotFound: there is no such flow to copy for the actor, or it is deleted.
        Conflict: nothing is drawn in it.
    """
    if copy_of is None:
        start = GraphBlock(key="start", block_type=BlockType.TRIGGER, name="Start", config={"kind": "manual"})
        return create_flow(session, actor, replace(graph, blocks=(start,)), now=now)
    stmt = select(Agentflow.name).where(visible_flows(actor), Agentflow.id == copy_of, Agentflow.deleted_at.is_(None))
    name, drawn = session.scalar(stmt), load_graph(session, actor.organization_id, copy_of)
    if name is None:
        raise NotFound(UNKNOWN)
    if drawn is None:
        raise Conflict(f"Nothing is drawn in “{name}” yet, so there is nothing to copy.")
    copy = replace(
        drawn,
        name=graph.name,
        description=graph.description or drawn.description,
        pattern=graph.pattern or drawn.pattern,
        config={key: value for key, value in drawn.config.items() if key != "joined_into"},
    )
    return create_flow(session, actor, copy, now=now, note=f"Copy of {name}"[:255])


def delete_flows(session: Session, actor: Actor, flow_ids: Iterable[UUID], *, now: datetime) -> Done:
    """Take flows out of the list and of every choice. Executions, costs and versions stay.

    Raises: NotFound, Forbidden (somebody else's flow, and the actor is no admin).
    """
    return _change(session, actor, _lock(session, actor, flow_ids), "is_deleted", lambda flow: True, now)


def restore_flows(session: Session, actor: Actor, flow_ids: Iterable[UUID], *, now: datetime) -> Done:
    """Bring deleted flows back as they were.

    Raises: as :func:`delete_flows`; Conflict (its drawing moved onto the flow that it was joined with).
    """
    return _change(session, actor, _lock(session, actor, flow_ids), "is_deleted", lambda flow: False, now)


def set_active(session: Session, actor: Actor, flow_ids: Iterable[UUID], *, is_active: bool, now: datetime) -> Done:
    """Pause flows, so that nothing starts them by itself, or resume them. Raises: NotFound."""
    return _change(session, actor, _lock(session, actor, flow_ids), "is_active", lambda flow: is_active, now)


def set_team(session: Session, actor: Actor, flow_ids: Iterable[UUID], team_id: UUID | None, *, now: datetime) -> Done:
    """Hand flows to a team, or to none. Raises: NotFound, also for a team of another organization."""
    if team_id is not None and not session.scalar(
        select(Team.id).where(Team.organization_id == actor.organization_id, Team.id == team_id)
    ):
        raise NotFound("There is no such team. Reload the page to see the teams that there are.")
    value = None if team_id is None else str(team_id)
    return _change(session, actor, _lock(session, actor, flow_ids), "team_id", lambda flow: value, now)


def add_tags(session: Session, actor: Actor, flow_ids: Iterable[UUID], tags: Sequence[str], *, now: datetime) -> Done:
    """Give flows further tags. Raises: NotFound, Invalid (a flow would have too many)."""

    def wanted(flow: Row[Any]) -> list[str]:
        after = list(merged_tags(_value(flow, "tags"), tags))
        if len(after) > max(MOST_TAGS, len(flow.tags)):
            raise Invalid(f"“{flow.name}” would have more than {MOST_TAGS} tags. Nothing was changed.", field="tags")
        return after

    return _change(session, actor, _lock(session, actor, flow_ids), "tags", wanted, now)


def remove_tags(
    session: Session, actor: Actor, flow_ids: Iterable[UUID], tags: Sequence[str], *, now: datetime
) -> Done:
    """Take tags from flows, whatever their case. Raises: NotFound."""
    flows = _lock(session, actor, flow_ids)
    return _change(session, actor, flows, "tags", lambda f: list(without_tags(_value(f, "tags"), tags)), now)


def undo(session: Session, actor: Actor, first: int, last: int, *, now: datetime) -> int:
    """Take back what the actor did in these events; answers how many flows were put back.

    A flow that was changed again since stays as it is.

    Raises:
        NotFound: these are not changes of the actor's of the last day.
    """
    done = session.execute(
        select(Event.aggregate_id, Event.payload)
        .where(
            Event.organization_id == actor.organization_id,
            Event.sequence.between(first, last),
            Event.actor_id == actor.user_id,
            Event.aggregate_type == "agentflow",
            Event.event_type.in_(("agentflow.deleted", "agentflow.restored", "agentflow.changed")),
            Event.occurred_at > now - UNDO_FOR,
        )
        .order_by(Event.sequence)
    ).all()
    if not done:
        raise NotFound("There is nothing to take back here: only your own changes of the last day can be.")
    payloads = {row.aggregate_id: row.payload for row in done}
    flows = _lock(session, actor, payloads)
    count = 0
    for name in FIELDS:
        same = [
            flow
            for flow in flows
            if name in payloads[flow.id]["after"] and _value(flow, name) == payloads[flow.id]["after"][name]
        ]
        count += _change(session, actor, same, name, lambda f, n=name: payloads[f.id]["before"][n], now).count
    return count


def _value(flow: Row[Any], name: str) -> Any:
    """What a flow says of itself, in the form in which events keep it."""
    match name:
        case "is_deleted":
            return flow.deleted_at is not None
        case "is_active":
            return flow.is_active is not False
        case "tags":
            return [str(tag) for tag in flow.tags or ()]
    return None if flow.team_id is None else str(flow.team_id)


def _columns(name: str, value: Any, actor: Actor, now: datetime) -> dict[str, Any]:
    if name == "is_deleted":
        return {"deleted_at": now if value else None, "deleted_by_id": actor.user_id if value else None}
    return {name: UUID(value) if name == "team_id" and value else value}


def _change(
    session: Session,
    actor: Actor,
    flows: Sequence[Row[Any]],
    name: str,
    wanted: Callable[[Row[Any]], Any],
    now: datetime,
) -> Done:
    """Set one thing of flows that are locked, where it differs, and tell of it. A deleted flow can only be restored."""
    is_deletion = name == "is_deleted"
    values = {flow.id: wanted(flow) for flow in flows if is_deletion or flow.deleted_at is None}
    changed = [flow for flow in flows if flow.id in values and values[flow.id] != _value(flow, name)]
    if is_deletion:
        _check_deletion(actor, changed)
    if not changed:
        return Done(0)
    mark = {"updated_at": now, "updated_by_id": actor.user_id}
    rows = [{"id": flow.id, **_columns(name, values[flow.id], actor, now), **mark} for flow in changed]
    session.execute(update(Agentflow), rows)
    things = [
        (flow.id, {"name": flow.name, "before": {name: _value(flow, name)}, "after": {name: values[flow.id]}})
        for flow in changed
    ]
    event_type = "agentflow.changed"
    if is_deletion:
        event_type = "agentflow.deleted" if values[changed[0].id] else "agentflow.restored"
    written = events.record_all(session, actor, "agentflow", event_type, things, at=now)
    return Done(len(written), written[0].sequence, written[-1].sequence)


def _check_deletion(actor: Actor, flows: Iterable[Row[Any]]) -> None:
    for flow in flows:
        if not may_delete(actor, flow.user_id):
            raise Forbidden(f"“{flow.name}” is not yours. An admin can delete and restore flows of others.")
        if flow.deleted_at is not None and (flow.config or {}).get("joined_into"):
            raise Conflict(f"The drawing of “{flow.name}” moved onto the flow that it was joined with.")


def _known(session: Session, actor: Actor, agentflow_id: UUID) -> None:
    if not session.scalar(select(Agentflow.id).where(visible_flows(actor), Agentflow.id == agentflow_id)):
        raise NotFound(UNKNOWN)


def _lock(session: Session, actor: Actor, flow_ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """The flows, held until the transaction ends, in the order of their ids so that two people never wait in a ring."""
    wanted = set(flow_ids)
    stmt = select(*_READ).where(visible_flows(actor), Agentflow.id.in_(wanted)).order_by(Agentflow.id)
    flows = session.execute(stmt.with_for_update(of=Agentflow)).all()
    if len(flows) < len(wanted):
        raise NotFound(UNKNOWN)
    return flows
