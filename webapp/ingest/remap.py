"""Stored spans mapped again: after conventions changed, and when an execution is settled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from webapp.ingest.batch import Entry, to_us
from webapp.ingest.store import Target, load_before, load_spans, store_entries
from webapp.ingest.trace import map_trace
from webapp.models.base import id_time

_LOCK = (
    "SELECT t.trace_id, t.flow_execution_id, t.last_received_at, e.settled_at"
    " FROM trace_index t JOIN flow_executions e ON e.id = t.flow_execution_id AND e.created_at = t.flow_created_at"
    " WHERE t.organization_id = %s AND t.flow_execution_id = ANY(%s::uuid[])"
    " AND t.flow_created_at = ANY(%s::timestamptz[])"
    " ORDER BY t.trace_id FOR UPDATE OF t"
)
_NEXT = (
    "SELECT e.id FROM flow_executions e WHERE e.organization_id = %s AND e.trace_id IS NOT NULL"
    " AND e.created_at >= %s AND e.created_at < %s AND e.id > %s ORDER BY e.id LIMIT %s"
)
_BEGIN, _END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def remap(
    session: Session,
    organization_id: UUID,
    since: datetime | None = None,
    until: datetime | None = None,
    execution_id: UUID | None = None,
    batch: int = 200,
    *,
    commit: Callable[[], None] | None = None,
) -> int:
    """Map the stored executions of an organization again and return how many; rows that stay the same are not written.

    ``since`` and ``until`` bound when an execution was first heard of. Never commits by itself: ``commit`` is called
    after each batch, so that a long run holds no lock for long.
    """
    if execution_id is not None:
        return remap_executions(session, organization_id, [execution_id], now=datetime.now(UTC))
    done, last = 0, UUID(int=0)
    while True:
        with session.connection().connection.driver_connection.cursor() as cursor:
            cursor.execute(_NEXT, (organization_id, since or _BEGIN, until or _END, last, batch))
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return done
        done += remap_executions(session, organization_id, ids, now=datetime.now(UTC))
        last = ids[-1]
        if commit is not None:
            commit()


def remap_executions(
    session: Session,
    organization_id: UUID,
    ids: Sequence[UUID],
    *,
    now: datetime,
    settle: bool = False,
    silent_since: datetime | None = None,
) -> int:
    """Map these executions again from all their spans and return how many were there.

    ``settle`` says that no more spans are expected; an execution that got news after ``silent_since`` is left alone.
    """
    if not ids:
        return 0
    with session.connection().connection.driver_connection.cursor() as cursor:
        target = Target(cursor, organization_id, now)
        cursor.execute(_LOCK, (organization_id, list(ids), [id_time(id_) for id_ in ids]))
        locked = cursor.fetchall()
        entries = _entries(target, locked, settle, silent_since)
        if not entries:
            return 0
        load_before(target, entries)
        store_entries(session, target, entries)
    return len(entries)


def _entries(target: Target, locked: list[tuple], settle: bool, silent_since: datetime | None) -> list[Entry]:
    placed: list[Entry] = []
    for trace_id, execution_id, received_at, settled_at in locked:
        if silent_since is not None and received_at >= silent_since:
            continue
        entry = Entry(bytes(trace_id), {}, [], None)  # type: ignore[arg-type]
        entry.execution_id, entry.created_us = execution_id, to_us(id_time(execution_id))
        entry.received_us = to_us(received_at)
        entry.settled_us = target.now_us if settle else (settled_at and to_us(settled_at))
        placed.append(entry)
    if not placed:
        return []
    stored = load_spans(target, placed)
    for entry in placed:
        entry.spans = list(stored.get(entry.trace_id, {}).values())
        if entry.spans:
            entry.mapped = map_trace(entry.spans, settled=entry.settled_us is not None)
            entry.claim(entry.execution_id)
    return [entry for entry in placed if entry.spans]
