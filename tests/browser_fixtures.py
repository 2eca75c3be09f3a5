"""What browser tests need: Debian's Chromium, and the real application on a real port."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything that asks for a page is a browser test; without Chromium it is skipped with a reason."""
    for item in items:
        if "page" in getattr(item, "fixturenames", ()) or "context" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium here; `make browser` installs it"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return browser_type_launch_args | {"executable_path": CHROMIUM, "args": ARGUMENTS}


@pytest.fixture(scope="session")
def process_server(process_app: Flask) -> Iterator[str]:
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, process_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="live server", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def live_server(app: Flask, process_server: str) -> str:
    """Address of the application on the test's database, for a browser or an exporter."""
    return process_server


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], process_server: str) -> dict[str, Any]:
    """Let ``page.goto("/executions")`` reach the live server."""
    return browser_context_args | {"base_url": process_server, "locale": "en-GB", "timezone_id": "UTC"}


@pytest.fixture
def page_as(page: Page, live_server: str, sign_in: Callable[..., tuple[str, str]]) -> Callable[..., Page]:
    """``page_as(user, organization=None)``: the test's page in a browser where that person is signed in."""

    def open_as(user: Any, organization: Any = None) -> Page:
        name, value = sign_in(user, organization)
        page.context.add_cookies([{"name": name, "value": value, "url": live_server}])
        return page

    return open_as
