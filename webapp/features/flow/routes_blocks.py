"""The truth table of a flow's blocks, and its drawing."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from webapp.actor import Actor
from webapp.extensions import db
from webapp.features.flow.blueprint import FLOW, bp, draw, open_flow, open_period
from webapp.features.flow.page_blocks import observed_rows, sorted_rows
from webapp.features.flow.forms import read_sort
from webapp.features.flows.queries_blocks import list_blocks
from webapp.permissions import Permission


@bp.get(FLOW, permission=Permission.FLOWS_READ)
def show(actor: Actor, agentflow_id: UUID) -> Response:
    head, seen = open_flow(actor, agentflow_id), open_period(actor)
    return draw("flow/show.html", actor, head, "graph", period=seen, period_name=seen.name)
