"""What ran of a flow: its executions and why some of them failed."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from webapp.actor import Actor
from webapp.domain.execution_filter import ExecutionFilter
from webapp.domain.paging import Cursor
from webapp.extensions import db
from webapp.features.executions import queries_list, queries_views
from webapp.features.flow import page_runs
from webapp.features.flow.blueprint import FLOW, bp, draw, open_flow, open_period
from webapp.features.flow.queries_failures import list_flow_causes
from webapp.permissions import Permission
from webapp.web.shell import now


@bp.get(f"{FLOW}/executions", permission=Permission.FLOWS_READ)
def executions(actor: Actor, agentflow_id: UUID) -> Response:
    """The flow's executions, in the rows of the executions list."""
    head = open_flow(actor, agentflow_id)
    wanted = page_runs.read_filter(head.id, request.args, now())
    text = request.args.get("cursor", "")
    found = queries_list.list_executions(
        db.session, actor.organization_id, wanted, None, cursor=Cursor.decode(text) if text else None
    )
    arrangement = queries_views.get_arrangement(db.session, actor.organization_id, actor.user_id)
    shown = page_runs.flow_runs(head.id, wanted, found, arrangement, now=now(), zone=actor.zone)
    return draw(
        "flow/executions.html",
        actor,
        head,
        "executions",
        fragments={"execution-rows": "executions/_rows.html"},
        list=shown,
        all_time=page_runs.path(ExecutionFilter(preset="all", flow=(head.id,), status=wanted.status)),
    )


@bp.get(f"{FLOW}/failures", permission=Permission.FLOWS_READ)
def failures(actor: Actor, agentflow_id: UUID) -> Response:
    """Causes of failure by type of error."""
    head, seen = open_flow(actor, agentflow_id), open_period(actor)
    causes, ended = list_flow_causes(db.session, actor.organization_id, head.id, seen)
    return draw(
        "flow/failures.html",
        actor,
        head,
        "failures",
        period=seen,
        period_name=seen.name,
        ended=ended,
        causes=[page_runs.cause_row(cause, head.id, seen) for cause in causes],
        failed=sum(cause.counts.failed for cause in causes),
    )
