"""People, and agents that ran: blocks of a flow with steps, as ingest leaves them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories.accounts import make_organization_member, make_user
from tests.factories.agents import make_agent
from tests.factories.executions import make_agent_execution, make_flow_execution
from tests.factories.flows import make_agentflow, make_block
from tests.factories.observability import make_rollup_dirty
from webapp.domain.time_buckets import floor_quarter
from webapp.models import Agent


@pytest.fixture
def as_alice(client_as: Callable[..., FlaskClient], alice: Any) -> FlaskClient:
    """The owner of organization one."""
    return client_as(alice)


@pytest.fixture
def as_bob(client_as: Callable[..., FlaskClient], bob: Any) -> FlaskClient:
    """A viewer of organization one."""
    return client_as(bob)


@pytest.fixture
def as_charlie(client_as: Callable[..., FlaskClient], charlie: Any) -> FlaskClient:
    """The owner of another organization."""
    return client_as(charlie)


@pytest.fixture
def as_dana(client_as: Callable[..., FlaskClient], organization: Any) -> FlaskClient:
    """A second person who may write in organization one."""
    dana = make_user(email="dana@example.org", username="dana", full_name="Dana")
    make_organization_member(organization_id=organization.id, user_id=dana.id, role="member")
    return client_as(dana)


@pytest.fixture
def make_running(organization: Any) -> Callable[..., Agent]:
    """``make_running("router", completed=3, failed=1)``: a discovered agent with runs in the last minutes."""

    def make(name: str, *, completed: int = 1, failed: int = 0, service: str = "api", **values: Any) -> Agent:
        agent = make_agent(
            organization_id=organization.id, name=name, source="discovered", service_name=service, **values
        )
        flow = make_agentflow(organization_id=organization.id, name=f"flow of {name}", source="discovered")
        block = make_block(
            organization_id=organization.id,
            agentflow_id=flow.id,
            name=name,
            block_type="agent",
            step_kind="agent",
            source="discovered",
            agent_id=agent.id,
        )
        at = datetime.now(UTC) - timedelta(minutes=2)
        make_rollup_dirty(organization_id=organization.id, bucket=floor_quarter(at))
        for number in range(completed + failed):
            status = "failed" if number < failed else "completed"
            run = make_flow_execution(
                organization_id=organization.id,
                agentflow_id=flow.id,
                status=status,
                started_at=at,
                agents=[name],
                execution_time_ms=100,
            )
            make_agent_execution(
                organization_id=organization.id,
                flow_execution_id=run.id,
                flow_created_at=run.created_at,
                agent_id=agent.id,
                agent_name=name,
                block_id=block.id,
                kind="agent",
                status=status,
                execution_time_ms=100,
                started_at=at,
                completed_at=at + timedelta(milliseconds=100),
            )
        return agent

    return make


def part(name: str) -> dict[str, str]:
    """Headers with which htmx asks for one part of the page."""
    return {"HX-Request": "true", "HX-Target": f"div#{name}"}
