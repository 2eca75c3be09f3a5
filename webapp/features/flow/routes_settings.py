"""Settings of a flow: what it says of itself, its copy, its end, and the flow of traces as which it runs."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.orchestration_patterns import PATTERNS
from webapp.domain.session_tokens import NewToken
from webapp.extensions import db
from webapp.features.flow import operations_join, operations_settings
from webapp.features.flow.blueprint import FLOW, bp, draw, open_flow
from webapp.features.flow.forms import FlowSettingsForm, ShareForm, read_uuid
from webapp.features.flow.queries_head import FlowHead
from webapp.features.flow.queries_settings import list_observed_flows, list_teams
from webapp.features.flow.queries_shares import get_sharing
from webapp.features.flows.operations_list import delete_flows, restore_flows
from webapp.features.retries.queries import get_endpoint
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.shell import now


@bp.get(f"{FLOW}/settings", permission=Permission.FLOWS_READ)
def settings(actor: Actor, agentflow_id: UUID) -> Response:
    return settings_page(actor, open_flow(actor, agentflow_id))


@bp.post(f"{FLOW}/settings", permission=Permission.FLOWS_WRITE)
def save_settings(actor: Actor, agentflow_id: UUID) -> Response:
    head = open_flow(actor, agentflow_id)
    teams = list_teams(db.session, actor.organization_id)
    form = FlowSettingsForm(request.form, teams=teams, has_fixed_name=head.is_observed_name)
    if not form.validate():
        return settings_page(actor, head, form, status=422)
    operations_settings.change_settings(db.session, actor, head.id, form.wanted(), now=now())
    return htmx.redirect_to(url_for("flow.settings", agentflow_id=head.id, done="saved"))


@bp.post(f"{FLOW}/duplicate", permission=Permission.FLOWS_WRITE)
def duplicate(actor: Actor, agentflow_id: UUID) -> Response:
    head = open_flow(actor, agentflow_id)
    copy_id = operations_settings.duplicate_flow(db.session, actor, head.id, now=now())
    return htmx.redirect_to(url_for("flow.settings", agentflow_id=copy_id, done="copied"))


@bp.post(f"{FLOW}/delete", permission=Permission.FLOWS_DELETE)
def delete(actor: Actor, agentflow_id: UUID) -> Response:
    head = open_flow(actor, agentflow_id)
    delete_flows(db.session, actor, [head.id], now=now())
    return htmx.redirect_to(url_for("flow.settings", agentflow_id=head.id))


@bp.post(f"{FLOW}/restore", permission=Permission.FLOWS_DELETE)
def restore(actor: Actor, agentflow_id: UUID) -> Response:
    head = open_flow(actor, agentflow_id)
    restore_flows(db.session, actor, [head.id], now=now())
    return htmx.redirect_to(url_for("flow.settings", agentflow_id=head.id, done="restored"))


@bp.post(f"{FLOW}/join", permission=Permission.FLOWS_WRITE)
def join(actor: Actor, agentflow_id: UUID) -> Response:
    """Move the drawing onto the flow of traces as which it runs."""
    head = open_flow(actor, agentflow_id)
    observed = open_flow(actor, read_uuid(request.form.get("observed_id")) or UUID(int=0))
    operations_join.join_flows(db.session, actor, head.id, observed.id, now=now())
    return htmx.redirect_to(url_for("flow.show", agentflow_id=observed.id, done="joined"))


@bp.post(f"{FLOW}/runs-as", permission=Permission.FLOWS_WRITE)
def runs_as(actor: Actor, agentflow_id: UUID) -> Response:
    """Say as which block of the traces a drawn one runs."""
    head = open_flow(actor, agentflow_id)
    key = request.form.get("block", "")
    observed = read_uuid(request.form.get("observed_block_id"))
    operations_join.set_runs_as(db.session, actor, head.id, key, observed, now=now())
    return htmx.redirect_to(url_for("flow.show", agentflow_id=head.id, block=key))


def settings_page(
    actor: Actor,
    head: FlowHead,
    form: FlowSettingsForm | None = None,
    *,
    share_form: ShareForm | None = None,
    shown: NewToken | None = None,
    status: int = 200,
) -> Response:
    """The settings with what may be chosen. Cost: five statements."""
    if form is None:
        teams = list_teams(db.session, actor.organization_id)
        form = FlowSettingsForm(data=_values(head), teams=teams, has_fixed_name=head.is_observed_name)
    is_joinable = head.is_drawn and not head.is_observed_name and head.deleted_at is None
    return draw(
        "flow/settings.html",
        actor,
        head,
        "settings",
        status=status,
        form=form,
        patterns=PATTERNS,
        observed=list_observed_flows(db.session, actor) if is_joinable else [],
        is_joinable=is_joinable,
        endpoint=get_endpoint(db.session, actor.organization_id, head.id),
        sharing=get_sharing(db.session, actor.organization_id, head.id),
        share_form=share_form or ShareForm(),
        link=url_for("flow.shared", token=shown.text, _external=True) if shown else "",
        at=now(),
    )


def _values(head: FlowHead) -> dict[str, object]:
    return {
        "name": head.name,
        "description": head.description,
        "tags": ", ".join(head.tags),
        "team_id": str(head.team_id or ""),
        "pattern": head.pattern or "",
        "visibility": head.visibility,
        "layout": "manual" if head.is_manual_layout else "auto",
        "is_active": head.is_active,
        "is_template": head.is_template,
    }
