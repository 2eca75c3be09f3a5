"""Automations of a flow."""

from __future__ import annotations

import json
from uuid import UUID

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.extensions import db
from webapp.features.flow import operations_automations as operations
from webapp.features.flow.blueprint import FLOW, bp, draw, open_flow
from webapp.features.flow.forms import AutomationForm, read_uuid
from webapp.features.flow.queries_head import FlowHead
from webapp.features.flow.queries_settings import AutomationRow, list_automations
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.forms import posted
from webapp.web.shell import now

ONE = f"{FLOW}/automations/<uuid:workflow_id>"


@bp.get(f"{FLOW}/automations", permission=Permission.FLOWS_READ)
def automations(actor: Actor, agentflow_id: UUID) -> Response:
    """What starts the flow; ``?edit=`` opens one of them in the form."""
    return _page(actor, open_flow(actor, agentflow_id), editing=read_uuid(request.args.get("edit")))


@bp.post(f"{FLOW}/automations", permission=Permission.FLOWS_WRITE)
def add_automation(actor: Actor, agentflow_id: UUID) -> Response:
    head, form = open_flow(actor, agentflow_id), posted(AutomationForm)
    if not form.validate():
        return _page(actor, head, form, status=422)
    operations.add_automation(db.session, actor, head.id, form.wanted(), count=head.automation_count, now=now())
    return _back(head, "added")


@bp.post(ONE, permission=Permission.FLOWS_WRITE)
def change_automation(actor: Actor, agentflow_id: UUID, workflow_id: UUID) -> Response:
    head, form = open_flow(actor, agentflow_id), posted(AutomationForm)
    if not form.validate():
        return _page(actor, head, form, editing=workflow_id, status=422)
    operations.change_automation(db.session, actor, head.id, workflow_id, form.wanted(), now=now())
    return _back(head, "changed")


@bp.post(f"{ONE}/pause", permission=Permission.FLOWS_WRITE)
def pause_automation(actor: Actor, agentflow_id: UUID, workflow_id: UUID) -> Response:
    head = open_flow(actor, agentflow_id)
    operations.set_active(db.session, actor, head.id, workflow_id, False, now=now())
    return _back(head, "paused")


@bp.post(f"{ONE}/resume", permission=Permission.FLOWS_WRITE)
def resume_automation(actor: Actor, agentflow_id: UUID, workflow_id: UUID) -> Response:
    head = open_flow(actor, agentflow_id)
    operations.set_active(db.session, actor, head.id, workflow_id, True, now=now())
    return _back(head, "resumed")


@bp.post(f"{ONE}/delete", permission=Permission.FLOWS_WRITE)
def remove_automation(actor: Actor, agentflow_id: UUID, workflow_id: UUID) -> Response:
    head = open_flow(actor, agentflow_id)
    operations.remove_automation(db.session, actor, head.id, workflow_id, now=now())
    return _back(head, "removed")


def _back(head: FlowHead, done: str) -> Response:
    return htmx.redirect_to(url_for("flow.automations", agentflow_id=head.id, done=done))


def _page(
    actor: Actor, head: FlowHead, form: AutomationForm | None = None, *, editing: UUID | None = None, status: int = 200
) -> Response:
    rows = list_automations(db.session, actor.organization_id, head.id)
    edited = next((row for row in rows if row.id == editing), None)
    if editing is not None and edited is None:
        raise NotFound("This flow has no such automation.")
    zone = actor.membership.timezone
    return draw(
        "flow/automations.html",
        actor,
        head,
        "automations",
        status=status,
        rows=[(row, row.next_times(now())) for row in rows],
        edited=edited,
        form=form or AutomationForm(data=_values(edited) if edited else {"timezone": zone}),
        organization_zone=actor.organization_zone,
    )


def _values(row: AutomationRow) -> dict[str, object]:
    """A stored automation as its form shows it."""
    return {
        "name": row.name,
        "description": row.description,
        "trigger_kind": row.trigger_kind,
        "cron": row.cron,
        "timezone": row.timezone,
        "event": row.event,
        "input_data": json.dumps(row.input_data, ensure_ascii=False, indent=2) if row.input_data else "",
    }
