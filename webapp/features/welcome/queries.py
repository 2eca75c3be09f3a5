"""Whether anything arrived, and what was refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.models import Agentflow, FlowExecution, IngestRejection

SHOWN_REFUSALS = 5


@dataclass(frozen=True, slots=True)
class Arrival:
    """The newest execution."""

    id: UUID
    flow_name: str
    status: str
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was not stored, and why."""

    received_at: datetime
    http_status: int
    reason: str


def get_newest_execution(session: Session, organization_id: UUID) -> Arrival | None:
    """The execution that began last; None before the first. Cost: one statement, by index."""
    row = session.execute(
        select(FlowExecution.id, Agentflow.name, FlowExecution.status, FlowExecution.started_at)
        .outerjoin(Agentflow, Agentflow.id == FlowExecution.agentflow_id)
        .where(FlowExecution.organization_id == organization_id)
        .order_by(FlowExecution.started_at.desc(), FlowExecution.id.desc())
        .limit(1)
    ).first()
    return Arrival(row.id, row.name or "unnamed flow", row.status, row.started_at) if row else None


def list_refusals(session: Session, organization_id: UUID) -> list[Refusal]:
    """The last few refusals, newest first. Cost: one statement, by index."""
    stmt = (
        select(IngestRejection.received_at, IngestRejection.http_status, IngestRejection.reason)
        .where(IngestRejection.organization_id == organization_id)
        .order_by(IngestRejection.received_at.desc())
        .limit(SHOWN_REFUSALS)
    )
    return [Refusal(*row) for row in session.execute(stmt)]
