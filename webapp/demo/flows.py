"""What people of the demo organization made of its flows: teams, tags, drawings in versions, an import, a template."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from webapp.actor import Actor, Membership
from webapp.database.tenancy import organization_session
from webapp.demo import drawings
from webapp.features.flows import operations_list
from webapp.features.flows.operations_graph import Origin, create_flow, save_graph
from webapp.features.organizations.operations_teams import add_team
from webapp.models import Agentflow, Organization, Source, User, VersionKind, Visibility
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


def _draw_new(session: Session, actor: Actor, now: datetime) -> None:
    """An import with open ends, a template, and a private draft that cannot run."""
    origin = Origin("dify", "0.3.0", "clause-finder")
    create_flow(session, actor, drawings.CLAUSES, source=Source.IMPORTED, origin=origin, now=now - timedelta(days=3))
    create_flow(session, actor, drawings.TEMPLATE, is_template=True, now=now - timedelta(days=12))
    create_flow(session, actor, drawings.REVIEW, visibility=Visibility.PRIVATE, now=now - timedelta(days=1))
