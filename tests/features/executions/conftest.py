"""Executions as ingest leaves them: with their quarter hour marked as not yet summed up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories.executions import make_flow_execution
from tests.factories.flows import make_agentflow
from tests.factories.observability import make_rollup_dirty
from webapp.domain.time_buckets import floor_quarter
from webapp.models import FlowExecution

RunMaker = Callable[..., FlowExecution]


@pytest.fixture
def make_run(organization: Any) -> RunMaker:
    """``make_run(flow="Triage", minutes_ago=5, status="failed", ...)``."""
    flows: dict[Any, Any] = {}

    def make(flow: str = "Triage", minutes_ago: float = 5, **values: Any) -> FlowExecution:
        owner = values.setdefault("organization_id", organization.id)
        if "agentflow_id" not in values:
            key = (owner, flow)
            if key not in flows:
                flows[key] = make_agentflow(organization_id=owner, name=flow)
            values["agentflow_id"] = flows[key].id
        started_at = values.setdefault("started_at", datetime.now(UTC) - timedelta(minutes=minutes_ago))
        run = make_flow_execution(**values)
        make_rollup_dirty(organization_id=owner, bucket=floor_quarter(started_at))
        return run

    return make


@pytest.fixture
def as_bob(client_as: Callable[..., FlaskClient], bob: Any) -> FlaskClient:
    """A viewer of organization one."""
    return client_as(bob)


@pytest.fixture
def as_alice(client_as: Callable[..., FlaskClient], alice: Any) -> FlaskClient:
    """The owner of organization one."""
    return client_as(alice)


@pytest.fixture
def as_charlie(client_as: Callable[..., FlaskClient], charlie: Any) -> FlaskClient:
    """The owner of another organization."""
    return client_as(charlie)


def part(name: str) -> dict[str, str]:
    """Headers with which htmx asks for one part of the page."""
    return {"HX-Request": "true", "HX-Target": f"div#{name}"}
