"""Cross-site request forgery is refused here, once, from what the browser says about where a request comes from.

Sec-Fetch-Site decides where it is sent (HTTPS and localhost); plain HTTP in a company network falls back to Origin
against our own address. A cookie-bearing write with neither header is refused. Requests with an API key never read a
cookie and are not checked here.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, abort, request

from webapp.web.blueprint import SAFE_METHODS

KEY_BLUEPRINTS = frozenset({"ingest", "api", "api_flows"})
"""Blueprints that know API keys only; they never look at a cookie."""


def is_same_origin(*, fetch_site: str | None, origin: str | None, host: str, public_url: str) -> bool:
    """Whether an unsafe request may act for the person whose cookie it carries.

    ``same-site`` is not enough: a sibling host is another product. With a configured public URL, Origin must equal it;
    otherwise its host must equal the Host header.
    """
    if fetch_site is not None:
        return fetch_site in ("same-origin", "none")
    if not origin or origin == "null":
        return False
    if public_url:
        return origin == _origin_of(public_url)
    return origin.startswith(("http://", "https://")) and origin.partition("://")[2] == host


def _origin_of(url: str) -> str:
    """Scheme, host and port of an address, as a browser writes them into Origin: small letters, no usual port."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{name}" + (f":{parts.port}" if parts.port not in (None, usual) else "")


def init_app(app: Flask) -> None:
    """Check every unsafe request that is not authenticated by key."""

    @app.before_request
    def refuse_foreign_writes() -> None:
        if request.method in SAFE_METHODS or request.blueprint in KEY_BLUEPRINTS:
            return
        if not is_same_origin(
            fetch_site=request.headers.get("Sec-Fetch-Site"),
            origin=request.headers.get("Origin"),
            host=request.host,
            public_url=app.config["SETTINGS"].public_url,
        ):
            abort(403, "This request came from another site, so nothing was done. Open the page here and try again.")
