"""Bring flows of other builders in, and the reports of what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from flask import Response, abort, request, url_for

from webapp.actor import Actor
from webapp.domain.paging import Cursor
from webapp.extensions import db
from webapp.features.flow_imports import operations, queries
from webapp.features.flow_imports.forms import MOST_FILES, ApplyForm, ImportForm
from webapp.features.flow_imports.page import (
    CSV_COLUMNS,
    FORMAT_NAMES,
    REQUIREMENTS,
    RESULTS,
    csv_rows,
    report_page,
)
from webapp.importers import NotAFlow, read_flows
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.downloads import csv_download, download
from webapp.web.forms import posted
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("flow_imports", __name__, url_prefix="/flows")


@bp.get("/import", permission=Permission.FLOWS_WRITE)
def new(actor: Actor) -> Response:
    """Offer to take files or a pasted flow."""
    return render_page("flow_imports/new.html", form=ImportForm(), problem=None)


@bp.post("/import", permission=Permission.FLOWS_WRITE)
def create(actor: Actor) -> Response:
    """Take files; each flow in them gets a report, and so does each file that is refused."""
    form = posted(ImportForm)
    files = list(_files(form))
    if not files:
        return _again(form, "Choose at least one file, or paste the text of a flow.")
    if len(files) > MOST_FILES:
        return _again(form, f"Choose at most {MOST_FILES} files at once.")
    ids = [id_ for content, name in files for id_ in _take(actor, content, name)]
    if len(ids) == 1:
        return htmx.redirect_to(url_for("flow_imports.show", report_id=ids[0]))
    return htmx.redirect_to(url_for("flow_imports.index", new=len(ids)))


@bp.get("/imports", permission=Permission.FLOWS_READ)
def index(actor: Actor) -> Response:
    """List what was imported, newest first."""
    text = request.args.get("cursor", "")
    cursor = Cursor.decode(text) if text else None
    return render_page(
        "flow_imports/page.html",
        fragments={"import-rows": "flow_imports/_rows.html"},
        page=queries.list_reports(db.session, actor, cursor=cursor),
        is_first=cursor is None,
        fresh=request.args.get("new", type=int),
        format_names=FORMAT_NAMES,
        may_import=actor.may(Permission.FLOWS_WRITE),
        address=lambda place: url_for("flow_imports.index", cursor=place),
    )


@bp.get("/imports/<uuid:report_id>", permission=Permission.FLOWS_READ)
def show(actor: Actor, report_id: UUID) -> Response:
    """Show what became of each node, edge and secret of one file."""
    return _show(actor, report_id)


@bp.post("/imports/<uuid:report_id>/apply", permission=Permission.FLOWS_WRITE)
def apply(actor: Actor, report_id: UUID) -> Response:
    """Make a waiting import a new version, or a flow of its own."""
    form = posted(ApplyForm)
    operations.apply_report(db.session, actor, report_id, agentflow_id=_flow_id(form), now=now())
    return htmx.redirect_to(url_for("flow_imports.show", report_id=report_id, done="applied"))


@bp.get("/imports/<uuid:report_id>/items.csv", permission=Permission.FLOWS_READ)
def items(actor: Actor, report_id: UUID) -> Response:
    """All nodes and edges of the report, in the order of the file."""
    report = queries.get_report(db.session, actor, report_id)
    return csv_download("import", CSV_COLUMNS, csv_rows(report))


@bp.get("/imports/<uuid:report_id>/file.json", permission=Permission.FLOWS_READ)
def file(actor: Actor, report_id: UUID) -> Response:
    """The file as it is kept, without its secrets."""
    _, content = queries.get_content(db.session, actor, report_id)
    return download(content, "application/json", "import", "json")


def _files(form: ImportForm) -> Iterator[tuple[bytes, str]]:
    for sent in request.files.getlist("files"):
        if sent.filename:
            yield sent.read(), sent.filename
    if form.text.data.strip():
        yield form.text.data.encode("utf-8", "replace"), ""


def _take(actor: Actor, content: bytes, name: str) -> list[UUID]:
    try:
        flows = read_flows(content, operations.clean_name(name))
    except NotAFlow as refusal:
        kept = operations.keep_refusal(
            db.session, actor, content=content, file_name=name, reason=refusal.reason, now=now()
        )
        return [kept]
    return operations.import_flows(db.session, actor, flows, content=content, file_name=name, now=now())


def _flow_id(form: ApplyForm) -> UUID | None:
    try:
        return UUID(form.flow_id.data) if form.flow_id.data else None
    except ValueError:
        abort(422, "That is no flow.")


def _again(form: ImportForm, problem: str) -> Response:
    return render_page("flow_imports/new.html", status=422, form=form, problem=problem)


def _show(actor: Actor, report_id: UUID) -> Response:
    report = queries.get_report(db.session, actor, report_id)
    row = report.row
    is_waiting = row.state == "waiting"
    return render_page(
        "flow_imports/show.html",
        report=report,
        row=row,
        page=report_page(report),
        same=queries.find_same_visible(db.session, actor, row.format, report.source_key) if is_waiting else [],
        may_import=actor.may(Permission.FLOWS_WRITE),
        is_done=request.args.get("done") == "applied",
        format_names=FORMAT_NAMES,
        results=RESULTS,
        requirement_names=REQUIREMENTS,
    )
