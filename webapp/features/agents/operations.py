"""Make, change, copy, retire and bring back agents. Every change is a version and an event.

Events are of the aggregate ``agent``: ``agent.created`` and ``agent.changed`` with the payload of
:func:`webapp.domain.record_changes.change_payload` (instructions as length, hash and version; their text is in
``agent_versions``), ``agent.retired`` and ``agent.restored`` with ``{"name", "version"}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, null, select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Invalid, NotFound
from webapp.domain.record_changes import Merged, change_payload, merge
from webapp.features.agents.queries_state import get_state, list_known_ids
from webapp.features.agents.state import LONG, SETTINGS, AgentSettings, from_version, settings_state, to_version
from webapp.features.events import operations as events
from webapp.models import Agent, AgentKnowledgeBase, AgentTool, AgentVersion, PromptTemplate, Source, new_id

BASELINE_NOTE = "As it was before its first change here"


class StaleAgent(Conflict):
    """Somebody else saved meanwhile; nothing was written. ``merged`` is both editors' work put together."""

    def __init__(self, merged: Merged, current_version: int):
        super().__init__(f"Version {current_version} was saved while you were editing. Nothing of yours is lost.")
        self.merged = merged
        self.current_version = current_version


def create_agent(
    session: Session,
    actor: Actor,
    wanted: AgentSettings,
    *,
    now: datetime,
    note: str | None = None,
    template_id: UUID | None = None,
) -> UUID:
    """Make an agent; answers its id. ``template_id`` is remembered as where it came from. Raises: Invalid."""
    return _create(session, actor, settings_state(wanted) | {"tools": [], "knowledge_bases": []}, now=now, note=note,
                   origin={"template_id": str(template_id)} if template_id else {})  # fmt: skip


def duplicate_agent(session: Session, actor: Actor, agent_id: UUID, *, now: datetime) -> UUID:
    """Make a second agent with the same settings, tools and knowledge bases; memories stay with the first.

    Raises: NotFound.
    """
    _, state = get_state(session, actor.organization_id, agent_id)
    name = f"{state['name'][:248]} (copy)"
    origin = {"copied_from": str(agent_id)}
    return _create(
        session, actor, state | {"name": name}, now=now, note=f"Copy of {state['name']}"[:500], origin=origin
    )


def _create(
    session: Session, actor: Actor, state: dict[str, Any], *, now: datetime, note: str | None, origin: dict[str, str]
) -> UUID:
    _check_prompt(session, actor.organization_id, state["prompt_name"])
    agent = Agent(
        id=new_id(),
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        source=Source.MANUAL,
        version=1,
        updated_by_id=actor.user_id,
        metadata_=origin,
        **{name: state[name] for name in SETTINGS},
    )
    if state["temperature"] is None:
        # The column's default would stand in for None, which means the provider's own.
        agent.temperature = null()  # type: ignore[assignment]
    session.add(agent)
    session.flush()
    _attach(session, agent, state)
    _add_version(session, agent, state, author_id=actor.user_id, note=note, now=now)
    payload = change_payload({}, state, version=1, previous_version=0, long=LONG)
    events.record(session, actor, "agent", agent.id, "agent.created", {**(payload or {}), **origin}, at=now)
    return agent.id


def save_agent(
    session: Session,
    actor: Actor,
    agent_id: UUID,
    wanted: AgentSettings,
    *,
    base_version: int,
    note: str | None,
    now: datetime,
) -> int:
    """Save the settings; answers the version, the same as before when nothing differed.

    A discovered agent keeps its name: traces say it. Raises: NotFound, Conflict (retired), StaleAgent, Invalid.
    """
    agent, before = get_state(session, actor.organization_id, agent_id, is_locking=True)
    mine = before | settings_state(wanted)
    if agent.source == Source.DISCOVERED:
        mine["name"] = agent.name
    if base_version != agent.version:
        base = _state_of_version(session, actor.organization_id, agent_id, base_version)
        mine |= {name: base[name] for name in ("tools", "knowledge_bases")}
        raise StaleAgent(merge(base, mine, before), agent.version or 1)
    if mine["prompt_name"] != before["prompt_name"]:
        _check_prompt(session, actor.organization_id, mine["prompt_name"])
    return write_state(session, actor, agent, before, mine, note=note, now=now)


def restore_version(session: Session, actor: Actor, agent_id: UUID, version: int, *, now: datetime) -> tuple[int, int]:
    """Make an old version the newest one; answers the version and how many attachments are gone meanwhile.

    A discovered agent keeps its name. Raises: NotFound, Conflict (retired).
    """
    agent, before = get_state(session, actor.organization_id, agent_id, is_locking=True)
    old = _state_of_version(session, actor.organization_id, agent_id, version)
    tools, bases = list_known_ids(session, actor.organization_id, old)
    after = old | {
        "tools": [row for row in old["tools"] if row.get("id") in tools],
        "knowledge_bases": [row for row in old["knowledge_bases"] if row.get("id") in bases],
    }
    if agent.source == Source.DISCOVERED:
        after["name"] = agent.name
    lost = sum(len(old[name]) - len(after[name]) for name in ("tools", "knowledge_bases"))
    return write_state(session, actor, agent, before, after, note=f"Version {version} restored", now=now), lost


def write_state(
    session: Session,
    actor: Actor,
    agent: Agent,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    note: str | None,
    now: datetime,
) -> int:
    """Bring a locked agent to a state: its row, what is attached, a version, an event; nothing where nothing differs.

    Raises: Conflict (it is retired).
    """
    if agent.removed_at is not None:
        raise Conflict("This agent is retired. Restore it before you change it.")
    previous = agent.version or 1
    payload = change_payload(before, after, version=previous + 1, previous_version=previous, long=LONG)
    if payload is None:
        return previous
    _keep_baseline(session, agent, before)
    for name in SETTINGS:
        setattr(agent, name, after[name])
    agent.version, agent.updated_by_id, agent.updated_at = previous + 1, actor.user_id, now
    if any(before[name] != after[name] for name in ("tools", "knowledge_bases")):
        for model in (AgentTool, AgentKnowledgeBase):
            session.execute(delete(model).where(model.agent_id == agent.id))
        _attach(session, agent, after)
    _add_version(session, agent, after, author_id=actor.user_id, note=note, now=now)
    events.record(session, actor, "agent", agent.id, "agent.changed", payload, at=now)
    return previous + 1


def retire_agent(session: Session, actor: Actor, agent_id: UUID, *, now: datetime) -> str:
    """Take an agent out of lists and choices; what it did stays. Answers its name. Raises: NotFound, Conflict."""
    agent, _ = get_state(session, actor.organization_id, agent_id, is_locking=True)
    if agent.removed_at is not None:
        raise Conflict("This agent was retired before.")
    agent.removed_at, agent.updated_by_id, agent.updated_at = now, actor.user_id, now
    session.flush()
    payload = {"name": agent.name, "version": agent.version}
    events.record(session, actor, "agent", agent.id, "agent.retired", payload, at=now)
    return agent.name


def restore_agent(session: Session, actor: Actor, agent_id: UUID, *, now: datetime) -> None:
    """Bring a retired agent back. Raises: NotFound, Conflict (it is not retired)."""
    agent, _ = get_state(session, actor.organization_id, agent_id, is_locking=True)
    if agent.removed_at is None:
        raise Conflict("This agent is not retired.")
    agent.removed_at, agent.updated_by_id, agent.updated_at = None, actor.user_id, now
    session.flush()
    payload = {"name": agent.name, "version": agent.version}
    events.record(session, actor, "agent", agent.id, "agent.restored", payload, at=now)


def _check_prompt(session: Session, organization_id: UUID, name: str | None) -> None:
    if name is None:
        return
    known = select(PromptTemplate.id).where(
        PromptTemplate.organization_id == organization_id, PromptTemplate.name == name, PromptTemplate.is_active
    )
    if session.scalar(known.limit(1)) is None:
        raise Invalid(f"There is no prompt named “{name}”.", field="prompt_name")


def _state_of_version(session: Session, organization_id: UUID, agent_id: UUID, version: int) -> dict[str, Any]:
    row = session.scalar(
        select(AgentVersion).where(
            AgentVersion.organization_id == organization_id,
            AgentVersion.agent_id == agent_id,
            AgentVersion.version == version,
        )
    )
    if row is None:
        raise NotFound(f"This agent has no version {version}.")
    return from_version(row)


def _keep_baseline(session: Session, agent: Agent, before: Mapping[str, Any]) -> None:
    """A version of what the agent was, where it was never saved here: its first change can be seen and undone."""
    version = agent.version or 1
    known = select(AgentVersion.id).where(AgentVersion.agent_id == agent.id, AgentVersion.version == version)
    if session.scalar(known) is None:
        row = AgentVersion(
            id=new_id(),
            organization_id=agent.organization_id,
            agent_id=agent.id,
            version=version,
            note=BASELINE_NOTE,
            created_at=agent.created_at,
            **to_version(before),
        )
        session.add(row)
        session.flush()


def _add_version(
    session: Session, agent: Agent, state: Mapping[str, Any], *, author_id: UUID, note: str | None, now: datetime
) -> None:
    row = AgentVersion(
        id=new_id(),
        organization_id=agent.organization_id,
        agent_id=agent.id,
        version=agent.version,
        author_id=author_id,
        note=note or None,
        created_at=now,
        **to_version(state),
    )
    session.add(row)
    session.flush()


def _attach(session: Session, agent: Agent, state: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    of_agent = {"organization_id": agent.organization_id, "agent_id": agent.id}
    for row in state["tools"]:
        session.add(
            AgentTool(
                id=new_id(),
                tool_id=UUID(row["id"]),
                config=row.get("config") or {},
                is_enabled=row.get("is_enabled") is not False,
                **of_agent,
            )
        )
    for row in state["knowledge_bases"]:
        session.add(
            AgentKnowledgeBase(
                id=new_id(), knowledge_base_id=UUID(row["id"]), top_k=int(row.get("top_k") or 5), **of_agent
            )
        )
    session.flush()
