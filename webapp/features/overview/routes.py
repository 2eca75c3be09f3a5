"""The first page."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.periods import Period, period
from webapp.extensions import db
from webapp.features.overview import page, queries, queries_details
from webapp.features.overview.forms import PERIODS, SORTS, OverviewForm, Wanted
from webapp.permissions import Permission
from webapp.web import charts, htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("overview", __name__)
NO_FLOW = UUID(int=0)
FRAGMENTS = {"running": "overview/_running.html", "details": "overview/_details.html"}


@bp.get("/", permission=Permission.EXECUTIONS_READ)
def index(actor: Actor) -> Response:
    """What is wrong, what it costs, who is hit. ``#running`` and ``#details`` are drawn alone from the same address."""
    wanted = OverviewForm(request.args).wanted()
    seen = period(wanted.period, now(), actor.organization_zone)
    context: dict[str, Any] = {"wanted": wanted, "period": seen, "periods": PERIODS, "sorts": SORTS, "link": _link()}
    context["spark_line"] = charts.line
    part = htmx.target_id() if htmx.is_fragment_request() else ""
    if part != "details":
        context["open"], context["open_count"] = queries.list_open(db.session, actor.organization_id)
    if part == "details" or "details" in request.args:
        context["details"] = _details(actor, seen, wanted)
    if part not in FRAGMENTS:
        context |= _overview(actor, seen)
    return render_page("overview/page.html", fragments=FRAGMENTS, **context)


def _overview(actor: Actor, seen: Period) -> dict[str, Any]:
    summary = queries.get_summary(db.session, actor.organization_id, seen)
    causes, cause_count = queries.list_causes(db.session, actor.organization_id, seen)
    link = _link()
    drawn, finding = page.chart(summary, seen, link, now())
    is_idle = not (summary.total.executions or summary.before.executions)
    return {
        "tiles": page.tiles(summary, seen, link),
        "notice": page.notice(causes, seen, link, now()),
        "chart": drawn,
        "finding": finding,
        "causes": page.cause_rows(causes, seen, link),
        "cause_count": cause_count,
        "summary": summary,
        "is_first_use": is_idle and not queries.has_executions(db.session, actor.organization_id),
    }


def _details(actor: Actor, seen: Period, wanted: Wanted) -> dict[str, Any]:
    flows, flow_count = queries_details.list_flows(db.session, actor.organization_id, seen, wanted.sort)
    return {
        "flows": flows,
        "flow_count": flow_count,
        "models": queries_details.list_models(db.session, actor.organization_id, seen),
        "changes": queries_details.list_changes(db.session, actor.organization_id, seen),
    }


def _link() -> page.Link:
    """Addresses of the executions list; one look at the URL map serves all of them."""
    base = url_for("executions.index")
    written: dict[tuple[str, object], str] = {}

    def link(**filters: object) -> str:
        parts = []
        for pair in filters.items():
            if pair[1] and pair[1] != NO_FLOW:
                if pair not in written:
                    written[pair] = _parameter(*pair)
                parts.append(written[pair])
        return f"{base}?{'&'.join(parts)}"

    return link


def _parameter(name: str, value: object) -> str:
    if isinstance(value, datetime):
        return f"{name}={value:%Y-%m-%dT%H%%3A%M%%3A%SZ}"
    return urlencode({name: value})
