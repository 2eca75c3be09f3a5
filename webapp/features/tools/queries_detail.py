"""One tool's page: what it is, who uses it, and its calls that failed last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.periods import Period
from webapp.features.flows.visibility import visible_flows
from webapp.features.tools.state import tool_state
from webapp.models import Agent, Agentflow, AgentTool, Block, Event, Plugin, Source, Tool

MOST = 100
MOST_LOOKED_AT = 2_000
"""Newest executions with the tool in which its failed calls are looked for."""
MOST_FAILED = 10


@dataclass(frozen=True, slots=True)
class ToolDetail:
    """One tool as its page shows it. ``version`` counts its changes, as the log has them."""

    id: UUID
    source: str
    is_active: bool
    is_shipped: bool
    plugin_name: str | None
    created_at: datetime | None
    version: int
    state: Mapping[str, Any]

    @property
    def is_observed(self) -> bool:
        return self.source == Source.DISCOVERED

    @property
    def name(self) -> str:
        return self.state["name"]

    @property
    def keeps_name(self) -> bool:
        """Whether traces or a plugin say its name."""
        return self.is_observed or self.plugin_name is not None


@dataclass(frozen=True, slots=True)
class UsingAgent:
    """An agent that has the tool."""

    id: UUID
    name: str
    is_enabled: bool


@dataclass(frozen=True, slots=True)
class UsingFlow:
    """A flow that called the tool."""

    id: UUID
    name: str
    last_execution_at: datetime | None


@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that failed, with the execution that it was part of."""

    execution_id: UUID
    flow_name: str
    agent_name: str | None
    at: datetime | None
    execution_time_ms: int | None
    error_type: str | None
    error_message: str | None


def get_tool(session: Session, organization_id: UUID, tool_id: UUID) -> ToolDetail:
    """The tool, of the organization or shipped. Cost: one statement. Raises: NotFound."""
    changes = (
        select(func.count())
        .where(
            Event.organization_id == organization_id,
            Event.aggregate_type == "tool",
            Event.aggregate_id == tool_id,
            Event.event_type == "tool.changed",
        )
        .scalar_subquery()
    )
    stmt = (
        select(Tool, Plugin.name, changes)
        .outerjoin(Plugin, Plugin.id == Tool.plugin_id)
        .where(Tool.id == tool_id, or_(Tool.organization_id == organization_id, Tool.organization_id.is_(None)))
    )
    row = session.execute(stmt).first()
    if row is None:
        raise NotFound("There is no such tool in this organization.")
    tool = row[0]
    return ToolDetail(
        id=tool.id,
        source=tool.source,
        is_active=tool.is_active is not False,
        is_shipped=tool.organization_id is None,
        plugin_name=row[1],
        created_at=tool.created_at,
        version=1 + row[2],
        state=tool_state(tool),
    )


def list_agents(session: Session, organization_id: UUID, tool_id: UUID) -> list[UsingAgent]:
    """Agents that have the tool, by name, at most 100. Cost: one statement."""
    stmt = (
        select(Agent.id, Agent.name, AgentTool.is_enabled)
        .join(AgentTool, AgentTool.agent_id == Agent.id)
        .where(AgentTool.organization_id == organization_id, AgentTool.tool_id == tool_id, Agent.removed_at.is_(None))
        .order_by(func.lower(Agent.name), Agent.id)
        .limit(MOST)
    )
    return [UsingAgent(*row) for row in session.execute(stmt)]


def list_flows(session: Session, actor: Actor, tool_id: UUID) -> tuple[list[UsingFlow], int]:
    """Flows that called the tool and that the actor may see, and how many more there are. Cost: one statement."""
    used = select(Block.agentflow_id).where(Block.organization_id == actor.organization_id, Block.tool_id == tool_id)
    is_visible = visible_flows(actor).label("is_visible")
    rows = session.execute(
        select(Agentflow.id, Agentflow.name, Agentflow.last_execution_at, is_visible)
        .where(
            Agentflow.organization_id == actor.organization_id,
            Agentflow.id.in_(used),
            Agentflow.deleted_at.is_(None),
        )
        .order_by(is_visible.desc(), Agentflow.last_execution_at.desc().nulls_last(), Agentflow.name, Agentflow.id)
    ).all()
    shown = [UsingFlow(*row[:3]) for row in rows if row.is_visible][:MOST]
    return shown, len(rows) - len(shown)


# The months of steps have no index by tool: the newest executions that name it are walked instead, a bounded number.
FAILED = text("""
    SELECT e.id, coalesce(a.name, '') AS flow_name, t.agent_name, coalesce(t.started_at, e.started_at) AS at,
           t.execution_time_ms, t.error_type, left(t.error_message, 500) AS error_message
    FROM (
        SELECT f.id, f.created_at, f.agentflow_id, f.started_at FROM flow_executions f
        WHERE f.organization_id = :organization_id AND f.started_at >= :since AND f.started_at < :until
          AND f.created_at >= :since - interval '5 minutes' AND :name = ANY(f.tools)
          AND f.agentflow_id IN (SELECT b.agentflow_id FROM blocks b
                                 WHERE b.organization_id = :organization_id AND b.tool_id = :tool_id)
        ORDER BY f.started_at DESC, f.id DESC LIMIT :most_looked_at
    ) e
    CROSS JOIN LATERAL (
        SELECT x.* FROM tool_executions x
        WHERE x.flow_execution_id = e.id AND x.flow_created_at = e.created_at AND x.tool_id = :tool_id
          AND x.status = 'failed'
        OFFSET 0
    ) t
    LEFT JOIN agentflows a ON a.id = e.agentflow_id AND a.organization_id = :organization_id
    ORDER BY e.started_at DESC, e.id DESC, t.sequence DESC LIMIT :most
""")


def list_failed_calls(
    session: Session, organization_id: UUID, tool_id: UUID, name: str, period: Period
) -> list[FailedCall]:
    """The ten newest failed calls of the period, looked for in the newest 2,000 executions with the tool.

    Cost: one statement.
    """
    values = {
        "organization_id": organization_id,
        "tool_id": tool_id,
        "name": name,
        "since": period.since,
        "until": period.until,
        "most_looked_at": MOST_LOOKED_AT,
        "most": MOST_FAILED,
    }
    return [FailedCall(*row) for row in session.execute(FAILED, values)]
