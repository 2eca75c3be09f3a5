"""Sums per agent and per tool of a window: those of the discovered blocks that run the agent or call the tool."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.features.rollups.queries_blocks import Sums, facts, grouped, parameters, sums_of


def _by_owner(column: str) -> str:
    """SQL for the sums of blocks by a column of theirs that says whose they are. ``column`` is a constant of ours."""
    owned = (
        f"x.block_id IN (SELECT b.id FROM blocks b WHERE b.organization_id = :organization_id"  # noqa: S608
        f" AND b.key IS NULL AND b.{column} IS NOT NULL)"
    )
    joined = (
        f", owned AS (SELECT f.*, b.{column} AS owner_id FROM facts f"  # noqa: S608
        " JOIN blocks b ON b.id = f.block_id AND b.organization_id = :organization_id)"
    )
    sums = grouped("owner_id").replace("FROM facts", "FROM owned")
    return f"WITH {facts(conditions=[owned])}{joined}{sums} SELECT * FROM figures"  # noqa: S608


OF_AGENTS, OF_TOOLS = text(_by_owner("agent_id")), text(_by_owner("tool_id"))


def agent_figures(session: Session, organization_id: UUID, since: datetime, until: datetime) -> dict[UUID, Sums]:
    """What each agent did in executions that started in the window; one that did not run is not in it.

    ``inner_cost_usd`` is what its runs cost with all calls inside them. Cost: one statement.
    """
    rows = session.execute(OF_AGENTS, parameters(organization_id, [(since, until)]))
    return {row.owner_id: sums_of(row) for row in rows}


def tool_figures(session: Session, organization_id: UUID, since: datetime, until: datetime) -> dict[UUID, Sums]:
    """Calls of each tool in executions that started in the window; one that was not called is not in it.

    Cost: one statement.
    """
    rows = session.execute(OF_TOOLS, parameters(organization_id, [(since, until)]))
    return {row.owner_id: sums_of(row) for row in rows}
