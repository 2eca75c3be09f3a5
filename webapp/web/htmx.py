"""The only place that knows htmx's headers: what htmx 4 tells us, and what we may tell it.

htmx-flask 0.1.0 gives ``request.htmx`` and the response headers, but it predates htmx 4: it knows neither ``HX-Source``
nor the ``tag#id`` form of ``HX-Target``, and refuses some valid swap names. The rest of the product therefore asks this
module.
"""

from __future__ import annotations

from flask import Flask, Response, request
from htmx_flask import Htmx, make_response

VARY = ("HX-Request", "HX-Target", "HX-History-Restore-Request")


def init_app(app: Flask) -> None:
    """Give requests their ``htmx`` attribute."""
    Htmx(app)


def is_fragment_request() -> bool:
    """Whether htmx asks for a part of the page: not a history restore, not a boosted link, not a plain browser."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-Boosted") != "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def target_id() -> str:
    """The id of the element about to be redrawn; ``HX-Target`` is ``div#rows`` in htmx 4 and ``rows`` before."""
    return request.headers.get("HX-Target", "").rpartition("#")[2]


def redirect_to(url: str, *, status: int = 303) -> Response:
    """Send the reader to another page, by htmx or plainly; a POST is followed by a GET."""
    if request.headers.get("HX-Request") == "true":
        return make_response("", 200, redirect=url)
    return make_response("", status, {"Location": url})


def refresh() -> Response:
    """Ask htmx to load the whole page again."""
    return make_response("", 200, refresh=True)


def with_event(response: Response, name: str) -> Response:
    """Let the page hear an event once it has swapped this response, such as ``views-changed``."""
    response.headers["HX-Trigger"] = name
    return response
