"""With what an execution can be compared: the last good one of its flow, and the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, literal, select, union_all
from sqlalchemy.orm import Session

from webapp.domain.execution_filter import ExecutionFilter
from webapp.features.executions.queries_detail import ExecutionDetail
from webapp.features.executions.queries_matching import resolve_search
from webapp.models import FlowExecution

LAST_GOOD, PREVIOUS = "good", "previous"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An execution of the same flow and environment that ran before. ``role`` is "good" or "previous"."""

    role: str
    id: UUID
    status: str
    started_at: datetime | None
    execution_time_ms: int | None
    cost_usd: Decimal | None


def find_neighbours(session: Session, organization_id: UUID, execution: ExecutionDetail) -> dict[str, Neighbour]:
    """The nearest completed execution before this one, and the nearest that ended at all, by their role.

    Cost: one statement that goes back in time over one index.
    """
    if execution.flow_id is None or execution.started_at is None:
        return {}
    both = union_all(*(select(_before(organization_id, execution, role).subquery()) for role in (LAST_GOOD, PREVIOUS)))
    return {row[0]: Neighbour(*row) for row in session.execute(both)}


def _before(organization_id: UUID, execution: ExecutionDetail, role: str) -> Select[Any]:
    run = FlowExecution
    wanted = ("completed",) if role == LAST_GOOD else ("completed", "failed")
    return (
        select(literal(role).label("role"), run.id, run.status, run.started_at, run.execution_time_ms, run.cost_usd)
        .where(
            run.organization_id == organization_id,
            run.agentflow_id == execution.flow_id,
            run.environment.is_not_distinct_from(execution.environment),
            run.started_at < execution.started_at,
            run.status.in_(wanted),
        )
        .order_by(run.started_at.desc(), run.id.desc())
        .limit(1)
    )


def find_execution(session: Session, organization_id: UUID, typed: str) -> UUID | None:
    """The execution that somebody typed the id, the short id or the trace id of; None for anything else.

    Cost: at most one statement.
    """
    found = resolve_search(session, organization_id, ExecutionFilter(q=typed))
    return found.ids[0] if found is not None and found.is_by_id and found.ids else None
