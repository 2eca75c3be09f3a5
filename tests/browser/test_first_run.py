"""From an empty installation to the first execution, and the account pages, in a real browser."""

from __future__ import annotations

import re
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.factories.accounts import make_organization_member, make_user
from webapp.features.accounts.password_hashes import hash_password
from webapp.features.welcome.sample import sample_request

PASSWORD = "seven boats on a quiet lake"


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser refused or our scripts threw; answers of 4xx that a test asks for are not meant."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            found.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def set_up(page: Page) -> str:
    """Fill the first-run page; answers the key that is shown."""
    page.goto("/")
    expect(page).to_have_url(re.compile("/setup$"))
    page.get_by_label("Your name").fill("Minji Seo")
    page.get_by_label("Email").fill("minji@hanbit.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill("Hanbit Logistics")
    page.get_by_role("button", name="Create organization").click()
    return page.locator("#api-key").inner_text()


def objections(page: Page) -> list[str]:
    """What axe finds wrong with the page, in both themes."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for violation in Axe().run(page).response["violations"]:
            nodes = [node["html"][:120] for node in violation["nodes"][:3]]
            found.append(f"{page.url} {scheme}: {violation['id']}: {nodes}")
    return found


def send(url: str, key: str) -> None:
    from datetime import UTC, datetime

    headers = {"x-api-key": key, "Content-Type": "application/x-protobuf"}
    request = urllib.request.Request(f"{url}/v1/traces", data=sample_request(datetime.now(UTC)), headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def test_from_nothing_to_the_first_execution(page: Page, live_server: str, complaints):
    key = set_up(page)
    assert key.startswith("ab_live_")
    expect(page.locator("#listening")).to_contain_text("Listening")
    page.get_by_role("link", name="Python").click()
    expect(page.locator("#python")).to_be_visible()
    expect(page.locator("#environment")).to_be_hidden()
    expect(page.locator("#python pre").last).to_contain_text(f'"x-api-key": "{key}"')
    send(live_server, key)
    link = page.locator("#listening a")
    expect(link).to_have_text("Open order-helper", timeout=8_000)
    expect(page.locator("#python"), "the page is not loaded anew, so the key stays").to_be_visible()
    link.click()
    expect(page).to_have_url(re.compile("/executions/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("order-helper")
    assert complaints == []


def test_the_sample_needs_no_program_at_all(page: Page, live_server: str, complaints):
    set_up(page)
    page.get_by_role("button", name="Send a sample trace").click()
    expect(page.locator("#listening a")).to_be_visible()
    expect(page.locator("#api-key")).to_be_visible()
    page.goto("/welcome")
    expect(page.locator("#api-key")).to_have_count(0)
    assert complaints == []


def test_it_all_works_without_scripts(browser, browser_context_args, live_server: str):
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = context.new_page()
    key = set_up(page)
    page.get_by_role("link", name="Collector").click()
    assert page.locator("#collector").is_visible() and not page.locator("#environment").is_visible()
    assert key in page.locator("#collector pre").inner_text()
    page.get_by_text("Nothing arrives?").click()
    assert page.locator("#refusals").is_visible()
    page.get_by_role("button", name="Send a sample trace").click()
    assert page.locator("#listening a").is_visible()
    page.goto("/profile")
    page.get_by_role("button", name="Save preferences").click()
    assert page.get_by_text("Preferences saved.").is_visible()
    context.close()


def test_the_pages_of_the_first_run_are_open_to_all(page: Page, live_server: str, complaints):
    page.goto("/setup")
    wrong = objections(page)
    page.get_by_label("Your name").fill("Minji")
    page.get_by_label("Email").fill("minji@hanbit.example")
    page.get_by_label("Organization").fill("Hanbit")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Create organization").click()
    expect(page.locator(".err")).to_contain_text("at least 12 characters")
    assert page.get_by_label("Password").get_attribute("aria-describedby") == "password-note"
    wrong += objections(page)
    set_up(page)
    page.get_by_text("Nothing arrives?").click()
    wrong += objections(page)
    for width in (320, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert wrong == [] and complaints == []


def test_sign_out_and_in_again(page: Page, live_server: str, organization, complaints):
    user = make_user(email="minji@hanbit.example", full_name="Minji Seo", password_hash=hash_password(PASSWORD))
    make_organization_member(organization_id=organization.id, user_id=user.id, role="owner")
    page.goto("/api-keys/")
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    assert objections(page) == []
    page.get_by_label("Email").fill("minji@hanbit.example")
    page.get_by_label("Password").fill("wrong wrong wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The email or password is wrong. 4 tries left.")
    assert objections(page) == []
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/api-keys/$"))
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in$"))
    page.go_back()
    expect(page).to_have_url(re.compile("/sign-in"))
    assert complaints == []


def test_a_key_is_made_copied_and_revoked(page_as, alice, live_server: str, complaints, browser):
    page = page_as(alice)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server)
    page.goto("/api-keys/")
    assert objections(page) == []
    page.get_by_label("Name").fill("Trace ingest, production")
    page.get_by_role("button", name="Create key").click()
    text = page.locator("#api-key").inner_text()
    page.get_by_role("button", name="Copy key").click()
    expect(page.locator("#toasts")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == text
    assert objections(page) == []
    page.get_by_role("button", name="Revoke Trace ingest, production").click()
    dialog = page.get_by_role("dialog", name="Revoke Trace ingest, production?")
    expect(dialog).to_be_visible()
    assert objections(page) == []
    dialog.get_by_role("button", name="Keep key").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Revoke Trace ingest, production").click()
    dialog.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("Key revoked.")).to_be_visible()
    expect(page.locator("table .st")).to_have_text("Revoked")
    assert complaints == []


def test_a_form_drawn_before_a_switch_in_another_tab_writes_nothing(page_as, alice, live_server: str):
    from tests.factories.accounts import make_organization

    other = make_organization(name="Zebra")
    make_organization_member(organization_id=other.id, user_id=alice.id, role="owner")
    page = page_as(alice)
    page.goto("/organization/settings")
    page.get_by_label("Name").fill("Written into the wrong one")
    second = page.context.new_page()
    second.goto("/profile")
    second.get_by_role("button", name="Switch organization").click()
    second.get_by_role("button", name="Zebra").click()
    second.wait_for_load_state()
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("You switched the organization in another tab")).to_be_visible()
    second.goto("/organization/settings")
    expect(second.get_by_label("Name")).to_have_value("Zebra")
