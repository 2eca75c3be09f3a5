"""The key of the first run: what may be seen of it where, the real export that it lets in, and who never gets one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import FIXTURES, send
from tests.ingest.truth import captures
from webapp.config import setup_token

KEY = re.compile(r"ab_live_\w{8}_[\w-]{43}")


@pytest.fixture
def addresses(page: Page) -> list[str]:
    """Every address that the browser asks for."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


def fill(page: Page) -> None:
    """Fill the set-up page that is open, and send it."""
    page.get_by_label("Your name").fill("Minji Seo")
    page.get_by_label("Email").fill("minji@hanbit.example")
    page.get_by_label("Password").fill("seven boats on a quiet lake")
    page.get_by_label("Organization").fill("한빛 Logistics")
    page.get_by_role("button", name="Create organization").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("See your first run")


def set_up(page: Page) -> str:
    """Make the first run; answers the key that the next page shows."""
    page.goto("/")
    fill(page)
    return KEY.fullmatch(page.locator("#api-key").inner_text())[0]


def test_a_real_export_turns_the_line_into_a_link_in_place(page: Page, live_server: str, addresses: list[str]):
    key = set_up(page)
    listening = page.locator("#listening")
    expect(listening).to_contain_text("Listening")
    begun = page.evaluate("performance.timeOrigin")
    for body, content_type in next(iter(captures(FIXTURES))).bodies:
        assert send(live_server, key, body, content_type) == 200
    opened = listening.get_by_role("link")
    expect(opened).to_have_text(re.compile("^Open "))
    expect(listening).to_contain_text("Arrived")
    assert page.evaluate("performance.timeOrigin") == begun, "the page was loaded again"
    flow = opened.inner_text().removeprefix("Open ")
    opened.click()
    expect(page).to_have_url(re.compile("/executions/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text(flow)
    expect(page.locator(".wf li").first).to_be_visible()
    secret = key.split("_", 3)[3]
    assert addresses and not [address for address in addresses if secret in address]


def test_a_reload_shows_no_key(page: Page, live_server: str):
    key = set_up(page)
    page.reload()
    expect(page.get_by_text("Listening")).to_be_visible()
    assert key not in page.content()


def test_a_second_sample_may_be_sent(page: Page, live_server: str):
    set_up(page)
    button, opened = page.get_by_role("button", name="Send a sample trace"), page.locator("#listening a")
    button.click()
    expect(opened).to_be_visible()
    first = opened.get_attribute("href")
    expect(button).to_be_enabled()
    button.click()
    expect(opened).not_to_have_attribute("href", first)


def test_nobody_sets_up_twice(page: Page, live_server: str):
    set_up(page)
    page.goto("/setup")
    expect(page).to_have_url(re.compile("/welcome$"))
    page.context.clear_cookies()
    page.goto("/setup")
    expect(page).to_have_url(re.compile("/sign-in$"))


def test_from_elsewhere_only_the_printed_address_opens(page: Page, live_server: str, app):
    page.context.set_extra_http_headers({"X-Forwarded-For": "198.51.100.7"})
    assert page.goto("/setup").status == 403
    expect(page.get_by_text("that the server printed")).to_be_visible()
    page.goto(f"/setup?token={setup_token(app.config['SETTINGS'].data_dir)}")
    fill(page)
    expect(page.locator("#api-key")).to_have_text(KEY)


def test_korean_names_are_marked_as_korean(page: Page, live_server: str):
    set_up(page)
    page.goto("/organization")
    expect(page.locator(".switcher b[lang=ko]")).to_have_text("한빛 Logistics")
    expect(page.locator("main td [lang]")).to_have_count(0)
