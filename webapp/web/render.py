"""One URL, one view, one context: the whole page for a browser, the part about to be redrawn for htmx."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, make_response, render_template

from webapp.web import htmx


def render_page(
    template: str, *, fragments: Mapping[str, str] | None = None, status: int = 200, **context: object
) -> Response:
    """Draw ``template``, or the partial whose element id htmx is about to replace.

    ``fragments`` maps element ids to partials. An unknown target, a history restore or a browser without JavaScript
    gets the whole page from the same context, so a fragment never has a URL or a permission of its own.
    """
    chosen = template
    if htmx.is_fragment_request():
        chosen = (fragments or {}).get(htmx.target_id(), template)
    response = make_response(render_template(chosen, **context), status)
    response.vary.update(htmx.VARY)
    return response
