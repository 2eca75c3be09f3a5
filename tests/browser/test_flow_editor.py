"""A flow edited in browsers: by mouse, by keyboard only, without scripts, and by two people at once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.features.flow_editor.conftest import Editor, dora, save_flow  # noqa: F401 (dora is a fixture)


@pytest.fixture
def flow_id(app_engine, organization, alice):
    return save_flow(app_engine, organization, alice)


@pytest.fixture
def stored(flow_id, owner_engine, client_as, alice):
    """What is kept of Alice's work."""
    return Editor(client_as(alice), flow_id, owner_engine, alice.id)


@pytest.fixture
def open_editor(page_as: Callable[..., Page], flow_id, alice) -> Page:
    page = page_as(alice)
    page.set_viewport_size({"width": 1600, "height": 900})
    page.goto(f"/flows/{flow_id}/edit")
    expect(page.locator("#canvas a[data-key]")).to_have_count(3)
    return page


def card(page: Page, name: str):
    return page.locator("#canvas a[data-key]", has=page.locator(f'.t:text-is("{name}")'))


def middle(page: Page, name: str) -> tuple[float, float]:
    box = card(page, name).locator(".box").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def test_by_mouse_move_connect_add_configure_undo(open_editor, stored):
    page = open_editor
    x, y = middle(page, "Do work")
    drag(page, (x, y), (x + 60, y + 120))
    expect(page.locator("#editor-state")).to_contain_text("Moved Do work")
    moved = middle(page, "Do work")
    assert stored.draft.config["layout"] == "manual" and moved[1] - middle(page, "Start")[1] > 100
    page.mouse.move(*middle(page, "Start"))
    port = card(page, "Start").locator(".port").bounding_box()
    drag(page, (port["x"] + port["width"] / 2, port["y"] + port["height"] / 2), middle(page, "Answer"))
    expect(page.locator("#editor-state")).to_contain_text("Connected Start to Answer")
    assert ("start", "end") in [(edge.source, edge.target) for edge in stored.draft.edges]
    card(page, "Do work").click()
    expect(page.locator("#panel-title")).to_have_text("Do work")
    expect(page).to_have_url(re.compile(r"block=work$"))
    page.get_by_label("Address").fill("https://example.com/new")
    page.locator("#configure").click()
    expect(page.locator("#editor-state")).to_contain_text("Changed Do work")
    assert stored.draft.block("work").config["url"] == "https://example.com/new"
    for said in ("Changed Do work", "Connected Start to Answer", "Moved Do work"):
        page.locator("#undo").click()
        expect(page.locator("#editor-state")).to_contain_text(f"Undone: {said}")
    page.reload()
    expect(page.locator("#redo")).to_be_enabled()
    assert len(stored.draft.edges) == 2 and "layout" not in stored.draft.config


def test_by_keyboard_only(open_editor, stored):
    page = open_editor
    card(page, "Start").focus()
    page.keyboard.press("ArrowRight")
    expect(card(page, "Do work")).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("#editor-state")).to_contain_text("Moved Do work")
    expect(card(page, "Do work")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-title")).to_have_text("Do work")
    expect(page.locator("#panel-title")).to_be_focused()
    page.locator("#target").focus()
    page.keyboard.type("Start")
    page.locator("#connect").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#editor-state")).to_contain_text("Connected Do work to Start")
    page.locator("#open-add").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-title")).to_have_text("Add a block")
    page.locator("#name").focus()
    page.keyboard.type("Typed in")
    page.keyboard.press("Enter")
    expect(page.locator("#editor-state")).to_contain_text("Added Typed in")
    assert stored.draft.blocks[-1].name == "Typed in"
    page.locator("#canvas a[aria-current]").focus()
    page.keyboard.press("Delete")
    expect(page.locator("#editor-state")).to_contain_text("Removed Typed in")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("Control+z")
    expect(card(page, "Typed in")).to_be_visible()  # by htmx, or by the plain form where the key was faster
    page.wait_for_load_state("networkidle")
    page.locator("#save").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-title")).to_have_text("Save version 2")


def test_wrong_json_is_said_at_its_field_and_the_words_stay(open_editor, stored):
    page = open_editor
    card(page, "Do work").click()
    expect(page.locator("#panel-title")).to_have_text("Do work")
    page.locator("#config").fill('{"a": 1,\n"b" 2}')
    page.locator("#configure").click()
    expect(page.locator("#config-note")).to_contain_text("Line 2")
    expect(page.locator("#config")).to_have_value('{"a": 1,\n"b" 2}')
    assert stored.draft is None


def test_it_works_without_scripts(browser, browser_context_args, open_editor, flow_id, stored):
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    context.add_cookies(open_editor.context.cookies())
    page = context.new_page()
    page.goto(f"/flows/{flow_id}/edit")
    page.get_by_role("link", name="Answer", exact=True).first.click()
    page.get_by_role("link", name="Add a block after it").click()
    page.get_by_label("HTTP request").check()
    page.get_by_label("Name").fill("No script")
    page.get_by_role("button", name="Add block").click()
    expect(page.locator("#panel-title")).to_have_text("No script")
    page.get_by_text("Remove this block").click()
    page.get_by_role("button", name="Remove block").click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="Save version").click()
    page.get_by_role("button", name="Save version").click()
    expect(page).to_have_url(re.compile(r"/versions/2"))
    assert [block["name"] for block in stored.versions[-1].graph["blocks"]][-1] == "No script"
    context.close()


@pytest.fixture
def second(browser, browser_context_args, sign_in, live_server, dora):  # noqa: F811
    """A page in another browser, where Dora is signed in."""
    context = browser.new_context(**browser_context_args)
    name, value = sign_in(dora)
    context.add_cookies([{"name": name, "value": value, "url": live_server}])
    yield context.new_page()
    context.close()


def add(page: Page, name: str) -> None:
    page.locator("#open-add").click()
    expect(page.locator("#panel-title")).to_have_text("Add a block")
    page.get_by_label("Name").fill(name)
    page.get_by_label("HTTP request").check()
    page.locator("#add-block").click()
    expect(page.locator("#editor-state")).to_contain_text(f"Added {name}")


def test_two_browsers_edit_one_flow_and_both_changes_are_kept(open_editor, second, flow_id, stored):
    mine, theirs = open_editor, second
    theirs.goto(f"/flows/{flow_id}/edit")
    add(mine, "Of Alice")
    add(theirs, "Of Dora")
    expect(theirs.locator("#editor")).to_contain_text("Alice has an unsaved draft of this flow too")
    theirs.locator("#save").click()
    theirs.get_by_label("Name of the version").fill("Dora was here")
    theirs.locator("#save-version").click()
    expect(theirs).to_have_url(re.compile(r"/versions/2"))
    mine.locator("#save").click()
    mine.get_by_label("Name of the version").fill("Alice too")
    mine.locator("#save-version").click()
    expect(mine.get_by_role("heading", level=1)).to_contain_text("Dora saved version 2 while you were editing")
    expect(mine.locator("section").filter(has_text="Dora changed").first).to_contain_text("Of Dora")
    expect(mine.get_by_label("Name of the version")).to_have_value("Alice too")
    mine.get_by_role("button", name="Save both as version 3").click()
    expect(mine).to_have_url(re.compile(r"/versions/3"))
    names = [block["name"] for block in stored.versions[-1].graph["blocks"]]
    assert names[-2:] == ["Of Alice", "Of Dora"] and stored.versions[-1].name == "Alice too"


def test_two_tabs_of_one_person_lose_nothing(open_editor, flow_id, stored):
    first = open_editor
    other = first.context.new_page()
    other.goto(f"/flows/{flow_id}/edit?block=work")
    add(first, "From the first tab")
    other.get_by_label("Name", exact=True).fill("From the second tab")
    other.locator("#configure").click()
    expect(other.locator("[role=alert]").first).to_contain_text("changed in another tab")
    expect(other.get_by_label("Name", exact=True)).to_have_value("From the second tab")
    other.locator("#configure").click()
    expect(other.locator("#editor-state")).to_contain_text("Renamed Do work to From the second tab")
    assert {"From the first tab", "From the second tab"} <= {block.name for block in stored.draft.blocks}
    other.close()
