"""Failures of one cause as one thing to work on, what each execution ran with, and attempts to run it again. All added:
the specification names executions only, and a review needs the cause, its state and its owner."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, SmallInteger, String, UniqueConstraint, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import (
    Payload,
    created_column,
    db,
    id_column,
    json_column,
    one_of,
    organization_column,
    updated_column,
)


class FailureState(StrEnum):
    """What was decided about a failure."""

    OPEN = "open"
    MUTED = "muted"
    RESOLVED = "resolved"


class RetryStatus(StrEnum):
    """How far a retry is. `no_trace`: the endpoint took it, and no trace came within ten minutes."""

    PENDING = "pending"
    SENT = "sent"
    SEEN = "seen"
    NO_TRACE = "no_trace"
    REFUSED = "refused"
    FAILED = "failed"
    SKIPPED = "skipped"


class FailureGroup(db.Model):
    """Failures that have one cause, as far as a fingerprint or a person can tell. Counts are not kept here: they derive
    from occurrences. A group that was merged into another one keeps its row, so that its address still leads somewhere.
    """

    __tablename__ = "failure_groups"
    __table_args__ = (
        UniqueConstraint("organization_id", "number"),
        Index(None, "organization_id", "state"),
        one_of("state", FailureState),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    # Counted per organization, so that people can say "F-218".
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(500))
    error_type: Mapped[str | None] = mapped_column(String(255))
    step_kind: Mapped[str | None] = mapped_column(String(30))
    step_name: Mapped[str | None] = mapped_column(String(500))
    # Where it was seen first; later occurrences may come from other flows.
    agentflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("agentflows.id"))
    # Label and value of what the fingerprint is made of: why these are together.
    parts: Mapped[list[Any]] = json_column("[]")
    state: Mapped[str] = mapped_column(String(20), server_default=FailureState.OPEN)
    is_reviewed: Mapped[bool] = mapped_column(server_default=text("false"))
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    # Muted until one of these: a time, a version of the service, or until it escalates.
    muted_until: Mapped[datetime | None]
    muted_until_version: Mapped[str | None] = mapped_column(String(255))
    is_muted_until_escalating: Mapped[bool] = mapped_column(server_default=text("false"))
    resolved_at: Mapped[datetime | None]
    # Only an execution on this version or a later one reopens it; NULL = any that started afterwards.
    resolved_in_version: Mapped[str | None] = mapped_column(String(255))
    regressed_at: Mapped[datetime | None]
    escalating_since: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    first_seen_version: Mapped[str | None] = mapped_column(String(255))
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("failure_groups.id"))
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()


class FailureFingerprint(db.Model):
    """To which group occurrences of a fingerprint belong. Merging points it elsewhere, so later ones follow."""

    __tablename__ = "failure_fingerprints"
    __table_args__ = (Index(None, "failure_group_id"),)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(primary_key=True)
    failure_group_id: Mapped[UUID] = mapped_column(ForeignKey("failure_groups.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = created_column()


class FailureSplit(db.Model):
    """Occurrences of one fingerprint that a person took apart: those with this value belong to a group of their own."""

    __tablename__ = "failure_splits"
    __table_args__ = (
        UniqueConstraint(
            "organization_id", "version", "fingerprint", "dimension", "value", name="uq_failure_splits_key"
        ),
        one_of("dimension", ("agentflow", "environment", "service_version", "step", "tool", "model", "message")),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    version: Mapped[int] = mapped_column(SmallInteger)
    fingerprint: Mapped[bytes]
    dimension: Mapped[str] = mapped_column(String(30))
    value: Mapped[str] = mapped_column(String(500))
    failure_group_id: Mapped[UUID] = mapped_column(ForeignKey("failure_groups.id", ondelete="CASCADE"))
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = created_column()


class FailureOccurrence(db.Model):
    """One failed execution as an occurrence of its cause; made anew with its trace. It outlives the execution's month,
    so it has no foreign key to it."""

    __tablename__ = "failure_occurrences"
    __table_args__ = (
        Index("ix_failure_occurrences_group", "failure_group_id", desc("occurred_at")),
        Index("ix_failure_occurrences_time", "organization_id", desc("occurred_at")),
    )

    flow_execution_id: Mapped[UUID] = mapped_column(primary_key=True)
    flow_created_at: Mapped[datetime] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = organization_column()
    failure_group_id: Mapped[UUID] = mapped_column(ForeignKey("failure_groups.id"))
    version: Mapped[int] = mapped_column(SmallInteger)
    fingerprint: Mapped[bytes]
    agentflow_id: Mapped[UUID | None]
    # The start of the execution, as lists show it.
    occurred_at: Mapped[datetime]
    step_id: Mapped[UUID | None]
    step_name: Mapped[str | None] = mapped_column(String(500))
    tool_name: Mapped[str | None] = mapped_column(String(500))
    model: Mapped[str | None] = mapped_column(String(255))
    environment: Mapped[str | None] = mapped_column(String(100))
    service_version: Mapped[str | None] = mapped_column(String(255))
    user_ref: Mapped[str | None] = mapped_column(String(255))
    api_key_id: Mapped[UUID | None]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    created_at: Mapped[datetime] = created_column()


class ContextValue(db.Model):
    """What a hash in `flow_executions.context` stands for: a prompt's text, the definitions of tools, a version."""

    __tablename__ = "context_values"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    dimension: Mapped[str] = mapped_column(String(30), primary_key=True)
    hash: Mapped[bytes] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(255), server_default="")
    content: Mapped[Payload | None]
    created_at: Mapped[datetime] = created_column()


class ContextSighting(db.Model):
    """When a flow was first seen running with a value, by the server's clock: the order of versions of anything."""

    __tablename__ = "context_sightings"
    __table_args__ = (Index(None, "organization_id", "first_seen_at"),)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    agentflow_id: Mapped[UUID] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(String(100), primary_key=True, server_default="")
    dimension: Mapped[str] = mapped_column(String(30), primary_key=True)
    hash: Mapped[bytes] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime]
    first_execution_id: Mapped[UUID | None]


class Comment(db.Model):
    """What somebody said about a record, such as a failure. `mentions` are ids of people, who are told."""

    __tablename__ = "comments"
    __table_args__ = (Index(None, "organization_id", "record_type", "record_id", "created_at"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    record_type: Mapped[str] = mapped_column(String(50))
    record_id: Mapped[UUID]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    body: Mapped[str]
    mentions: Mapped[list[Any]] = json_column("[]")
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()


class IncidentLink(db.Model):
    """An expiring link to one failure's bundle, with names and values masked. Only the hash of its token is kept."""

    __tablename__ = "incident_links"
    __table_args__ = (Index(None, "failure_group_id"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    failure_group_id: Mapped[UUID] = mapped_column(ForeignKey("failure_groups.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    # What the link shows, as it was when it was made.
    bundle: Mapped[dict[str, Any]] = json_column()
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()


class RetryEndpoint(db.Model):
    """Where a flow takes executions to run again. The signing secret is encrypted with the instance's key."""

    __tablename__ = "retry_endpoints"
    __table_args__ = (UniqueConstraint("agentflow_id"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agentflow_id: Mapped[UUID] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    url: Mapped[str] = mapped_column(String(2000))
    secret: Mapped[bytes]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    updated_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()


class RetryAttempt(db.Model):
    """One attempt to run an execution again. `root_*` name the execution that failed first; the trace id is ours, sent
    as `traceparent`, so that the new execution is recognised. A key per press of the button keeps a double click one.
    """

    __tablename__ = "retry_attempts"
    __table_args__ = (
        UniqueConstraint("organization_id", "idempotency_key"),
        UniqueConstraint("organization_id", "trace_id"),
        Index(None, "organization_id", "root_execution_id"),
        Index(None, "organization_id", "flow_execution_id"),
        one_of("status", RetryStatus),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agentflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("agentflows.id"))
    failure_group_id: Mapped[UUID | None] = mapped_column(ForeignKey("failure_groups.id", ondelete="SET NULL"))
    root_execution_id: Mapped[UUID]
    root_created_at: Mapped[datetime]
    # The execution whose input was sent: the root, or a later attempt.
    source_execution_id: Mapped[UUID]
    attempt: Mapped[int]
    batch_id: Mapped[UUID | None]
    is_canary: Mapped[bool] = mapped_column(server_default=text("false"))
    idempotency_key: Mapped[str] = mapped_column(String(100))
    trace_id: Mapped[bytes]
    status: Mapped[str] = mapped_column(String(20), server_default=RetryStatus.PENDING)
    http_status: Mapped[int | None]
    reason: Mapped[str | None]
    requested_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    # The execution that came of it.
    flow_execution_id: Mapped[UUID | None]
    sent_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()
