"""Every page, in both themes and on a narrow screen: nothing that axe objects to, no script or style refused by our own
policy, no sideways scrolling.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page

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
    "/nothing-here",
)


def is_complaint(message: ConsoleMessage) -> bool:
    """Whether the console reports something of ours; Chromium logs the page that is missing on purpose too."""
    return message.type == "error" and not message.location["url"].endswith("/nothing-here")


@pytest.fixture
def addresses(alice, captured, client_as, since_captures) -> list[str]:
    found = client_as(alice).get(f"/executions/export.jsonl?{since_captures}&status=failed").text.splitlines()
    failed = json.loads(found[0])["id"]
    return [address.format(since=since_captures, failed=failed) for address in PAGES]


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
