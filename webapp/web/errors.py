"""Every refusal becomes a page or a fragment with a sentence, a next step and a request id, in this one place."""

from __future__ import annotations

import logging
from uuid import uuid4

from flask import Flask, Response, g, jsonify, make_response, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from webapp.domain import errors as domain
from webapp.extensions import db
from webapp.web import htmx

log = logging.getLogger(__name__)
STATUS: dict[type[domain.DomainError], int] = {
    domain.NotFound: 404,
    domain.Forbidden: 403,
    domain.Conflict: 409,
    domain.Invalid: 422,
    domain.Overloaded: 503,
}
TITLES = {
    400: "This request cannot be read",
    401: "Sign in to go on",
    403: "You may not do this",
    404: "Nothing is here",
    405: "This page cannot do that",
    409: "Somebody was faster",
    413: "This is too large",
    415: "This type of content is not taken",
    422: "Something needs correction",
    429: "Too many tries",
    500: "This did not work",
    503: "Busy, try again in a moment",
}
DEFAULTS = {
    403: "Your role in this organization does not allow it. An owner or admin of it can change your role.",
    404: "The address is wrong, the record was removed, or it belongs to another organization: switch and try again.",
    500: "The failure was logged. Nothing was half-written: the whole request was undone.",
    503: "The database did not answer in time. Nothing was stored; the same request can be sent again.",
}


def init_app(app: Flask) -> None:
    """Register the handlers."""

    @app.before_request
    def name_the_request() -> None:
        g.request_id = uuid4().hex[:12]

    @app.errorhandler(domain.DomainError)
    def refuse(error: domain.DomainError) -> Response:
        status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
        return _answer(status, error.message, field=error.field)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        if status == 401 and not _wants_json():
            return htmx.redirect_to(url_for("accounts.sign_in", next=_here()))
        text = error.description if error.description != type(error).description else None
        response = _answer(status, text or DEFAULTS.get(status, error.description or ""))
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After", "Location", "WWW-Authenticate"):
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def crash(error: Exception) -> Response:
        if _is_database_trouble(error):
            log.warning("request %s: database trouble: %s", g.get("request_id"), type(error).__name__)
            response = _answer(503, DEFAULTS[503])
            response.headers["Retry-After"] = "2"
            return response
        log.exception("request %s failed", g.get("request_id"))
        return _answer(500, DEFAULTS[500])


def _is_database_trouble(error: Exception) -> bool:
    """Whether the same request may succeed later: pool empty, server gone, statement or lock timeout."""
    from sqlalchemy.exc import OperationalError, TimeoutError

    return isinstance(error, OperationalError | TimeoutError)


def _wants_json() -> bool:
    return request.path.startswith(("/api/", "/v1/"))


def _here() -> str | None:
    return request.full_path.rstrip("?") if request.method == "GET" else None


def _answer(status: int, message: str, *, field: str | None = None) -> Response:
    db.session.rollback()
    title = TITLES.get(status, "This did not work")
    if _wants_json():
        body = {"error": {"status": status, "message": message, "field": field, "request_id": g.get("request_id")}}
        return make_response(jsonify(body), status)
    template = "errors/_fragment.html" if htmx.is_fragment_request() else "errors/page.html"
    html = render_template(
        template,
        status=status,
        title=title,
        message=message,
        request_id=g.get("request_id"),
        target_id=htmx.target_id(),
    )
    response = make_response(html, status)
    response.vary.update(htmx.VARY)
    return response
