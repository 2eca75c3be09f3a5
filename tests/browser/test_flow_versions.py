"""Versions of a flow in a browser: found, compared, named and brought back, by mouse and by keyboard."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from tests.domain.graphs import block
from tests.features.flow_editor.conftest import FLOW, Editor, save_flow


@pytest.fixture
def stored(app_engine, organization, owner_engine, client_as, alice) -> Editor:
    """A flow with two versions: the second has one more block and another address."""
    flow_id = save_flow(app_engine, organization, alice)
    editor = Editor(client_as(alice), flow_id, owner_engine, alice.id)
    editor.post("add", preset="http", name="Fetch more", after="end")
    editor.post("configure", key="work", name="Do work", block_type="action", **{"set-url": "https://new.example"})
    editor.post("save", name="Second")
    return editor


@pytest.fixture
def versions(page_as, stored, alice) -> Page:
    page = page_as(alice)
    page.goto(f"/flows/{stored.flow_id}/versions")
    return page


def test_compare_open_name_and_restore(versions: Page, stored):
    page = versions
    expect(page.locator("tbody tr[data-row]")).to_have_count(2)
    page.get_by_role("button", name="Compare the two chosen").click()
    expect(page).to_have_url(re.compile(r"diff\?(from=1&to=2|to=2&from=1)$"))
    expect(page.locator("[data-key]").filter(has_text="added")).to_have_count(1)
    expect(page.locator("#parts")).to_contain_text("https://new.example")
    page.get_by_role("link", name="Version 1", exact=True).click()
    page.get_by_label("Name").fill("The first")
    page.get_by_role("button", name="Keep name and note").click()
    expect(page.get_by_role("heading", level=2).first).to_contain_text("The first")
    page.get_by_role("button", name="Restore", exact=True).click()
    page.get_by_role("button", name="Restore version 1").click()
    expect(page).to_have_url(re.compile(r"/versions/3"))
    expect(page.locator("[data-key]")).to_have_count(3)
    assert [v.kind for v in stored.versions] == ["created", "edit", "restore"]
    assert [b["key"] for b in stored.versions[2].graph["blocks"]] == [b.key for b in FLOW.blocks]


def test_by_keyboard_and_search(versions: Page, stored):
    page = versions
    page.keyboard.press("/")
    page.keyboard.type("second")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr[data-row]")).to_have_count(1)
    expect(page).to_have_url(re.compile("q=second"))
    page.get_by_label("Search versions").blur()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/versions/2$"))
    page.locator("[data-key=start]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-key=work]")).to_be_focused()


def test_a_long_list_is_paged(page_as, app_engine, organization, owner_engine, client_as, alice):
    flow_id = save_flow(app_engine, organization, alice, replace(FLOW, blocks=(block("a"),), edges=()))
    editor = Editor(client_as(alice), flow_id, owner_engine, alice.id)
    for number in range(1, 23):
        editor.post("add", preset="http")
        editor.post("save", base_version=number)
    page = page_as(alice)
    page.goto(f"/flows/{flow_id}/versions")
    expect(page.locator("tbody tr[data-row]")).to_have_count(20)
    page.get_by_role("link", name="Older").click()
    expect(page.locator("tbody tr[data-row]")).to_have_count(3)
    page.go_back()
    expect(page.locator("tbody tr[data-row]")).to_have_count(20)
