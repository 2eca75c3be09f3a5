"""The drawing of a flow in a browser: reached, read and followed by keyboard; zoomed and dragged by mouse."""

from __future__ import annotations

import mimetypes

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.domain.graphs import block, graph, large
from tests.web.graph_page import ROOT, draw_page
from webapp.domain.flow_graph import FlowGraph
from webapp.web.graph_view import BlockHeat, draw_graph

ADDRESS = "http://flow.test/"
LOOP = graph(
    [
        block("t", "trigger", name="Receive webhook"),
        block("c", "condition", name="Which kind of letter is it?"),
        block("a", "agent", name="Extract fields"),
        block("b", name="각 문서를 하나씩 처리하는 아주 긴 이름의 블록"),
        block("j", "condition", name="Good enough?"),
        block("z", name="WWWWWWWWWWWWWWWWWWWWWWWWWWW MMMMMMMMM"),
        block("m", name="gpt-5-mini"),
    ],
    [
        "t -> c",
        "c.case:invoice -> a",
        "c.else -> b",
        "a -> j",
        "j.false -> a",
        "j.true -> z",
        "b -> z",
        "m => a.attach:model",
    ],
)


def answer(route: Route) -> None:
    """Serve the product's own static files."""
    path = ROOT / route.request.url.split("?")[0].removeprefix(ADDRESS)
    route.fulfill(body=path.read_bytes(), content_type=mimetypes.guess_type(path.name)[0] or "text/plain")


def load(page: Page, of: FlowGraph, current: str | None = None, theme: str = "light") -> Page:
    """The drawing in a browser, with the product's own files and nothing else."""
    heats = {b.key: BlockHeat(12_345, 2_000, 0.162) for b in of.blocks}
    html = draw_page(draw_graph(of, heats=heats, href="#block-{}".format, current=current), theme=theme)
    page.route(f"{ADDRESS}static/**", answer)
    page.route(ADDRESS, lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(ADDRESS)
    return page


@pytest.fixture
def show(page: Page):
    """``show(graph, current=None, theme="light")``: the drawing in the test's page, its script at work."""

    def draw(*args, **kwargs) -> Page:
        load(page, *args, **kwargs)
        expect(page.get_by_role("button", name="Zoom in")).to_be_visible()
        return page

    return draw


def focused(page: Page) -> str | None:
    return page.evaluate("document.activeElement.dataset.key ?? null")


def test_arrow_keys_follow_edges_and_enter_opens(show):
    page = show(LOOP)
    page.get_by_role("button", name="Zoom in").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page) == "t"
    walked = []
    for key in (
        "ArrowRight",
        "ArrowRight",
        "ArrowDown",
        "ArrowUp",
        "ArrowRight",
        "ArrowLeft",
        "ArrowLeft",
        "ArrowLeft",
    ):
        page.keyboard.press(key)
        walked.append(focused(page))
    assert walked == ["c", "a", "b", "a", "j", "a", "c", "t"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{ADDRESS}#block-c")


def test_the_tab_key_stops_once_at_the_open_block(show):
    page = show(LOOP, current="j")
    stops = page.locator("a[data-key][tabindex='0']")
    expect(stops).to_have_count(1)
    expect(stops).to_have_attribute("data-key", "j")


def test_names_and_labels_stay_inside_of_their_cards(show):
    page = show(LOOP)
    outside = page.evaluate(
        """() => [...document.querySelectorAll("a[data-key]")].flatMap((a) => {
            const box = a.querySelector("rect").getBoundingClientRect();
            return [...a.querySelectorAll("text")].filter((text) => {
                const own = text.getBoundingClientRect();
                return own.left < box.left || own.right > box.right || own.top < box.top || own.bottom > box.bottom;
            }).map((text) => text.textContent);
        })"""
    )
    assert outside == []


def test_every_block_says_its_name_its_figures_and_where_it_leads(show):
    page = show(LOOP)
    name = "Extract fields: agent, 12,345 runs, 16.2% failed. Goes to Good enough?"
    expect(page.get_by_role("link", name=name)).to_be_attached()
    expect(page.get_by_role("group", name="a flow: 7 blocks, 7 edges, 1 of them back. Scrolls")).to_be_visible()


def test_zoom_by_button_key_and_wheel_and_fit(show):
    page = show(large(300))
    shown = page.locator(".tools output")
    expect(shown).to_have_text("100%")
    page.get_by_role("button", name="Zoom in").click()
    expect(shown).to_have_text("125%")
    page.get_by_role("button", name="Fit").click()
    pane = page.locator(".flow")
    assert pane.evaluate("(p) => p.scrollWidth <= p.clientWidth && p.scrollHeight <= p.clientHeight")
    page.locator("a[data-key]").first.focus()
    page.keyboard.press("0")
    expect(shown).to_have_text("100%")
    pane.hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, 200)
    page.keyboard.up("Control")
    expect(shown).not_to_have_text("100%")


def test_a_drag_moves_the_paper_and_opens_nothing(show):
    page = show(large(300))
    pane = page.locator(".flow")
    box = page.locator("a[data-key]").first.bounding_box()
    before = pane.evaluate("(p) => p.scrollLeft")
    page.mouse.move(box["x"] + 90, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] - 60, box["y"] + 20, steps=4)
    page.mouse.up()
    assert pane.evaluate("(p) => p.scrollLeft") == before + 150
    assert page.url == ADDRESS
    page.locator("a[data-key]").nth(1).click()
    assert "#block-" in page.url


def test_focus_scrolls_the_block_into_view_in_a_large_flow(show):
    page = show(large())
    page.locator("a[data-key]").first.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    assert page.evaluate(
        """() => {
            const block = document.activeElement.getBoundingClientRect();
            const pane = document.querySelector(".flow").getBoundingClientRect();
            return block.left >= pane.left && block.right <= pane.right && block.top >= pane.top;
        }"""
    )
    expect(page.locator("canvas.over")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_drawing_has_no_barrier_that_a_checker_finds(show, theme):
    found = Axe().run(show(LOOP, current="a", theme=theme), "[data-graph]")
    assert [v["id"] for v in found.response["violations"]] == []


def test_without_a_script_the_blocks_are_links_in_a_scrolling_box(browser):
    context = browser.new_context(java_script_enabled=False)
    page = load(context.new_page(), LOOP)
    page.locator("a[data-key='c']").focus()
    assert page.locator("a[data-key]").count() == 7
    expect(page.locator(".tools")).to_be_hidden()
    context.close()
