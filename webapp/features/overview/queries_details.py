"""The tables below the overview, loaded after it: flows, models, and versions or models seen for the first time."""

# SQL is put together from constants; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.durations import percentile
from webapp.domain.periods import Period
from webapp.domain.trouble import failing_for_sure
from webapp.features.rollups.queries import STALE, relation, window
from webapp.models.base import NIL_UUID

MOST_FLOWS = 20
MOST_MODELS = 12
MOST_CHANGES = 20


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One flow in the period. Shares are None while nothing ended; ``counts`` are executions per column."""

    id: UUID
    name: str
    executions: int
    completed: int
    failed: int
    completed_before: int
    failed_before: int
    p95_ms: float | None
    cost_usd: Decimal | None
    unpriced_call_count: int
    counts: Sequence[int]

    @property
    def is_known(self) -> bool:
        """Whether the executions name a flow; until the root of a trace arrives they do not."""
        return self.id != NIL_UUID

    @property
    def success_rate(self) -> float | None:
        ended = self.completed + self.failed
        return self.completed / ended if ended else None

    @property
    def success_rate_before(self) -> float | None:
        ended = self.completed_before + self.failed_before
        return self.completed_before / ended if ended else None

    @property
    def points(self) -> float | None:
        """Change of the success rate in points, None where there is nothing to compare."""
        if self.success_rate is None or self.success_rate_before is None:
            return None
        return (self.success_rate - self.success_rate_before) * 100


@dataclass(frozen=True, slots=True)
class ModelRow:
    """Billable calls of one model by executions of the period. ``cost_usd`` is None when no call has a price."""

    model: str
    provider: str
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    unpriced_calls: int


@dataclass(frozen=True, slots=True)
class Change:
    """A version or model that a flow was first seen with, while it had another one before."""

    flow_id: UUID
    flow_name: str
    kind: str
    name: str
    previous_name: str
    environment: str
    first_seen_at: datetime


SUMMED = relation(is_fine=True, columns=("agentflow_id", "status", "executions", "cost_usd", "unpriced_call_count"))
TIMED = relation(
    is_fine=True,
    conditions=["x.status IN ('completed', 'failed')"],
    columns=("agentflow_id", "duration_histogram"),
)
# Places: 1 is the stretch before, 2 the gap after it, then one per column. Added up on the way, so that no month of
# rows has to be kept at once.
FLOWS = text(f"""
    WITH {STALE}, placed AS MATERIALIZED (
        SELECT agentflow_id, width_bucket(at, CAST(:edges AS timestamptz[])) AS place, sum(executions) AS executions,
               sum(executions) FILTER (WHERE status = 'completed') AS completed,
               sum(executions) FILTER (WHERE status = 'failed') AS failed,
               sum(cost_usd) AS cost_usd, sum(unpriced_call_count) AS unpriced_call_count
        FROM ({SUMMED}) f GROUP BY 1, 2
    ), binned AS (
        SELECT f.agentflow_id, f.duration_histogram[1] + h.position - 1 AS bin, sum(h.n) AS n
        FROM ({TIMED}) f, unnest(f.duration_histogram[2:]) WITH ORDINALITY AS h (n, position)
        WHERE f.at >= :now_since AND h.n > 0
        GROUP BY 1, 2
    ), sums AS (
        SELECT agentflow_id, sum(executions) FILTER (WHERE place > 2) AS executions,
               sum(completed) FILTER (WHERE place > 2) AS completed, sum(failed) FILTER (WHERE place > 2) AS failed,
               sum(completed) FILTER (WHERE place = 1) AS completed_before,
               sum(failed) FILTER (WHERE place = 1) AS failed_before,
               sum(cost_usd) FILTER (WHERE place > 2) AS cost_usd,
               sum(unpriced_call_count) FILTER (WHERE place > 2) AS unpriced_call_count,
               array_agg(place - 2) FILTER (WHERE place > 2) AS places,
               array_agg(CAST(executions AS integer)) FILTER (WHERE place > 2) AS counts
        FROM placed GROUP BY agentflow_id
    )
    SELECT s.*, coalesce(a.name, '') AS name, b.bins, b.bin_counts
    FROM sums s
    LEFT JOIN agentflows a ON a.id = s.agentflow_id AND a.organization_id = :organization_id
    LEFT JOIN (SELECT agentflow_id, array_agg(CAST(bin AS integer)) AS bins,
                      array_agg(CAST(n AS integer)) AS bin_counts
               FROM binned GROUP BY agentflow_id) b USING (agentflow_id)
    WHERE s.executions > 0
""")
SORTS: dict[str, Callable[[FlowRow], Any]] = {
    "failing": lambda row: (-failing_for_sure(row.failed, row.completed + row.failed), -row.failed),
    "executions": lambda row: -row.executions,
    "slowest": lambda row: -(row.p95_ms or -1),
    "cost": lambda row: -(row.cost_usd or -1),
}


def list_flows(session: Session, organization_id: UUID, period: Period, sort: str) -> tuple[list[FlowRow], int]:
    """The first 20 flows in the order asked for, and how many ran. Cost: one statement."""
    parameters = window(organization_id, period.previous_since, period.until, (period.previous_until, period.since))
    parameters |= {
        "now_since": period.since,
        "edges": [period.previous_since, period.previous_until, *period.edges[:-1], period.until],
    }
    rows = [_flow(row, len(period.edges) - 1) for row in session.execute(FLOWS, parameters)]
    rows.sort(key=lambda row: (SORTS[sort](row), -row.executions, row.name))
    return rows[:MOST_FLOWS], len(rows)


def _flow(row: Any, columns: int) -> FlowRow:
    counts = [0] * columns
    for place, count in zip(row.places or (), row.counts or (), strict=True):
        if 1 <= place <= columns:
            counts[place - 1] = count
    return FlowRow(
        id=row.agentflow_id,
        name=row.name,
        executions=int(row.executions),
        completed=int(row.completed or 0),
        failed=int(row.failed or 0),
        completed_before=int(row.completed_before or 0),
        failed_before=int(row.failed_before or 0),
        p95_ms=percentile(dict(zip(row.bins or (), row.bin_counts or (), strict=True)), 0.95),
        cost_usd=row.cost_usd,
        unpriced_call_count=int(row.unpriced_call_count or 0),
        counts=counts,
    )


# Model and provider of a call whose execution started in the period, so that the rows add up to the tile above.
MODELS = text(f"""
    WITH {STALE}, calls AS (
        SELECT r.model, r.provider, r.calls, r.input_tokens, r.output_tokens, r.cost_usd, r.unpriced_calls
        FROM usage_rollups r
        WHERE r.organization_id = :organization_id AND r.bucket >= :first_whole AND r.bucket < :last_whole
          AND NOT EXISTS (SELECT FROM stale WHERE stale.bucket = r.bucket)
        UNION ALL
        SELECT c.* FROM stale CROSS JOIN LATERAL (
            SELECT coalesce(l.model, ''), coalesce(l.provider, ''), 1, l.input_tokens, l.output_tokens, l.cost_usd,
                   CASE WHEN l.cost_usd IS NULL THEN 1 ELSE 0 END
            FROM flow_executions e
            JOIN usage_ledger l ON l.flow_execution_id = e.id AND l.flow_created_at = e.created_at
            WHERE e.organization_id = :organization_id
              AND e.started_at >= stale.bucket AND e.started_at < stale.bucket + interval '15 minutes'
              AND e.started_at >= :since AND e.started_at < :until
              AND e.created_at >= stale.bucket - interval '5 minutes'
            OFFSET 0
        ) c
    )
    SELECT model, provider, CAST(sum(calls) AS bigint) AS calls, CAST(sum(input_tokens) AS bigint) AS input_tokens,
           CAST(sum(output_tokens) AS bigint) AS output_tokens, sum(cost_usd) AS cost_usd,
           CAST(sum(unpriced_calls) AS bigint) AS unpriced_calls
    FROM calls GROUP BY model, provider
    ORDER BY sum(cost_usd) DESC NULLS LAST, sum(calls) DESC, model, provider
""")


def list_models(session: Session, organization_id: UUID, period: Period) -> list[ModelRow]:
    """Models by cost, dearest first; what is beyond the twelfth is one row "Other". Cost: one statement."""
    found = session.execute(MODELS, window(organization_id, period.since, period.until))
    rows = [ModelRow(*row) for row in found]
    if len(rows) <= MOST_MODELS:
        return rows
    return [*rows[: MOST_MODELS - 1], _other(rows[MOST_MODELS - 1 :])]


def _other(rows: Sequence[ModelRow]) -> ModelRow:
    def total(values: Sequence[Any]) -> Any:
        known = [value for value in values if value is not None]
        return sum(known) if known else None

    return ModelRow(
        model=f"{len(rows)} other models",
        provider="",
        calls=sum(row.calls for row in rows),
        input_tokens=total([row.input_tokens for row in rows]),
        output_tokens=total([row.output_tokens for row in rows]),
        cost_usd=total([row.cost_usd for row in rows]),
        unpriced_calls=sum(row.unpriced_calls for row in rows),
    )


CHANGES = text("""
    SELECT s.agentflow_id, coalesce(a.name, '') AS flow_name, s.kind, s.name, o.name AS previous_name, s.environment,
           s.first_seen_at
    FROM first_sightings s
    JOIN LATERAL (
        SELECT name FROM first_sightings o
        WHERE o.organization_id = s.organization_id AND o.agentflow_id = s.agentflow_id
          AND o.environment = s.environment AND o.kind = s.kind AND o.first_seen_at < s.first_seen_at
        ORDER BY o.first_seen_at DESC LIMIT 1
    ) o ON true
    LEFT JOIN agentflows a ON a.id = s.agentflow_id AND a.organization_id = :organization_id
    WHERE s.organization_id = :organization_id AND s.first_seen_at >= :since AND s.first_seen_at < :until
    ORDER BY s.first_seen_at DESC, s.agentflow_id, s.kind, s.name LIMIT :most
""")


def list_changes(session: Session, organization_id: UUID, period: Period) -> list[Change]:
    """Versions and models first seen in the period, newest first, at most 20. Cost: one statement."""
    parameters = {
        "organization_id": organization_id,
        "since": period.since,
        "until": period.until,
        "most": MOST_CHANGES,
    }
    return [Change(*row) for row in session.execute(CHANGES, parameters)]
