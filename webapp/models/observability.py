"""Added tables behind executions: the spans as they arrived, what calls cost, sums by quarter hour, arrivals."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKeyConstraint,
    Identity,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import BigInt, created_column, db, id_column, one_of, organization_column


class PriceMatch(StrEnum):
    """How a price row is compared with the name of a model."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    CONTAINS = "contains"
    REGEX = "regex"


class Span(db.Model):
    """A span as it arrived: one serialized OTLP ResourceSpans message with just this span.

    Kept so that a trace can be mapped again when conventions change. Of two copies the later end wins, on a tie the
    larger content hash.
    """

    __tablename__ = "spans"
    __table_args__ = (
        ForeignKeyConstraint(
            ["flow_execution_id", "flow_created_at"], ["flow_executions.id", "flow_executions.created_at"]
        ),
        Index("ix_spans_flow_execution", "flow_execution_id"),
        {"postgresql_partition_by": "RANGE (flow_created_at)"},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    trace_id: Mapped[bytes] = mapped_column(primary_key=True)
    span_id: Mapped[bytes] = mapped_column(primary_key=True)
    flow_created_at: Mapped[datetime] = mapped_column(primary_key=True)
    flow_execution_id: Mapped[UUID]
    raw: Mapped[bytes]
    start_ns: Mapped[BigInt]
    end_ns: Mapped[BigInt | None]
    content_hash: Mapped[bytes]
    received_at: Mapped[datetime] = created_column()


class TraceIndex(db.Model):
    """Which execution a trace became. Unpartitioned: a unique key on a partitioned table must hold the month."""

    __tablename__ = "trace_index"
    __table_args__ = (Index(None, "flow_created_at"),)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    trace_id: Mapped[bytes] = mapped_column(primary_key=True)
    flow_execution_id: Mapped[UUID]
    flow_created_at: Mapped[datetime]
    last_received_at: Mapped[datetime]


class UsageLedger(db.Model):
    """One billable model call and what it cost, by the price row that was valid then. NULL = unknown.

    Every sum of tokens and money comes from here. Kept when its execution's month is dropped, so it holds ids without
    foreign keys.
    """

    __tablename__ = "usage_ledger"
    __table_args__ = (
        Index(None, "organization_id", "occurred_at"),
        Index(None, "flow_execution_id"),
        {"postgresql_partition_by": "RANGE (flow_created_at)"},
    )

    # The id of the step that was billed.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    flow_created_at: Mapped[datetime] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    flow_execution_id: Mapped[UUID]
    agentflow_id: Mapped[UUID | None]
    agent_id: Mapped[UUID | None]
    user_ref: Mapped[str | None] = mapped_column(String(255))
    api_key_id: Mapped[UUID | None]
    environment: Mapped[str | None] = mapped_column(String(100))
    model: Mapped[str | None] = mapped_column(String(255))
    model_requested: Mapped[str | None] = mapped_column(String(255))
    provider: Mapped[str | None] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(30))
    occurred_at: Mapped[datetime]
    input_tokens: Mapped[BigInt | None]
    output_tokens: Mapped[BigInt | None]
    cached_input_tokens: Mapped[BigInt | None]
    cache_write_tokens: Mapped[BigInt | None]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    # What the trace itself claims to have cost; shown beside ours, never summed with it.
    reported_cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    model_price_id: Mapped[UUID | None]
    status: Mapped[str | None] = mapped_column(String(50))


class ModelPrice(db.Model):
    """What a model costs, and when. Organization NULL = shipped; an organization's own row goes first."""

    __tablename__ = "model_prices"
    __table_args__ = (
        Index(None, "provider", "valid_from"),
        UniqueConstraint(
            "organization_id",
            "provider",
            "match_kind",
            "model_pattern",
            "conditions",
            "valid_from",
            name="uq_model_prices_key",
            postgresql_nulls_not_distinct=True,
        ),
        one_of("match_kind", PriceMatch),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID | None] = organization_column()
    provider: Mapped[str] = mapped_column(String(100))
    model_name: Mapped[str] = mapped_column(String(255))
    model_pattern: Mapped[str]
    match_kind: Mapped[str] = mapped_column(String(20), server_default="exact")
    input_usd_per_mtok: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    output_usd_per_mtok: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    cached_input_usd_per_mtok: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    cache_write_usd_per_mtok: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    # Tiers by size, times of day and other terms of the price list.
    conditions: Mapped[dict[str, Any] | None]
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    source: Mapped[str] = mapped_column(String(50), server_default="manual")
    source_version: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime] = created_column()


class ExecutionRollup(db.Model):
    """Executions of one quarter hour of started_at, summed. '' and the nil UUID stand for unknown in the key.

    ``duration_histogram`` holds the number of its first bin, then counts from there on (``domain/durations.py``).
    """

    __tablename__ = "execution_rollups"
    __table_args__ = (
        Index(
            "ix_execution_rollups_flow",
            "organization_id",
            "agentflow_id",
            "bucket",
            postgresql_include=["status", "executions"],
        ),
        Index(
            "ix_execution_rollups_failed",
            "organization_id",
            "bucket",
            postgresql_where=text("status = 'failed'"),
            postgresql_include=["agentflow_id", "error_type", "executions", "cost_usd"],
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    bucket: Mapped[datetime] = mapped_column(primary_key=True)
    agentflow_id: Mapped[UUID] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(String(100), primary_key=True, server_default="")
    trigger_type: Mapped[str] = mapped_column(String(100), primary_key=True, server_default="")
    status: Mapped[str] = mapped_column(String(50), primary_key=True)
    error_type: Mapped[str] = mapped_column(String(255), primary_key=True, server_default="")
    executions: Mapped[int]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    input_tokens: Mapped[BigInt | None]
    output_tokens: Mapped[BigInt | None]
    cached_input_tokens: Mapped[BigInt | None]
    duration_ms_sum: Mapped[BigInt | None]
    duration_histogram: Mapped[list[int] | None]
    unpriced_call_count: Mapped[int] = mapped_column(server_default=text("0"))


class ExecutionTotal(db.Model):
    """:class:`ExecutionRollup` over all flows, so that a page about 500 of them reads a few rows per hour."""

    __tablename__ = "execution_totals"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    bucket: Mapped[datetime] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(String(50), primary_key=True)
    executions: Mapped[int]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    input_tokens: Mapped[BigInt | None]
    output_tokens: Mapped[BigInt | None]
    cached_input_tokens: Mapped[BigInt | None]
    duration_ms_sum: Mapped[BigInt | None]
    duration_histogram: Mapped[list[int] | None]
    unpriced_call_count: Mapped[int] = mapped_column(server_default=text("0"))


class FirstSighting(db.Model):
    """When a flow was first seen with a version of its service or with a model: the answer to "what changed then?".

    Noted by the job that rebuilds sums. ``first_seen_at`` is the start of that execution, by the server's clock where
    the client's is off by more than a day.
    """

    __tablename__ = "first_sightings"
    __table_args__ = (
        Index(None, "organization_id", "first_seen_at"),
        one_of("kind", ("service_version", "model")),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    agentflow_id: Mapped[UUID] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(String(100), primary_key=True, server_default="")
    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    first_seen_at: Mapped[datetime]


class UsageRollup(db.Model):
    """Billable calls of executions that started in one quarter hour, summed, so that models add up to executions.

    '' and the nil UUID stand for unknown in the key.
    """

    __tablename__ = "usage_rollups"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    bucket: Mapped[datetime] = mapped_column(primary_key=True)
    agentflow_id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(255), primary_key=True, server_default="")
    provider: Mapped[str] = mapped_column(String(100), primary_key=True, server_default="")
    environment: Mapped[str] = mapped_column(String(100), primary_key=True, server_default="")
    calls: Mapped[int]
    input_tokens: Mapped[BigInt | None]
    output_tokens: Mapped[BigInt | None]
    cached_input_tokens: Mapped[BigInt | None]
    cache_write_tokens: Mapped[BigInt | None]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    unpriced_calls: Mapped[int] = mapped_column(server_default=text("0"))


class RollupDirty(db.Model):
    """A quarter hour whose sums are out of date.

    Only added to, one row per transaction and bucket, so writers never wait for one another; the job that rebuilds a
    bucket deletes the rows that it saw.
    """

    __tablename__ = "rollup_dirty"
    __table_args__ = (Index(None, "organization_id", "bucket"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[UUID]
    bucket: Mapped[datetime]


class IngestArrival(db.Model):
    """What arrived last, per key and SDK; written at most a few times a minute."""

    __tablename__ = "ingest_arrivals"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    api_key_id: Mapped[UUID] = mapped_column(primary_key=True)
    sdk: Mapped[str] = mapped_column(String(255), primary_key=True, server_default="")
    service_name: Mapped[str] = mapped_column(String(255), primary_key=True, server_default="")
    last_received_at: Mapped[datetime]
    requests: Mapped[BigInt] = mapped_column(server_default=text("0"))
    spans_accepted: Mapped[BigInt] = mapped_column(server_default=text("0"))
    spans_rejected: Mapped[BigInt] = mapped_column(server_default=text("0"))
    last_rejected_at: Mapped[datetime | None]
    last_reason: Mapped[str | None]


class IngestRejection(db.Model):
    """One request, or the part of it, that was refused, and why."""

    __tablename__ = "ingest_rejections"
    __table_args__ = (Index(None, "organization_id", "received_at"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    api_key_id: Mapped[UUID | None]
    sdk: Mapped[str | None] = mapped_column(String(255))
    received_at: Mapped[datetime] = created_column()
    http_status: Mapped[int]
    reason: Mapped[str]
    span_count: Mapped[int] = mapped_column(server_default=text("0"))
    sample: Mapped[dict[str, Any] | None]


class BlockRollup(db.Model):
    """Steps of one block in executions that started in one hour, summed: the truth table behind a flow's graph.

    The nil UUID as block stands for the execution itself, so versions of a service have their figures too; '' is an
    unknown version. `cost_usd` is the block's own, `inner_cost_usd` holds what the steps inside it cost as well.
    ``duration_histogram`` is that of :class:`ExecutionRollup`.
    """

    __tablename__ = "block_rollups"
    __table_args__ = (
        Index(
            "ix_block_rollups_flows",
            "organization_id",
            "bucket",
            postgresql_where=text("block_id = '00000000-0000-0000-0000-000000000000'::uuid"),
            postgresql_include=["agentflow_id", "executions", "completed", "failed", "cost_usd"],
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    agentflow_id: Mapped[UUID] = mapped_column(primary_key=True)
    bucket: Mapped[datetime] = mapped_column(primary_key=True)
    block_id: Mapped[UUID] = mapped_column(primary_key=True)
    service_version: Mapped[str] = mapped_column(String(255), primary_key=True, server_default="")
    executions: Mapped[int]
    completed: Mapped[int]
    failed: Mapped[int]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    inner_cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    input_tokens: Mapped[BigInt | None]
    output_tokens: Mapped[BigInt | None]
    duration_ms_sum: Mapped[BigInt | None]
    duration_histogram: Mapped[list[int] | None]
    last_failed_at: Mapped[datetime | None]
    # Added: where the newest failure's reason is read.
    last_failed_execution_id: Mapped[UUID | None]


class BlockDay(db.Model):
    """:class:`BlockRollup` by day (UTC), summed from its hours for windows of weeks."""

    __tablename__ = "block_days"
    __table_args__ = (
        Index(
            "ix_block_days_flows",
            "organization_id",
            "bucket",
            postgresql_where=text("block_id = '00000000-0000-0000-0000-000000000000'::uuid"),
            postgresql_include=["agentflow_id", "executions", "completed", "failed", "cost_usd"],
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    agentflow_id: Mapped[UUID] = mapped_column(primary_key=True)
    bucket: Mapped[datetime] = mapped_column(primary_key=True)
    block_id: Mapped[UUID] = mapped_column(primary_key=True)
    service_version: Mapped[str] = mapped_column(String(255), primary_key=True, server_default="")
    executions: Mapped[int]
    completed: Mapped[int]
    failed: Mapped[int]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    inner_cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    input_tokens: Mapped[BigInt | None]
    output_tokens: Mapped[BigInt | None]
    duration_histogram: Mapped[list[int] | None]
    last_failed_at: Mapped[datetime | None]
    last_failed_execution_id: Mapped[UUID | None]


class ObservedEdge(db.Model):
    """How often one block followed or served another in executions that started in one hour.

    The nil UUID as source stands for the start of the execution, as target for its end. `kind` is flow or attach.
    """

    __tablename__ = "observed_edges"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    agentflow_id: Mapped[UUID] = mapped_column(primary_key=True)
    bucket: Mapped[datetime] = mapped_column(primary_key=True)
    source_block_id: Mapped[UUID] = mapped_column(primary_key=True)
    target_block_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    # Times it was gone, and in how many executions.
    traversals: Mapped[int]
    executions: Mapped[int]


class BlockRollupDirty(db.Model):
    """An hour whose sums per block are out of date; written when the quarter hours in it were summed again.

    The hour is summed when nothing touched it for a while, so that a busy hour is not summed over and over.
    """

    __tablename__ = "block_rollup_dirty"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    bucket: Mapped[datetime] = mapped_column(primary_key=True)
    touched_at: Mapped[datetime]
    first_touched_at: Mapped[datetime]
