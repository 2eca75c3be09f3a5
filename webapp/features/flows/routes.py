"""The flow list: rows, choices of filters, export, bookmarks, changes to many at once, and new flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from flask import Response, request
from werkzeug.datastructures import MultiDict

from webapp.actor import Actor
from webapp.domain.errors import Invalid, NotFound
from webapp.domain.flow_filter import NO_TEAM, FlowFilter
from webapp.domain.flow_graph import FlowGraph
from webapp.domain.orchestration_patterns import PATTERNS
from webapp.domain.periods import Period, period
from webapp.extensions import db
from webapp.features.flows import list_page, operations_list, queries_figures, queries_list
from webapp.features.flows.forms import BulkForm, FlowFilterForm, NewFlowForm, UndoForm, checked
from webapp.features.flows.list_page import BASE, NO_DETAILS, PAGE_SIZE, Done, Durations, Figured, FlowList, FlowRow
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.downloads import csv_download
from webapp.web.forms import posted
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("flows", __name__, url_prefix="/flows")
MOST_NAMED = 20
"""Flows that a question about many names; the rest is a number."""


@bp.get("", permission=Permission.FLOWS_READ)
def index(actor: Actor) -> Response:
    """The list; the choices of a filter when htmx asks for those."""
    wanted = FlowFilterForm(request.args).wanted()
    if htmx.is_fragment_request() and htmx.target_id().startswith("facet-of-"):
        return facet_part(actor, wanted)
    return render_page(
        "flows/page.html",
        fragments={"flow-list": "flows/_list.html"},
        list=read_list(actor, wanted),
        done=read_done(actor),
        is_part=htmx.is_fragment_request(),
    )


def read_flows(actor: Actor, wanted: FlowFilter) -> tuple[list[Figured], Durations, Period]:
    """Every flow of the filter with its figures, in the order asked for; durations where they decide it."""
    seen = period(wanted.period, now(), actor.organization_zone)
    found = queries_list.list_flows(db.session, actor, wanted)
    window = (actor.organization_id, seen.since, seen.until)
    figures = queries_figures.list_figures(db.session, *window) if found else {}
    is_by_duration = bool(found) and wanted.order[0] == "p95"
    details = queries_figures.list_details(db.session, *window) if is_by_duration else {}
    return list_page.arranged(found, figures, details, wanted), details, seen


def read_rows(actor: Actor, flows: Sequence[Figured], details: Durations, seen: Period) -> list[FlowRow]:
    """Some flows as the list and the export show them."""
    ids = [flow.id for flow, _ in flows]
    facts = queries_list.list_facts(db.session, actor.organization_id, ids, reader_id=actor.user_id)
    if ids and not details:
        details = queries_figures.list_details(db.session, actor.organization_id, seen.since, seen.until, ids)
    # A flow that was removed between two statements has no facts any more.
    return [
        FlowRow(flow, figures, facts[flow.id], details.get(flow.id, NO_DETAILS), list_page.state_of(flow, figures))
        for flow, figures in flows
        if flow.id in facts
    ]


def read_list(actor: Actor, wanted: FlowFilter) -> FlowList:
    """One page of the list; a page past the end is the last one."""
    flows, details, seen = read_flows(actor, wanted)
    page = min(_page_number(), max(-(-len(flows) // PAGE_SIZE), 1))
    return FlowList(
        wanted=wanted,
        period=seen,
        rows=read_rows(actor, flows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE], details, seen),
        total=len(flows),
        ran=sum(1 for _, figures in flows if figures.executions),
        failing=sum(1 for pair in flows if pair[1].failed and list_page.state_of(*pair).word == "Failing"),
        page=page,
        may_write=actor.may(Permission.FLOWS_WRITE),
        has_any=bool(flows) or queries_list.has_flows(db.session, actor),
    )


def _page_number() -> int:
    text = request.args.get("page", "")
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def facet_part(actor: Actor, wanted: FlowFilter) -> Response:
    """Tags or teams to choose from; what is chosen already comes first."""
    facet = request.args.get("facet", "")
    search = request.args.get("facet_search", "").replace("\x00", "").strip()[:100]
    if facet == "tag":
        choices = [(tag, tag) for tag in queries_list.list_tags(db.session, actor, search=search)]
    elif facet == "team":
        teams = queries_list.list_teams(db.session, actor.organization_id, search=search)
        choices = [*((name, name) for _, name in teams), (NO_TEAM, "No team")]
    else:
        raise NotFound("There is no such filter.")
    chosen = getattr(wanted, facet)
    return render_page("flows/_facet.html", facet=facet, chosen=chosen, choices=choices, search=search)


def read_done(actor: Actor) -> Done | None:
    """What the reader just did to many flows, if the address says so."""
    undone = request.args.get("undone", "")
    if undone.isascii() and undone.isdigit():
        return Done(list_page.undone_sentence(int(undone[:6])))
    first, _, last = request.args.get("done", "").partition("-")
    form = UndoForm(MultiDict({"first": first, "last": last}))
    found = form.validate() and queries_list.get_done(db.session, actor, form.first.data, form.last.data)
    return Done(list_page.done_sentence(*found), form.first.data, form.last.data) if found else None


@bp.get("/export.csv", permission=Permission.FLOWS_READ)
def export_csv(actor: Actor) -> Response:
    """All flows of the filter with the figures and in the order of the list."""
    flows, details, seen = read_flows(actor, FlowFilterForm(request.args).wanted())
    rows = [row.cells(seen) for row in read_rows(actor, flows, details, seen)]
    return csv_download("flows", list_page.CSV_COLUMNS, rows)


@bp.post("/<uuid:agentflow_id>/bookmark", permission=Permission.FLOWS_READ)
def bookmark(actor: Actor, agentflow_id: UUID) -> Response:
    """Set or take away the reader's bookmark: the star alone for htmx, else the page that the star was on."""
    is_set = operations_list.toggle_bookmark(db.session, actor, agentflow_id)
    if htmx.is_fragment_request():
        return render_page("flows/_star.html", flow_id=agentflow_id, is_set=is_set, name=request.form.get("name", ""))
    return htmx.redirect_to(_back(request.form.get("back", "")))


@bp.get("/bulk", permission=Permission.FLOWS_WRITE)
def ask_bulk(actor: Actor) -> Response:
    """Ask before something is done to many flows: which they are, and what it needs to know."""
    form = checked(BulkForm(request.args))
    ids = form.flow.ids
    if form.all.data:
        wanted = FlowFilterForm(MultiDict(parse_qsl(form.back.data.lstrip("?")))).wanted()
        ids = [flow.id for flow, _ in read_flows(actor, wanted)[0]]
    return _question(actor, form, queries_list.list_named(db.session, actor, ids))


def _question(actor: Actor, form: BulkForm, flows: list[Any], *, error: str = "", status: int = 200) -> Response:
    action = form.action.data
    meant, left = list_page.meant(action, flows, lambda author: operations_list.may_delete(actor, author))
    teams = queries_list.list_teams(db.session, actor.organization_id) if action == "team" else []
    return render_page(
        "flows/bulk.html",
        status=status,
        action=action,
        flows=meant,
        named=meant[:MOST_NAMED],
        left=left,
        teams=teams,
        back=form.back.data,
        back_url=_back(form.back.data),
        tags=form.tags.data or "",
        error=error,
    )


@bp.post("/bulk", permission=Permission.FLOWS_WRITE)
def do_bulk(actor: Actor) -> Response:
    """Do it, and lead back to the list, where it can be taken back."""
    form = checked(BulkForm(request.form))
    try:
        done = _do(actor, form)
    except Invalid as error:
        flows = queries_list.list_named(db.session, actor, form.flow.ids)
        return _question(actor, form, flows, error=error.message, status=422)
    return htmx.redirect_to(_back(form.back.data, done=f"{done.first}-{done.last}" if done.count else ""))


def _do(actor: Actor, form: BulkForm) -> operations_list.Done:
    session, ids, at = db.session, form.flow.ids, now()
    match form.action.data:
        case "delete":
            return operations_list.delete_flows(session, actor, ids, now=at)
        case "restore":
            return operations_list.restore_flows(session, actor, ids, now=at)
        case "team":
            return operations_list.set_team(session, actor, ids, form.team_id(), now=at)
        case "tag":
            return operations_list.add_tags(session, actor, ids, form.tag_list(), now=at)
        case "untag":
            return operations_list.remove_tags(session, actor, ids, form.tag_list(), now=at)
    return operations_list.set_active(session, actor, ids, is_active=form.action.data == "resume", now=at)


@bp.post("/undo", permission=Permission.FLOWS_WRITE)
def undo(actor: Actor) -> Response:
    """Take back what the reader did to many flows a moment ago."""
    form = checked(UndoForm(request.form))
    count = operations_list.undo(db.session, actor, form.first.data, form.last.data, now=now())
    return htmx.redirect_to(_back(form.back.data, undone=str(count)))


def _back(query: str, **more: str) -> str:
    """The list with the filter that a form came from; only a query string, so it leads nowhere else."""
    pairs = [(k, v) for k, v in parse_qsl(query.lstrip("?")[:4_000]) if k not in ("done", "undone")]
    pairs += [(name, value) for name, value in more.items() if value]
    return f"{BASE}?{urlencode(pairs)}" if pairs else BASE


@bp.get("/new", permission=Permission.FLOWS_WRITE)
def new(actor: Actor) -> Response:
    """The form for a new flow; ``?copy_of=`` chooses what it begins as."""
    copy_of = request.args.get("copy_of", "")
    form = NewFlowForm(data={"copy_of": copy_of, "start": "copy" if copy_of else "empty", "pattern": ""})
    return _new_page(actor, form)


@bp.post("/new", permission=Permission.FLOWS_WRITE)
def create(actor: Actor) -> Response:
    """Make the flow and open it in the editor."""
    form = posted(NewFlowForm)
    if not form.validate():
        return _new_page(actor, form, status=422)
    wanted = form.new_flow()
    graph = FlowGraph(name=wanted.name, description=wanted.description, pattern=wanted.pattern)
    flow_id = operations_list.make_flow(db.session, actor, graph, wanted.copy_of, now=now())
    return htmx.redirect_to(f"{BASE}/{flow_id}/edit")


def _new_page(actor: Actor, form: NewFlowForm, *, status: int = 200) -> Response:
    starts = queries_list.list_starts(db.session, actor)
    form.offer([(str(one.id), one.name, one.is_template) for one in starts])
    return render_page("flows/new.html", status=status, form=form, patterns=PATTERNS)
