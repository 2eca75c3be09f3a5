"""From the cookie to the actor: once per request, in the request's own transaction."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from flask import Flask, Response, abort, g, request

from webapp.database.tenancy import use_organization
from webapp.domain.session_tokens import token_hash
from webapp.extensions import db
from webapp.features.accounts import queries_all_orgs
from webapp.web import htmx
from webapp.web.blueprint import SAFE_METHODS
from webapp.web.origin import KEY_BLUEPRINTS

log = logging.getLogger(__name__)
TOUCH_EVERY = timedelta(minutes=1)


def cookie_name(is_https: bool) -> str:
    """The ``__Host-`` prefix binds the cookie to this host and to HTTPS, so it is used wherever HTTPS is."""
    return "__Host-ab_session" if is_https else "ab_session"


def set_session_cookie(response: Response, token: str, *, is_https: bool, max_age: int | None) -> Response:
    """Hand the token to the browser: scripts cannot read it, other sites do not send it. None: until it closes."""
    response.set_cookie(
        cookie_name(is_https), token, max_age=max_age, secure=is_https, httponly=True, samesite="Lax", path="/"
    )
    return response


def clear_session_cookie(response: Response, *, is_https: bool) -> Response:
    """Forget the session in the browser, and what the browser has cached of the pages."""
    response.delete_cookie(cookie_name(is_https), secure=is_https, httponly=True, samesite="Lax", path="/")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def init_app(app: Flask) -> None:
    """Load ``g.actor`` before each request that may carry a cookie."""
    settings = app.config["SETTINGS"]
    name = cookie_name(settings.is_https)
    idle = timedelta(hours=settings.session_idle_hours)

    @app.before_request
    def load_actor() -> None:
        g.actor = None
        token = request.cookies.get(name)
        if not token or request.blueprint in KEY_BLUEPRINTS or request.endpoint is None:
            return
        if request.method in SAFE_METHODS:
            read_only()
        now = datetime.now(UTC)
        signed_in = queries_all_orgs.get_signed_in(db.session, token_hash(token), now=now, idle=idle)
        if signed_in is None:
            return
        if signed_in.last_seen_at < now - TOUCH_EVERY:
            touch_session(app, signed_in.actor.session_id, now)
        g.actor = signed_in.actor
        use_organization(db.session, signed_in.actor.organization_id)
        refuse_other_organization()


def read_only() -> None:
    """Begin the request's transaction as one that the database keeps from writing, so that it can end by a commit."""
    db.session.connection(execution_options={"postgresql_readonly": True})
    g.is_read_only = True


def refuse_other_organization() -> None:
    """A page opened before the organization was switched in another tab must not write into the new one."""
    shown = request.headers.get("X-Organization") or (
        request.form.get("_organization") if request.method == "POST" else None
    )
    if shown and shown != str(g.actor.organization_id):
        if htmx.is_fragment_request() and request.method == "GET":
            abort(htmx.refresh())
        abort(409, "You switched the organization in another tab. Reload this page, then try again.")


def touch_session(app: Flask, session_id: object, now: datetime) -> None:
    """Note that the session is in use, at most once a minute, in a transaction of its own (the one write of a GET)."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with db.engine.begin() as connection:
            connection.execute(
                text("UPDATE sessions SET last_seen_at = :now WHERE id = :id AND last_seen_at < :limit"),
                {"now": now, "id": session_id, "limit": now - TOUCH_EVERY},
            )
    except SQLAlchemyError:
        log.warning("last use of session %s could not be noted", session_id)
