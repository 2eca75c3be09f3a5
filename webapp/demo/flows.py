"""What people of the demo organization made: teams, tags, drawings in versions, an import, a template, automations, a
named prompt and the agents that use it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from webapp.actor import Actor, Membership
from webapp.database.tenancy import organization_session
from webapp.demo import drawings
from webapp.demo.plans import GPT4O, MINI, SONNET
from webapp.domain.prompt_variables import Variable
from webapp.features.agents.operations import save_agent
from webapp.features.agents.queries_state import get_state
from webapp.features.agents.state import AgentSettings
from webapp.features.flow.operations_automations import add_automation
from webapp.features.flow.wanted import WantedAutomation
from webapp.features.flows import operations_list
from webapp.features.flows.operations_graph import Origin, create_flow, save_graph
from webapp.features.organizations.operations_teams import add_team
from webapp.features.prompts.operations import create_prompt, save_prompt
from webapp.features.prompts.state import PromptSettings
from webapp.models import Agent, Agentflow, Organization, Source, User, VersionKind, Visibility
from webapp.permissions import Role

TEAMS = {
    "Customer care": ("support-triage", "refund-decision", "고객 상담 요약"),
    "Finance": ("invoice-extract", "fraud-screen"),
    "Platform": ("kb-answer", "code-review"),
}
TAGS = {
    "customers": ("support-triage", "refund-decision", "고객 상담 요약", "kb-answer"),
    "money": ("refund-decision", "invoice-extract", "fraud-screen"),
    "engineering": ("code-review",),
    "nightly": ("야간 재고 보충 제안",),
}
PROMPT = "support answer"
AGENTS = {
    "resolver": ("Answers customers from their orders.", "specialized", PROMPT, GPT4O),
    "router": ("Decides who answers.", "control", None, MINI),
    "decider": ("Decides on refunds up to 200 EUR.", "specialized", None, SONNET),
}
"""Description, type, named prompt and model."""
BOOKMARKED = ("support-triage", "refund-decision")


def add_flows(engine: Engine, organization_id: UUID, user_id: UUID | None, *, now: datetime) -> None:
    """Do, in the name of a member, what people do once their flows have been seen for a while. One transaction."""
    if user_id is None:
        return
    with organization_session(engine, organization_id) as session:
        actor = _actor(session, organization_id, user_id)
        seen = dict(
            session.execute(
                select(Agentflow.name, Agentflow.id).where(
                    Agentflow.organization_id == organization_id, Agentflow.source == Source.DISCOVERED
                )
            ).all()  # type: ignore[arg-type]
        )
        _sort(session, actor, seen, now)
        _draw_seen(session, actor, seen, now)
        _draw_new(session, actor, now)
        _write_prompt(session, actor, now)
        _instruct(session, actor, now)


def _actor(session: Session, organization_id: UUID, user_id: UUID) -> Actor:
    user = session.execute(select(User.email, User.full_name).where(User.id == user_id)).one()
    name, slug, zone = session.execute(
        select(Organization.name, Organization.slug, Organization.timezone).where(Organization.id == organization_id)
    ).one()
    membership = Membership(organization_id, name, slug, Role.ADMIN, zone)
    return Actor(user_id, uuid4(), user.email, user.full_name or "", "system", zone, membership, (membership,))


def _sort(session: Session, actor: Actor, seen: dict[str, UUID], now: datetime) -> None:
    """Teams, tags, bookmarks."""
    for name, flows in TEAMS.items():
        team_id = add_team(session, actor, name=name, now=now)
        operations_list.set_team(session, actor, _ids(seen, flows), team_id, now=now)
    for tag, flows in TAGS.items():
        operations_list.add_tags(session, actor, _ids(seen, flows), [tag], now=now)
    for flow_id in _ids(seen, BOOKMARKED):
        operations_list.toggle_bookmark(session, actor, flow_id)


def _ids(seen: dict[str, UUID], names: tuple[str, ...]) -> list[UUID]:
    return [seen[name] for name in names if name in seen]


def _draw_seen(session: Session, actor: Actor, seen: dict[str, UUID], now: datetime) -> None:
    """Two observed flows are drawn too, one of them twice."""
    if (flow_id := seen.get("support-triage")) is not None:
        first, second = (replace(g, tags=("customers",)) for g in (drawings.SUPPORT_FIRST, drawings.SUPPORT_SECOND))
        at = now - timedelta(days=20)
        save_graph(session, actor, flow_id, first, base_version=0, kind=VersionKind.ADOPTED, name="As it ran", now=at)
        at = now - timedelta(days=6)
        note = "Complaints go to a person."
        save_graph(session, actor, flow_id, second, base_version=1, name="Route complaints", note=note, now=at)
    if (flow_id := seen.get("refund-decision")) is not None:
        graph = replace(drawings.REFUND, tags=("customers", "money"))
        save_graph(session, actor, flow_id, graph, base_version=0, kind=VersionKind.ADOPTED, now=now)
        event = {"event": "refund.requested"}
        wanted = WantedAutomation("Refund requested", "From the shop.", "event", event, {"channel": "shop"})
        add_automation(session, actor, flow_id, wanted, count=0, now=now)


def _draw_new(session: Session, actor: Actor, now: datetime) -> None:
    """An import with open ends, a template, and a private draft that cannot run."""
    origin = Origin("dify", "0.3.0", "clause-finder")
    create_flow(session, actor, drawings.CLAUSES, source=Source.IMPORTED, origin=origin, now=now - timedelta(days=3))
    create_flow(session, actor, drawings.TEMPLATE, is_template=True, now=now - timedelta(days=12))
    at = now - timedelta(days=1)
    review = create_flow(session, actor, drawings.REVIEW, visibility=Visibility.PRIVATE, now=at)
    mondays = {"cron": "0 7 * * 1", "timezone": actor.timezone}
    wanted = WantedAutomation("Every Monday", None, "schedule", mondays, None)
    add_automation(session, actor, review, wanted, count=0, now=at)


def _write_prompt(session: Session, actor: Actor, now: datetime) -> None:
    """A named prompt in two versions."""
    variables = (
        Variable("customer", "Name of the customer", "Mina Park"),
        Variable("question", "What they wrote", "Where is my parcel?"),
    )
    first = PromptSettings(
        "Answer {{customer}} politely.\n\n{{question}}", "How support answers.", ("support",), variables
    )
    prompt_id = create_prompt(session, actor, PROMPT, first, now=now - timedelta(days=30))
    text = (
        "You answer for Hanbit support. Greet {{customer}} by name. Use only what the tools returned; when that is"
        " nothing, say so and offer a colleague.\n\nQuestion: {{question}}"
    )
    save_prompt(session, actor, prompt_id, replace(first, template=text), base_version=1, now=now - timedelta(days=5))


def _instruct(session: Session, actor: Actor, now: datetime) -> None:
    """What people wrote down about agents that were only seen until then."""
    for name, (description, agent_type, prompt_name, model) in AGENTS.items():
        stmt = select(Agent.id).where(Agent.organization_id == actor.organization_id, Agent.name == name)
        if (agent_id := session.scalars(stmt.order_by(Agent.id).limit(1)).first()) is None:
            continue
        agent, state = get_state(session, actor.organization_id, agent_id)
        settings = {key: state[key] for key in AgentSettings.__dataclass_fields__}
        wanted = AgentSettings(**settings | {"tags": tuple(state["tags"])})
        wanted = replace(
            wanted,
            description=description,
            agent_type=agent_type,
            prompt_name=prompt_name,
            model_provider=model[1],
            model_name=model[0],
        )
        base, note = agent.version or 1, "Written down from what it does."
        save_agent(session, actor, agent_id, wanted, base_version=base, note=note, now=now - timedelta(days=4))
