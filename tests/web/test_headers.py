"""Every answer carries the security headers, errors included (ASVS 3.2.1, 3.4, 4.1.1, 13.4, 14.3.2)."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest

from tests.rules.strangers import calls, fingerprint
from webapp import create_app
from webapp.extensions import db

POLICY = {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"}
PLAIN_POLICY = {"default-src 'none'", "sandbox"}
"""Of answers that are somebody's text and no page of ours."""


def missing(answer) -> list[str]:
    """Which of the headers an answer lacks."""
    wanted = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    policy = {part.strip() for part in answer.headers.get("Content-Security-Policy", "").split(";")}
    problems = [name for name, value in wanted.items() if answer.headers.get(name) != value]
    problems += (
        []
        if (policy >= POLICY or policy >= PLAIN_POLICY) and "unsafe" not in str(policy)
        else ["Content-Security-Policy"]
    )
    problems += ["Access-Control-Allow-Origin"] if "Access-Control-Allow-Origin" in answer.headers else []
    has_body = answer.status_code not in (204, 304) and bool(answer.data)
    return problems + (["Content-Type"] if has_body and not answer.headers.get("Content-Type") else [])


def test_every_route_answers_with_all_headers(app, client_as, alice, things, api_key):
    client = client_as(alice)
    wrong = {}
    for call in sorted(calls(app, things), key=lambda c: (c.method == "POST", c.endpoint == "accounts.sign_out")):
        answer = client.open(
            call.path, method=call.method, headers={"x-api-key": api_key.text} if call.is_for_keys else {}
        )
        assert answer.status_code < 500, (call, answer.status_code)
        problems = missing(answer)
        if answer.headers.get("Cache-Control") != "no-store":
            problems.append("Cache-Control")
        if problems:
            wrong[call] = problems
    assert wrong == {}


@pytest.mark.parametrize(
    "path", ["/nothing-here", "/api/v1/nothing", "/v1/nothing", "/%2e%2e/etc/passwd", "/executions/not-an-id"]
)
def test_a_wrong_address_too(client, path):
    answer = client.get(path)
    assert answer.status_code in (303, 401, 404) and missing(answer) == []


def test_a_wrong_method_too(client):
    answer = client.open("/healthz", method="PUT")
    assert answer.status_code == 405 and missing(answer) == [] and "GET" in answer.headers["Allow"]
    assert client.open("/healthz", method="TRACE").status_code in (403, 405)


def test_a_crash_too_and_it_tells_nothing(client_as, alice):
    client = client_as(alice)
    with mock.patch("webapp.features.accounts.queries.list_sessions", side_effect=RuntimeError("canary secret")):
        page, part = (
            client.get("/profile"),
            client.get("/profile", headers={"HX-Request": "true", "HX-Target": "div#x"}),
        )
    for answer in (page, part):
        assert answer.status_code == 500 and missing(answer) == []
        assert "canary" not in answer.text and "Traceback" not in answer.text and "RuntimeError" not in answer.text
        assert "Request" in answer.text or "request" in answer.text
    assert "<html" in page.text and "<html" not in part.text and 'id="x"' in part.text


def test_static_files_too(client, app):
    with app.test_request_context():
        url = app.jinja_env.globals["asset"]("css/app.css")
    answer = client.get(url)
    assert answer.status_code == 200 and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in answer.headers["Cache-Control"] and answer.headers["Content-Type"].startswith("text/css")
    answer.close()
    assert client.get("/static/../webapp/config.py").status_code == 404


def test_only_https_promises_https(client, database, tmp_path):
    assert "Strict-Transport-Security" not in client.get("/healthz").headers
    secure = create_app(replace(database, data_dir=tmp_path, database_owner_url="", public_url="https://b.example.org"))
    try:
        for path in ("/healthz", "/nothing", "/sign-in"):
            value = secure.test_client().get(path).headers["Strict-Transport-Security"]
            assert value == "max-age=31536000; includeSubDomains"
    finally:
        with secure.app_context():
            db.engine.dispose()


def test_nobody_is_told_about_the_inside(app, client):
    assert not app.debug
    for path in ("/console", "/metrics", "/.git/config", "/debug", "/.env", "/docs"):
        assert client.get(path).status_code in (303, 404)
    assert "Werkzeug" not in str(client.get("/healthz").headers.get("Server", ""))


def test_a_get_changes_no_row(app, client_as, alice, organization, things, api_key, owner_engine):
    client = client_as(alice)
    before = fingerprint(owner_engine, organization.id, alice.id)
    with mock.patch("webapp.api.keys.touch"):
        for call in calls(app, things):
            if call.method in ("GET", "HEAD"):
                headers = {"x-api-key": api_key.text} if call.is_for_keys else {}
                client.open(call.path, method=call.method, headers=headers)
    assert fingerprint(owner_engine, organization.id, alice.id) == before


def test_answers_differ_by_what_htmx_asks_and_caches_are_told(client_as, alice):
    client = client_as(alice)
    page = client.get("/welcome")
    part = client.get("/welcome", headers={"HX-Request": "true", "HX-Target": "div#listening"})
    restored = client.get(
        "/welcome", headers={"HX-Request": "true", "HX-Target": "div#listening", "HX-History-Restore-Request": "true"}
    )
    boosted = client.get("/welcome", headers={"HX-Request": "true", "HX-Target": "div#listening", "HX-Boosted": "true"})
    unknown = client.get("/welcome", headers={"HX-Request": "true", "HX-Target": "div#unknown"})
    assert "<html" not in part.text and part.text.strip() in page.text
    assert all("<html" in answer.text for answer in (page, restored, boosted, unknown))
    for answer in (page, part):
        assert {"HX-Request", "HX-Target", "HX-History-Restore-Request"} <= set(answer.vary)
