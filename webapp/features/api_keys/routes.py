"""The API keys page."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.api_keys import NewKey, Scope
from webapp.extensions import db
from webapp.features.api_keys import operations, queries
from webapp.features.api_keys.forms import SCOPE_NAMES, KeyForm
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.forms import posted
from webapp.web.headers import without_compression
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("api_keys", __name__, url_prefix="/api-keys")


@bp.get("/", permission=Permission.API_KEYS_READ)
def index(actor: Actor) -> Response:
    return _page(actor, KeyForm())


@bp.post("/", permission=Permission.API_KEYS_MANAGE)
def create(actor: Actor) -> Response:
    form = posted(KeyForm)
    if not form.validate():
        return _page(actor, form, status=422)
    key = operations.create_key(
        db.session,
        actor,
        name=form.name.data,
        environment=form.environment.data,
        scopes=[Scope(scope) for scope in form.scopes.data],
        expires_at=form.expires_at(now()),
    )
    return without_compression(_page(actor, KeyForm(), shown=key, status=201))


@bp.post("/<uuid:api_key_id>/revoke", permission=Permission.API_KEYS_MANAGE)
def revoke(actor: Actor, api_key_id: UUID) -> Response:
    operations.revoke_key(db.session, actor, api_key_id, now=now())
    return htmx.redirect_to(url_for("api_keys.index", done="revoked"))


def _page(actor: Actor, form: KeyForm, *, shown: NewKey | None = None, status: int = 200) -> Response:
    return render_page(
        "api_keys/index.html",
        status=status,
        form=form,
        shown=shown,
        keys=queries.list_keys(db.session, actor.organization_id),
        scope_names={str(scope): name for scope, name in SCOPE_NAMES.items()},
        may_manage=actor.may(Permission.API_KEYS_MANAGE),
        is_revoked=request.args.get("done") == "revoked",
        at=now(),
    )
