"""The executions list: rows, counts, choices of filters, views, columns and exports, all from one filter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.execution_filter import ExecutionFilter
from webapp.domain.paging import Cursor
from webapp.extensions import db
from webapp.features.executions import (
    export,
    list_page,
    operations,
    queries_chart,
    queries_facets,
    queries_list,
    queries_views,
)
from webapp.features.executions.forms import ColumnsForm, ExecutionFilterForm, SavedViewForm, checked
from webapp.features.executions.queries_matching import Found, resolve_search
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.downloads import download
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("executions", __name__, url_prefix="/executions")


@bp.get("", permission=Permission.EXECUTIONS_READ)
def index(actor: Actor) -> Response:
    """The list; parts of it when htmx asks for the counts, a filter's choices or news."""
    wanted = read_filter(actor)
    if htmx.is_fragment_request() and (part := PARTS.get(htmx.target_id().partition("-of-")[0])):
        return part(actor, wanted)
    found = resolve_search(db.session, actor.organization_id, wanted)
    shown = read_list(actor, wanted, found)
    with_summary = {"summary": None}
    if "summary" in request.args:
        with_summary = read_summary(actor, wanted, found)
    return render_page(
        "executions/page.html",
        fragments={"execution-list": "executions/_list.html", "execution-rows": "executions/_rows.html"},
        list=shown,
        is_part=htmx.is_fragment_request(),
        **with_summary,
    )


def read_filter(actor: Actor) -> ExecutionFilter:
    """The filter of the address in the reader's zone. Raises: Invalid, naming the field."""
    return ExecutionFilterForm(request.args).criteria(now(), actor.zone)


def read_list(actor: Actor, wanted: ExecutionFilter, found: Found | None) -> list_page.ListPage:
    text = request.args.get("cursor", "")
    cursor = Cursor.decode(text) if text else None
    session, organization_id = db.session, actor.organization_id
    page = queries_list.list_executions(session, organization_id, wanted, found, cursor=cursor)
    names = queries_facets.get_flow_names(session, organization_id, wanted.flow)
    chips, more = list_page.chips_of(wanted, names, actor.zone)
    return list_page.ListPage(
        wanted=wanted,
        page=page,
        arrangement=queries_views.get_arrangement(session, organization_id, actor.user_id),
        chips=chips,
        more=more,
        time_text=list_page.time_text(wanted, actor.zone),
        is_first=page.newer is None,
        can_share=actor.may(Permission.VIEWS_SHARE),
        reasons=None if page.rows else queries_list.explain_empty(session, organization_id, wanted, found),
        now=now(),
        zone=actor.zone,
    )


def read_summary(actor: Actor, wanted: ExecutionFilter, found: Found | None) -> dict[str, Any]:
    """Counts and chart, from the same filter as the rows."""
    summary = queries_chart.get_summary(db.session, actor.organization_id, wanted, found, now=now(), zone=actor.zone)
    return {
        "summary": summary,
        "sentence": list_page.count_sentence(summary),
        "chart": list_page.chart_of(summary, wanted, actor.zone),
    }


def summary_part(actor: Actor, wanted: ExecutionFilter) -> Response:
    found = resolve_search(db.session, actor.organization_id, wanted)
    return render_page("executions/_summary.html", is_swap=True, **read_summary(actor, wanted, found))


def facet_part(actor: Actor, wanted: ExecutionFilter) -> Response:
    """Values to choose from; what is chosen already comes first."""
    facet = request.args.get("facet", "")
    if facet in queries_facets.WHO:
        return who_part(actor, wanted, facet)
    if facet not in queries_facets.FACETS:
        raise NotFound("There is no such filter.")
    search = request.args.get("facet_search", "").strip()[:100]
    session, organization_id = db.session, actor.organization_id
    choices = queries_facets.list_choices(session, organization_id, facet, wanted, search=search, now=now())
    chosen = [str(value) for value in getattr(wanted, facet)]
    names = queries_facets.get_flow_names(session, organization_id, wanted.flow) if facet == "flow" else {}
    return render_page(
        "executions/_facet.html",
        facet=facet,
        chosen=[(value, names.get(UUID(value), value) if names else value) for value in chosen],
        choices=[one for one in choices if one.value not in chosen],
        search=search,
    )


def who_part(actor: Actor, wanted: ExecutionFilter, facet: str) -> Response:
    """Whom the executions shown belong to, most often first, each a link that narrows the list."""
    found = resolve_search(db.session, actor.organization_id, wanted)
    people = queries_facets.list_who(db.session, actor.organization_id, facet, wanted, found)
    links = [(who, count, list_page.BASE + replace(wanted, **{facet: who}).query()) for who, count in people]
    return render_page("executions/_who.html", facet=facet, links=links, most=queries_facets.MOST_LOOKED_AT)


def new_part(actor: Actor, wanted: ExecutionFilter) -> Response:
    """How many executions came in above the first row shown; the reader decides when to see them."""
    newer = request.args.get("newer", "")
    found = resolve_search(db.session, actor.organization_id, wanted)
    count = queries_list.count_newer(db.session, actor.organization_id, wanted, found, Cursor.decode(newer))
    poll = list_page.BASE + wanted.query(newer=newer)
    sentence = list_page.newer_sentence(count) if count else ""
    return render_page("executions/_new.html", poll=poll, sentence=sentence, here=list_page.BASE + wanted.query())


PARTS = {"execution-summary": summary_part, "facet": facet_part, "new-runs": new_part}
"""Parts of the list by the id that htmx is about to redraw (``facet-of-model`` begins with its key)."""


@bp.get("/export.csv", permission=Permission.EXECUTIONS_READ)
def export_csv(actor: Actor) -> Response:
    """All executions of the filter as CSV, streamed."""
    return download(export.write_csv(_export_rows(actor)), "text/csv; charset=utf-8", "executions", "csv")


@bp.get("/export.jsonl", permission=Permission.EXECUTIONS_READ)
def export_json(actor: Actor) -> Response:
    """All executions of the filter as JSON Lines, streamed."""
    return download(export.write_json_lines(_export_rows(actor)), "application/x-ndjson", "executions", "jsonl")


def _export_rows(actor: Actor) -> Any:
    wanted = export.bounded(read_filter(actor), now())
    found = resolve_search(db.session, actor.organization_id, wanted)
    return export.read_rows(db.engine, actor.organization_id, wanted, found)


@bp.post("/views", permission=Permission.SELF)
def create_view(actor: Actor) -> Response:
    """Keep the filter that is shown under a name."""
    form = checked(SavedViewForm(request.form))
    operations.save_view(
        db.session, actor, name=form.name.data, query=form.query.data.lstrip("?"), is_shared=form.is_shared.data
    )
    return htmx.redirect_to(_back(form.query.data))


@bp.post("/views/<uuid:view_id>/delete", permission=Permission.SELF)
def delete_view(actor: Actor, view_id: UUID) -> Response:
    operations.delete_view(db.session, actor, view_id)
    return htmx.redirect_to(_back(request.form.get("query", "")))


@bp.post("/columns", permission=Permission.SELF)
def choose_columns(actor: Actor) -> Response:
    """Remember which columns the reader wants."""
    form = checked(ColumnsForm(request.form))
    operations.choose_columns(db.session, actor, form.chosen())
    return htmx.redirect_to(_back(request.form.get("query", "")))


def _back(query: str) -> str:
    """The list with the filter that the form came from; only a query string, so it leads nowhere else."""
    query = query.lstrip("?")[:4_000]
    return f"{list_page.BASE}?{query}" if query else list_page.BASE
