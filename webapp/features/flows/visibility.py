"""Who sees which flow, in one place. Row-level security keeps organizations apart; this keeps drafts private.

Executions, and with them the name of a flow that runs, stay visible to the whole organization; what a private or team
flow keeps to itself is its drawing, its settings and its place in lists.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, true

from webapp.actor import Actor
from webapp.models import Agentflow, TeamMember, Visibility
from webapp.permissions import Role

SEES_ALL = frozenset({Role.ADMIN, Role.OWNER})


def visible_flows(actor: Actor) -> ColumnElement[bool]:
    """Condition on ``agentflows``: of the actor's organization, and open to the actor. Deleted ones are included."""
    return and_(Agentflow.organization_id == actor.organization_id, _open_to(actor))


def _open_to(actor: Actor) -> ColumnElement[bool]:
    if actor.role in SEES_ALL:
        return true()
    in_team = exists().where(TeamMember.team_id == Agentflow.team_id, TeamMember.user_id == actor.user_id)
    return or_(
        Agentflow.visibility == Visibility.ORGANIZATION,
        Agentflow.user_id == actor.user_id,
        and_(Agentflow.visibility == Visibility.TEAM, in_team),
    )


def visible_to_key(organization_id: UUID, user_id: UUID | None) -> ColumnElement[bool]:
    """Condition on ``agentflows`` for a program: open to the organization, or made by whom made its key."""
    return and_(
        Agentflow.organization_id == organization_id,
        or_(Agentflow.visibility == Visibility.ORGANIZATION, Agentflow.user_id == user_id),
    )
