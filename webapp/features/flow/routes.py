"""The page of one flow. Its other tabs are in the modules beside this one; importing it registers all of them."""

from __future__ import annotations

from uuid import UUID

import orjson
from flask import Response

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.flow_graph import to_document
from webapp.extensions import db
from webapp.features.flow import (  # noqa: F401 (they add their routes to the blueprint)
    routes_automations,
    routes_blocks,
    routes_graph,
    routes_runs,
    routes_settings,
    routes_shares,
)
from webapp.features.flow.blueprint import FLOW, bp, open_flow
from webapp.features.flow.queries_export import portable_graph
from webapp.features.flows.queries_graph import load_graph
from webapp.permissions import Permission
from webapp.web.downloads import download

__all__ = ["bp"]


@bp.get(f"{FLOW}/export.json", permission=Permission.FLOWS_READ)
def export(actor: Actor, agentflow_id: UUID) -> Response:
    """The drawing in our own format (docs/flow-format.md): credentials empty, agents by name."""
    head = open_flow(actor, agentflow_id)
    graph = load_graph(db.session, actor.organization_id, head.id)
    if graph is None:
        raise NotFound("Nothing is drawn for this flow, so there is nothing to export.")
    graph = portable_graph(db.session, actor.organization_id, graph)
    body = orjson.dumps(to_document(graph), option=orjson.OPT_INDENT_2)
    return download(body + b"\n", "application/json", f"flow-{head.id.hex[-8:]}-v{head.version}", "json")
