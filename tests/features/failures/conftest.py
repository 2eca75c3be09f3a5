"""Failures to look at: groups with occurrences made straight, and causes that came over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.factories.accounts import make_organization_member, make_user
from tests.factories.failures import make_failure_fingerprint, make_failure_group, make_failure_occurrence
from tests.factories.flows import make_agentflow
from tests.ingest.http import export, send
from tests.ingest.test_failures import failed_trace
from webapp.ingest.decode import PROTOBUF
from webapp.models import Event, FailureGroup, Notification, new_id


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def mia(organization: Any) -> Any:
    """May decide about failures."""
    user = make_user(email="mia@example.org", username="mia", full_name="Mia Kang")
    make_organization_member(organization_id=organization.id, user_id=user.id, role="member")
    return user


@pytest.fixture
def as_mia(client_as: Callable[..., FlaskClient], mia: Any) -> FlaskClient:
    return client_as(mia)


@pytest.fixture
def as_alice(client_as: Callable[..., FlaskClient], alice: Any) -> FlaskClient:
    return client_as(alice)


@pytest.fixture
def as_bob(client_as: Callable[..., FlaskClient], bob: Any) -> FlaskClient:
    """May only look."""
    return client_as(bob)


@pytest.fixture
def as_charlie(client_as: Callable[..., FlaskClient], charlie: Any) -> FlaskClient:
    """The owner of another organization."""
    return client_as(charlie)


@pytest.fixture
def make_failure(organization: Any, now: datetime) -> Callable[..., UUID]:
    """``make_failure("title", times=3, minutes_ago=5, flow="Triage", cost="0.5", user="u1", **columns)``: its id."""
    flows: dict[str, UUID] = {}

    def make(
        title: str = "It broke",
        *,
        times: int = 1,
        minutes_ago: float = 5,
        flow: str = "Triage",
        cost: str | None = "0.5",
        user: str | None = None,
        occurrence: dict[str, Any] | None = None,
        **columns: Any,
    ) -> UUID:
        owner = columns.setdefault("organization_id", organization.id)
        if flow not in flows:
            flows[flow] = make_agentflow(organization_id=owner, name=flow).id
        at = now - timedelta(minutes=minutes_ago)
        columns.setdefault("first_seen_at", at)
        group = make_failure_group(title=title, agentflow_id=flows[flow], **columns)
        name = make_failure_fingerprint(organization_id=owner, failure_group_id=group.id)
        for number in range(times):
            make_failure_occurrence(
                flow_execution_id=new_id(), flow_created_at=at, organization_id=owner, failure_group_id=group.id,
                fingerprint=name.fingerprint, agentflow_id=flows[flow], occurred_at=at - timedelta(seconds=number),
                cost_usd=Decimal(cost) if cost else None, user_ref=user, **(occurrence or {}),
            )  # fmt: skip
        return group.id

    return make


@pytest.fixture
def read_group(owner_engine: sa.Engine) -> Callable[[UUID], FailureGroup]:
    """The row of a failure as it is in the database."""

    def read(group_id: UUID) -> FailureGroup:
        with Session(owner_engine) as session:
            return session.get_one(FailureGroup, group_id)

    return read


@pytest.fixture
def read_events(owner_engine: sa.Engine) -> Callable[[UUID], list[tuple[str, dict[str, Any]]]]:
    """Events about a failure: (type, payload) in their order."""

    def read(group_id: UUID) -> list[tuple[str, dict[str, Any]]]:
        with Session(owner_engine) as session:
            stmt = sa.select(Event.event_type, Event.payload).where(Event.aggregate_id == group_id)
            return [tuple(row) for row in session.execute(stmt.order_by(Event.sequence))]

    return read


@pytest.fixture
def told(owner_engine: sa.Engine) -> Callable[[Any], list[str]]:
    """Titles of what a person was told, in their order."""

    def told(user: Any) -> list[str]:
        with Session(owner_engine) as session:
            stmt = sa.select(Notification.title).where(Notification.user_id == user.id).order_by(Notification.id)
            return list(session.scalars(stmt))

    return told


@pytest.fixture
def post_failures(client: FlaskClient, api_key: Any) -> Callable[..., None]:
    """``post_failures("no such order 17", flow="orders", version="1.0")``: one failed trace over HTTP per message, in
    an export each unless ``is_together``."""

    def post(
        *messages: str,
        version: str | None = None,
        environment: str | None = None,
        is_together: bool = False,
        **more: Any,
    ) -> None:
        traces = [failed_trace(message, **more) for message in messages]
        resource = {"service.version": version, "deployment.environment.name": environment}
        for spans in [sum(traces, [])] if is_together else traces:
            body = export(spans, **{name: value for name, value in resource.items() if value})
            assert send(client, api_key.text, body, PROTOBUF).status_code == 200

    return post


@pytest.fixture
def placed(owner_engine: sa.Engine) -> Callable[[], dict[int, int]]:
    """How many occurrences each failure has, by its number."""

    def placed() -> dict[int, int]:
        stmt = sa.text("""
            SELECT g.number, count(*) FROM failure_occurrences o JOIN failure_groups g ON g.id = o.failure_group_id
            GROUP BY 1 ORDER BY 1
        """)
        with owner_engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(stmt)}

    return placed


def part(name: str) -> dict[str, str]:
    """Headers with which htmx asks for one part of the page."""
    return {"HX-Request": "true", "HX-Target": f"div#{name}"}
