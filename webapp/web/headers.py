"""Security headers of every answer, errors included."""

from __future__ import annotations

from flask import Flask, Response, g, request

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "manifest-src 'self'",
    )
)
FIXED = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def init_app(app: Flask) -> None:
    """Add the headers after each request, also after one that failed."""
    is_https = app.config["SETTINGS"].is_https

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in FIXED.items():
            response.headers.setdefault(name, value)
        if is_https:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if g.get("actor") or request.blueprint != "static":
            # What a signed-in page shows must not outlive the sign-out in any cache.
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def without_compression(response: Response) -> Response:
    """Keep a page that shows a secret uncompressed, so that its size tells nothing about the secret."""
    response.headers["Content-Encoding"] = "identity"
    return response
