"""Tools: the list, one tool, and making, changing and retiring them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.errors import Conflict
from webapp.domain.field_diff import describe_changes
from webapp.domain.json_schema import schema_rows
from webapp.domain.periods import DAYS_OF, Period, period
from webapp.domain.ranked_paging import Place
from webapp.extensions import db
from webapp.features.events.queries_history import list_history
from webapp.features.rollups.queries_agents import tool_figures
from webapp.features.tools import operations, page, queries, queries_detail
from webapp.features.tools.filters import DEFAULT_PERIOD, LABELS, SORTS, ToolFilter
from webapp.features.tools.forms import ToolFilterForm, ToolForm, form_values, write_schema
from webapp.features.tools.queries_detail import ToolDetail
from webapp.features.tools.state import LABELS as FIELD_LABELS
from webapp.features.tools.state import SCHEMAS
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.downloads import csv_download
from webapp.web.forms import posted
from webapp.web.listing import PERIODS, executions_link, options
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("tools", __name__, url_prefix="/tools")
DONE = {
    "created": "Tool created.", "saved": "Saved as a new version.", "same": "Nothing differed, so no version was made.",
    "retired": "Tool retired. Its calls are kept, and it can be restored.", "restored": "Tool restored.",
}  # fmt: skip


@bp.get("", permission=Permission.TOOLS_READ)
def index(actor: Actor) -> Response:
    """Tools with their calls of a period, worst first unless asked otherwise."""
    wanted = ToolFilterForm(request.args).wanted()
    return render_page("tools/page.html", fragments={"tool-list": "tools/_list.html"}, list=_list(actor, wanted))


def _list(actor: Actor, wanted: ToolFilter) -> dict[str, Any]:
    seen = _period(actor, wanted.period)
    text = request.args.get("cursor", "")
    figures = tool_figures(db.session, actor.organization_id, seen.since, seen.until)
    place = Place.decode(text) if text else None
    shown = queries.list_tools(db.session, actor.organization_id, wanted, figures, place=place)
    base = url_for("tools.index")
    return {
        "wanted": wanted,
        "page": shown,
        "period": seen,
        "periods": PERIODS,
        "period_url": lambda name: base + replace(wanted, period=name).query(),
        "filters": page.filter_options(wanted, *queries.list_choices(db.session, actor.organization_id)),
        "sorts": options(SORTS, wanted.sort),
        "labels": LABELS,
        "address": lambda cursor: base + wanted.query(cursor=cursor or ""),
        "without": lambda name: base + wanted.without(name).query(),
        "csv": url_for("tools.export_csv") + wanted.query(),
        "link": executions_link(url_for("executions.index"), seen),
        "reasons": None if shown.rows else queries.explain_empty(db.session, actor.organization_id, wanted),
        "may_write": actor.may(Permission.TOOLS_WRITE),
    }


def _period(actor: Actor, name: str) -> Period:
    return period(name if name in DAYS_OF else DEFAULT_PERIOD, now(), actor.organization_zone)


@bp.get("/export.csv", permission=Permission.TOOLS_READ)
def export_csv(actor: Actor) -> Response:
    """All tools of the filter, in its order, with the figures of the page."""
    wanted = ToolFilterForm(request.args).wanted()
    seen = _period(actor, wanted.period)
    figures = tool_figures(db.session, actor.organization_id, seen.since, seen.until)
    rows = queries.list_all(db.session, actor.organization_id, wanted, figures)
    return csv_download("tools", page.CSV_COLUMNS, page.csv_rows(rows, seen))


@bp.get("/new", permission=Permission.TOOLS_WRITE)
def new(actor: Actor) -> Response:
    form = ToolForm(data={"timeout_seconds": 30, "input_schema": write_schema(page.EXAMPLE)})
    return _edit(None, form)


@bp.post("", permission=Permission.TOOLS_WRITE)
def create(actor: Actor) -> Response:
    form = posted(ToolForm)
    if not form.validate():
        return _edit(None, form, status=422)
    try:
        tool_id = operations.create_tool(db.session, actor, form.settings(), now=now())
    except Conflict as problem:
        form.name.errors = [problem.message]
        return _edit(None, form, status=409)
    return htmx.redirect_to(url_for("tools.show", tool_id=tool_id, done="created"))


def _head(actor: Actor, tool_id: UUID, tab: str) -> dict[str, Any]:
    """What the head and the tabs of every page of a tool read. Raises: NotFound."""
    tool = queries_detail.get_tool(db.session, actor.organization_id, tool_id)
    may_write = actor.may(Permission.TOOLS_WRITE) and not tool.is_shipped
    return {
        "tool": tool,
        "tab": tab,
        "labels": FIELD_LABELS,
        "may_write": may_write,
        "notice": DONE.get(request.args.get("done", "")),
        "agents": queries_detail.list_agents(db.session, actor.organization_id, tool_id),
    }


@bp.get("/<uuid:tool_id>", permission=Permission.TOOLS_READ)
def show(actor: Actor, tool_id: UUID) -> Response:
    """Calls of the period, the ones that failed last, and who uses it."""
    shown, seen = _head(actor, tool_id, "overview"), _period(actor, request.args.get("period", ""))
    tool: ToolDetail = shown["tool"]
    flows, more_flows = queries_detail.list_flows(db.session, actor, tool_id)
    return render_page(
        "tools/show.html",
        **shown,
        period=seen,
        periods=PERIODS,
        figures=tool_figures(db.session, actor.organization_id, seen.since, seen.until).get(tool_id),
        link=executions_link(url_for("executions.index"), seen),
        failed=queries_detail.list_failed_calls(db.session, actor.organization_id, tool_id, tool.name, seen),
        flows=flows,
        more_flows=more_flows,
    )


@bp.get("/<uuid:tool_id>/schemas", permission=Permission.TOOLS_READ)
def schemas(actor: Actor, tool_id: UUID) -> Response:
    """What it takes, gives and can be set to, as tables and as JSON."""
    shown = _head(actor, tool_id, "schemas")
    state = shown["tool"].state
    parts = [(FIELD_LABELS[n], n, state[n], schema_rows(state[n]), write_schema(state[n])) for n in SCHEMAS]
    return render_page("tools/schemas.html", **shown, parts=parts)


@bp.get("/<uuid:tool_id>/history", permission=Permission.TOOLS_READ)
def history(actor: Actor, tool_id: UUID) -> Response:
    """What was done to the tool, by whom, before and after."""
    text = request.args.get("older", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    rows, older = list_history(db.session, actor.organization_id, "tool", tool_id, before=before)
    return render_page("tools/history.html", **_head(actor, tool_id, "history"), rows=rows, older=older)


@bp.get("/<uuid:tool_id>/edit", permission=Permission.TOOLS_WRITE)
def edit(actor: Actor, tool_id: UUID) -> Response:
    tool = queries_detail.get_tool(db.session, actor.organization_id, tool_id)
    return _edit(tool, ToolForm(data=form_values(tool.state) | {"base_version": str(tool.version)}))


@bp.post("/<uuid:tool_id>", permission=Permission.TOOLS_WRITE)
def save(actor: Actor, tool_id: UUID) -> Response:
    """Save a tool; a second editor gets both editors' work in the form and what the first one changed."""
    tool, form = queries_detail.get_tool(db.session, actor.organization_id, tool_id), posted(ToolForm)
    if tool.keeps_name:
        form.name.data = tool.name
    if not form.validate():
        return _edit(tool, form, status=422)
    try:
        version = operations.save_tool(db.session, actor, tool_id, form.settings(), base_version=form.base, now=now())
    except operations.StaleTool as stale:
        values = form_values(stale.merged.state) | {"base_version": str(stale.current_version)}
        return _edit(tool, ToolForm(data=values), status=409, stale=stale)
    except Conflict as problem:
        form.name.errors = [problem.message]
        return _edit(tool, form, status=409)
    return htmx.redirect_to(url_for("tools.show", tool_id=tool_id, done="same" if version == tool.version else "saved"))


def _edit(tool: ToolDetail | None, form: ToolForm, *, status: int = 200, stale: Any = None) -> Response:
    return render_page(
        "tools/edit.html",
        status=status,
        tool=tool,
        form=form.offer_modes(),
        stale=stale,
        theirs=describe_changes(stale.merged.theirs, FIELD_LABELS) if stale else [],
        labels=FIELD_LABELS,
    )


@bp.post("/<uuid:tool_id>/retire", permission=Permission.TOOLS_WRITE)
def retire(actor: Actor, tool_id: UUID) -> Response:
    operations.retire_tool(db.session, actor, tool_id, now=now())
    return htmx.redirect_to(url_for("tools.show", tool_id=tool_id, done="retired"))


@bp.post("/<uuid:tool_id>/restore", permission=Permission.TOOLS_WRITE)
def restore(actor: Actor, tool_id: UUID) -> Response:
    operations.restore_tool(db.session, actor, tool_id, now=now())
    return htmx.redirect_to(url_for("tools.show", tool_id=tool_id, done="restored"))
