"""A flow in a browser: open a block and follow an edge by keys alone, kinds of automation, a link for strangers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.factories.flows import make_agentflow, make_block
from tests.factories.observability import make_block_rollup, make_observed_edge
from tests.features.flow.conftest import graph_of
from webapp.database.tenancy import organization_session
from webapp.features.events.operations import AuthorId
from webapp.features.flows.operations_graph import create_flow
from webapp.models.base import NIL_UUID


@pytest.fixture
def flow(organization):
    """A flow of traces: ``planner`` leads to ``writer``, which fails one time in three."""
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    made = make_agentflow(organization_id=organization.id, name="report", source="discovered", last_execution_at=now)
    own = {"organization_id": organization.id, "agentflow_id": made.id}
    planner, writer = (make_block(name=n, source="discovered", step_kind="agent", **own) for n in ("planner", "writer"))
    for block, failed in ((NIL_UUID, 3), (planner.id, 0), (writer.id, 3)):
        make_block_rollup(block_id=block, bucket=hour, executions=9, completed=9 - failed, failed=failed, **own)
    for source, target in ((NIL_UUID, planner.id), (planner.id, writer.id), (writer.id, NIL_UUID)):
        make_observed_edge(
            source_block_id=source, target_block_id=target, bucket=hour, traversals=9, executions=9, **own
        )
    return made.id


@pytest.fixture
def drawn(app_engine, organization, alice):
    with organization_session(app_engine, organization.id) as session:
        author = AuthorId(organization.id, alice.id)
        return create_flow(session, author, graph_of(), now=datetime.now(UTC))


def no_trouble(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_reach_a_block_open_it_and_follow_an_edge_by_keys_only(page_as, alice, flow):
    page = page_as(alice)
    page.goto(f"/flows/{flow}")
    page.keyboard.press("Tab")
    for _ in range(60):
        if page.evaluate("document.activeElement.dataset?.key ?? ''"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    focused = page.evaluate("document.activeElement.querySelector('title').textContent")
    assert focused.startswith("writer")
    page.keyboard.press("Enter")
    panel = page.locator("#block")
    expect(panel).to_contain_text("Fails 33.3%")
    expect(panel).to_contain_text("3 of 9 runs")
    expect(page).to_have_url(re.compile(r"\?block="))
    panel.get_by_role("link", name="planner").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#block h2")).to_have_text("planner")
    page.locator("#block").get_by_role("link", name="Close panel").click()
    expect(page.locator("#block h2")).to_have_text("The flow")


def test_a_block_opens_without_a_reload_and_its_address_opens_it_again(page_as, alice, flow):
    page = page_as(alice)
    page.goto(f"/flows/{flow}")
    page.evaluate("window.stays = true")
    page.locator("table").get_by_role("link", name="writer").click()
    expect(page.locator("#block h2")).to_have_text("writer")
    assert page.evaluate("window.stays === true")
    page.reload()
    expect(page.locator("#block h2")).to_have_text("writer")
    page.go_back()
    expect(page.locator("#block h2")).to_have_text("The flow")
    page.get_by_role("link", name="7 d").click()
    expect(page).to_have_url(re.compile(r"period=7d"))
    expect(page.get_by_text("Last 7 days, 9 runs")).to_be_visible()
    page.get_by_role("link", name=re.compile("^planner:")).click()
    expect(page.locator("#block h2")).to_have_text("planner")
    expect(page.locator("table a[aria-current]")).to_have_text("planner")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_tab_is_readable(page_as, alice, flow, drawn, width, scheme):
    page, errors = page_as(alice), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for path in ("", "/blocks", "/executions", "/failures", "/automations", "/settings"):
        for one in (flow, drawn):
            page.goto(f"/flows/{one}{path}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
            no_trouble(page)
    page.goto(f"/flows/{drawn}?block=extract")
    no_trouble(page)
    assert errors == []


def test_a_kind_of_automation_shows_its_own_fields(page_as, alice, drawn):
    page = page_as(alice)
    page.goto(f"/flows/{drawn}/automations")
    expect(page.get_by_label("Schedule", exact=True)).to_be_visible()
    expect(page.get_by_label("Event", exact=True)).to_be_hidden()
    page.get_by_label("Event: when something happens").check()
    expect(page.get_by_label("Event", exact=True)).to_be_visible()
    expect(page.get_by_label("Schedule", exact=True)).to_be_hidden()
    page.get_by_label("Schedule: at certain times").check()
    page.get_by_label("Name").fill("Nightly")
    page.get_by_label("Schedule", exact=True).fill("soon")
    page.get_by_role("button", name="Add automation").click()
    expect(page.get_by_role("alert")).to_contain_text("Write five fields")
    page.get_by_label("Schedule", exact=True).fill("0 2 * * *")
    page.get_by_role("button", name="Add automation").click()
    expect(page.get_by_text("Automation added.")).to_be_visible()
    page.get_by_role("button", name="Remove Nightly").click()
    page.get_by_role("button", name="Remove automation").click()
    expect(page.get_by_text("Automation removed.")).to_be_visible()


def test_a_link_is_made_and_opened_by_somebody_without_an_account(page_as, alice, drawn, browser, live_server):
    page = page_as(alice)
    page.goto(f"/flows/{drawn}/settings")
    page.get_by_role("button", name="Create link").click()
    link = page.locator("#share-link").inner_text()
    context = browser.new_context(base_url=live_server)
    stranger = context.new_page()
    stranger.goto(link)
    expect(stranger.get_by_role("heading", level=1)).to_have_text("invoice-intake")
    expect(stranger.locator("svg a[data-key]")).to_have_count(5)
    no_trouble(stranger)
    page.goto(f"/flows/{drawn}/settings")
    page.get_by_role("button", name="Revoke").click()
    stranger.reload()
    expect(stranger.get_by_role("heading", level=1)).to_have_text("Nothing is here")
    context.close()
