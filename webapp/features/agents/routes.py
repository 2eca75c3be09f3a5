"""The list of agents, its export, and making one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.periods import Period, period
from webapp.domain.ranked_paging import Place
from webapp.extensions import db
from webapp.features.agents import operations, page, queries, queries_detail, queries_templates
from webapp.features.agents.filters import LABELS, AgentFilter
from webapp.features.agents.forms import AgentFilterForm, AgentForm, form_values
from webapp.features.agents.queries_templates import TemplateRow
from webapp.features.rollups.queries_agents import agent_figures
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.downloads import csv_download
from webapp.web.forms import posted
from webapp.web.listing import PERIODS, executions_link
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("agents", __name__, url_prefix="/agents")
NOTICES = {"retired": "Agent retired. What it did is kept, and it can be restored.", "deleted": "Template deleted."}


@bp.get("", permission=Permission.AGENTS_READ)
def index(actor: Actor) -> Response:
    """Agents with their figures of a period, worst first unless asked otherwise."""
    wanted = AgentFilterForm(request.args).wanted()
    return render_page("agents/page.html", fragments={"agent-list": "agents/_list.html"}, list=_list(actor, wanted))


def _list(actor: Actor, wanted: AgentFilter) -> dict[str, Any]:
    seen = seen_period(actor, wanted.period)
    text = request.args.get("cursor", "")
    figures = agent_figures(db.session, actor.organization_id, seen.since, seen.until)
    place = Place.decode(text) if text else None
    shown = queries.list_agents(db.session, actor.organization_id, wanted, figures, place=place)
    base = url_for("agents.index")
    return {
        "wanted": wanted,
        "page": shown,
        "period": seen,
        "periods": PERIODS,
        "period_url": lambda name: base + replace(wanted, period=name).query(),
        "filters": page.filter_options(wanted, queries.list_choices(db.session, actor.organization_id)),
        "sorts": page.sort_options(wanted),
        "labels": LABELS,
        "address": lambda cursor: base + wanted.query(cursor=cursor or ""),
        "without": lambda name: base + wanted.without(name).query(),
        "csv": url_for("agents.export_csv") + wanted.query(),
        "link": executions_link(url_for("executions.index"), seen),
        "reasons": None if shown.rows else queries.explain_empty(db.session, actor.organization_id, wanted),
        "may_write": actor.may(Permission.AGENTS_WRITE),
        "notice": NOTICES.get(request.args.get("done", "")),
    }


def seen_period(actor: Actor, name: str) -> Period:
    """The window that figures are of."""
    return period(name, now(), actor.organization_zone)


@bp.get("/export.csv", permission=Permission.AGENTS_READ)
def export_csv(actor: Actor) -> Response:
    """All agents of the filter, in its order, with the figures of the page."""
    wanted = AgentFilterForm(request.args).wanted()
    seen = seen_period(actor, wanted.period)
    figures = agent_figures(db.session, actor.organization_id, seen.since, seen.until)
    rows = queries.list_all(db.session, actor.organization_id, wanted, figures)
    return csv_download("agents", page.CSV_COLUMNS, page.csv_rows(rows, seen))


@bp.get("/new", permission=Permission.AGENTS_WRITE)
def new(actor: Actor) -> Response:
    """The form, filled from ``?template=`` where one is chosen."""
    template = _template(actor, request.args.get("template", ""))
    values = form_values(
        {"name": "", "is_active": True, "agent_type": "general"} | (template.state if template else {})
    )
    return _new(actor, AgentForm(data=values | {"template_id": str(template.id) if template else ""}), template)


@bp.post("", permission=Permission.AGENTS_WRITE)
def create(actor: Actor) -> Response:
    form = posted(AgentForm)
    template = _template(actor, form.template_id.data or "")
    if not form.validate():
        return _new(actor, form, template, status=422)
    agent_id = operations.create_agent(
        db.session,
        actor,
        form.settings(),
        note=form.note.data,
        template_id=template.id if template else None,
        now=now(),
    )
    return htmx.redirect_to(url_for("agents.show", agent_id=agent_id, done="created"))


def _template(actor: Actor, text: str) -> TemplateRow | None:
    """The template that an address or a form names. Raises: NotFound."""
    try:
        template_id = UUID(text)
    except ValueError:
        return None
    return queries_templates.get_template(db.session, actor.organization_id, template_id)


def _new(actor: Actor, form: AgentForm, template: TemplateRow | None, *, status: int = 200) -> Response:
    return render_page(
        "agents/new.html",
        status=status,
        form=form.offer_choices(queries_detail.list_prompt_names(db.session, actor.organization_id)),
        begun_with=template,
        templates=queries_templates.list_templates(db.session, actor.organization_id),
    )
