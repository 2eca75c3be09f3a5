"""An organization that real captures were sent to over HTTP."""

from __future__ import annotations

import datetime
import urllib.request
from pathlib import Path

import pytest

from tests.ingest.truth import captures

FIXTURES = Path(__file__).parents[1] / "ingest" / "fixtures" / "otlp"


def send(url: str, key: str, body: bytes, content_type: str = "application/x-protobuf", encoding: str = "") -> int:
    """Post one export and answer the status."""
    headers = {"x-api-key": key, "content-type": content_type} | ({"content-encoding": encoding} if encoding else {})
    request = urllib.request.Request(f"{url}/v1/traces", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status


@pytest.fixture
def captured(live_server: str, api_key) -> int:
    """Send every capture that the project carries; answers how many exports were taken."""
    sent = 0
    for capture in captures(FIXTURES):
        for body, content_type in capture.bodies:
            assert send(live_server, api_key.text, body, content_type) == 200
            sent += 1
    return sent


@pytest.fixture
def since_captures() -> str:
    """The filter that reaches back to when the captures were recorded."""
    return f"since=2026-11-01T00:00:00Z&until={datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
