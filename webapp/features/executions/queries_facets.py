"""Values that a filter offers to choose from, never found by looking through the executions: they are read from the
small tables of flows, agents and tools, from roll-ups, or from the newest failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, any_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from webapp.domain.execution_filter import STATUSES, TRIGGERS, ExecutionFilter
from webapp.features.executions.queries_list import recent_errors_statement
from webapp.features.executions.queries_matching import Found, conditions
from webapp.models import Agent, Agentflow, ExecutionRollup, FlowExecution, Tool, UsageRollup

MOST_CHOICES = 100
MOST_FAILURES = 2_000
FACETS = ("flow", "model", "agent", "tool", "environment", "error_type", "status", "trigger")
WHO = {"user": FlowExecution.user_ref, "session": FlowExecution.session_id}
"""Facets with too many values to list: those of the newest matching executions are offered, with their counts."""
MOST_WHO, MOST_LOOKED_AT = 12, 1_000
LOOK_BACK = timedelta(days=7)
"""Models and environments are offered when they occurred in the filter's time, or in these days when that is longer."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter: what the address says, what people read, and what tells it from its namesakes."""

    value: str
    label: str
    hint: str = ""


def list_choices(
    session: Session, organization_id: UUID, facet: str, wanted: ExecutionFilter, *, search: str, now: datetime
) -> list[Choice]:
    """Up to 100 values of a facet whose name contains the search text. Cost: at most one statement."""
    if facet in ("status", "trigger"):
        return [Choice(word, word) for word in (STATUSES if facet == "status" else TRIGGERS)]
    if facet == "flow":
        rows = session.execute(_flows(organization_id, search)).all()
        return [Choice(str(row.id), row.name, row.service_name) for row in rows]
    names = session.scalars(_names(organization_id, facet, wanted, search, now))
    return [Choice(name, name) for name in names if name]


def list_who(
    session: Session, organization_id: UUID, facet: str, wanted: ExecutionFilter, found: Found | None
) -> list[tuple[str, int]]:
    """The users or sessions most often among the newest 1,000 executions that match without this facet, with counts.

    Cost: one statement over at most 1,000 rows.
    """
    column = WHO[facet]
    newest = (
        select(column.label("who"))
        .where(*conditions(organization_id, wanted.without(facet), found))
        .order_by(FlowExecution.started_at.desc(), FlowExecution.id.desc())
        .limit(MOST_LOOKED_AT)
        .subquery()
    )
    count = func.count()
    stmt = select(newest.c.who, count).where(newest.c.who.is_not(None)).group_by(newest.c.who)
    return [tuple(row) for row in session.execute(stmt.order_by(count.desc(), newest.c.who).limit(MOST_WHO))]


def get_flow_names(session: Session, organization_id: UUID, flow_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names of flows by id, for a filter that names them. Cost: one statement, none without ids."""
    ids = list(flow_ids)
    if not ids:
        return {}
    stmt = select(Agentflow.id, Agentflow.name).where(
        Agentflow.organization_id == organization_id, Agentflow.id == any_(literal(ids, ARRAY(Uuid)))
    )
    return {row.id: row.name for row in session.execute(stmt)}


def _flows(organization_id: UUID, search: str) -> Select[Any]:
    stmt = select(Agentflow.id, Agentflow.name, Agentflow.service_name).where(
        Agentflow.organization_id == organization_id, Agentflow.deleted_at.is_(None)
    )
    if search:
        stmt = stmt.where(Agentflow.name.icontains(search, autoescape=True))
    return stmt.order_by(Agentflow.last_execution_at.desc().nulls_last(), Agentflow.name).limit(MOST_CHOICES)


def _names(organization_id: UUID, facet: str, wanted: ExecutionFilter, search: str, now: datetime) -> Select[Any]:
    since = max(wanted.since or now - LOOK_BACK, now - LOOK_BACK) if wanted.until is None else wanted.since
    match facet:
        case "agent":
            column, where = Agent.name, [Agent.organization_id == organization_id, Agent.removed_at.is_(None)]
        case "tool":
            column, where = Tool.name, [or_(Tool.organization_id == organization_id, Tool.organization_id.is_(None))]
        case "model":
            column, where = UsageRollup.model, [UsageRollup.organization_id == organization_id]
            where += _in_time(UsageRollup.bucket, since, wanted.until)
        case "environment":
            column, where = ExecutionRollup.environment, [ExecutionRollup.organization_id == organization_id]
            where += _in_time(ExecutionRollup.bucket, since, wanted.until)
        case _:
            failures = recent_errors_statement(organization_id, wanted, MOST_FAILURES).subquery()
            column, where = failures.c.error_type, []
    if search:
        where.append(column.icontains(search, autoescape=True))
    return select(column).where(*where).group_by(column).order_by(func.count().desc(), column).limit(MOST_CHOICES)


def _in_time(bucket: Any, since: datetime | None, until: datetime | None) -> list[Any]:
    where = [bucket >= since - timedelta(minutes=15)] if since is not None else []
    return where + ([bucket < until] if until is not None else [])
