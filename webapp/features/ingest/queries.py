"""Who sends, what arrived last, what was refused and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from webapp.domain.paging import Cursor, Page
from webapp.models import ApiKey, IngestArrival, IngestRejection

LARGEST_SENDERS = 200
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class SenderRow:
    """One program that sends with one key."""

    key_name: str | None
    key_id: str | None
    revoked_at: datetime | None
    sdk: str
    service_name: str
    last_received_at: datetime
    requests: int
    spans_accepted: int
    spans_rejected: int
    last_rejected_at: datetime | None
    last_reason: str | None

    @property
    def is_failing(self) -> bool:
        """Whether the newest that came from it was refused, wholly or in part."""
        return self.last_rejected_at is not None and self.last_rejected_at >= self.last_received_at


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """One export, or the part of it, that was refused. ``sample`` shows one span, or how the body was sent."""

    id: UUID
    received_at: datetime
    key_name: str | None
    sdk: str
    http_status: int
    reason: str
    span_count: int
    sample: dict[str, Any]


def list_senders(session: Session, organization_id: UUID) -> list[SenderRow]:
    """Senders, the one heard of last first. Cost: one statement."""
    columns = (
        ApiKey.name, ApiKey.key_id, ApiKey.revoked_at, IngestArrival.sdk, IngestArrival.service_name,
        IngestArrival.last_received_at, IngestArrival.requests, IngestArrival.spans_accepted,
        IngestArrival.spans_rejected, IngestArrival.last_rejected_at, IngestArrival.last_reason,
    )  # fmt: skip
    statement = (
        select(*columns)
        .select_from(IngestArrival)
        .outerjoin(ApiKey, (ApiKey.id == IngestArrival.api_key_id) & (ApiKey.organization_id == organization_id))
        .where(IngestArrival.organization_id == organization_id)
        .order_by(IngestArrival.last_received_at.desc(), IngestArrival.sdk, IngestArrival.service_name)
        .limit(LARGEST_SENDERS)
    )
    return [SenderRow(*row) for row in session.execute(statement)]


def list_refusals(
    session: Session, organization_id: UUID, *, cursor: Cursor | None = None, limit: int = PAGE_SIZE
) -> Page[RefusalRow]:
    """One page of refusals, newest first; ties are broken by id. Cost: one statement."""
    place = tuple_(IngestRejection.received_at, IngestRejection.id)
    columns = (
        IngestRejection.id, IngestRejection.received_at, ApiKey.name, IngestRejection.sdk,
        IngestRejection.http_status, IngestRejection.reason, IngestRejection.span_count, IngestRejection.sample,
    )  # fmt: skip
    statement = (
        select(*columns)
        .select_from(IngestRejection)
        .outerjoin(ApiKey, (ApiKey.id == IngestRejection.api_key_id) & (ApiKey.organization_id == organization_id))
        .where(IngestRejection.organization_id == organization_id)
        .order_by(IngestRejection.received_at.desc(), IngestRejection.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        statement = statement.where(place < (cursor.at, cursor.id))
    found = session.execute(statement).all()
    rows = [RefusalRow(*row[:3], row[3] or "", *row[4:7], row[7] or {}) for row in found[:limit]]
    older = Cursor(rows[-1].received_at, rows[-1].id).encode() if len(found) > limit else None
    return Page(rows, older, None)
