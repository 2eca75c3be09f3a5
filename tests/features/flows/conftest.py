"""Flows with executions, and people who look at them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.factories.accounts import make_organization_member, make_user
from tests.factories.base import bound_engine
from tests.factories.executions import make_flow_execution
from tests.factories.flows import make_agentflow
from tests.factories.observability import make_rollup_dirty, make_usage_ledger
from tests.features.executions.conftest import as_alice, as_bob, as_charlie, part  # noqa: F401
from webapp.domain.time_buckets import floor_quarter
from webapp.models import Agentflow

FlowMaker = Callable[..., Agentflow]


@pytest.fixture
def make_flow(organization: Any) -> FlowMaker:
    """``make_flow("Triage", failed=2, completed=8, cost=Decimal(1), minutes_ago=5, ...)``: a flow that ran so often."""

    def make(
        name: str,
        *,
        completed: int = 0,
        failed: int = 0,
        minutes_ago: float = 5,
        cost: Any = None,
        run: dict | None = None,
        **values: Any,
    ) -> Agentflow:
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        values = {"organization_id": organization.id, "source": "discovered"} | values
        if completed + failed:
            values.setdefault("last_execution_at", at)
        flow = make_agentflow(name=name, **values)
        for number in range(completed + failed):
            one = make_flow_execution(
                organization_id=flow.organization_id,
                agentflow_id=flow.id,
                started_at=at,
                status="failed" if number < failed else "completed",
                **(run or {}),
            )
            if cost is not None:
                make_usage_ledger(
                    organization_id=flow.organization_id,
                    flow_execution_id=one.id,
                    flow_created_at=one.created_at,
                    agentflow_id=flow.id,
                    occurred_at=at,
                    cost_usd=cost,
                )
        if completed + failed:
            make_rollup_dirty(organization_id=flow.organization_id, bucket=floor_quarter(at))
        return flow

    return make


@pytest.fixture
def mia(organization: Any) -> Any:
    """A member: may write, and is no admin."""
    user = make_user(email="mia@example.org", username="mia", full_name="Mia")
    make_organization_member(organization_id=organization.id, user_id=user.id, role="member")
    return user


@pytest.fixture
def as_mia(client_as: Any, mia: Any) -> Any:
    return client_as(mia)


def row_of(model: type, id_: Any) -> Any:
    """A row as it is in the database now."""
    with Session(bound_engine(), expire_on_commit=False) as session:
        return session.get(model, id_)
