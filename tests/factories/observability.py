"""Spans as they arrived, the ledger, prices and sums."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from tests.factories.base import factory
from webapp.models import (
    BlockDay,
    BlockRollup,
    BlockRollupDirty,
    ExecutionRollup,
    ExecutionTotal,
    FirstSighting,
    IngestArrival,
    IngestRejection,
    ModelPrice,
    ObservedEdge,
    RollupDirty,
    Span,
    TraceIndex,
    UsageLedger,
    UsageRollup,
    new_id,
)


def _quarter_hour(number: int) -> datetime:
    now = datetime.now(UTC)
    return now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)


def _hour(number: int) -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


make_span = factory(Span, trace_id=lambda n: secrets.token_bytes(16), span_id=lambda n: secrets.token_bytes(8))
make_trace_index = factory(TraceIndex, trace_id=lambda n: secrets.token_bytes(16))
make_usage_ledger = factory(UsageLedger, id=lambda n: new_id(), kind="model_call")
make_model_price = factory(
    ModelPrice, provider="openai", model_name=lambda n: f"model-{n}", model_pattern=lambda n: f"model-{n}"
)
make_execution_rollup = factory(
    ExecutionRollup, bucket=_quarter_hour, agentflow_id=lambda n: new_id(), status="completed"
)
make_execution_total = factory(ExecutionTotal, bucket=_quarter_hour, status="completed")
make_first_sighting = factory(FirstSighting, agentflow_id=lambda n: new_id(), kind="model")
make_usage_rollup = factory(
    UsageRollup, bucket=_quarter_hour, agentflow_id=lambda n: new_id(), agent_id=lambda n: new_id()
)
make_rollup_dirty = factory(RollupDirty, bucket=_quarter_hour)
make_ingest_arrival = factory(IngestArrival)
make_ingest_rejection = factory(IngestRejection)
make_block_rollup = factory(BlockRollup, bucket=_hour, agentflow_id=lambda n: new_id(), block_id=lambda n: new_id())
make_block_rollup_dirty = factory(BlockRollupDirty, bucket=_hour)
make_block_day = factory(BlockDay, bucket=_hour, agentflow_id=lambda n: new_id(), block_id=lambda n: new_id())
make_observed_edge = factory(
    ObservedEdge,
    bucket=_hour,
    agentflow_id=lambda n: new_id(),
    source_block_id=lambda n: new_id(),
    target_block_id=lambda n: new_id(),
    kind="flow",
)
