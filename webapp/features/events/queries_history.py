"""What was done to one record: the history that its page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from webapp.domain.record_changes import words
from webapp.models import Event, User

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One event. ``who`` is None for the system; ``changes`` are (field, before, after) in words."""

    sequence: int
    occurred_at: datetime
    who: str | None
    event_type: str
    version: int | None
    changes: Sequence[tuple[str, str, str]]

    @property
    def verb(self) -> str:
        """What was done, such as ``changed``."""
        return self.event_type.partition(".")[2].replace("_", " ") or self.event_type


def list_history(
    session: Session, organization_id: UUID, aggregate_type: str, aggregate_id: UUID, *, before: int | None = None
) -> tuple[list[HistoryRow], int | None]:
    """The newest 50 events of a record, and the sequence number before which older ones are found, None at the end.

    Cost: one statement over an index.
    """
    stmt = (
        select(
            Event.sequence,
            Event.occurred_at,
            func.coalesce(User.full_name, User.username),
            Event.event_type,
            Event.payload,
        )
        .outerjoin(User, User.id == Event.actor_id)
        .where(
            and_(
                Event.organization_id == organization_id,
                Event.aggregate_type == aggregate_type,
                Event.aggregate_id == aggregate_id,
            )
        )
        .order_by(Event.sequence.desc())
        .limit(PAGE_SIZE + 1)
    )
    if before is not None:
        stmt = stmt.where(Event.sequence < before)
    found = session.execute(stmt).all()
    rows = [HistoryRow(*row[:4], _version(row[4]), _changes(row[4])) for row in found[:PAGE_SIZE]]
    return rows, rows[-1].sequence if len(found) > PAGE_SIZE else None


def _version(payload: Mapping[str, Any]) -> int | None:
    version = payload.get("version")
    return version if isinstance(version, int) else None


def _changes(payload: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Fields before and after, for payloads that have them; other payloads tell their own small facts."""
    before, after = payload.get("before"), payload.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    return [(name, words(before.get(name)), words(after.get(name))) for name in payload.get("changed") or after]
