"""Executions by the hundred for tests of sums: random, but the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, insert, text

from webapp.models import FlowExecution, UsageLedger, id_time, new_id

LATE = timedelta(minutes=5)


def insert_executions(engine: Engine, organization_id: UUID, rows: Sequence[dict[str, Any]]) -> list[UUID]:
    """Write executions and their ledger as ingest does: with a note for each quarter hour touched.

    ``calls`` of a row are (model, cost or None); the rest are columns. The partition of the start must exist.
    """
    executions, calls, notes = [], [], set()
    for row in rows:
        values = dict(row)
        billed = values.pop("calls", ())
        received_at = values.pop("received_at", values["started_at"])
        values["id"] = new_id(max(received_at, values["started_at"] - LATE))
        values["created_at"] = id_time(values["id"])
        values["organization_id"] = organization_id
        executions.append({**BLANK, **values})
        notes.add(values["started_at"])
        for model, cost_usd in billed:
            calls.append(_call(organization_id, values, model, cost_usd))
    with engine.begin() as connection:
        connection.execute(text("SELECT ensure_partitions(CAST(:a AS date), CAST(:b AS date))"), _months(executions))
        connection.execute(insert(FlowExecution), executions)
        if calls:
            connection.execute(insert(UsageLedger), calls)
        mark = text(
            "INSERT INTO rollup_dirty (organization_id, bucket) VALUES (:o, date_bin('15 minutes', :at, 'epoch'))"
        )
        connection.execute(mark, [{"o": organization_id, "at": at} for at in sorted(notes)])
    return [row["id"] for row in executions]


BLANK: dict[str, Any] = dict.fromkeys(
    ("agentflow_id", "environment", "trigger_type", "execution_time_ms", "error_type", "error_message", "user_ref")
    + ("service_version", "models", "input_tokens", "output_tokens", "cached_input_tokens", "cost_usd")
) | {"status": "completed", "unpriced_call_count": 0}


def _call(organization_id: UUID, execution: dict[str, Any], model: str, cost_usd: Decimal | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "flow_created_at": execution["created_at"],
        "organization_id": organization_id,
        "flow_execution_id": execution["id"],
        "agentflow_id": execution.get("agentflow_id"),
        "kind": "model_call",
        "model": model,
        "provider": "maker",
        "occurred_at": execution["started_at"],
        "cost_usd": cost_usd,
        "input_tokens": 10,
    }


def _months(executions: Sequence[dict[str, Any]]) -> dict[str, datetime]:
    times = [row["created_at"] for row in executions]
    return {"a": min(times), "b": max(times)}


def random_execution(
    rng: random.Random, since: datetime, until: datetime, flows: Sequence[UUID | None]
) -> dict[str, Any]:
    """One execution started between the instants; some arrive hours late, some have a clock that is ahead."""
    started_at = since + (until - since) * rng.random()
    status = rng.choice(["completed"] * 6 + ["failed"] * 2 + ["cancelled", "running"])
    return {
        "agentflow_id": rng.choice(flows),
        "status": status,
        "started_at": started_at,
        "received_at": started_at + rng.choice([timedelta(seconds=-290), timedelta(), timedelta(hours=5)]),
        "environment": rng.choice([None, "prod"]),
        "trigger_type": rng.choice([None, "api", "otel"]),
        "execution_time_ms": rng.choice([None, 0, 1, rng.randint(2, 5_000), rng.randint(2, 4_000_000)]),
        "error_type": rng.choice([None, "Timeout", "ValueError"]) if status == "failed" else None,
        "input_tokens": rng.choice([None, rng.randint(0, 9000)]),
        "unpriced_call_count": rng.choice([0, 0, 2]),
        "user_ref": rng.choice([None, "ann", "bo"]),
        "calls": [
            (model, rng.choice([None, Decimal(rng.randint(1, 10**10)) / 10**10]))
            for model in rng.sample(["m1", "m2", "m3"], rng.randint(0, 3))
        ],
    }


NOW = datetime(2026, 11, 24, 11, 5, 12, tzinfo=UTC)
