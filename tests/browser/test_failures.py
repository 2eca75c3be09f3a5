"""Failures reviewed by keyboard: walked, assigned, muted, resolved and taken back; with the list's own filters."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.factories.failures import make_failure_group, make_failure_occurrence
from tests.factories.flows import make_agentflow
from webapp.models import new_id


@pytest.fixture
def three(organization) -> list:
    flow = make_agentflow(organization_id=organization.id, name="invoice-intake").id
    now, own = datetime.now(UTC), {"organization_id": organization.id}
    groups = []
    for number, title in enumerate(("Timed out", "Not a number", "No such order"), 1):
        group = make_failure_group(
            title=title, number=number, agentflow_id=flow, first_seen_at=now - timedelta(days=2), **own
        )
        make_failure_occurrence(
            flow_execution_id=new_id(), flow_created_at=now, failure_group_id=group.id, agentflow_id=flow,
            occurred_at=now - timedelta(minutes=number), cost_usd=10 - number, environment=f"env{number}", **own,
        )  # fmt: skip
        groups.append(group)
    return groups


def test_reviewed_by_keyboard_alone(page_as: Callable[..., Page], alice, three):
    page = page_as(alice)
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("f")
    expect(page.get_by_role("heading", level=1)).to_have_text("Failures")
    expect(page.locator("nav[aria-label=Main] [aria-current] .count")).to_contain_text("3")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("a.main:focus")).to_have_text("Not a number")
    page.keyboard.press("e")
    expect(page.get_by_role("status").filter(has_text="1 failure resolved.")).to_be_visible()
    expect(page.locator("a.main")).to_have_text(["Timed out", "No such order"])
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator("a.main")).to_have_text(["Timed out", "Not a number", "No such order"])
    page.keyboard.press("j")
    page.keyboard.press("m")
    expect(page.get_by_role("status").filter(has_text="1 failure muted.")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.get_by_role("status").filter(has_text="1 failure assigned.")).to_be_visible()
    expect(page.locator("a.main")).to_have_text(["No such order"])
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("No such order")


def test_a_two_key_jump_decides_nothing(page_as: Callable[..., Page], alice, three):
    page = page_as(alice)
    page.goto("/failures")
    page.keyboard.press("j")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", level=1)).to_have_text("Agents")
    page.goto("/failures")
    expect(page.locator("a.main")).to_have_count(3)
    page.keyboard.press("e")  # nothing is ticked and no row has the focus
    expect(page.locator("a.main")).to_have_count(3)


def test_ticked_ones_at_once_and_filters_in_the_address(page_as: Callable[..., Page], alice, three):
    page = page_as(alice)
    page.goto("/failures")
    page.get_by_label("Environment").select_option("env2")
    expect(page.locator("a.main")).to_have_text(["Not a number"])
    expect(page).to_have_url(re.compile(r"/failures\?environment=env2$"))
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("a.main")).to_have_count(3)
    page.get_by_label("F-1", exact=True).check()
    page.get_by_label("F-3", exact=True).check()
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("2 failures resolved.")).to_be_visible()
    page.get_by_role("link", name="Resolved").click()
    expect(page.locator("a.main")).to_have_count(2)


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_overflows_and_axe_finds_nothing(page_as: Callable[..., Page], alice, three, width):
    page = page_as(alice)
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("/failures", "/failures?view=muted"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert Axe().run(page).response["violations"] == []
