"""What the settings and automations of a flow are chosen from, and the automations themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.schedules import ScheduleInvalid, next_times
from webapp.features.flows.visibility import visible_flows
from webapp.models import Agentflow, Source, Team, User, Workflow

MOST_OBSERVED = 500


@dataclass(frozen=True, slots=True)
class AutomationRow:
    """One automation. ``next_times`` is empty for a paused one and for what has no schedule."""

    id: UUID
    name: str
    description: str
    trigger_kind: str
    trigger_config: dict[str, Any]
    input_data: dict[str, Any] | None
    is_active: bool
    created_at: datetime
    created_by: str | None
    last_started_at: datetime | None

    @property
    def cron(self) -> str:
        return str(self.trigger_config.get("cron", ""))

    @property
    def timezone(self) -> str:
        return str(self.trigger_config.get("timezone", "UTC"))

    @property
    def event(self) -> str:
        return str(self.trigger_config.get("event", ""))

    def next_times(self, now: datetime) -> Sequence[datetime]:
        """The next three instants at which its schedule comes round."""
        if self.trigger_kind != "schedule" or not self.is_active:
            return ()
        try:
            return next_times(self.cron, ZoneInfo(self.timezone), now)
        except (ScheduleInvalid, ValueError, KeyError):
            return ()


@dataclass(frozen=True, slots=True)
class ObservedFlow:
    """A flow of traces without a drawing, which a drawn flow may turn out to be."""

    id: UUID
    name: str
    service_name: str
    last_execution_at: datetime | None


def list_teams(session: Session, organization_id: UUID) -> list[tuple[UUID, str]]:
    """Teams by name. Cost: one statement."""
    stmt = select(Team.id, Team.name).where(Team.organization_id == organization_id).order_by(Team.name, Team.id)
    return [(row.id, row.name) for row in session.execute(stmt)]


def list_automations(session: Session, organization_id: UUID, agentflow_id: UUID) -> list[AutomationRow]:
    """Automations of a flow by name. Cost: one statement."""
    stmt = (
        select(
            Workflow.id,
            Workflow.name,
            func.coalesce(Workflow.description, ""),
            Workflow.trigger_kind,
            Workflow.trigger_config,
            Workflow.input_data,
            Workflow.is_active,
            Workflow.created_at,
            func.coalesce(User.full_name, User.username),
            Workflow.last_started_at,
        )
        .outerjoin(User, User.id == Workflow.user_id)
        .where(Workflow.organization_id == organization_id, Workflow.agentflow_id == agentflow_id)
        .order_by(func.lower(Workflow.name), Workflow.id)
    )
    return [AutomationRow(*row) for row in session.execute(stmt)]


def list_observed_flows(session: Session, actor: Actor) -> list[ObservedFlow]:
    """Flows of traces that have no drawing, those that ran last first, at most 500. Cost: one statement."""
    stmt = (
        select(Agentflow.id, Agentflow.name, Agentflow.service_name, Agentflow.last_execution_at)
        .where(
            visible_flows(actor),
            Agentflow.source == Source.DISCOVERED,
            Agentflow.block_count.is_(None),
            Agentflow.deleted_at.is_(None),
        )
        .order_by(Agentflow.last_execution_at.desc().nulls_last(), Agentflow.name, Agentflow.id)
        .limit(MOST_OBSERVED)
    )
    return [ObservedFlow(*row) for row in session.execute(stmt)]
