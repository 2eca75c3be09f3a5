"""The ingest page."""

from __future__ import annotations

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.paging import Cursor
from webapp.extensions import db
from webapp.features.ingest import queries
from webapp.permissions import Permission
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.render import render_page

bp = GuardedBlueprint("ingest_page", __name__, url_prefix="/ingest")


@bp.get("/", permission=Permission.INGEST_READ)
def index(actor: Actor) -> Response:
    """Show who sends and what was refused."""
    text = request.args.get("cursor", "")
    cursor = Cursor.decode(text) if text else None
    return render_page(
        "ingest/page.html",
        fragments={"ingest-senders": "ingest/_senders.html", "ingest-refusals": "ingest/_refusals.html"},
        senders=queries.list_senders(db.session, actor.organization_id),
        refusals=queries.list_refusals(db.session, actor.organization_id, cursor=cursor),
        is_first=cursor is None,
        address=lambda place: url_for("ingest_page.index", cursor=place),
        endpoint=url_for("ingest.traces", _external=True),
    )
