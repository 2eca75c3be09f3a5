"""Public read-only links: made and revoked in a flow's settings, opened without an account."""

from __future__ import annotations

from uuid import UUID

from flask import Response, make_response, render_template, request
from werkzeug.exceptions import TooManyRequests

from webapp.actor import Actor
from webapp.database.tenancy import organization_session
from webapp.domain.errors import NotFound
from webapp.domain.session_tokens import token_hash
from webapp.extensions import db
from webapp.features.flow import operations_shares as operations
from webapp.features.flow.blueprint import FLOW, bp, open_flow
from webapp.features.flow.forms import ShareForm
from webapp.features.flow.page import shared_view
from webapp.features.flow.queries_all_orgs import find_share
from webapp.features.flow.queries_shares import SharedFlow, get_shared_flow
from webapp.features.flow.routes_settings import settings_page
from webapp.permissions import Permission, public
from webapp.web import htmx, rate_limit
from webapp.web.forms import posted
from webapp.web.headers import without_compression
from webapp.web.rate_limit import Bucket
from webapp.web.shell import now

LOOKS = Bucket("public link", 60, 1)
"""So many looks at public links from one address, then one a second."""
PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


@bp.post(f"{FLOW}/shares", permission=Permission.FLOWS_WRITE)
def create_share(actor: Actor, agentflow_id: UUID) -> Response:
    """Make a link and show it this once."""
    head, form = open_flow(actor, agentflow_id), posted(ShareForm)
    if not form.validate():
        return settings_page(actor, head, share_form=form, status=422)
    token = operations.create_share(db.session, actor, head.id, expires_at=form.expires_at(now()), now=now())
    return without_compression(settings_page(actor, head, shown=token, status=201))


@bp.post(f"{FLOW}/shares/<uuid:share_id>/revoke", permission=Permission.FLOWS_WRITE)
def revoke_share(actor: Actor, agentflow_id: UUID, share_id: UUID) -> Response:
    head = open_flow(actor, agentflow_id)
    operations.revoke_share(db.session, actor, head.id, share_id, now=now())
    return htmx.redirect_to(f"/flows/{head.id}/settings?done=revoked#public")


@bp.get("/s/flows/<token>", permission=public("a public read-only link shows a flow's drawing to whoever has it"))
def shared(token: str) -> Response:
    """The drawing behind a link. A wrong, revoked, expired or forbidden link is the same 404."""
    flow = _open(token)
    response = make_response(render_template("flow/shared.html", flow=flow, view=shared_view(flow)))
    response.headers.update(PRIVATE)
    return without_compression(response)


def _open(token: str) -> SharedFlow:
    verdict = rate_limit.take(db.engine, [(LOOKS, request.remote_addr or "")], now=now())
    if not verdict.is_granted:
        raise TooManyRequests("Too many looks at public links. Try again in a moment.", retry_after=verdict.retry_after)
    share = find_share(db.session, token_hash(token), now=now())
    if share is not None:
        # A transaction of its own as the link's organization: the reader may be signed in to another one.
        with organization_session(db.engine, share.organization_id) as session:
            flow = get_shared_flow(session, share.organization_id, share.agentflow_id)
            if flow is not None:
                operations.note_seen(session, share.organization_id, share.id, now=now())
                return flow
    raise NotFound("This link does not exist, or it does not work any more.")
