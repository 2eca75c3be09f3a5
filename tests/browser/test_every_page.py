"""Every page, in both themes and on a narrow screen: nothing that axe objects to, no script or style refused by our own
policy, no sideways scrolling.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page

from tests.features.flow.conftest import graph_of
from webapp.database.tenancy import organization_session
from webapp.features.events.operations import AuthorId
from webapp.features.flows.operations_graph import create_flow, save_graph

PAGES = (
    "/",
    "/?period=30d",
    "/executions?{since}",
    "/executions?{since}&status=failed",
    "/executions?q=nothing-is-called-so",
    "/executions/{failed}",
    "/executions/{failed}?tab=io",
    "/executions/{failed}?tab=raw",
    "/notifications",
    "/profile",
    "/welcome",
    "/ingest",
    "/api-keys",
    "/organization",
    "/search?q=weather",
    "/flows",
    "/flows?period=30d&sort=worst",
    "/flows?q=nothing-is-called-so",
    "/flows?status=deleted",
    "/flows/new",
    "/flows/bulk?action=tag&all=1",
    "/flows/import",
    "/flows/imports",
    "/flows/imports/{report}",
    "/flows/{seen}",
    "/flows/{seen}/blocks",
    "/flows/{drawn}",
    "/flows/{drawn}?block=start",
    "/flows/{drawn}/blocks",
    "/flows/{drawn}/executions",
    "/flows/{drawn}/failures",
    "/flows/{drawn}/versions",
    "/flows/{drawn}/versions/1",
    "/flows/{drawn}/versions/diff?from=1&to=2",
    "/flows/{drawn}/automations",
    "/flows/{drawn}/settings",
    "/flows/{drawn}/edit",
    "/agents",
    "/tools",
    "/prompts",
    "/nothing-here",
)
IMPORTED = Path(__file__).parents[1] / "importers" / "fixtures" / "dify_support.yml"


def is_complaint(message: ConsoleMessage) -> bool:
    """Whether the console reports something of ours; Chromium logs the page that is missing on purpose too."""
    return message.type == "error" and not message.location["url"].endswith("/nothing-here")


@pytest.fixture
def addresses(alice, captured, client_as, since_captures, app_engine, organization) -> list[str]:
    browser = client_as(alice)
    found = browser.get(f"/executions/export.jsonl?{since_captures}&status=failed").text.splitlines()
    failed = json.loads(found[0])
    upload = {"files": [(io.BytesIO(IMPORTED.read_bytes()), IMPORTED.name)]}
    assert browser.post("/flows/import", data=upload, content_type="multipart/form-data").status_code == 303
    report = re.search(r'href="/flows/imports/([0-9a-f-]{36})"', browser.get("/flows/imports").text)[1]
    names = {"since": since_captures, "failed": failed["id"], "seen": failed["flow_id"], "report": report}
    names["drawn"] = draw(app_engine, organization, alice)
    return [address.format(**names) for address in PAGES]


def draw(app_engine, organization, alice) -> str:
    """Draw a flow in two versions; answers its id."""
    with organization_session(app_engine, organization.id) as session:
        author, now = AuthorId(organization.id, alice.id), datetime.now(UTC)
        flow_id = create_flow(session, author, graph_of(), now=now)
        second = replace(graph_of(), notes=(), pattern="Sequential")
        save_graph(session, author, flow_id, second, base_version=1, now=now)
        return str(flow_id)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_our_policy_refuses_nothing(page_as: Callable[..., Page], addresses, alice, scheme):
    page = page_as(alice)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == (404 if address == "/nothing-here" else 200), address
        page.wait_for_load_state("networkidle")
        for violation in Axe().run(page).response["violations"]:
            nodes = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            complaints.append(f"{address}: {violation['id']}: {violation['help']}: {nodes}")
    assert not complaints, "\n".join(complaints)


def test_nothing_scrolls_sideways_on_a_narrow_screen(page_as, addresses, alice):
    page = page_as(alice)
    page.set_viewport_size({"width": 390, "height": 844})
    too_wide = []
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 390:
            too_wide.append(f"{address}: {width} px")
    assert not too_wide
