"""Make, change, rename and archive named prompts. Every save is a new row of ``prompt_templates``.

Events are of the aggregate ``prompt``, whose id is that of the first version: ``prompt.created`` and
``prompt.changed`` with the payload of :func:`webapp.domain.record_changes.change_payload` and the prompt's name (the
text as length, hash and version); ``prompt.renamed`` with the name before and after; ``prompt.archived`` and
``prompt.restored`` with ``{"name", "version"}``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, NotFound
from webapp.domain.record_changes import Merged, change_payload, merge
from webapp.features.events import operations as events
from webapp.features.prompts.queries import PromptDetail, get_prompt
from webapp.features.prompts.state import LONG, PromptSettings, prompt_state, settings_state
from webapp.models import Agent, PromptTemplate, new_id

# Two people naming prompts at the same time wait for each other.
LOCK_NAMES = "prompt names:"


class StalePrompt(Conflict):
    """Somebody else saved meanwhile; nothing was written. ``merged`` is both editors' work put together."""

    def __init__(self, merged: Merged, current_version: int):
        super().__init__(f"Version {current_version} was saved while you were editing. Nothing of yours is lost.")
        self.merged = merged
        self.current_version = current_version


def create_prompt(session: Session, actor: Actor, name: str, wanted: PromptSettings, *, now: datetime) -> UUID:
    """Make a prompt; answers its id. Raises: Conflict (the name is taken)."""
    _lock_names(session, actor)
    _check_name(session, actor.organization_id, name)
    state = settings_state(wanted)
    prompt_id = _add_version(session, actor, name, 1, state, now=now)
    payload = change_payload({}, state, version=1, previous_version=0, long=LONG) or {}
    events.record(session, actor, "prompt", prompt_id, "prompt.created", {"name": name, **payload}, at=now)
    return prompt_id


def save_prompt(
    session: Session, actor: Actor, prompt_id: UUID, wanted: PromptSettings, *, base_version: int, now: datetime
) -> int:
    """Save as a new version; answers it, the same as before when nothing differed.

    Raises: NotFound, Conflict (archived), StalePrompt.
    """
    prompt = _locked(session, actor, prompt_id)
    before, mine = dict(prompt.state), settings_state(wanted)
    if base_version != prompt.version:
        base = _state_of(session, actor.organization_id, prompt.name, base_version)
        raise StalePrompt(merge(base, mine, before), prompt.version)
    return _write(session, actor, prompt, mine, now=now)


def restore_version(session: Session, actor: Actor, prompt_id: UUID, version: int, *, now: datetime) -> int:
    """Make an old version the newest one; answers the version. Raises: NotFound, Conflict (archived)."""
    prompt = _locked(session, actor, prompt_id)
    old = _state_of(session, actor.organization_id, prompt.name, version)
    return _write(session, actor, prompt, old, now=now)


def rename_prompt(session: Session, actor: Actor, prompt_id: UUID, name: str, *, now: datetime) -> int:
    """Give the prompt another name, in all versions and in the agents that use it; answers how many agents.

    Nothing is written when the name is the same. Raises: NotFound, Conflict (the name is taken).
    """
    _lock_names(session, actor)
    prompt = _locked(session, actor, prompt_id)
    if name == prompt.name:
        return 0
    _check_name(session, actor.organization_id, name, but=prompt.name)
    of_prompt = (PromptTemplate.organization_id == actor.organization_id, PromptTemplate.name == prompt.name)
    session.execute(update(PromptTemplate).where(*of_prompt).values(name=name))
    agents = session.execute(
        update(Agent)
        .where(Agent.organization_id == actor.organization_id, Agent.prompt_name == prompt.name)
        .values(prompt_name=name)
        .returning(Agent.id)
    ).all()
    payload = {
        "version": prompt.version,
        "previous_version": prompt.version,
        "changed": ["name"],
        "before": {"name": prompt.name},
        "after": {"name": name},
        "agents": len(agents),
    }
    events.record(session, actor, "prompt", prompt.id, "prompt.renamed", payload, at=now)
    return len(agents)


def archive_prompt(session: Session, actor: Actor, prompt_id: UUID, *, now: datetime) -> None:
    """Take a prompt out of lists and choices; agents that use it keep it. Raises: NotFound, Conflict."""
    prompt = _locked(session, actor, prompt_id)
    if not prompt.is_active:
        raise Conflict("This prompt was archived before.")
    _set_active(session, actor, prompt, is_active=False, now=now)


def restore_prompt(session: Session, actor: Actor, prompt_id: UUID, *, now: datetime) -> None:
    """Bring an archived prompt back. Raises: NotFound, Conflict (it is not archived)."""
    prompt = _locked(session, actor, prompt_id)
    if prompt.is_active:
        raise Conflict("This prompt is not archived.")
    _set_active(session, actor, prompt, is_active=True, now=now)


def _write(session: Session, actor: Actor, prompt: PromptDetail, after: dict[str, Any], *, now: datetime) -> int:
    if not prompt.is_active:
        raise Conflict("This prompt is archived. Restore it before you change it.")
    previous = prompt.version
    payload = change_payload(prompt.state, after, version=previous + 1, previous_version=previous, long=LONG)
    if payload is None:
        return previous
    _add_version(session, actor, prompt.name, previous + 1, after, now=now)
    facts = {"name": prompt.name, **payload}
    events.record(session, actor, "prompt", prompt.id, "prompt.changed", facts, at=now)
    return previous + 1


def _add_version(
    session: Session, actor: Actor, name: str, version: int, state: dict[str, Any], *, now: datetime
) -> UUID:
    stmt = insert(PromptTemplate).values(
        id=new_id(),
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        name=name,
        version=version,
        created_at=now,
        updated_at=now,
        **state,
    )
    return session.scalars(stmt.returning(PromptTemplate.id)).one()


def _locked(session: Session, actor: Actor, prompt_id: UUID) -> PromptDetail:
    """The prompt in its newest version, once all others who write it are done."""
    prompt = get_prompt(session, actor.organization_id, prompt_id)
    session.execute(select(PromptTemplate.id).where(PromptTemplate.id == prompt.id).with_for_update())
    return get_prompt(session, actor.organization_id, prompt_id)


def _state_of(session: Session, organization_id: UUID, name: str, version: int) -> dict[str, Any]:
    row = session.scalar(
        select(PromptTemplate).where(
            PromptTemplate.organization_id == organization_id,
            PromptTemplate.name == name,
            PromptTemplate.version == version,
        )
    )
    if row is None:
        raise NotFound(f"This prompt has no version {version}.")
    return prompt_state(row)


def _lock_names(session: Session, actor: Actor) -> None:
    key = f"{LOCK_NAMES}{actor.organization_id}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def _check_name(session: Session, organization_id: UUID, name: str, *, but: str = "") -> None:
    taken = select(PromptTemplate.name).where(
        PromptTemplate.organization_id == organization_id,
        func.lower(PromptTemplate.name) == func.lower(name),
        PromptTemplate.name != but,
    )
    found = session.scalar(taken.limit(1))
    if found is not None:
        raise Conflict(f"There is a prompt named “{found}” already.", field="name")


def _set_active(session: Session, actor: Actor, prompt: PromptDetail, *, is_active: bool, now: datetime) -> None:
    of_prompt = (PromptTemplate.organization_id == actor.organization_id, PromptTemplate.name == prompt.name)
    session.execute(update(PromptTemplate).where(*of_prompt).values(is_active=is_active, updated_at=now))
    payload = {"name": prompt.name, "version": prompt.version}
    kind = "prompt.restored" if is_active else "prompt.archived"
    events.record(session, actor, "prompt", prompt.id, kind, payload, at=now)
