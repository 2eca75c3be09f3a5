"""How the welcome page is drawn, by its own route and as the answer to the first run."""

from __future__ import annotations

from flask import Response, request

from webapp.actor import Actor
from webapp.extensions import db
from webapp.features.api_keys.queries import get_ingest_key_id
from webapp.features.welcome import queries
from webapp.features.welcome.snippets import snippets
from webapp.permissions import Permission
from webapp.web.headers import without_compression
from webapp.web.render import render_page
from webapp.web.shell import now
from webapp.web.sign_in import settings

MASK = "ab_live_YOUR_API_KEY"
FRAGMENTS = {"listening": "welcome/_listening.html", "refusals": "welcome/_refusals.html"}


def draw_welcome(actor: Actor, *, api_key: str | None = None, status: int = 200) -> Response:
    """The page; with a key just made it shows it this once, and is sent uncompressed."""
    base_url = settings().public_url or request.host_url
    response = render_page(
        "welcome/page.html",
        fragments=FRAGMENTS if api_key is None else None,
        status=status,
        api_key=api_key,
        snippets=snippets(base_url, api_key or MASK),
        newest=queries.get_newest_execution(db.session, actor.organization_id),
        refusals=queries.list_refusals(db.session, actor.organization_id),
        has_key=get_ingest_key_id(db.session, actor.organization_id, now=now()) is not None,
        may_make_keys=actor.may(Permission.API_KEYS_MANAGE),
        may_change=actor.may(Permission.ORGANIZATION_MANAGE),
    )
    return without_compression(response) if api_key else response
