"""Make, change, retire and bring back tools.

Events are of the aggregate ``tool``: ``tool.created`` and ``tool.changed`` with the payload of
:func:`webapp.domain.record_changes.change_payload`, schemas in full, since the log is where a tool's versions are;
``tool.retired`` and ``tool.restored`` with ``{"name", "version"}``. The version is 1 and one more for each change.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, null, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Forbidden, NotFound
from webapp.domain.record_changes import Merged, change_payload, merge
from webapp.features.events import operations as events
from webapp.features.tools.state import SETTINGS, ToolSettings, tool_state
from webapp.models import Event, Source, Tool, new_id


class StaleTool(Conflict):
    """Somebody else saved meanwhile; nothing was written. ``merged`` is both editors' work put together."""

    def __init__(self, merged: Merged, current_version: int):
        super().__init__(f"Version {current_version} was saved while you were editing. Nothing of yours is lost.")
        self.merged = merged
        self.current_version = current_version


def create_tool(session: Session, actor: Actor, wanted: ToolSettings, *, now: datetime) -> UUID:
    """Make a tool; answers its id. Raises: Conflict (the name is taken)."""
    state = tool_state(wanted)
    values = {name: null() if value is None else value for name, value in state.items()}
    stmt = (
        insert(Tool)
        .values(id=new_id(), organization_id=actor.organization_id, source=Source.MANUAL, created_at=now, **values)
        .on_conflict_do_nothing(index_elements=["organization_id", "name"])
        .returning(Tool.id)
    )
    tool_id = session.scalar(stmt)
    if tool_id is None:
        raise Conflict(f"There is a tool named “{wanted.name}” already.", field="name")
    payload = change_payload({}, state, version=1, previous_version=0) or {}
    events.record(session, actor, "tool", tool_id, "tool.created", payload, at=now)
    return tool_id


def save_tool(
    session: Session, actor: Actor, tool_id: UUID, wanted: ToolSettings, *, base_version: int, now: datetime
) -> int:
    """Save a tool; answers the version, the same as before when nothing differed.

    A tool that traces or a plugin name keeps its name. Raises: NotFound, Forbidden (shipped), Conflict (retired, or
    the name is taken), StaleTool.
    """
    tool, version = _locked(session, actor, tool_id)
    before, mine = tool_state(tool), tool_state(wanted)
    if tool.source == Source.DISCOVERED or tool.plugin_id is not None:
        mine["name"] = tool.name
    if base_version != version:
        base = _state_at(session, actor.organization_id, tool_id, before, base_version)
        raise StaleTool(merge(base, mine, before), version)
    if tool.is_active is False:
        raise Conflict("This tool is retired. Restore it before you change it.")
    payload = change_payload(before, mine, version=version + 1, previous_version=version)
    if payload is None:
        return version
    if mine["name"] != before["name"]:
        _check_name(session, actor.organization_id, mine["name"])
    for name in SETTINGS:
        setattr(tool, name, mine[name])
    session.flush()
    events.record(session, actor, "tool", tool_id, "tool.changed", payload, at=now)
    return version + 1


def retire_tool(session: Session, actor: Actor, tool_id: UUID, *, now: datetime) -> None:
    """Take a tool out of lists and choices; agents that have it keep it. Raises: NotFound, Forbidden, Conflict."""
    tool, version = _locked(session, actor, tool_id)
    if tool.is_active is False:
        raise Conflict("This tool was retired before.")
    tool.is_active = False
    session.flush()
    payload = {"name": tool.name, "version": version}
    events.record(session, actor, "tool", tool_id, "tool.retired", payload, at=now)


def restore_tool(session: Session, actor: Actor, tool_id: UUID, *, now: datetime) -> None:
    """Bring a retired tool back. Raises: NotFound, Forbidden, Conflict (it is not retired)."""
    tool, version = _locked(session, actor, tool_id)
    if tool.is_active is not False:
        raise Conflict("This tool is not retired.")
    tool.is_active = True
    session.flush()
    payload = {"name": tool.name, "version": version}
    events.record(session, actor, "tool", tool_id, "tool.restored", payload, at=now)


def _locked(session: Session, actor: Actor, tool_id: UUID) -> tuple[Tool, int]:
    own = Tool.organization_id == actor.organization_id
    stmt = select(Tool).where(Tool.id == tool_id, or_(own, Tool.organization_id.is_(None)))
    tool = session.scalar(stmt)
    if tool is None:
        raise NotFound("There is no such tool in this organization.")
    if tool.organization_id is None:
        raise Forbidden("This tool comes with the product and is the same for everybody.")
    tool = session.scalars(stmt.where(own).with_for_update().execution_options(populate_existing=True)).one()
    changes = select(func.count()).where(*_changes(actor.organization_id, tool_id))
    return tool, 1 + (session.scalar(changes) or 0)


def _changes(organization_id: UUID, tool_id: UUID) -> tuple[Any, ...]:
    return (
        Event.organization_id == organization_id,
        Event.aggregate_type == "tool",
        Event.aggregate_id == tool_id,
        Event.event_type == "tool.changed",
    )


def _state_at(
    session: Session, organization_id: UUID, tool_id: UUID, now_state: dict[str, Any], version: int
) -> dict[str, Any]:
    """What the tool was at a version: the changes since then taken back, newest first. Raises: NotFound."""
    stmt = select(Event.payload).where(*_changes(organization_id, tool_id)).order_by(Event.sequence.desc())
    state = dict(now_state)
    for payload in session.scalars(stmt):
        if payload.get("version", 0) <= version:
            break
        state |= payload.get("before") or {}
    if version < 1:
        raise NotFound("This tool has no such version. Open the form again.")
    return state


def _check_name(session: Session, organization_id: UUID, name: str) -> None:
    taken = select(Tool.id).where(Tool.organization_id == organization_id, Tool.name == name)
    if session.scalar(taken) is not None:
        raise Conflict(f"There is a tool named “{name}” already.", field="name")
