"""Agents, tools and prompts in a browser: made, found, changed by two people, compared; with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.factories.accounts import make_organization_member, make_user
from tests.factories.agents import make_agent, make_agent_memory
from tests.factories.knowledge import make_prompt_template
from tests.factories.plugins import make_tool

SCHEMA = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}}}}


def fill_and_send(page: Page, button: str, **values: str) -> None:
    for name, value in values.items():
        page.locator(f"#{name}").fill(value)
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_load_state("networkidle")


def test_an_agent_is_made_from_a_template_and_retired(page_as: Callable[..., Page], alice):
    page = page_as(alice)
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", level=1)).to_have_text("Agents")
    page.get_by_role("link", name="Templates").click()
    page.get_by_role("link", name="Use Reviewer").click()
    expect(page.locator("#system_prompt")).to_have_value(re.compile("You review work"))
    fill_and_send(page, "Create agent", name="Second pair of eyes")
    expect(page.get_by_role("heading", level=1)).to_have_text("Second pair of eyes")
    expect(page.get_by_role("status").first).to_contain_text("Agent created.")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Retire agent").click()
    dialog = page.locator("dialog#retire")
    expect(dialog).to_contain_text("No flow uses it.")
    dialog.get_by_role("button", name="Retire agent").click()
    expect(page.get_by_text("Agent retired.")).to_be_visible()
    expect(page.locator("a.main")).to_have_count(0)


def test_a_filter_redraws_the_list_and_stands_in_the_address(page_as: Callable[..., Page], alice, organization):
    for name, kind in (("alpha", "general"), ("beta", "control")):
        make_agent(organization_id=organization.id, name=name, agent_type=kind)
    page = page_as(alice)
    page.goto("/agents")
    page.get_by_label("Type").select_option("control")
    expect(page.locator("a.main")).to_have_text(["beta"])
    expect(page).to_have_url(re.compile(r"/agents\?type=control$"))
    page.get_by_role("searchbox", name="Search agents").fill("zzz")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No agents match these filters")).to_be_visible()
    page.get_by_role("link", name="Remove search filter").click()
    expect(page.locator("a.main")).to_have_text(["beta"])
    page.go_back()
    page.go_back()
    expect(page).to_have_url(re.compile(r"/agents\?type=control$"))


def test_two_people_change_one_agent_and_nothing_is_lost(
    page_as: Callable[..., Page], browser: Browser, live_server, sign_in, alice, organization
):
    agent = make_agent(organization_id=organization.id, name="Router", system_prompt="Line one.\nLine two.")
    dana = make_user(full_name="Dana")
    make_organization_member(organization_id=organization.id, user_id=dana.id, role="member")
    mine, theirs = page_as(alice), browser.new_context(base_url=live_server).new_page()
    name, value = sign_in(dana)
    theirs.context.add_cookies([{"name": name, "value": value, "url": live_server}])
    for page in (mine, theirs):
        page.goto(f"/agents/{agent.id}/edit")
    fill_and_send(theirs, "Save agent", system_prompt="Line one.\nDana's line.", model_name="gpt-5")
    fill_and_send(mine, "Save agent", description="Alice's words", temperature="0.3")
    expect(mine.get_by_role("alert").first).to_contain_text("was saved while you were editing")
    expect(mine.locator("tr.ins")).to_contain_text("Dana's line.")
    expect(mine.locator("#model_name")).to_have_value("gpt-5")
    expect(mine.locator("#description")).to_have_value("Alice's words")
    fill_and_send(mine, "Save agent")
    expect(mine.get_by_text("Alice's words")).to_be_visible()
    expect(mine.get_by_text("Dana's line.")).to_be_visible()
    mine.get_by_role("link", name="Versions").click()
    mine.get_by_role("button", name="Compare versions").click()
    expect(mine.get_by_role("heading", name="Version 2 against version 3")).to_be_visible()
    theirs.context.close()


def test_a_prompt_is_written_previewed_and_restored(page_as: Callable[..., Page], alice):
    page = page_as(alice)
    page.goto("/prompts/new")
    fill_and_send(page, "Create prompt", name="reply", template="Dear {{customer}}", variables="customer = Kim")
    page.get_by_role("link", name="Edit").click()
    fill_and_send(page, "Save prompt", template="Hello {{customer}} and {{other}}")
    expect(page.get_by_text("Used but not declared: other")).to_be_visible()
    page.get_by_role("link", name="Preview").click()
    fill_and_send(page, "Fill in", **{"v-2": "Lee"})
    expect(page.locator("#preview")).to_contain_text("Hello Kim and Lee")
    page.get_by_role("link", name="Versions").click()
    page.get_by_role("button", name="Restore version 1").click()
    page.locator("dialog[open]").get_by_role("button", name="Restore version 1").click()
    expect(page.get_by_text("The old version is the newest now.")).to_be_visible()
    expect(page.locator(".prewrap").first).to_contain_text("Dear {{customer}}")


@pytest.fixture
def addresses(organization) -> list[str]:
    own = {"organization_id": organization.id}
    agent, tool = make_agent(name="Router", **own), make_tool(name="lookup", input_schema=SCHEMA, **own)
    prompt = make_prompt_template(name="reply", template="Dear {{a}}", **own)
    make_agent_memory(agent_id=agent.id, content="A fact", expires_at="2020-01-01T00:00:00Z", **own)
    of_agent = ("", "/edit", "/tools", "/memories", "/versions", "/history", "/template")
    return [
        "/agents", "/agents?q=zzz", "/agents/new", "/agents/templates", "/tools", "/tools/new", "/prompts",
        "/prompts/new",
        *(f"/agents/{agent.id}{path}" for path in of_agent),
        *(f"/tools/{tool.id}{path}" for path in ("", "/schemas", "/edit", "/history")),
        *(f"/prompts/{prompt.id}{path}" for path in ("", "/preview", "/edit", "/versions", "/history", "/rename")),
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_our_policy_refuses_nothing(page_as: Callable[..., Page], addresses, alice, scheme):
    page = page_as(alice)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    for address in addresses:
        assert page.goto(address).status == 200, address
        page.wait_for_load_state("networkidle")
        for violation in Axe().run(page).response["violations"]:
            nodes = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            complaints.append(f"{address}: {violation['id']}: {violation['help']}: {nodes}")
    assert not complaints, "\n".join(complaints)


def test_nothing_scrolls_sideways_on_a_narrow_screen(page_as: Callable[..., Page], addresses, alice):
    page = page_as(alice)
    page.set_viewport_size({"width": 390, "height": 844})
    for address in addresses:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address


def test_it_all_works_without_scripts(browser: Browser, live_server, sign_in, alice, organization):
    make_agent(organization_id=organization.id, name="beta", agent_type="control")
    context = browser.new_context(base_url=live_server, java_script_enabled=False)
    name, value = sign_in(alice)
    context.add_cookies([{"name": name, "value": value, "url": live_server}])
    page = context.new_page()
    page.goto("/agents")
    page.get_by_label("Type").select_option("control")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile("type=control"))
    page.get_by_role("link", name="beta").click()
    page.get_by_role("link", name="Edit").click()
    page.locator("#description").fill("Changed without a script")
    page.get_by_role("button", name="Save agent").click()
    expect(page.get_by_text("Changed without a script")).to_be_visible()
    context.close()
