"""The blueprint of one flow's pages, and what each of them begins and ends with."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import Response, abort, request, url_for

from webapp.actor import Actor
from webapp.domain.errors import Conflict
from webapp.domain.periods import Period, period
from webapp.extensions import db
from webapp.features.flow.forms import PERIODS, read_period
from webapp.features.flow.queries_head import FlowHead, get_head
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("flow", __name__)
FLOW = "/flows/<uuid:agentflow_id>"


def open_flow(actor: Actor, agentflow_id: UUID) -> FlowHead:
    """The flow whose page is asked for; the address of a joined flow leads to the one that has its drawing.

    Raises:
        NotFound: there is no such flow for the actor.
        Conflict: something is to be written to a flow that was joined with another one.
    """
    head = get_head(db.session, actor, agentflow_id)
    if head.joined_into is not None:
        if request.method == "POST":
            raise Conflict("This flow was joined with another one. Open that one.")
        asked = (request.view_args or {}) | request.args.to_dict() | {"agentflow_id": head.joined_into}
        abort(htmx.redirect_to(url_for(request.endpoint or "flow.show", **asked), status=302))
    return head


def open_period(actor: Actor) -> Period:
    """The period that the address asks for, in days of the organization."""
    return period(read_period(request.args.get("period")), now(), actor.organization_zone)


def draw(
    template: str,
    actor: Actor,
    head: FlowHead,
    tab: str,
    *,
    fragments: Mapping[str, str] | None = None,
    status: int = 200,
    **context: object,
) -> Response:
    """A page of the flow, or the part of it that htmx is about to replace."""
    return render_page(
        template,
        fragments=fragments,
        status=status,
        head=head,
        tab=tab,
        may_write=actor.may(Permission.FLOWS_WRITE) and head.deleted_at is None,
        periods=PERIODS,
        done=request.args.get("done", ""),
        **context,
    )
