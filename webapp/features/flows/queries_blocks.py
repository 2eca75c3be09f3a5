"""The truth table of a flow: what each of its blocks did in a window, and each version of its service."""

# SQL is put together from constants; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.features.rollups.queries_blocks import Sums, Window, add_up, facts, grouped, parameters, sums_of
from webapp.models.base import NIL_UUID

NOTHING = Sums()


@dataclass(frozen=True, slots=True)
class BlockFigures:
    """A discovered block (``step_kind`` agent, tool, model_call, retrieval, embedding, step) in a window and before.

    ``now`` and ``before`` hold executions, completed, failed, ended, failure_rate, p50_ms, p95_ms, cost_usd (own),
    inner_cost_usd (with the steps inside), tokens, last_failed_at, last_failed_execution_id. ``cost_share`` is the own
    cost's share of the flow's cost, from 0 to 1. The error is that of the newest failed step in the window; '' when the
    trace names none, None when nothing failed. The nil block is the flow itself: its whole executions.
    """

    block_id: UUID
    name: str
    block_type: str
    step_kind: str
    agent_id: UUID | None
    tool_id: UUID | None
    now: Sums
    before: Sums
    cost_share: float | None
    error_type: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class BlockTable:
    """The flow as a whole and each block that ran in the window or before, most inner cost first."""

    flow: BlockFigures
    blocks: tuple[BlockFigures, ...]


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """Executions of the flow by one version of its service; '' when the trace does not say."""

    service_version: str
    now: Sums
    first_seen_at: datetime | None


OF_FLOW = "x.agentflow_id = ANY(CAST(:flows AS uuid[]))"
OF_EXECUTION = f"x.block_id = '{NIL_UUID}'"


def _table(*conditions: str) -> str:
    return f"""
    WITH {facts(conditions=(OF_FLOW, *conditions))}{grouped("block_id")}, reasons AS MATERIALIZED (
        SELECT r.* FROM (
            SELECT array_agg(last_failed_execution_id) AS executions, array_agg(block_id) AS blocks
            FROM figures WHERE place = 1 AND last_failed_execution_id IS NOT NULL
        ) f CROSS JOIN LATERAL block_failures(:organization_id, f.executions, f.blocks) r
    )
    SELECT f.*, b.name, b.block_type, b.step_kind, b.agent_id, b.tool_id, r.error_type, r.error_message
    FROM figures f
    LEFT JOIN blocks b ON b.id = f.block_id AND b.organization_id = :organization_id
         AND b.agentflow_id = ANY(CAST(:flows AS uuid[]))
    LEFT JOIN reasons r ON r.block_id = f.block_id AND f.place = 1"""


BLOCKS = text(_table())
BLOCKS_OF_VERSION = text(_table("x.service_version = :service_version"))
BY_VERSION = facts(conditions=(OF_FLOW, OF_EXECUTION)) + grouped("service_version")
VERSIONS = text(f"""
    WITH {BY_VERSION}
    SELECT f.*, (
        SELECT min(s.first_seen_at) FROM first_sightings s
        WHERE s.organization_id = :organization_id AND s.agentflow_id = :agentflow_id AND s.kind = 'service_version'
          AND s.name = f.service_version
    ) AS first_seen_at
    FROM figures f
""")


def list_blocks(
    session: Session,
    organization_id: UUID,
    agentflow_id: UUID,
    since: datetime,
    until: datetime,
    *,
    before: Window | None = None,
    service_version: str | None = None,
) -> BlockTable:
    """Figures of each block of a flow in ``[since, until)``, exact at any moment. Cost: one statement.

    ``before`` is the window to compare with, such as ``(period.previous_since, period.previous_until)``; without it the
    equally long stretch right before. The windows must not overlap.
    """
    before = before or (since - (until - since), since)
    values = parameters(organization_id, [(since, until), before], [agentflow_id])
    statement = BLOCKS
    if service_version is not None:
        statement, values["service_version"] = BLOCKS_OF_VERSION, service_version
    rows: dict[UUID, dict[int, Any]] = {}
    for row in session.execute(statement, values):
        rows.setdefault(row.block_id, {})[row.place] = row
    flow_cost = sums_of(rows[NIL_UUID][1]).cost_usd if 1 in rows.get(NIL_UUID, {}) else None
    figures = {block_id: _block(block_id, places, flow_cost) for block_id, places in rows.items()}
    flow = figures.pop(NIL_UUID, None) or _block(NIL_UUID, {}, None)
    return BlockTable(flow, tuple(sorted(figures.values(), key=_by_cost)))


def _block(block_id: UUID, places: dict[int, Any], flow_cost: Decimal | None) -> BlockFigures:
    row = places.get(1) or places.get(2)
    now = sums_of(places[1]) if 1 in places else NOTHING
    has_failed = now.failed > 0
    return BlockFigures(
        block_id=block_id,
        name=(row and row.name) or "",
        block_type=(row and row.block_type) or "",
        step_kind=(row and row.step_kind) or "",
        agent_id=row and row.agent_id,
        tool_id=row and row.tool_id,
        now=now,
        before=sums_of(places[2]) if 2 in places else NOTHING,
        cost_share=float(now.cost_usd / flow_cost) if now.cost_usd is not None and flow_cost else None,
        error_type=(places[1].error_type or "") if has_failed else None,
        error_message=(places[1].error_message or "") if has_failed else None,
    )


def _by_cost(block: BlockFigures) -> tuple[Decimal, int, str, UUID]:
    return (-(block.now.inner_cost_usd or Decimal(0)), -block.now.executions, block.name, block.block_id)


def join_blocks(blocks: list[BlockFigures], flow_cost_usd: Decimal | None) -> BlockFigures:
    """Several discovered blocks as which one drawn block ran, as one; name, kind and reason are those of the first."""
    first = max(blocks, key=lambda block: block.now.executions)
    newest = max(blocks, key=lambda block: (block.now.last_failed_at is not None, block.now.last_failed_at))
    now = add_up(block.now for block in blocks)
    return BlockFigures(
        block_id=first.block_id,
        name=first.name,
        block_type=first.block_type,
        step_kind=first.step_kind,
        agent_id=first.agent_id,
        tool_id=first.tool_id,
        now=now,
        before=add_up(block.before for block in blocks),
        cost_share=float(now.cost_usd / flow_cost_usd) if now.cost_usd is not None and flow_cost_usd else None,
        error_type=newest.error_type,
        error_message=newest.error_message,
    )


def list_versions(
    session: Session, organization_id: UUID, agentflow_id: UUID, since: datetime, until: datetime
) -> tuple[VersionFigures, ...]:
    """Executions by version of the service in ``[since, until)``, the version seen last first. Cost: one statement."""
    values = parameters(organization_id, [(since, until)], [agentflow_id]) | {"agentflow_id": agentflow_id}
    found = [
        VersionFigures(row.service_version, sums_of(row), row.first_seen_at)
        for row in session.execute(VERSIONS, values)
    ]
    found.sort(key=lambda v: (v.first_seen_at is not None, v.first_seen_at, v.now.executions), reverse=True)
    return tuple(found)
