"""An export's spans into the database: one transaction, whatever order or how often they arrive."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from psycopg import Connection, Cursor
from sqlalchemy.orm import Session

from webapp.ingest import discover, rows, tables
from webapp.ingest.arrivals import count_arrivals, note_rejected_spans, sender_of
from webapp.ingest.batch import BUCKET_US, Entry, Stored, entries_of, from_us, is_newer, to_us
from webapp.ingest.changes import changed_rows
from webapp.ingest.context_stamp import stamp
from webapp.ingest.context_store import store_contexts
from webapp.ingest.conversations import find_conversations, store_messages
from webapp.ingest.failures import store_failures
from webapp.ingest.ledger import bill, ledger_rows
from webapp.ingest.prices import book_for
from webapp.ingest.reopening import reopen_returned
from webapp.ingest.spans import Rejected, Span, span_from_raw
from webapp.ingest.stage import merge
from webapp.models.base import new_id

KEY_SECONDS = 60.0
_owners: dict[UUID, tuple[float, UUID | None]] = {}

_CLAIM = (
    "INSERT INTO trace_index AS t (organization_id, trace_id, flow_execution_id, flow_created_at, last_received_at)"
    " SELECT %s, x.trace_id, x.id, id_time(x.id), %s FROM unnest(%s::bytea[], %s::uuid[]) AS x(trace_id, id)"
    " ORDER BY x.trace_id ON CONFLICT (organization_id, trace_id)"
    " DO UPDATE SET last_received_at = greatest(t.last_received_at, excluded.last_received_at)"
    " RETURNING trace_id, flow_execution_id"
)
_KNOWN_TRACES = "SELECT trace_id FROM trace_index WHERE organization_id = %s AND trace_id = ANY(%s::bytea[])"
_SPANS = (
    "SELECT trace_id, raw FROM spans WHERE organization_id = %s AND trace_id = ANY(%s::bytea[])"
    " AND flow_created_at = ANY(%s::timestamptz[])"
)
_BEFORE = (
    "SELECT id, started_at, conversation_id, api_key_id, status = 'failed' FROM flow_executions"
    " WHERE id = ANY(%s::uuid[]) AND created_at = ANY(%s::timestamptz[])"
)
_DIRTY = (
    "INSERT INTO rollup_dirty (organization_id, bucket) SELECT %s, x.bucket FROM unnest(%s::timestamptz[]) AS x(bucket)"
)
_SEEN = (
    "UPDATE agentflows f SET last_execution_at = x.at FROM (SELECT a.id, y.at FROM agentflows a"
    " JOIN unnest(%s::uuid[], %s::timestamptz[]) AS y(id, at) USING (id)"
    " WHERE a.last_execution_at IS NULL OR a.last_execution_at < y.at - interval '1 minute'"
    " ORDER BY a.id FOR NO KEY UPDATE OF a SKIP LOCKED) x WHERE f.id = x.id"
)


class Sender(Protocol):
    """The proven key that an export came with."""

    id: UUID
    organization_id: UUID


@dataclass(slots=True)
class Result:
    """What an export did. ``committed`` must be called once the transaction has ended well."""

    organization_id: UUID
    spans: int = 0
    executions: int = 0
    discovered: discover.Discovered = field(default_factory=discover.Discovered)

    def committed(self) -> None:
        """Remember what is now in the database for sure."""
        discover.remember(self.organization_id, self.discovered)


@dataclass(slots=True)
class Target:
    """Where the entries of one transaction are stored, for whom and when."""

    cursor: Cursor
    organization_id: UUID
    now: datetime
    user_id: UUID | None = None
    key_id: UUID | None = None

    @property
    def now_us(self) -> int:
        return to_us(self.now)


def ingest(
    session: Session,
    key: Sender,
    spans: Sequence[Span],
    *,
    now: datetime,
    rejected: Sequence[Rejected] = (),
    entries: list[Entry] | None = None,
    is_counted: bool = True,
) -> Result:
    """Store an export in the session's transaction and return what it did; never commits.

    The session sees the key's organization already. ``entries`` hands in ``entries_of(spans)`` made before the
    transaction; a second try makes them again, since storing merges into them. ``is_counted`` is false for all but the
    last transaction of an export that is stored in parts.

    Raises: psycopg errors as they come, so that the edge can tell what may be tried again.
    Cost: a constant number of statements, whatever the number of spans and traces.
    """
    if entries is None:
        entries, unreadable = entries_of(spans)
        rejected = [*rejected, *unreadable]
    connection: Connection = session.connection().connection.driver_connection
    with connection.cursor() as cursor:
        target = Target(cursor, key.organization_id, now, _owner(cursor, key.id), key.id)
        result = Result(key.organization_id, len(spans))
        claimed = _claim(target, entries)
        changed = [entry for entry in claimed if not entry.is_known] + _merge_known(target, claimed)
        if changed:
            result.executions = len(changed)
            result.discovered = store_entries(session, target, changed)
        if rejected and is_counted:
            sdk = sender_of(spans[0].resource)[0] if spans else ""
            note_rejected_spans(cursor, key.organization_id, key.id, sdk, rejected, now)
        if is_counted:
            count_arrivals(cursor, key.organization_id, key.id, spans, rejected, now)
    return result


def _owner(cursor: Cursor, key_id: UUID) -> UUID | None:
    """Return the user whose key it is."""
    tick = time.monotonic()
    known = _owners.get(key_id)
    if known is None or tick - known[0] > KEY_SECONDS:
        cursor.execute("SELECT user_id FROM api_keys WHERE id = %s", (key_id,))
        row = cursor.fetchone()
        known = _owners[key_id] = (tick, row[0] if row else None)
    return known[1]


def _claim(target: Target, entries: list[Entry]) -> list[Entry]:
    """Lock each trace in the order of ids and give each entry its execution id, an old one where the trace is known.

    Traces that are no execution are left out, unless other spans of theirs already made one.
    """
    cursor, organization_id = target.cursor, target.organization_id
    ignored = [entry.trace_id for entry in entries if entry.mapped.is_ignored]
    if ignored:
        cursor.execute(_KNOWN_TRACES, (organization_id, ignored))
        known = {bytes(row[0]) for row in cursor.fetchall()}
        entries = [entry for entry in entries if not entry.mapped.is_ignored or entry.trace_id in known]
    if not entries:
        return []
    new_ids = {entry.trace_id: new_id(target.now) for entry in entries}
    values = (organization_id, target.now, list(new_ids), list(new_ids.values()))
    cursor.execute(_CLAIM, values, prepare=True)
    claimed = {bytes(trace_id): id_ for trace_id, id_ in cursor.fetchall()}
    for entry in entries:
        execution_id = claimed[entry.trace_id]
        entry.before = None if execution_id == new_ids[entry.trace_id] else Stored()
        entry.claim(execution_id)
    return entries


def _merge_known(target: Target, entries: list[Entry]) -> list[Entry]:
    """Map the known traces again from all their spans; returns those to which the export brought something."""
    known = [entry for entry in entries if entry.is_known]
    if not known:
        return []
    stored = load_spans(target, known)
    changed = []
    for entry in known:
        old = stored.get(entry.trace_id, {})
        entry.arrived = {
            span_id: span
            for span_id, span in entry.arrived.items()
            if span_id not in old or is_newer(span, old[span_id])
        }
        if entry.arrived:
            entry.remap(list((old | entry.arrived).values()))
            changed.append(entry)
    load_before(target, changed)
    return changed


def load_spans(target: Target, entries: Iterable[Entry]) -> dict[bytes, dict[bytes, Span]]:
    """Return all stored spans of the entries' traces."""
    entries = list(entries)
    moments = [from_us(created) for created in {entry.created_us for entry in entries}]
    target.cursor.execute(_SPANS, (target.organization_id, [entry.trace_id for entry in entries], moments))
    found: dict[bytes, dict[bytes, Span]] = {}
    for trace_id, raw in target.cursor.fetchall():
        span = span_from_raw(bytes(raw))
        found.setdefault(bytes(trace_id), {})[span.span_id] = span
    return found


def load_before(target: Target, entries: Sequence[Entry]) -> None:
    """Note what the entries' executions look like before they are written again."""
    if not entries:
        return
    moments = [from_us(created) for created in {entry.created_us for entry in entries}]
    target.cursor.execute(_BEFORE, ([entry.execution_id for entry in entries], moments))
    before = {row[0]: Stored(row[1] and to_us(row[1]), *row[2:]) for row in target.cursor.fetchall()}
    for entry in entries:
        entry.before = before.get(entry.execution_id, Stored())
        entry.claim(entry.execution_id)


def store_entries(session: Session, target: Target, entries: Sequence[Entry]) -> discover.Discovered:
    """Write the executions of the entries with all that hangs on them."""
    cursor, organization_id, now_us = target.cursor, target.organization_id, target.now_us
    book = book_for(session, organization_id)
    for entry in entries:
        bill(entry, book)
        entry.context = stamp(entry.mapped, entry.spans)
    found = discover.discover(cursor, organization_id, entries)
    missing = find_conversations(cursor, organization_id, entries)
    executions, spans, steps, calls, ledger = [], [], [], [], []
    for entry in entries:
        executions.append(rows.execution_row(entry, organization_id, target.user_id, target.key_id, now_us))
        spans += rows.span_rows(entry, organization_id, now_us)
        more_steps, more_calls = rows.step_rows(entry, organization_id, now_us, found.agents, found.tools, found.blocks)
        steps += more_steps
        calls += more_calls
        key_id = entry.before.api_key_id if entry.before is not None else target.key_id
        ledger += ledger_rows(entry, organization_id, key_id, found.agents)
    hanging = {tables.STEPS: steps, tables.TOOL_CALLS: calls, tables.LEDGER: ledger}
    changes = changed_rows(cursor, entries, hanging)
    for stage, content in {tables.EXECUTIONS: executions, tables.SPANS: spans, **changes.rows}.items():
        merge(cursor, stage, content)
    store_messages(cursor, organization_id, entries, missing)
    _note_flows(cursor, entries)
    dirty = changes.buckets.union(*(entry.buckets() for entry in entries))
    buckets = [from_us(bucket * BUCKET_US) for bucket in sorted(dirty)]
    cursor.execute(_DIRTY, (organization_id, buckets), prepare=True)
    store_contexts(cursor, organization_id, entries, found)
    causes = store_failures(cursor, organization_id, entries, key_id=target.key_id, now=target.now)
    if causes:
        reopen_returned(session, organization_id, now=target.now, groups=causes)
    return found


def _note_flows(cursor: Cursor, entries: Sequence[Entry]) -> None:
    """Note when each flow last ran, at most once a minute and never waiting for another export."""
    seen: dict[UUID, int] = {}
    for entry in entries:
        if entry.agentflow_id is not None:
            seen[entry.agentflow_id] = max(entry.started_us, seen.get(entry.agentflow_id, 0))
    if seen:
        cursor.execute(_SEEN, (list(seen), [from_us(at) for at in seen.values()]), prepare=True)
