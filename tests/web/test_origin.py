"""Writes that come from elsewhere are refused (ASVS 3.5.1, 3.5.3): every pair of what a browser says of the sender."""

from __future__ import annotations

from dataclasses import replace

import pytest

from webapp.web.origin import is_same_origin

SITES = ("same-origin", "none", "same-site", "cross-site", None)
ORIGINS = {"right": "http://localhost", "wrong": "http://evil.example", "null": "null", "absent": None}
THEME = {"theme": "dark"}


def headers_of(site, origin):
    named = {"Sec-Fetch-Site": site, "Origin": ORIGINS[origin]}
    return {name: value for name, value in named.items() if value is not None}


@pytest.fixture
def browser(client_as, alice):
    """Alice's browser, which says nothing about itself."""
    client = client_as(alice)
    del client.environ_base["HTTP_SEC_FETCH_SITE"]
    return client


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("origin", ORIGINS)
def test_what_a_browser_says_decides_about_a_write_with_a_cookie(browser, site, origin):
    is_taken = site in ("same-origin", "none") or (site is None and origin == "right")
    answer = browser.post("/profile/theme", data=THEME, headers=headers_of(site, origin))
    assert answer.status_code == (303 if is_taken else 403)
    assert ('data-theme="dark"' in browser.get("/profile").text) is is_taken


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("origin", ORIGINS)
def test_a_key_is_taken_from_anywhere(client, api_key, site, origin):
    del client.environ_base["HTTP_SEC_FETCH_SITE"]
    headers = headers_of(site, origin) | {"x-api-key": api_key.text, "Content-Type": "application/json"}
    assert client.post("/v1/traces", data="{}", headers=headers).status_code == 200


def test_a_cookie_opens_nothing_that_wants_a_key(browser):
    for answer in (
        browser.post(
            "/v1/traces", data="{}", headers={"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        ),
        browser.get("/api/v1/executions", headers={"Sec-Fetch-Site": "same-origin"}),
    ):
        assert answer.status_code == 401


def test_a_key_opens_no_page(client, api_key):
    for headers in ({"x-api-key": api_key.text}, {"Authorization": f"Bearer {api_key.text}"}):
        assert client.get("/profile", headers=headers).status_code == 303


@pytest.mark.parametrize(
    "path", ["/sign-in", "/setup", "/sign-out", "/switch-organization", "/api-keys/", "/welcome/sample", "/nothing"]
)
def test_sign_in_and_everything_else_is_covered(browser, path):
    assert browser.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.post(path).status_code == 403


@pytest.mark.parametrize(
    ("origin", "host", "public_url", "expected"),
    [
        ("https://builder.example.org", "10.0.0.5:8000", "https://builder.example.org", True),
        ("http://10.0.0.5:8000", "10.0.0.5:8000", "https://builder.example.org", False),
        ("http://10.0.0.5:8000", "10.0.0.5:8000", "", True),
        ("http://10.0.0.5", "10.0.0.5:8000", "", False),
        ("http://10.0.0.5:8000.evil.example", "10.0.0.5:8000", "", False),
        ("http://builder.example.org", "x", "https://builder.example.org", False),
        ("null", "null", "", False),
        ("", "", "", False),
        ("http://[::1", "x", "", False),
        ("https://builder.example.org", "x", "https://Builder.Example.org:443/", True),
        ("http://[::1]:8000", "[::1]:8000", "", True),
        ("ftp://x", "x", "", False),
    ],
)
def test_the_configured_address_counts_where_there_is_one(origin, host, public_url, expected):
    assert is_same_origin(fetch_site=None, origin=origin, host=host, public_url=public_url) is expected


def test_a_forged_forwarded_host_changes_nothing(browser):
    headers = {"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"}
    assert browser.post("/profile/theme", data=THEME, headers=headers).status_code == 403


def test_a_configured_proxy_is_believed_as_far_as_it_is_configured(database, tmp_path):
    from webapp import create_app

    def remote(hops, header):
        app = create_app(replace(database, data_dir=tmp_path, database_owner_url="", trusted_proxies=hops))
        seen = []
        app.before_request(lambda: seen.append(__import__("flask").request.remote_addr))
        app.test_client().get("/healthz", headers={"X-Forwarded-For": header}, environ_base={"REMOTE_ADDR": "10.0.0.1"})
        return seen[0]

    assert remote(0, "203.0.113.9") == "10.0.0.1"
    assert remote(1, "6.6.6.6, 203.0.113.9") == "203.0.113.9"
