"""Agent templates: starting points that came with the product, and the organization's own."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.errors import Conflict
from webapp.extensions import db
from webapp.features.agents import operations_templates, queries_detail, queries_templates
from webapp.features.agents.forms import AgentForm, TemplateForm, form_values
from webapp.features.agents.routes import NOTICES
from webapp.features.agents.routes_detail import head
from webapp.features.agents.routes_parts import bp
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.forms import posted
from webapp.web.render import render_page
from webapp.web.shell import now


@bp.get("/templates", permission=Permission.AGENTS_READ)
def templates(actor: Actor) -> Response:
    search = request.args.get("q", "").replace("\x00", "").strip()[:200]
    rows = queries_templates.list_templates(db.session, actor.organization_id, search=search)
    return render_page(
        "agents/templates.html",
        rows=rows,
        search=search,
        may_write=actor.may(Permission.AGENTS_WRITE),
        notice=NOTICES.get(request.args.get("done", "")),
    )


@bp.get("/templates/<uuid:template_id>", permission=Permission.AGENTS_READ)
def template(actor: Actor, template_id: UUID) -> Response:
    row = queries_templates.get_template(db.session, actor.organization_id, template_id)
    form = AgentForm(data=form_values(row.state | {"name": row.name, "is_active": True}))
    return _template(actor, template_id, form, TemplateForm(data={"category": row.category or ""}))


@bp.post("/templates/<uuid:template_id>", permission=Permission.AGENTS_WRITE)
def save_template(actor: Actor, template_id: UUID) -> Response:
    form, extra = posted(AgentForm), posted(TemplateForm)
    # One page, two forms over the same body: name and description are in both.
    if not (form.validate() and extra.validate()):
        return _template(actor, template_id, form, extra, status=422)
    try:
        operations_templates.save_template(
            db.session, actor, template_id, form.settings(), category=extra.category.data, now=now()
        )
    except Conflict as problem:
        form.name.errors = [problem.message]
        return _template(actor, template_id, form, extra, status=409)
    return htmx.redirect_to(url_for("agents.template", template_id=template_id, done="saved"))


@bp.post("/templates/<uuid:template_id>/delete", permission=Permission.AGENTS_WRITE)
def delete_template(actor: Actor, template_id: UUID) -> Response:
    operations_templates.delete_template(db.session, actor, template_id, now=now())
    return htmx.redirect_to(url_for("agents.templates", done="deleted"))


@bp.get("/<uuid:agent_id>/template", permission=Permission.AGENTS_WRITE)
def new_template(actor: Actor, agent_id: UUID) -> Response:
    shown = head(actor, agent_id, "overview")
    agent = shown["agent"]
    form = TemplateForm(data={"name": agent.name, "description": agent.description or ""})
    return render_page("agents/new_template.html", **shown, form=form)


@bp.post("/<uuid:agent_id>/template", permission=Permission.AGENTS_WRITE)
def create_template(actor: Actor, agent_id: UUID) -> Response:
    """Make a template from what the agent is now."""
    shown, form = head(actor, agent_id, "overview"), posted(TemplateForm)
    if form.validate():
        values = {name: form[name].data for name in ("name", "description", "category")}
        try:
            made = operations_templates.create_template(db.session, actor, agent_id, **values, now=now())
            return htmx.redirect_to(url_for("agents.template", template_id=made, done="saved"))
        except Conflict as problem:
            form.name.errors = [problem.message]
    return render_page("agents/new_template.html", status=422, **shown, form=form)


def _template(actor: Actor, template_id: UUID, form: AgentForm, extra: TemplateForm, *, status: int = 200) -> Response:
    row = queries_templates.get_template(db.session, actor.organization_id, template_id)
    return render_page(
        "agents/template.html",
        status=status,
        row=row,
        form=form.offer_choices(queries_detail.list_prompt_names(db.session, actor.organization_id)),
        extra=extra,
        may_write=actor.may(Permission.AGENTS_WRITE),
        may_change=actor.may(Permission.AGENTS_WRITE) and not row.is_shipped,
        is_saved=request.args.get("done") == "saved",
    )
