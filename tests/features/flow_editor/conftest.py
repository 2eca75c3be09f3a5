"""A flow of Alice's organization, saved the way the product saves it, and what the tests ask of its editor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.domain.graphs import block, graph
from tests.factories.accounts import make_organization_member, make_user
from webapp.database.tenancy import organization_session
from webapp.domain.flow_graph import FlowGraph, from_document
from webapp.features.events.operations import AuthorId
from webapp.features.flows.operations_graph import create_flow
from webapp.models import AgentflowDraft, AgentflowVersion

FLOW = graph(
    [block("start", "trigger", name="Start", config={"kind": "manual"}),
     block("work", "action", name="Do work", config={"kind": "http", "url": "https://example.org", "deep": {"a": [1]}}),
     block("end", "action", name="Answer", config={"kind": "answer"})],
    ["start -> work", "work -> end"],
)  # fmt: skip


@dataclass
class Editor:
    """One person's editor of one flow, spoken to over HTTP."""

    client: Any
    flow_id: Any
    engine: Any
    user_id: Any
    page: str = ""

    @property
    def base(self) -> str:
        return f"/flows/{self.flow_id}/edit"

    def open(self, query: str = "") -> str:
        answer = self.client.get(self.base + query)
        assert answer.status_code == 200, answer.text[:400]
        self.page = answer.text
        return self.page

    @property
    def revision(self) -> int:
        with Session(self.engine) as session:
            found = session.scalar(sa.select(AgentflowDraft.revision).where(*self._mine()))
        return found or 0

    def _mine(self) -> tuple[Any, ...]:
        return AgentflowDraft.agentflow_id == self.flow_id, AgentflowDraft.user_id == self.user_id

    def post(self, action: str, *, status: int = 303, headers: dict[str, str] | None = None, **values: Any) -> Any:
        values = {"revision": self.revision, "base_version": self.base_version, **values}
        answer = self.client.post(f"{self.base}/{action}", data=values, headers=headers)
        assert answer.status_code == status, (answer.status_code, answer.text[:600])
        return answer

    @property
    def base_version(self) -> int:
        with Session(self.engine) as session:
            found = session.scalar(sa.select(AgentflowDraft.base_version).where(*self._mine()))
        return 1 if found is None else found

    @property
    def draft(self) -> FlowGraph | None:
        with Session(self.engine) as session:
            document = session.scalar(sa.select(AgentflowDraft.graph).where(*self._mine()))
        return from_document(document) if document else None

    @property
    def versions(self) -> list[Any]:
        with Session(self.engine) as session:
            query = sa.select(AgentflowVersion).where(AgentflowVersion.agentflow_id == self.flow_id)
            return list(session.scalars(query.order_by(AgentflowVersion.version)))


def save_flow(engine: Any, organization: Any, user: Any, drawn: FlowGraph = FLOW, **more: Any) -> Any:
    """A flow with its first version."""
    author = AuthorId(organization.id, user.id)
    with organization_session(engine, organization.id) as session:
        flow_id = create_flow(session, author, drawn, now=datetime.now(UTC), **more)
        session.commit()
    return flow_id


@pytest.fixture
def flow_id(app_engine, organization, alice):
    return save_flow(app_engine, organization, alice)


@pytest.fixture
def dora(organization):
    """A second person who may edit in Alice's organization."""
    user = make_user(email="dora@example.org", username="dora", full_name="Dora")
    make_organization_member(organization_id=organization.id, user_id=user.id, role="member")
    return user


@pytest.fixture
def editor_of(client_as, flow_id, owner_engine):
    """``editor_of(user)``: that person's editor of the flow."""
    return lambda user, flow=None: Editor(client_as(user), flow or flow_id, owner_engine, user.id)


@pytest.fixture
def editor(editor_of, alice):
    return editor_of(alice)


def words(html: str) -> str:
    """The text of a page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
