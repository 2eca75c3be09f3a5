"""Write to the event store: the one place that counts the sequence and closes the chain."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import orjson
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from webapp.models import Event, new_id

FIRST = b"\0" * 32
"""What the first event of an organization is chained to."""

LOCK_CHAIN = text("SELECT pg_advisory_xact_lock(hashtextextended('event_store:' || :organization_id, 0))")


class Author(Protocol):
    """Whoever acts: a signed-in :class:`~webapp.actor.Actor`, or an :class:`AuthorId` where there is none yet."""

    @property
    def organization_id(self) -> UUID: ...
    @property
    def user_id(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class AuthorId:
    """Somebody known by id only: a person just signing in, or (without ``user_id``) the system itself."""

    organization_id: UUID
    user_id: UUID | None = None


def record(
    session: Session,
    author: Author,
    aggregate_type: str,
    aggregate_id: UUID | None,
    event_type: str,
    payload: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> Event:
    """Append one event to the organization's chain. Never put a secret or a prompt into ``payload``.

    Writers of one organization wait for each other until their transactions end, so record late in an operation.

    Cost: three statements (lock, head, insert).
    """
    return record_all(session, author, aggregate_type, event_type, [(aggregate_id, payload or {})], at=at)[0]


def record_all(
    session: Session,
    author: Author,
    aggregate_type: str,
    event_type: str,
    things: Sequence[tuple[UUID | None, Mapping[str, Any]]],
    *,
    at: datetime | None = None,
) -> list[Event]:
    """The same happened to many things: one event each, by id and payload, one after the other in the chain.

    Cost: the three statements of one event, at any number.
    """
    session.execute(LOCK_CHAIN, {"organization_id": str(author.organization_id)})
    head = session.execute(
        select(Event.sequence, Event.hash)
        .where(Event.organization_id == author.organization_id)
        .order_by(Event.sequence.desc())
        .limit(1)
    ).first()
    sequence, previous = (head.sequence, head.hash) if head else (0, FIRST)
    events = []
    for aggregate_id, payload in things:
        sequence += 1
        event = Event(
            id=new_id(),
            organization_id=author.organization_id,
            sequence=sequence,
            occurred_at=at or datetime.now(UTC),
            actor_id=author.user_id,
            actor_kind="user" if author.user_id else "system",
            aggregate_type=aggregate_type,
            aggregate_id=aggregate_id,
            event_type=event_type,
            payload=dict(payload),
            previous_hash=previous,
        )
        previous = event.hash = event_hash(event)
        events.append(event)
    session.add_all(events)
    session.flush()
    return events


def event_hash(event: Event) -> bytes:
    """SHA-256 over the previous hash and the row in a canonical form (sorted keys, UTC instants)."""
    row = {
        "id": str(event.id),
        "organization_id": str(event.organization_id),
        "sequence": event.sequence,
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor_id": str(event.actor_id) if event.actor_id else None,
        "actor_kind": event.actor_kind,
        "aggregate_type": event.aggregate_type,
        "aggregate_id": str(event.aggregate_id) if event.aggregate_id else None,
        "event_type": event.event_type,
        "payload": event.payload,
    }
    return hashlib.sha256((event.previous_hash or FIRST) + orjson.dumps(row, option=orjson.OPT_SORT_KEYS)).digest()
