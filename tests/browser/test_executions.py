"""Executions in a browser: filter, page, open, go back; news; steps by mouse and keyboard; without scripts too."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.factories.accounts import make_browser_session
from tests.factories.executions import make_agent_execution, make_flow_execution, make_tool_execution
from tests.factories.flows import make_agentflow
from tests.factories.observability import make_rollup_dirty
from webapp.domain.session_tokens import new_token
from webapp.domain.time_buckets import QUARTER, floor_quarter
from webapp.web.authentication import cookie_name


@pytest.fixture
def runs(alice, organization) -> list:
    """Sixty executions, every third failed, the newest first."""
    flow = make_agentflow(organization_id=organization.id, name="invoice-intake")
    begin = datetime.now(UTC)
    for quarter in range(6):
        make_rollup_dirty(organization_id=organization.id, bucket=floor_quarter(begin) - quarter * QUARTER)
    return [
        make_flow_execution(
            organization_id=organization.id,
            agentflow_id=flow.id,
            started_at=begin - timedelta(minutes=number + 1),
            status="completed" if number % 3 else "failed",
            error_message=None if number % 3 else f"ledger closed {number}",
            error_span_id=None if number % 3 else b"tooltool",
        )
        for number in range(60)
    ]


@pytest.fixture
def client_cookie(alice, organization) -> tuple[str, str]:
    token = new_token()
    make_browser_session(user_id=alice.id, organization_id=organization.id, token_hash=token.token_hash)
    return cookie_name(is_https=False), token.text


@pytest.fixture
def page_of_alice(page: Page, live_server: str, client_cookie: tuple[str, str], runs) -> Page:
    name, value = client_cookie
    page.context.add_cookies([{"name": name, "value": value, "url": live_server}])
    return page


def test_filter_page_open_and_back(page_of_alice: Page, runs):
    page = page_of_alice
    page.goto("/executions")
    expect(page.locator("tbody tr[data-row]")).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    expect(page.locator("tbody tr[data-row]")).to_have_count(10)
    expect(page).to_have_url(re.compile("cursor="))
    page.goto("/executions")
    page.get_by_role("button", name="Status").click()
    page.locator("#facet-of-status").get_by_label("Failed").check()
    page.locator("#f-status").get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"/executions\?status=failed$"))
    expect(page.locator("tbody tr[data-row]")).to_have_count(20)
    page.locator("tbody a.main").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("invoice-intake")
    page.go_back()
    expect(page).to_have_url(re.compile(r"status=failed$"))
    expect(page.locator("tbody tr[data-row]")).to_have_count(20)
    page.get_by_label(re.compile("Remove filter: Status")).click()
    expect(page.locator("tbody tr[data-row]")).to_have_count(50)


def test_news_are_offered_and_move_nothing(page_of_alice: Page, runs, organization):
    page = page_of_alice
    page.clock.install()
    page.goto("/executions")
    first = page.locator("tbody a.main").first.get_attribute("href")
    new = make_flow_execution(organization_id=organization.id, started_at=datetime.now(UTC))
    page.clock.run_for(11_000)
    expect(page.locator("#new-runs")).to_contain_text("1 new run")
    assert page.locator("tbody a.main").first.get_attribute("href") == first
    page.locator("#new-runs a").click()
    expect(page.locator("tbody a.main").first).to_have_attribute("href", f"/executions/{new.id}")


def test_steps_open_beside_the_waterfall_by_mouse_and_keyboard(page_of_alice: Page, runs):
    run, page = runs[0], page_of_alice
    keys = {"flow_execution_id": run.id, "organization_id": run.organization_id, "started_at": run.started_at}
    root = make_agent_execution(name="intake", kind="agent", span_id=b"rootroot", sequence=0, status="failed", **keys)
    make_tool_execution(
        name="post_to_ledger", span_id=b"tooltool", sequence=1, depth=1, parent_id=root.id, status="failed",
        error_type="LedgerError", error_message="ledger closed", **keys,
    )  # fmt: skip
    page.goto(f"/executions/{run.id}")
    expect(page.locator("#step h2")).to_have_text("post_to_ledger")
    expect(page.locator("#step-error")).to_contain_text("ledger closed")
    page.locator(".wf li a:not(.fold)").first.click()
    expect(page.locator("#step h2")).to_have_text("intake")
    expect(page.locator("#step-error")).not_to_contain_text("ledger closed")
    expect(page.locator(".wf a[aria-current]")).to_contain_text("intake")
    expect(page).to_have_url(re.compile("step=" + b"rootroot".hex()))
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#step h2")).to_have_text("post_to_ledger")
    page.get_by_label("Fold intake").click()
    expect(page.locator(".wf li")).to_have_count(1)
    page.get_by_label("Unfold intake").click()
    expect(page.locator(".wf li")).to_have_count(2)


def test_it_all_works_without_scripts(browser, browser_context_args, page_of_alice: Page, runs):
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    context.add_cookies(page_of_alice.context.cookies())
    page = context.new_page()
    page.goto("/executions?summary=1")
    expect(page.locator("#execution-count")).to_contain_text("60 runs match")
    page.get_by_label("Search runs").fill("ledger closed 3")
    page.get_by_label("Search runs").press("Enter")
    expect(page.locator("tbody tr[data-row]")).to_have_count(5)
    page.locator("tbody a.main").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("invoice-intake")
    context.close()
