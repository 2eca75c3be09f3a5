"""The demo goes through the real ingest path into one organization, once."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.database.tenancy import organization_session
from webapp.demo.fill import KEY_NAME, Demo, fill
from webapp.demo.organization import find_organization, make_organization
from webapp.domain.errors import Conflict, NotFound
from webapp.features.accounts.password_hashes import is_password
from webapp.features.events.queries import get_first_broken
from webapp.ingest.prices import seed_prices
from webapp.models import (
    Agent,
    AgentExecution,
    Agentflow,
    AgentflowVersion,
    AgentVersion,
    ApiKey,
    Bookmark,
    FlowExecution,
    PromptTemplate,
    RollupDirty,
    Team,
    UsageLedger,
    User,
    Workflow,
)

SMALL = Demo(days=40, executions=90, flows=13)


@pytest.fixture
def filled(organization, alice, app_engine, owner_engine):
    with Session(owner_engine) as session, session.begin():
        seed_prices(session)
    lines = []
    made = fill(app_engine, organization.id, alice.id, SMALL, now=datetime.now(UTC), say=lines.append)
    return made, lines


def read(app_engine, organization, statement):
    with organization_session(app_engine, organization.id) as session:
        return session.scalars(statement).all()


def test_executions_lie_in_the_past_that_they_tell_of(filled, app_engine, organization):
    made, lines = filled
    starts = read(app_engine, organization, select(FlowExecution.started_at))
    assert len(starts) == made.executions > 80
    now = datetime.now(UTC)
    assert min(starts) < now - timedelta(days=25) and max(starts) <= now
    arrived = read(app_engine, organization, select(FlowExecution.created_at - FlowExecution.started_at))
    assert timedelta(0) < max(arrived) < timedelta(hours=5)
    assert lines[-1] == "adding up"
    seen = select(Agentflow.id).where(Agentflow.source == "discovered")
    assert len(read(app_engine, organization, seen)) == 13


def test_some_run_some_cost_and_some_cost_nobody_knows(filled, app_engine, organization):
    assert "running" in read(app_engine, organization, select(FlowExecution.status))
    costs = read(app_engine, organization, select(UsageLedger.cost_usd))
    assert any(cost for cost in costs) and any(cost is None for cost in costs)
    assert "model_call" in read(app_engine, organization, select(AgentExecution.kind).distinct())
    assert read(app_engine, organization, select(RollupDirty.id)) == []


def test_people_drew_tagged_and_imported(filled, app_engine, organization):
    with organization_session(app_engine, organization.id) as session:
        flows = {flow.name: flow for flow in session.scalars(select(Agentflow))}
        session.expunge_all()
        assert get_first_broken(session, organization.id) is None
    triage = flows["support-triage"]
    assert (triage.version, triage.source, triage.orchestration_pattern) == (2, "discovered", "DynamicRouting")
    assert triage.tags == ["customers"] and triage.team_id is not None and triage.compiled_graph is not None
    assert flows["refund-decision"].tags == ["customers", "money"]
    kinds = read(app_engine, organization, select(AgentflowVersion.kind))
    assert len(kinds) == 6 and "import" in kinds
    names = ("Clause finder", "Router with two specialists", "Weekly price review")
    clauses, template, draft = (flows[name] for name in names)
    assert (clauses.source, clauses.source_format) == ("imported", "dify") and clauses.problems
    assert template.is_template and not template.problems
    assert draft.compiled_graph is None and draft.visibility == "private"
    assert len(read(app_engine, organization, select(Team.id))) == 3
    assert len(read(app_engine, organization, select(Bookmark.id))) == 2
    assert set(read(app_engine, organization, select(Workflow.trigger_kind))) == {"event", "schedule"}


def test_people_wrote_down_what_agents_do(filled, app_engine, organization):
    assert read(app_engine, organization, select(PromptTemplate.version).order_by(PromptTemplate.version)) == [1, 2]
    prompts = read(app_engine, organization, select(Agent.prompt_name).where(Agent.name == "resolver"))
    assert prompts == ["support answer"]
    versions = select(AgentVersion.version).join(Agent).where(Agent.name == "decider")
    assert sorted(read(app_engine, organization, versions)) == [1, 2]


def test_a_second_demo_says_that_the_first_is_there(filled, app_engine, organization, alice):
    with pytest.raises(Conflict, match="demo data already"):
        fill(app_engine, organization.id, alice.id, SMALL, now=datetime.now(UTC), say=print)
    made, _ = filled
    assert len(read(app_engine, organization, select(FlowExecution.id))) == made.executions


def test_the_key_of_the_demo_opens_nothing(filled, app_engine, organization):
    (expires_at,) = read(app_engine, organization, select(ApiKey.expires_at).where(ApiKey.name == KEY_NAME))
    assert expires_at <= datetime.now(UTC)


def test_the_organization_is_found_by_name_slug_or_id(app_engine, organization, other_organization, alice):
    for wanted in ("Acme", "acme", str(organization.id)):
        assert find_organization(app_engine, wanted).id == organization.id
    assert find_organization(app_engine, "Globex").id == other_organization.id
    assert find_organization(app_engine, None).user_id in (alice.id, None)
    with pytest.raises(NotFound):
        find_organization(app_engine, "Nobody")


def test_where_there_is_none_one_is_made_with_a_password_that_works(app_engine, owner_engine):
    assert find_organization(app_engine, None) is None
    made = make_organization(app_engine, "Asia/Seoul")
    with owner_engine.connect() as connection:
        stored = connection.scalar(select(User.password_hash).where(User.email == made.email))
    assert is_password(made.password, stored)
    assert made.password not in repr(made)
