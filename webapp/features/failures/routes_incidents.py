"""A failure's redacted bundle: as a file, and behind an expiring link that works without an account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from flask import Response, make_response, render_template, request
from werkzeug.exceptions import TooManyRequests

from webapp.actor import Actor
from webapp.database.tenancy import organization_session
from webapp.domain.errors import NotFound
from webapp.domain.incident_text import to_markdown
from webapp.domain.session_tokens import NewToken, token_hash
from webapp.extensions import db
from webapp.features.failures import operations_incidents, queries_incidents
from webapp.features.failures.forms import IncidentLinkForm
from webapp.features.failures.incident_page import make_bundle
from webapp.features.failures.queries_all_orgs import find_incident
from webapp.features.failures.queries_detail import FailureDetail
from webapp.features.failures.routes_detail import read_evidence, read_failure
from webapp.permissions import Permission, public
from webapp.web import htmx, rate_limit
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.downloads import download
from webapp.web.forms import posted
from webapp.web.headers import without_compression
from webapp.web.rate_limit import Bucket
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("incidents", __name__)
ONE = "/failures/<uuid:failure_id>"
LOOKS = Bucket("public link", 60, 1)
"""The same allowance as for other public links: so many looks from one address, then one a second."""
PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


@bp.get(f"{ONE}/bundle.<any(md, json):kind>", permission=Permission.FAILURES_READ)
def bundle(actor: Actor, failure_id: UUID, kind: str) -> Response:
    """The bundle as one file."""
    failure = read_failure(actor, failure_id)
    made, name = _bundle(actor, failure), f"F-{failure.row.number}"
    if kind == "md":
        return download(to_markdown(made), "text/markdown; charset=utf-8", name, kind)
    return download(orjson.dumps(made, option=orjson.OPT_INDENT_2), "application/json", name, kind)


def _bundle(actor: Actor, failure: FailureDetail) -> dict[str, Any]:
    seen = read_evidence(actor, failure)
    return make_bundle(
        failure, seen["cause"], seen["good_bad"], seen["affected"], seen["samples"], seen["suspects"], now()
    )


@bp.get(f"{ONE}/share", permission=Permission.FAILURES_READ)
def share(actor: Actor, failure_id: UUID) -> Response:
    """Files and links of the bundle."""
    return _share(actor, read_failure(actor, failure_id))


def _share(
    actor: Actor, failure: FailureDetail, *, shown: NewToken | None = None, error: str = "", status: int = 200
) -> Response:
    return render_page(
        "failures/share.html",
        failure=failure,
        row=failure.row,
        links=queries_incidents.list_links(db.session, actor.organization_id, failure.row.id),
        may_write=actor.may(Permission.FAILURES_WRITE),
        shown=shown,
        error=error,
        status=status,
    )


@bp.post(f"{ONE}/links", permission=Permission.FAILURES_WRITE)
def create_link(actor: Actor, failure_id: UUID) -> Response:
    """Make a link and show it this once."""
    failure, form = read_failure(actor, failure_id), posted(IncidentLinkForm)
    if not form.validate():
        return _share(actor, failure, error="Choose one of the offered days.", status=422)
    expires_at = now() + timedelta(days=int(form.days.data))
    made = _bundle(actor, failure)
    token = operations_incidents.create_link(db.session, actor, failure.row.id, made, expires_at=expires_at, now=now())
    return without_compression(_share(actor, failure, shown=token, status=201))


@bp.post(f"{ONE}/links/<uuid:link_id>/revoke", permission=Permission.FAILURES_WRITE)
def revoke_link(actor: Actor, failure_id: UUID, link_id: UUID) -> Response:
    operations_incidents.revoke_link(db.session, actor, failure_id, link_id, now=now())
    return htmx.redirect_to(f"/failures/{failure_id}/share")


@bp.get("/s/incidents/<token>", permission=public("an expiring link shows one redacted bundle to whoever has it"))
def shared(token: str) -> Response:
    """The bundle behind a link. A wrong, revoked, expired or forbidden link is the same 404."""
    found = _open(token)
    page = render_template("failures/shared.html", bundle=found, text=to_markdown(found))
    response = make_response(page)
    response.headers.update(PRIVATE)
    return without_compression(response)


def _open(token: str) -> Mapping[str, Any]:
    verdict = rate_limit.take(db.engine, [(LOOKS, request.remote_addr or "")], now=now())
    if not verdict.is_granted:
        raise TooManyRequests("Too many looks at public links. Try again in a moment.", retry_after=verdict.retry_after)
    link = find_incident(db.session, token_hash(token), now=now())
    if link is not None:
        # A transaction of its own as the link's organization: the reader may be signed in to another one.
        with organization_session(db.engine, link.organization_id) as session:
            found = queries_incidents.get_bundle(session, link.organization_id, link.id)
        if found is not None:
            return found
    raise NotFound("This link does not exist, or it does not work any more.")
