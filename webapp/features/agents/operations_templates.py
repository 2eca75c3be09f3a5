"""Templates of the organization: made from an agent, changed, deleted. Shipped ones are changed by nobody here.

Events of the aggregate ``agent_template``: ``agent_template.created``, ``.changed`` and ``.deleted``; instructions as
length and hash.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Forbidden, NotFound
from webapp.domain.record_changes import change_payload
from webapp.features.agents.queries_state import get_state
from webapp.features.agents.state import LONG, AgentSettings
from webapp.features.events import operations as events
from webapp.models import AgentTemplate, new_id

IN_CONFIG = ("model_provider", "model_name", "temperature", "max_tokens", "tags", "prompt_name")


def create_template(
    session: Session, actor: Actor, agent_id: UUID, *, name: str, description: str, category: str, now: datetime
) -> UUID:
    """Make a template from what an agent is now; answers its id. Raises: NotFound, Conflict (the name is taken)."""
    _, state = get_state(session, actor.organization_id, agent_id)
    _check_name(session, actor.organization_id, name)
    config = {key: state[key] for key in IN_CONFIG} | {"tools": [row["name"] for row in state["tools"]]}
    template = AgentTemplate(
        id=new_id(),
        organization_id=actor.organization_id,
        name=name,
        description=description or None,
        category=category or None,
        agent_type=state["agent_type"],
        system_prompt=state["system_prompt"],
        config=config,
        created_at=now,
        updated_at=now,
    )
    session.add(template)
    session.flush()
    payload = change_payload({}, _state(template), version=1, previous_version=0, long=LONG) or {}
    facts = {**payload, "agent_id": str(agent_id)}
    events.record(session, actor, "agent_template", template.id, "agent_template.created", facts, at=now)
    return template.id


def save_template(
    session: Session, actor: Actor, template_id: UUID, wanted: AgentSettings, *, category: str, now: datetime
) -> None:
    """Save a template of the organization; nothing is written when nothing differs.

    Raises: NotFound, Forbidden (it is shipped), Conflict (the name is taken).
    """
    template = _locked(session, actor, template_id)
    if wanted.name.lower() != template.name.lower():
        _check_name(session, actor.organization_id, wanted.name)
    before = _state(template)
    template.name, template.description, template.category = wanted.name, wanted.description, category or None
    template.agent_type, template.system_prompt = wanted.agent_type, wanted.system_prompt
    changed = {key: getattr(wanted, key) for key in IN_CONFIG} | {"tags": list(wanted.tags)}
    template.config = {**(template.config or {}), **changed}
    payload = change_payload(before, _state(template), version=1, previous_version=1, long=LONG)
    if payload is None:
        return
    template.updated_at = now
    session.flush()
    facts = {name: payload[name] for name in ("changed", "before", "after")}
    events.record(session, actor, "agent_template", template_id, "agent_template.changed", facts, at=now)


def delete_template(session: Session, actor: Actor, template_id: UUID, *, now: datetime) -> str:
    """Delete a template of the organization; agents made from it stay. Answers its name.

    Raises: NotFound, Forbidden (it is shipped).
    """
    template = _locked(session, actor, template_id)
    name = template.name
    session.delete(template)
    session.flush()
    events.record(session, actor, "agent_template", template_id, "agent_template.deleted", {"name": name}, at=now)
    return name


def _state(template: AgentTemplate) -> dict[str, Any]:
    names = ("name", "description", "category", "agent_type", "system_prompt")
    return {name: getattr(template, name) for name in names} | dict(template.config or {})


def _check_name(session: Session, organization_id: UUID, name: str) -> None:
    taken = select(AgentTemplate.id).where(
        AgentTemplate.organization_id == organization_id, func.lower(AgentTemplate.name) == name.lower()
    )
    if session.scalar(taken.limit(1)) is not None:
        raise Conflict(f"There is a template named “{name}” already.", field="name")


def _locked(session: Session, actor: Actor, template_id: UUID) -> AgentTemplate:
    own = AgentTemplate.organization_id == actor.organization_id
    template = session.scalar(select(AgentTemplate).where(AgentTemplate.id == template_id, own).with_for_update())
    if template is not None:
        return template
    shipped = select(AgentTemplate.id).where(AgentTemplate.id == template_id, AgentTemplate.organization_id.is_(None))
    if session.scalar(shipped) is not None:
        raise Forbidden("This template comes with the product. Make an agent from it, and a template from that.")
    raise NotFound("There is no such template.")
