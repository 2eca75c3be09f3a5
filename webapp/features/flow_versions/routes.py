"""The versions of a flow: the list, one of them, two of them compared, names, and the way back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.actor import Actor
from webapp.domain.errors import Invalid
from webapp.domain.flow_graph import FlowGraph
from webapp.domain.periods import period
from webapp.extensions import db
from webapp.features.flow.blueprint import draw, open_flow
from webapp.features.flow.queries_head import FlowHead
from webapp.features.flow_versions import operations, page, queries
from webapp.features.flow_versions.forms import KINDS, DiffForm, NameForm, RestoreForm, VersionFilterForm
from webapp.features.flow_versions.queries import VersionFilter
from webapp.features.flows.operations_graph import StaleVersion
from webapp.features.flows.queries_blocks import list_versions as list_service_versions
from webapp.features.flows.queries_graph import load_version
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.downloads import csv_download
from webapp.web.forms import posted
from webapp.web.shell import now

bp = GuardedBlueprint("flow_versions", __name__, url_prefix="/flows/<uuid:agentflow_id>/versions")
ONE = "/<int(min=1, max=999999999):version>"
FRAGMENTS = {"version-list": "flow_versions/_list.html"}


@bp.get("", permission=Permission.FLOWS_READ)
def index(actor: Actor, agentflow_id: UUID) -> Response:
    """All versions, the newest first; for a flow that was seen also the versions of its service."""
    head, listing = open_flow(actor, agentflow_id), _listing(agentflow_id)
    found = queries.list_versions(
        db.session, actor.organization_id, head.id, listing.wanted, cursor=request.args.get("cursor", ""), now=now()
    )
    is_part = htmx.is_fragment_request() and htmx.target_id() in FRAGMENTS
    services = () if is_part or not head.is_observed else _services(actor, head)
    return _draw("flow_versions/page.html", actor, head, found=found, listing=listing, services=services)


def _listing(agentflow_id: UUID) -> page.Listing:
    form = VersionFilterForm(request.args)
    if not form.validate():
        raise Invalid("This filter is none of ours. Go back to the list.", field=next(iter(form.errors)))
    return page.Listing(page.base_of(agentflow_id), VersionFilter(form.q.data, form.kind.data))


def _services(actor: Actor, head: FlowHead) -> Any:
    """Versions of the service in the last 30 days, as traces tell of them."""
    seen = period("30d", now(), actor.organization_zone)
    return list_service_versions(db.session, actor.organization_id, head.id, seen.since, seen.until)


def _draw(template: str, actor: Actor, head: FlowHead, *, status: int = 200, **context: Any) -> Response:
    return draw(
        template,
        actor,
        head,
        "versions",
        status=status,
        fragments=FRAGMENTS,
        kinds=KINDS,
        failure_rate=page.failure_rate,
        base=page.base_of(head.id),
        **context,
    )


@bp.get("/export.csv", permission=Permission.FLOWS_READ)
def export_csv(actor: Actor, agentflow_id: UUID) -> Response:
    """The versions of the filter as CSV, at most a thousand."""
    head, listing = open_flow(actor, agentflow_id), _listing(agentflow_id)
    found = queries.list_versions(
        db.session, actor.organization_id, head.id, listing.wanted, now=now(), size=queries.MOST_EXPORTED
    )
    return csv_download(f"flow-{head.id.hex[-8:]}-versions", page.CSV_COLUMNS, page.csv_rows(list(found.rows)))


@bp.get(ONE, permission=Permission.FLOWS_READ)
def show(actor: Actor, agentflow_id: UUID, version: int) -> Response:
    """One version as it was saved."""
    return _show(actor, agentflow_id, version)


def _show(
    actor: Actor, agentflow_id: UUID, version: int, *, status: int = 200, told: str = "", form: NameForm | None = None
) -> Response:
    head = open_flow(actor, agentflow_id)
    row = queries.get_versions(db.session, actor.organization_id, head.id, [version], now=now())[0]
    graph = load_version(db.session, actor.organization_id, head.id, version)
    return _draw(
        "flow_versions/show.html",
        actor,
        head,
        status=status,
        told=told,
        row=row,
        graph=graph,
        agents=_agents(actor, graph),
        view=page.draw_version(graph, page.base_of(head.id), version),
        form=form or NameForm(data={"name": row.name or "", "note": row.note or ""}),
    )


def _agents(actor: Actor, *graphs: FlowGraph) -> dict[str, str]:
    ids = {block.agent for graph in graphs for block in graph.blocks if block.agent}
    return queries.list_agent_names(db.session, actor.organization_id, ids)


@bp.get("/diff", permission=Permission.FLOWS_READ)
def diff(actor: Actor, agentflow_id: UUID) -> Response:
    """What differs between two versions, and how the flow did with each."""
    head, form = open_flow(actor, agentflow_id), DiffForm(request.args)
    if not form.validate():
        raise Invalid("Choose two versions to compare.", field="from")
    last = form.to.data or head.version or 1
    numbers = [form["from"].data or max(last - 1, 1), last]
    before, after = queries.get_versions(db.session, actor.organization_id, head.id, numbers, now=now())
    old, new = (load_version(db.session, actor.organization_id, head.id, number) for number in numbers)
    shown = page.diff_page(before, after, old, new, _agents(actor, old, new))
    return _draw("flow_versions/diff.html", actor, head, page=shown)


@bp.post(f"{ONE}/name", permission=Permission.FLOWS_WRITE)
def rename(actor: Actor, agentflow_id: UUID, version: int) -> Response:
    """Say what a version is called and why it was made."""
    form = posted(NameForm)
    if not form.validate():
        return _show(actor, agentflow_id, version, status=422, form=form)
    operations.name_version(
        db.session, actor, agentflow_id, version, name=form.name.data, note=form.note.data, now=now()
    )
    return htmx.redirect_to(f"{page.base_of(agentflow_id)}/{version}?done=named")


@bp.post(f"{ONE}/restore", permission=Permission.FLOWS_WRITE)
def restore(actor: Actor, agentflow_id: UUID, version: int) -> Response:
    """Make what was drawn then the next version."""
    form = posted(RestoreForm)
    if not form.validate():
        raise Invalid("This page is damaged. Reload it.")
    try:
        saved = operations.restore_version(
            db.session, actor, agentflow_id, version, base_version=form.base_version.data, now=now()
        )
    except StaleVersion as error:
        told = f"Version {error.current_version} was saved after this page was opened. Look at it before you restore."
        return _show(actor, agentflow_id, version, status=409, told=told)
    done = "restored" if saved.is_new else "same"
    return htmx.redirect_to(f"{page.base_of(agentflow_id)}/{saved.version}?done={done}&from={version}")
