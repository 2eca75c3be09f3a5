"""Whom a failure hits, when, and which of its executions are worth a look."""

# SQL is put together from constants of this module; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.periods import Period

MOST_HITS = 5_000
"""Newest occurrences of the period that are told apart; beyond it figures are of these."""
MOST_VALUES = 6
MOST_VERSIONS = 5
NEWEST = 5
DIMENSIONS = ("user", "service_version", "model", "tool", "api_key", "environment", "flow")


@dataclass(frozen=True, slots=True)
class Sample:
    """One failed execution of a cause. ``reasons``: newest, first, costliest, version. None fields: it is gone."""

    execution_id: UUID
    created_at: datetime
    step_id: UUID | None
    occurred_at: datetime
    service_version: str | None
    environment: str | None
    user_ref: str | None
    cost_usd: Decimal | None
    flow_name: str | None
    execution_time_ms: int | None
    message: str | None
    is_here: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How many occurrences have a value of a dimension; ``value`` None where the traces do not say."""

    value: str | None
    label: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Affected:
    """``total`` occurrences of the period were told apart, ``columns`` counts all of them by the period's columns.

    ``shares`` holds the most frequent values by dimension, ``values`` how many there are.
    """

    total: int
    columns: Sequence[int]
    shares: dict[str, list[Share]]
    values: dict[str, int]

    @property
    def is_capped(self) -> bool:
        return self.total >= MOST_HITS


_OF = "o.organization_id = :organization_id AND o.failure_group_id = :group_id"
SAMPLES = text(f"""
    WITH hits AS MATERIALIZED (
        SELECT o.* FROM failure_occurrences o WHERE {_OF} ORDER BY o.occurred_at DESC LIMIT :most
    ), newest AS (SELECT * FROM hits ORDER BY occurred_at DESC, flow_execution_id DESC LIMIT :newest
    ), first AS (SELECT o.* FROM failure_occurrences o WHERE {_OF} ORDER BY o.occurred_at, o.flow_execution_id LIMIT 1
    ), costliest AS (SELECT * FROM hits WHERE cost_usd > 0 ORDER BY cost_usd DESC, flow_execution_id LIMIT 1
    ), by_version AS (
        SELECT * FROM (
            SELECT DISTINCT ON (service_version) * FROM hits WHERE service_version IS NOT NULL
            ORDER BY service_version, occurred_at DESC, flow_execution_id DESC
        ) v ORDER BY occurred_at DESC LIMIT :versions
    ), chosen AS (
        SELECT 'newest' AS reason, n.* FROM newest n UNION ALL SELECT 'first', f.* FROM first f
        UNION ALL SELECT 'costliest', c.* FROM costliest c UNION ALL SELECT 'version', v.* FROM by_version v
    ), told AS (
        SELECT flow_execution_id, flow_created_at, max(occurred_at) AS at, array_agg(reason) AS reasons
        FROM chosen GROUP BY 1, 2
    )
    SELECT o.flow_execution_id, o.flow_created_at, o.step_id, o.occurred_at, o.service_version, o.environment,
           o.user_ref, o.cost_usd, a.name, e.execution_time_ms, left(e.error_message, 300), e.id IS NOT NULL, t.reasons
    FROM told t
    JOIN failure_occurrences o USING (flow_execution_id, flow_created_at)
    LEFT JOIN flow_executions e ON e.id = o.flow_execution_id AND e.created_at = o.flow_created_at
    LEFT JOIN agentflows a ON a.id = o.agentflow_id AND a.organization_id = :organization_id
    WHERE {_OF}
    ORDER BY o.occurred_at DESC, o.flow_execution_id DESC
""")


def list_samples(session: Session, organization_id: UUID, group_id: UUID) -> list[Sample]:
    """The newest five, the first, the costliest and one of each of five versions, newest first. Cost: one statement."""
    values = {
        "organization_id": organization_id, "group_id": group_id, "most": MOST_HITS, "newest": NEWEST,
        "versions": MOST_VERSIONS,
    }  # fmt: skip
    return [Sample(*row[:-1], tuple(row[-1])) for row in session.execute(SAMPLES, values)]


def _shares(dimension: str, column: str) -> str:
    return f"""
        (SELECT '{dimension}' AS dimension, {column} AS value, count(*) AS n, count(*) OVER () AS number
         FROM hits GROUP BY 2 ORDER BY n DESC, 2 LIMIT :values)"""


_COLUMNS = {
    "user": "user_ref", "service_version": "service_version", "model": "model", "tool": "tool_name",
    "api_key": "api_key_id::text", "environment": "environment", "flow": "agentflow_id::text",
}  # fmt: skip
AFFECTED = text(f"""
    WITH hits AS MATERIALIZED (
        SELECT o.* FROM failure_occurrences o
        WHERE {_OF} AND o.occurred_at >= :since AND o.occurred_at < :until ORDER BY o.occurred_at DESC LIMIT :most
    ), columns AS (
        SELECT width_bucket(o.occurred_at, CAST(:edges AS timestamptz[])) AS place, count(*) AS n
        FROM failure_occurrences o
        WHERE {_OF} AND o.occurred_at >= :since AND o.occurred_at < :until GROUP BY 1
    ), shares AS ({" UNION ALL ".join(_shares(*pair) for pair in _COLUMNS.items())}
    )
    SELECT s.dimension, s.value, coalesce(k.name, a.name, s.value) AS label, s.n, s.number FROM shares s
    LEFT JOIN api_keys k ON s.dimension = 'api_key' AND k.id::text = s.value AND k.organization_id = :organization_id
    LEFT JOIN agentflows a ON s.dimension = 'flow' AND a.id::text = s.value AND a.organization_id = :organization_id
    UNION ALL SELECT 'column', c.place::text, NULL, c.n, 0 FROM columns c
    UNION ALL SELECT 'total', NULL, NULL, count(*), 0 FROM hits
    ORDER BY 1, 4 DESC, 2
""")


def get_affected(session: Session, organization_id: UUID, group_id: UUID, period: Period) -> Affected:
    """Occurrences of the period by their columns and by what they have in common. Cost: one statement."""
    values = {
        "organization_id": organization_id, "group_id": group_id, "since": period.since, "until": period.until,
        "edges": list(period.edges), "most": MOST_HITS, "values": MOST_VALUES,
    }  # fmt: skip
    columns = [0] * (len(period.edges) - 1)
    shares: dict[str, list[Share]] = {name: [] for name in DIMENSIONS}
    numbers, total = dict.fromkeys(DIMENSIONS, 0), 0
    for dimension, value, label, count, number in session.execute(AFFECTED, values):
        if dimension == "column":
            columns[min(max(int(value) - 1, 0), len(columns) - 1)] = count
        elif dimension == "total":
            total = count
        else:
            shares[dimension].append(Share(value, label, count))
            numbers[dimension] = number
    return Affected(total, columns, shares, numbers)
