"""A drawing is saved whole: version, rows, compiled graph, event; and never over somebody else's."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from tests.factories import make_agent, make_agentflow, make_team, make_team_member, make_user
from webapp.actor import Actor, Membership
from webapp.database.tenancy import organization_session
from webapp.domain.errors import Invalid, NotFound
from webapp.domain.flow_graph import CredentialSlot, FlowGraph, GraphBlock, GraphEdge, GraphNote, to_document
from webapp.features.events.operations import AuthorId
from webapp.features.flows import queries_graph
from webapp.features.flows.operations_graph import StaleVersion, create_flow, save_graph
from webapp.models import Agentflow, AgentflowAgent, AgentflowEdge, AgentflowVersion, Block, Event, FlowNote, new_id
from webapp.permissions import Role

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def session(organization, app_engine: Engine) -> Iterator[Session]:
    with organization_session(app_engine, organization.id) as session:
        yield session


@pytest.fixture
def author(organization, alice) -> AuthorId:
    return AuthorId(organization.id, alice.id)


def triage(agent: str | None = None) -> FlowGraph:
    """A trigger, an agent, a loop with a block inside, a note."""
    return FlowGraph(
        "triage",
        description="Sorts mail",
        pattern="Sequential",
        tags=("mail",),
        blocks=(
            GraphBlock("inner", "action", "Look up", parent_key="each"),
            GraphBlock("start", "trigger", "Start", x=1.0, y=2.0),
            GraphBlock(
                "sort",
                "agent",
                "Sort",
                agent=agent,
                config={"model": "gpt-4o", "role": "judge"},
                credentials=(CredentialSlot("openai", "key", is_filled=True),),
            ),
            GraphBlock("each", "loop", "Each", config={"limit": 3}),
        ),
        edges=(
            GraphEdge("start", "sort"),
            GraphEdge("sort", "each"),
            GraphEdge("each", "inner", source_handle="body"),
            GraphEdge("inner", "each", kind="loop_back"),
        ),
        notes=(GraphNote("n1", "Ask Kim", width=10.0),),
    )


def rows(session: Session, model: type) -> list:
    return list(session.scalars(select(model).order_by(model.id)))


def test_a_new_flow_has_one_version_its_rows_and_an_event(session: Session, author: AuthorId, organization):
    agent = make_agent(organization_id=organization.id, name="Judge")
    id_ = create_flow(session, author, triage(str(agent.id)), now=NOW)
    flow = session.get_one(Agentflow, id_)
    assert (flow.name, flow.version, flow.orchestration_pattern, flow.tags) == ("triage", 1, "Sequential", ["mail"])
    assert flow.block_count == 4 and flow.compiled_graph and flow.compiled_graph["order"][:2] == ["start", "sort"]
    assert [p for p in flow.problems if p["severity"] == "error"] == []
    blocks = {block.key: block for block in rows(session, Block)}
    assert blocks["inner"].parent_block_id == blocks["each"].id
    assert blocks["sort"].agent_id == agent.id and blocks["sort"].config["role"] == "judge"
    assert blocks["sort"].credentials == [{"kind": "openai", "name": "key", "is_filled": True}]
    assert (blocks["start"].position_x, blocks["start"].position_y) == (1.0, 2.0)
    edges = {(e.source_block_id, e.target_block_id): e for e in rows(session, AgentflowEdge)}
    assert edges[blocks["each"].id, blocks["inner"].id].source_handle == "body"
    assert edges[blocks["inner"].id, blocks["each"].id].kind == "loop_back"
    assert [(note.key, note.text, note.width) for note in rows(session, FlowNote)] == [("n1", "Ask Kim", 10.0)]
    assert [(part.agent_id, part.role) for part in rows(session, AgentflowAgent)] == [(agent.id, "judge")]
    assert [(v.version, v.kind, v.graph) for v in rows(session, AgentflowVersion)] == [
        (1, "created", to_document(triage(str(agent.id))))
    ]
    assert session.scalars(select(Event.event_type)).all() == ["agentflow.created"]
    assert queries_graph.load_graph(session, organization.id, id_) == triage(str(agent.id))


def test_blocks_keep_their_ids_and_those_gone_are_retired(session: Session, author: AuthorId, organization):
    id_ = create_flow(session, author, triage(), now=NOW)
    first = {block.key: block.id for block in rows(session, Block)}
    less = replace(triage(), blocks=triage().blocks[1:3], edges=triage().edges[:1], notes=())
    saved = save_graph(session, author, id_, less, base_version=1, now=NOW, name="Short", note="Less is more")
    session.expire_all()
    assert (saved.version, saved.is_new) == (2, True)
    assert {b.key: (b.id, b.removed_at) for b in rows(session, Block)} == {
        key: (id_, None if key in ("start", "sort") else NOW) for key, id_ in first.items()
    }
    assert len(rows(session, AgentflowEdge)) == 1 and rows(session, FlowNote) == []
    save_graph(session, author, id_, triage(), base_version=2, now=NOW)
    session.expire_all()
    assert {b.key: (b.id, b.removed_at) for b in rows(session, Block)} == {k: (i, None) for k, i in first.items()}
    assert queries_graph.load_version(session, organization.id, id_, 2).blocks == less.blocks
    kept = session.scalars(select(AgentflowVersion).where(AgentflowVersion.version == 2)).one()
    assert (kept.name, kept.note, kept.author_id) == ("Short", "Less is more", author.user_id)


def test_the_second_of_two_editors_is_told_and_writes_nothing(session: Session, author: AuthorId):
    id_ = create_flow(session, author, triage(), now=NOW)
    save_graph(session, author, id_, replace(triage(), pattern="Parallel"), base_version=1, now=NOW)
    with pytest.raises(StaleVersion) as refused:
        save_graph(
            session, author, id_, replace(triage(), blocks=triage().blocks[1:2], edges=()), base_version=1, now=NOW
        )
    assert refused.value.current_version == 2
    assert session.scalar(select(func.count()).select_from(AgentflowVersion)) == 2
    assert session.get_one(Agentflow, id_).block_count == 4


def test_saving_what_is_there_makes_no_version_but_a_new_name_is_taken(session: Session, author: AuthorId):
    id_ = create_flow(session, author, triage(), now=NOW)
    saved = save_graph(session, author, id_, replace(triage(), name="renamed"), base_version=1, now=NOW)
    assert (saved.version, saved.is_new) == (1, False)
    assert session.get_one(Agentflow, id_).name == "renamed"
    assert session.scalars(select(Event.event_type)).all() == ["agentflow.created"]


def test_a_graph_that_cannot_run_is_kept_with_its_reasons(session: Session, author: AuthorId):
    broken = FlowGraph("b", blocks=(GraphBlock("a", "mystery", "A"), GraphBlock("s", "trigger", "S")))
    flow = session.get_one(Agentflow, create_flow(session, author, broken, now=NOW))
    assert flow.compiled_graph is None
    assert "unknown_type" in {problem["code"] for problem in flow.problems}


def test_text_that_a_database_cannot_hold_is_made_storable(session: Session, author: AuthorId):
    odd = FlowGraph("a\x00b", blocks=(GraphBlock("s", "trigger", "\ud800x", config={"n": float("inf"), "big": 2**70}),))
    flow = session.get_one(Agentflow, create_flow(session, author, odd, now=NOW))
    session.refresh(flow)
    assert flow.name == "a\ufffdb"
    assert rows(session, Block)[0].config == {"n": "inf", "big": str(2**70)}


def test_a_graph_with_a_dangling_edge_is_refused(session: Session, author: AuthorId):
    dangling = FlowGraph("d", blocks=(GraphBlock("s", "trigger", "S"),), edges=(GraphEdge("s", "nowhere"),))
    with pytest.raises(Invalid, match=r"edges\[0\].target"):
        create_flow(session, author, dangling, now=NOW)


def test_a_discovered_flow_keeps_its_name_and_gets_version_one(session: Session, author: AuthorId, organization):
    seen = make_agentflow(organization_id=organization.id, source="discovered", name="mail-bot", service_name="crm")
    saved = save_graph(session, author, seen.id, triage(), base_version=0, now=NOW)
    flow = session.get_one(Agentflow, seen.id)
    assert (saved.version, flow.version, flow.name, flow.source) == (1, 1, "mail-bot", "discovered")
    assert {block.source for block in rows(session, Block)} == {"manual"}


def test_deleted_unknown_and_foreign_flows_are_not_found(session: Session, author: AuthorId, other_organization):
    id_ = create_flow(session, author, triage(), now=NOW)
    session.get_one(Agentflow, id_).deleted_at = NOW
    foreign = make_agentflow(organization_id=other_organization.id)
    for gone in (id_, uuid4(), foreign.id):
        with pytest.raises(NotFound):
            save_graph(session, author, gone, triage(), base_version=1, now=NOW)


def actor(user, organization, role: Role) -> Actor:
    member = Membership(organization.id, organization.name, organization.slug, role, "UTC")
    return Actor(user.id, new_id(), user.email, user.full_name or "", "system", "UTC", member, (member,))


@pytest.mark.parametrize("visibility", ["organization", "team", "private"])
def test_drawings_are_seen_by_whom_they_are_open_to(session: Session, author, organization, alice, visibility: str):
    team = make_team(organization_id=organization.id)
    mate, other = make_user(), make_user()
    make_team_member(team_id=team.id, user_id=mate.id, organization_id=organization.id)
    id_ = create_flow(session, author, triage(), now=NOW, visibility=visibility, team_id=team.id)
    seen = {}
    for name, user, role in (
        ("author", alice, Role.MEMBER),
        ("admin", other, Role.ADMIN),
        ("mate", mate, Role.VIEWER),
        ("other", other, Role.MEMBER),
    ):
        try:
            seen[name] = queries_graph.get_drawing(session, actor(user, organization, role), id_).version
        except NotFound:
            seen[name] = None
    open_to = {"organization": {"mate", "other"}, "team": {"mate"}, "private": set()}[visibility]
    assert {name for name, version in seen.items() if version == 1} == {"author", "admin"} | open_to
