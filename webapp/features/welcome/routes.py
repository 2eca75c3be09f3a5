"""The welcome page, its sample, and a key made on the spot."""

from __future__ import annotations

from flask import Response, url_for

from webapp.actor import Actor
from webapp.extensions import db
from webapp.features.api_keys.operations import create_key
from webapp.features.welcome import operations
from webapp.features.welcome.page import draw_welcome
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.shell import now

bp = GuardedBlueprint("welcome", __name__, url_prefix="/welcome")


@bp.get("", permission=Permission.INGEST_READ)
def index(actor: Actor) -> Response:
    return draw_welcome(actor)


@bp.post("/key", permission=Permission.API_KEYS_MANAGE)
def create(actor: Actor) -> Response:
    key = create_key(db.session, actor, name="Welcome page")
    return draw_welcome(actor, api_key=key.text, status=201)


@bp.post("/sample", permission=Permission.API_KEYS_MANAGE)
def send_sample(actor: Actor) -> Response:
    operations.send_sample(db.session(), actor, now=now())
    if htmx.is_fragment_request():
        return draw_welcome(actor)
    return htmx.redirect_to(url_for("welcome.index"))
