"""Teams of an organization."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.domain.errors import Conflict
from webapp.features.events import operations as events
from webapp.models import Team, new_id


def add_team(session: Session, author: events.Author, *, name: str, now: datetime) -> UUID:
    """Make a team without members; answers its id.

    Raises:
        Conflict: the organization has a team of this name.
    """
    same = select(Team.id).where(Team.organization_id == author.organization_id, Team.name == name)
    if session.scalar(same) is not None:
        raise Conflict(f"There is a team named “{name}” already.", field="name")
    team = Team(
        id=new_id(),
        organization_id=author.organization_id,
        name=name,
        created_by_id=author.user_id,
        created_at=now,
        updated_at=now,
    )
    session.add(team)
    session.flush()
    events.record(session, author, "team", team.id, "team.created", {"name": name}, at=now)
    return team.id
