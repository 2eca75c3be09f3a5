"""Give agents tools and knowledge bases, and keep what they remember.

Attaching and detaching is a version of the agent like any other change. Memories are no part of a version: the agent
itself will write them. Their events ``agent.memory_added``, ``agent.memory_changed`` and ``agent.memory_deleted`` hold
importance, term and expiry before and after, and of the text only its length and hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, NotFound
from webapp.domain.record_changes import digest, list_changes
from webapp.features.agents.operations import write_state
from webapp.features.agents.queries_state import get_state
from webapp.features.agents.state import MemorySettings
from webapp.features.events import operations as events
from webapp.models import AgentMemory, KnowledgeBase, Tool, new_id


def attach_tool(
    session: Session,
    actor: Actor,
    agent_id: UUID,
    tool_id: UUID,
    *,
    is_enabled: bool,
    config: Mapping[str, Any],
    now: datetime,
) -> int:
    """Let the agent call a tool, or change how it may; answers the version. Raises: NotFound, Conflict (retired)."""
    agent, before = get_state(session, actor.organization_id, agent_id, is_locking=True)
    may_see = or_(Tool.organization_id == actor.organization_id, Tool.organization_id.is_(None))
    tool = session.execute(select(Tool.name, Tool.is_active).where(Tool.id == tool_id, may_see)).first()
    if tool is None:
        raise NotFound("There is no such tool in this organization.")
    had = any(row["id"] == str(tool_id) for row in before["tools"])
    if not had and tool.is_active is False:
        raise Conflict(f"The tool {tool.name} is retired.")
    row = {"id": str(tool_id), "name": tool.name, "is_enabled": is_enabled, "config": dict(config)}
    after = before | {"tools": _with(before["tools"], row)}
    note = f"Tool {tool.name} {'set' if had else 'attached'}"
    return write_state(session, actor, agent, before, after, note=note[:500], now=now)


def detach_tool(session: Session, actor: Actor, agent_id: UUID, tool_id: UUID, *, now: datetime) -> int:
    """Take a tool from the agent; answers the version. Raises: NotFound, Conflict (retired)."""
    agent, before = get_state(session, actor.organization_id, agent_id, is_locking=True)
    gone = next((row for row in before["tools"] if row["id"] == str(tool_id)), None)
    if gone is None:
        raise NotFound("The agent does not have this tool.")
    after = before | {"tools": [row for row in before["tools"] if row is not gone]}
    note = f"Tool {gone['name']} detached"
    return write_state(session, actor, agent, before, after, note=note[:500], now=now)


def attach_base(session: Session, actor: Actor, agent_id: UUID, base_id: UUID, *, top_k: int, now: datetime) -> int:
    """Let the agent search a knowledge base, or change how many chunks it takes; answers the version.

    Raises: NotFound, Conflict (retired).
    """
    agent, before = get_state(session, actor.organization_id, agent_id, is_locking=True)
    known = select(KnowledgeBase.name).where(
        KnowledgeBase.id == base_id, KnowledgeBase.organization_id == actor.organization_id
    )
    name = session.scalar(known)
    if name is None:
        raise NotFound("There is no such knowledge base in this organization.")
    row = {"id": str(base_id), "name": name, "top_k": top_k}
    after = before | {"knowledge_bases": _with(before["knowledge_bases"], row)}
    return write_state(session, actor, agent, before, after, note=f"Knowledge base {name} set"[:500], now=now)


def detach_base(session: Session, actor: Actor, agent_id: UUID, base_id: UUID, *, now: datetime) -> int:
    """Take a knowledge base from the agent; answers the version. Raises: NotFound, Conflict (retired)."""
    agent, before = get_state(session, actor.organization_id, agent_id, is_locking=True)
    rows = before["knowledge_bases"]
    gone = next((row for row in rows if row["id"] == str(base_id)), None)
    if gone is None:
        raise NotFound("The agent does not search this knowledge base.")
    after = before | {"knowledge_bases": [row for row in rows if row is not gone]}
    note = f"Knowledge base {gone['name']} detached"
    return write_state(session, actor, agent, before, after, note=note[:500], now=now)


def _with(rows: list[dict[str, Any]], row: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows with one set, in the order that a state has: by name."""
    others = [one for one in rows if one["id"] != row["id"]]
    return sorted([*others, row], key=lambda one: (one["name"].lower(), one["id"]))


def add_memory(session: Session, actor: Actor, agent_id: UUID, wanted: MemorySettings, *, now: datetime) -> UUID:
    """Give the agent a fact to keep; answers its id. Raises: NotFound."""
    get_state(session, actor.organization_id, agent_id)
    memory = AgentMemory(
        id=new_id(),
        organization_id=actor.organization_id,
        agent_id=agent_id,
        created_at=now,
        updated_at=now,
        **{name: getattr(wanted, name) for name in ("content", "term", "importance", "expires_at")},
    )
    session.add(memory)
    session.flush()
    payload = {"memory_id": str(memory.id), **_sides({}, _facts(wanted))}
    events.record(session, actor, "agent", agent_id, "agent.memory_added", payload, at=now)
    return memory.id


def change_memory(
    session: Session, actor: Actor, agent_id: UUID, memory_id: UUID, wanted: MemorySettings, *, now: datetime
) -> None:
    """Change a fact; nothing is written when nothing differs. Raises: NotFound."""
    memory = _locked(session, actor.organization_id, agent_id, memory_id)
    before, after = _facts(memory), _facts(wanted)
    if before == after:
        return
    for name in ("content", "term", "importance", "expires_at"):
        setattr(memory, name, getattr(wanted, name))
    memory.updated_at = now
    session.flush()
    payload = {"memory_id": str(memory_id), **_sides(before, after)}
    events.record(session, actor, "agent", agent_id, "agent.memory_changed", payload, at=now)


def delete_memory(session: Session, actor: Actor, agent_id: UUID, memory_id: UUID, *, now: datetime) -> None:
    """Delete a fact for good. Raises: NotFound."""
    memory = _locked(session, actor.organization_id, agent_id, memory_id)
    before = _facts(memory)
    session.delete(memory)
    session.flush()
    payload = {"memory_id": str(memory_id), **_sides(before, {})}
    events.record(session, actor, "agent", agent_id, "agent.memory_deleted", payload, at=now)


def _locked(session: Session, organization_id: UUID, agent_id: UUID, memory_id: UUID) -> AgentMemory:
    memory = session.scalar(
        select(AgentMemory)
        .where(
            AgentMemory.organization_id == organization_id,
            AgentMemory.agent_id == agent_id,
            AgentMemory.id == memory_id,
        )
        .with_for_update()
    )
    if memory is None:
        raise NotFound("The agent does not remember this, or somebody deleted it.")
    return memory


def _facts(memory: MemorySettings | AgentMemory) -> dict[str, Any]:
    expires_at = memory.expires_at.isoformat(timespec="seconds") if memory.expires_at else None
    return {
        "content": digest(memory.content),
        "term": memory.term,
        "importance": memory.importance,
        "expires_at": expires_at,
    }


def _sides(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    changes = list_changes(before, after)
    return {
        "changed": [one.name for one in changes],
        "before": {one.name: one.before for one in changes},
        "after": {one.name: one.after for one in changes},
    }
