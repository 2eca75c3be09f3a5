"""The shell and a person's own pages, as somebody uses them who never touches the mouse."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.factories.accounts import make_organization_member, make_user
from tests.factories.executions import make_flow_execution
from tests.factories.flows import make_agentflow
from tests.factories.observability import make_rollup_dirty
from tests.factories.system import make_notification
from webapp.domain.time_buckets import floor_quarter
from webapp.features.accounts.password_hashes import hash_password

PASSWORD = "seven boats on a quiet lake"
KEY = re.compile(r"ab_live_\w{8}_[\w-]{43}")
FOCUS = "getComputedStyle(document.activeElement).outlineStyle + document.activeElement.matches(':focus-visible')"


@pytest.fixture
def minji(organization):
    """Somebody who signs in by password."""
    user = make_user(email="minji@example.org", full_name="Minji Seo", password_hash=hash_password(PASSWORD))
    make_organization_member(organization_id=organization.id, user_id=user.id, role="owner")
    return user


@pytest.fixture
def runs(organization) -> list:
    flow = make_agentflow(organization_id=organization.id, name="invoice-intake", source="discovered")
    make_agentflow(organization_id=organization.id, name="refund-check", source="discovered")
    begin = datetime.now(UTC)
    make_rollup_dirty(organization_id=organization.id, bucket=floor_quarter(begin))
    at = [begin - timedelta(seconds=10 + number) for number in range(3)]
    own = {"organization_id": organization.id, "agentflow_id": flow.id, "status": "completed"}
    return [make_flow_execution(started_at=started_at, **own) for started_at in at]


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.innerText || document.activeElement.getAttribute('name') || ''")


def open_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.locator("#cmd-list [role=option]").first).to_be_visible()


def fill_sign_in(page: Page, password: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Email").fill("minji@example.org")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def test_the_first_tab_skips_to_the_content(page_as: Callable[..., Page], alice):
    page = page_as(alice)
    page.goto("/executions")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_the_palette_leads_to_a_flow(page_as, alice, runs):
    page = page_as(alice)
    page.goto("/")
    open_palette(page)
    page.keyboard.type("inv")
    flows = page.locator("#cmd-list").get_by_role("group", name="Flows").get_by_role("option")
    expect(flows).to_have_count(1)
    option = flows.filter(has_text="invoice-intake")
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    chosen = page.locator("#cmd-input").get_attribute("aria-activedescendant")
    assert chosen == option.get_attribute("id")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/flows/{runs[0].agentflow_id}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("invoice-intake")


@pytest.mark.parametrize("form", [str, lambda id_: id_.hex[-8:], lambda id_: f"ex_{id_.hex[-8:]}"])
def test_the_palette_finds_an_execution_by_its_id(page_as, alice, runs, form):
    page, wanted = page_as(alice), runs[1].id
    page.goto("/")
    open_palette(page)
    page.keyboard.insert_text(form(wanted))
    expect(page.locator(f'#cmd-list [href="/executions/{wanted}"]')).to_be_visible()
    expect(page.locator("#cmd-list [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/executions/{wanted}$"))


def test_one_escape_closes_the_palette_and_gives_the_focus_back(page_as, alice, runs):
    page = page_as(alice)
    page.goto("/executions")
    link = page.locator("tbody a.main").first
    link.focus()
    open_palette(page)
    page.keyboard.type("inv")
    page.keyboard.press("Escape")
    expect(page.locator("#cmd")).not_to_be_visible()
    expect(link).to_be_focused()


def test_two_keys_jump_and_a_slash_searches(page_as, alice, runs):
    page = page_as(alice)
    page.goto("/")
    page.keyboard.type("ge")
    expect(page).to_have_url(re.compile("/executions$"))
    page.keyboard.press("/")
    expect(page.get_by_label("Search runs")).to_be_focused()
    page.keyboard.type("go")
    expect(page.get_by_label("Search runs")).to_have_value("go")
    page.get_by_label("Search runs").blur()
    page.keyboard.type("go")
    expect(page).to_have_url(re.compile("/$"))


def test_rows_are_walked_by_j_and_k_and_opened_by_enter(page_as, alice, runs):
    page = page_as(alice)
    page.goto("/executions")
    links = page.locator("tbody a.main")
    for key, row in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(links.nth(row)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/executions/{runs[1].id}$"))


def test_the_sign_in_page_is_walked_in_order_with_the_focus_seen(page: Page, live_server, minji):
    page.goto("/sign-in")
    page.locator("body").focus()
    seen = []
    for _ in range(4):
        page.keyboard.press("Tab")
        seen.append(focused(page))
        assert page.evaluate(FOCUS) == "solidtrue", seen
    assert seen == ["email", "password", "remember", "Sign in"]


def test_signing_in_wrongly_then_rightly_then_out(page: Page, live_server, minji):
    fill_sign_in(page, "seven boats on a quiet pond")
    expect(page.get_by_role("alert")).to_contain_text("The email or password is wrong.")
    expect(page.get_by_label("Email")).to_have_value("minji@example.org")
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.locator("[aria-invalid]")).to_have_count(0)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("button", name="Account: ").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/sign-in"))
    page.goto("/profile")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=/profile"))


def test_the_theme_stays_chosen(page_as, alice):
    page = page_as(alice)
    page.emulate_media(color_scheme="light")
    page.goto("/ingest")
    for theme in ("light", "dark"):
        page.get_by_role("button", name="Account: ").click()
        page.get_by_role("button", name=re.compile("^Theme: ")).click()
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        expect(page).to_have_url(re.compile("/ingest$"))
    page.goto("/executions")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_switching_the_organization_changes_what_is_seen(page_as, alice, other_organization, organization, runs):
    make_organization_member(organization_id=other_organization.id, user_id=alice.id, role="viewer")
    page = page_as(alice, organization)
    page.goto("/executions")
    expect(page.locator("tbody tr[data-row]")).to_have_count(3)
    page.get_by_role("button", name="Switch organization").click()
    page.locator("#orgs").get_by_role("button", name="Globex").click()
    expect(page.get_by_role("button", name="Switch organization: Globex")).to_be_visible()
    page.goto("/executions")
    expect(page.locator("tbody tr[data-row]")).to_have_count(0)
    assert page.goto(f"/executions/{runs[0].id}").status == 404


def test_a_session_that_is_ended_here_is_over_there(page_as, sign_in, alice, browser, browser_context_args):
    elsewhere = browser.new_context(**browser_context_args)
    name, value = sign_in(alice)
    page = page_as(alice)
    elsewhere.add_cookies([{"name": name, "value": value, "url": browser_context_args["base_url"]}])
    other = elsewhere.new_page()
    assert other.goto("/profile").url.endswith("/profile")
    page.goto("/profile")
    ends = page.get_by_role("button", name=re.compile("^End session of"))
    expect(ends).to_have_count(1)
    ends.click()
    expect(page.get_by_text("Session ended.")).to_be_visible()
    expect(ends).to_have_count(0)
    other.reload()
    expect(other).to_have_url(re.compile("/sign-in"))
    elsewhere.close()


def test_a_key_is_made_once_by_a_double_click_shown_once_and_revoked(page_as, alice):
    page = page_as(alice)
    page.goto("/api-keys")
    page.get_by_label("Name").fill("trace ingest")
    page.locator("#new-key").get_by_role("button", name="Create key").dblclick()
    key = KEY.fullmatch(page.locator("#api-key").inner_text())[0]
    page.goto("/api-keys")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert key not in page.content()
    page.get_by_role("button", name="Revoke trace ingest").click()
    question = page.get_by_role("dialog", name="Revoke trace ingest?")
    question.get_by_role("button", name="Keep key").click()
    expect(question).not_to_be_visible()
    page.get_by_role("button", name="Revoke trace ingest").press("Enter")
    question.get_by_role("button", name="Revoke key").press("Enter")
    expect(page.get_by_text("Key revoked.")).to_be_visible()
    expect(page.locator("tbody tr").get_by_text("Revoked")).to_be_visible()
    answer = page.request.post("/v1/traces", headers={"x-api-key": key, "content-type": "application/json"}, data="{}")
    assert answer.status == 401


def test_notifications_are_marked_as_read_one_by_one_and_together(page_as, alice):
    for number in range(3):
        make_notification(user_id=alice.id, title=f"Alert {number}", kind="alert")
    page = page_as(alice)
    page.goto("/notifications")
    page.get_by_role("button", name="Mark as read: Alert 1").press("Enter")
    expect(page.get_by_role("link", name="Notifications, 2 unread")).to_be_visible()
    expect(page.get_by_text("Alert 1")).to_have_count(0)
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_role("heading", name="Nothing unread")).to_be_visible()
    expect(page.get_by_role("link", name="Notifications", exact=True).first).to_be_visible()
