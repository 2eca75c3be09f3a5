"""Flows to look at: one drawn, one found in traces."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.factories.accounts import make_organization_member, make_user
from tests.factories.flows import make_agentflow
from webapp.database.tenancy import organization_session
from webapp.domain.flow_graph import CredentialSlot, FlowGraph, GraphBlock, GraphEdge, GraphNote
from webapp.features.events.operations import AuthorId
from webapp.features.flows.operations_graph import create_flow
from webapp.models import Agentflow, Event

HOSTILE = "<script>alert(1)</script> {{ 7*7 }} \"x' \u202e한국어"


def graph_of(name="invoice-intake", **more):
    """Start, a condition, two ways, a note; settings with hostile and long text."""
    blocks = (
        GraphBlock("start", "trigger", "Receive webhook", config={"kind": "webhook"}),
        GraphBlock(
            "extract",
            "agent",
            "Extract fields",
            description="Reads the invoice",
            config={"prompt": HOSTILE, "temperature": 0.2, "long": "x" * 3_000, "nested": {"a": [1, 2]}},
            credentials=(CredentialSlot("openai", "key of finance", True),),
        ),
        GraphBlock("check", "condition", "Is it complete?"),
        GraphBlock("post", "action", "Post to ledger"),
        GraphBlock("ask", "action", "Ask a person", needs_review=True, source_type="odd"),
    )
    edges = (
        GraphEdge("start", "extract"),
        GraphEdge("extract", "check"),
        GraphEdge("check", "post", "true", label="complete"),
        GraphEdge("check", "ask", "else"),
    )
    notes = (GraphNote("n1", "note-text-of-the-canvas"),)
    return FlowGraph(name, "Reads invoices", blocks=blocks, edges=edges, notes=notes, **more)


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture
def mia(organization):
    """May work on flows, but is no admin."""
    user = make_user(email="mia@example.org", username="mia", full_name="Mia")
    make_organization_member(organization_id=organization.id, user_id=user.id, role="member")
    return user


@pytest.fixture
def draw_flow(app_engine, organization, now):
    """``draw_flow(user, **graph)``: the id of a flow drawn by the user."""

    def draw(user, graph=None, **more):
        with organization_session(app_engine, organization.id) as session:
            return create_flow(session, AuthorId(organization.id, user.id), graph or graph_of(), now=now, **more)

    return draw


@pytest.fixture
def drawn(draw_flow, mia):
    """A flow that Mia drew."""
    return draw_flow(mia)


@pytest.fixture
def observed(organization):
    """A flow found in traces."""
    return make_agentflow(name="support-triage", service_name="desk", source="discovered").id


@pytest.fixture
def read_flow(owner_engine):
    """The row of a flow as it is in the database."""

    def read(flow_id):
        with Session(owner_engine) as session:
            return session.get(Agentflow, flow_id)

    return read


@pytest.fixture
def read_events(owner_engine):
    """Events about a thing: (type, payload) in their order."""

    def read(thing_id):
        with Session(owner_engine) as session:
            rows = session.execute(
                sa.select(Event.event_type, Event.payload)
                .where(Event.aggregate_id == thing_id)
                .order_by(Event.sequence)
            )
            return [tuple(row) for row in rows]

    return read
