"""The truth table of a flow's blocks, and its drawing."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from webapp.actor import Actor
from webapp.features.flow.blueprint import FLOW, bp, draw, open_flow, open_period
from webapp.permissions import Permission


@bp.get(FLOW, permission=Permission.FLOWS_READ)
def show(actor: Actor, agentflow_id: UUID) -> Response:
    head, seen = open_flow(actor, agentflow_id), open_period(actor)
    return draw("flow/show.html", actor, head, "graph", period=seen, period_name=seen.name)
