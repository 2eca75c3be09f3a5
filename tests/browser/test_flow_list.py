"""The flow list in a browser: filters, orders, stars, many at once with undo, by keys alone, without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.factories.accounts import make_team
from tests.features.flows.conftest import make_flow  # noqa: F401


@pytest.fixture
def flows(alice, make_flow):  # noqa: F811
    """Sixty flows, one of which fails."""
    team = make_team(name="Finance")
    made = [make_flow(f"flow {number:02d}", tags=["even"] if number % 2 == 0 else []) for number in range(59)]
    return [*made, make_flow("invoice-intake", completed=10, failed=10, tags=["money"], team_id=team.id)]


def rows(page: Page):
    return page.locator("tbody tr[data-row]")


def test_filter_order_page_open_and_back(page_as, alice, flows):
    page = page_as(alice)
    page.goto("/flows")
    expect(rows(page)).to_have_count(50)
    page.get_by_role("link", name="Next").click()
    expect(rows(page)).to_have_count(10)
    expect(page).to_have_url(re.compile(r"/flows\?page=2$"))
    page.get_by_role("button", name="Tag").click()
    page.locator("#facet-of-tag").get_by_label("money").check()
    page.locator("#f-tag").get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"/flows\?tag=money$"))
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#flow-count")).to_contain_text("1 flow matches")
    assert page.locator("#list-acts a[download]").get_attribute("href") == "/flows/export.csv?tag=money"
    page.locator("tbody a.main").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("invoice-intake")
    page.go_back()
    expect(rows(page)).to_have_count(1)
    page.get_by_label(re.compile("Remove filter: Tag")).click()
    expect(rows(page)).to_have_count(50)
    page.get_by_role("link", name="Success").click()
    expect(page).to_have_url(re.compile(r"/flows\?sort=worst$"))
    expect(page.locator("tbody a.main").first).to_have_text("invoice-intake")
    expect(rows(page).first.locator(".st")).to_have_text("Failing")


def test_a_star_changes_in_its_place(page_as, alice, flows):
    page = page_as(alice)
    page.goto("/flows?q=invoice")
    star = page.get_by_role("button", name="Bookmark invoice-intake")
    expect(star).to_have_attribute("aria-pressed", "false")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="Bookmarked").click()
    expect(rows(page)).to_have_count(1)
    expect(star).to_have_attribute("aria-pressed", "true")


def test_many_are_tagged_deleted_and_brought_back(page_as, alice, flows):
    page = page_as(alice)
    page.goto("/flows?tag=even")
    expect(page.locator("#bulk")).to_be_hidden()
    page.get_by_label("All 30 flows that match").check()
    page.locator("#bulk-action").select_option("Delete")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete 30 flows?")
    page.get_by_role("button", name="Delete 30 flows").click()
    expect(page.get_by_text("30 flows deleted.")).to_be_visible()
    expect(rows(page)).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("30 flows put back as they were.")).to_be_visible()
    expect(rows(page)).to_have_count(30)
    page.locator("tbody [name=flow]").first.check()
    page.locator("#bulk-action").select_option("Add tags")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Tags").fill("night, 야간")
    page.get_by_role("button", name="Add tags").click()
    expect(rows(page).filter(has_text="야간")).to_have_count(1)


def test_a_row_is_reached_and_opened_by_keys(page_as, alice, flows):
    page = page_as(alice)
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page.get_by_role("heading", level=1)).to_have_text("Flows")
    page.keyboard.press("]")
    expect(rows(page)).to_have_count(10)
    page.keyboard.press("[")
    expect(rows(page)).to_have_count(50)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("tbody a.main").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("invoice-intake")


def test_it_all_works_without_scripts(browser, browser_context_args, page_as, alice, flows):
    cookies = page_as(alice).context.cookies()
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto("/flows")
    page.get_by_label("Search flows").fill("invoice")
    page.get_by_label("Search flows").press("Enter")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Bookmark invoice-intake").click()
    expect(page).to_have_url(re.compile(r"/flows\?q=invoice$"))
    expect(page.get_by_role("button", name="Bookmark invoice-intake")).to_have_attribute("aria-pressed", "true")
    page.locator("tbody [name=flow]").check()
    page.locator("#bulk-action").select_option("Pause")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Pause 1 flow").click()
    expect(rows(page).locator(".st")).to_have_text("Paused")
    page.get_by_role("button", name="Undo").click()
    expect(rows(page).locator(".st")).to_have_text("Failing")
    page.goto("/flows/new")
    page.get_by_label("Name", exact=True).fill("Drawn here")
    page.get_by_label("Reflection").check()
    page.get_by_role("button", name="Create flow").click()
    expect(page).to_have_url(re.compile("/flows/[0-9a-f-]{36}/edit"))
    context.close()
