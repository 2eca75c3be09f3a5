"""Automations of a flow: make, change, pause, remove. They are kept and shown; this version starts nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, NotFound
from webapp.features.events import operations as events
from webapp.features.flow.operations_settings import lock_flow
from webapp.features.flow.wanted import WantedAutomation
from webapp.models import Workflow, new_id

MOST = 100


def add_automation(
    session: Session, actor: Actor, agentflow_id: UUID, wanted: WantedAutomation, *, count: int, now: datetime
) -> UUID:
    """Make an automation; answers its id. ``count`` are those that the flow has.

    Raises:
        NotFound: there is no such flow for the actor.
        Conflict: the flow is deleted, or has too many.
    """
    lock_flow(session, actor, agentflow_id)
    if count >= MOST:
        raise Conflict(f"A flow has at most {MOST} automations. Remove one first.")
    row = Workflow(
        id=new_id(),
        organization_id=actor.organization_id,
        agentflow_id=agentflow_id,
        user_id=actor.user_id,
        is_active=True,
        created_at=now,
    )
    _apply(row, wanted, now)
    session.add(row)
    session.flush()
    _record(session, actor, row, "automation.created", {}, now)
    return row.id


def change_automation(
    session: Session, actor: Actor, agentflow_id: UUID, workflow_id: UUID, wanted: WantedAutomation, *, now: datetime
) -> None:
    """Change what starts the flow. Raises: NotFound, Conflict."""
    row = _locked(session, actor, agentflow_id, workflow_id)
    before = _described(row)
    _apply(row, wanted, now)
    session.flush()
    _record(session, actor, row, "automation.changed", before, now)


def set_active(
    session: Session, actor: Actor, agentflow_id: UUID, workflow_id: UUID, is_active: bool, *, now: datetime
) -> str:
    """Pause or resume; answers the name. Raises: NotFound, Conflict."""
    row = _locked(session, actor, agentflow_id, workflow_id)
    before = _described(row)
    if row.is_active is not is_active:
        row.is_active, row.updated_at = is_active, now
        session.flush()
        _record(session, actor, row, "automation.changed", before, now)
    return row.name


def remove_automation(session: Session, actor: Actor, agentflow_id: UUID, workflow_id: UUID, *, now: datetime) -> str:
    """Remove for good; answers the name. Raises: NotFound, Conflict."""
    row = _locked(session, actor, agentflow_id, workflow_id)
    session.delete(row)
    session.flush()
    payload = {"before": _described(row), "after": None, "agentflow_id": str(agentflow_id)}
    events.record(session, actor, "automation", row.id, "automation.removed", payload, at=now)
    return row.name


def _locked(session: Session, actor: Actor, agentflow_id: UUID, workflow_id: UUID) -> Workflow:
    lock_flow(session, actor, agentflow_id)
    row = session.scalar(
        select(Workflow)
        .where(
            Workflow.organization_id == actor.organization_id,
            Workflow.agentflow_id == agentflow_id,
            Workflow.id == workflow_id,
        )
        .with_for_update()
    )
    if row is None:
        raise NotFound("This flow has no such automation.")
    return row


def _apply(row: Workflow, wanted: WantedAutomation, now: datetime) -> None:
    row.name, row.description, row.trigger_kind = wanted.name, wanted.description, wanted.trigger_kind
    row.trigger_config, row.input_data, row.updated_at = wanted.trigger_config, wanted.input_data, now


def _described(row: Workflow) -> dict[str, Any]:
    """What the event store keeps: of the input only whether there is one, since it may hold anything."""
    return {
        "name": row.name,
        "trigger_kind": str(row.trigger_kind),
        "trigger_config": dict(row.trigger_config or {}),
        "is_active": row.is_active,
        "has_input": bool(row.input_data),
    }


def _record(
    session: Session, actor: Actor, row: Workflow, event_type: str, before: dict[str, Any], now: datetime
) -> None:
    payload = {"before": before or None, "after": _described(row), "agentflow_id": str(row.agentflow_id)}
    events.record(session, actor, "automation", row.id, event_type, payload, at=now)
