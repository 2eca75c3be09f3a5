"""The list of failures: its views, export, decisions about many at once, and taking them back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from flask import Response, request
from werkzeug.datastructures import MultiDict

from webapp.actor import Actor
from webapp.domain.errors import Invalid
from webapp.domain.failure_filter import FailureFilter
from webapp.domain.periods import Period, period
from webapp.extensions import db
from webapp.features.failures import list_page, operations_state, queries_detail, queries_list
from webapp.features.failures.forms import BulkForm, FailureFilterForm, UndoForm, checked
from webapp.features.failures.list_page import BASE, Done, FailureList, Line
from webapp.features.failures.queries_changes import top_suspects
from webapp.features.failures.queries_list import MOST_EXPORTED, PAGE_SIZE, FailureRow
from webapp.features.flows.queries_figures import list_figures
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.downloads import csv_download
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("failures", __name__, url_prefix="/failures")
Suspects = Callable[[Sequence[UUID]], Mapping[UUID, Any]]


@bp.get("", permission=Permission.FAILURES_READ)
def index(actor: Actor) -> Response:
    """The list in the view, filter, period and order of the address."""
    return render_page(
        "failures/page.html",
        fragments={"failure-list": "failures/_list.html"},
        list=read_list(actor, FailureFilterForm(request.args).wanted(), _suspects_of(actor)),
        done=read_done(actor),
        is_part=htmx.is_fragment_request(),
    )


def _suspects_of(actor: Actor) -> Suspects:
    return lambda ids: top_suspects(db.session, actor.organization_id, ids, now=now())


def read_list(actor: Actor, wanted: FailureFilter, suspects: Suspects | None = None) -> FailureList:
    """One page of the list; a page past the end is empty. ``suspects`` names the likely cause of failures by their ids;
    without it there is no such column."""
    session, organization_id = db.session, actor.organization_id
    seen, page = period(wanted.period, now(), actor.organization_zone), _page_number()
    rows, total, failed = queries_list.list_failures(
        session, organization_id, actor.user_id, wanted, seen, start=(page - 1) * PAGE_SIZE
    )
    return FailureList(
        wanted=wanted,
        period=seen,
        lines=read_lines(actor, rows, seen, suspects),
        total=total,
        failed=failed,
        page=page,
        choices=queries_list.list_choices(session, organization_id, actor.user_id, seen, flow=wanted.flow),
        may_write=actor.may(Permission.FAILURES_WRITE),
        has_suspects=suspects is not None,
    )


def read_lines(actor: Actor, rows: Sequence[FailureRow], seen: Period, suspects: Suspects | None = None) -> list[Line]:
    """Rows with the executions of their flows, their trends and their likely causes."""
    ids = [row.id for row in rows]
    has_flows = any(row.flows for row in rows)
    figures = list_figures(db.session, actor.organization_id, seen.since, seen.until) if has_flows else {}
    trends = queries_list.list_trends(db.session, actor.organization_id, ids, now=now()) if ids else {}
    found = suspects(ids) if suspects and ids else {}
    return list_page.lines(rows, figures, trends, found, now=now(), zone=actor.zone)


def _page_number() -> int:
    text = request.args.get("page", "")
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def read_done(actor: Actor) -> Done | None:
    """What the reader just decided, if the address says so."""
    undone = request.args.get("undone", "")
    if undone.isascii() and undone.isdigit():
        return Done(list_page.undone_sentence(int(undone[:6])))
    if request.args.get("done") == "0":
        return Done("All was so already. Nothing was changed.")
    first, _, last = request.args.get("done", "").partition("-")
    form = UndoForm(MultiDict({"first": first, "last": last}))
    if not form.validate():
        return None
    found = queries_detail.get_done(db.session, actor.organization_id, actor.user_id, form.first.data, form.last.data)
    return Done(list_page.done_sentence(*found), form.first.data, form.last.data) if found else None


@bp.get("/export.csv", permission=Permission.FAILURES_READ)
def export_csv(actor: Actor) -> Response:
    """All failures of the filter, with the figures and in the order of the list."""
    wanted = FailureFilterForm(request.args).wanted()
    seen = period(wanted.period, now(), actor.organization_zone)
    rows, _, _ = queries_list.list_failures(
        db.session, actor.organization_id, actor.user_id, wanted, seen, most=MOST_EXPORTED
    )
    cells = [line.cells(seen) for line in read_lines(actor, rows, seen)]
    return csv_download("failures", list_page.CSV_COLUMNS, cells)


@bp.post("/bulk", permission=Permission.FAILURES_WRITE)
def bulk(actor: Actor) -> Response:
    """Decide about the failures ticked, or about all that match, and lead back to the list."""
    form = checked(BulkForm(request.form))
    ids = form.failure.ids
    if form.all.data:
        ids = _all_of(actor, form.back.data)
    if not ids:
        raise Invalid("Failures: tick at least one.", field="failure")
    decision = form.decision(actor.user_id, now())
    done = operations_state.change(db.session, actor, ids, decision, now=now())
    return htmx.redirect_to(back_to_list(form.back.data, done=f"{done.first}-{done.last}" if done.count else "0"))


def _all_of(actor: Actor, query: str) -> tuple[UUID, ...]:
    wanted = FailureFilterForm(MultiDict(parse_qsl(query.lstrip("?")))).wanted()
    seen = period(wanted.period, now(), actor.organization_zone)
    rows, _, _ = queries_list.list_failures(
        db.session, actor.organization_id, actor.user_id, wanted, seen, most=MOST_EXPORTED
    )
    return tuple(row.id for row in rows)


@bp.post("/undo", permission=Permission.FAILURES_WRITE)
def undo(actor: Actor) -> Response:
    """Take back what the reader decided a moment ago; leads to where they were."""
    form = checked(UndoForm(request.form))
    count = operations_state.undo(db.session, actor, form.first.data, form.last.data, now=now())
    return htmx.redirect_to(back_to_list(form.back.data, undone=str(count)))


def back_to_list(query: str, **more: str) -> str:
    """The list with the filter that a form came from; only a query string, so it leads nowhere else. A failure's own id
    in ``failure`` leads to its page."""
    pairs = [(k, v) for k, v in parse_qsl(query.lstrip("?")[:4_000]) if k not in ("done", "undone")]
    base = BASE
    for name, value in pairs:
        if name == "failure" and _is_id(value):
            base = f"{BASE}/{value}"
    pairs = [pair for pair in pairs if pair[0] != "failure"]
    pairs += [(name, value) for name, value in more.items() if value]
    return f"{base}?{urlencode(pairs)}" if pairs else base


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False
