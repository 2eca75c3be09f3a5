"""Sessions as conversations: a trace's last question and its answer are two messages of its session."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

from psycopg import Cursor

from webapp.ingest.batch import Entry, cut, from_us
from webapp.ingest.ledger import total_usd
from webapp.ingest.payloads import answer_in, question_in
from webapp.ingest.rows import added, as_text
from webapp.ingest.stage import merge
from webapp.ingest.tables import MESSAGES

_FIND = "SELECT id, session_id FROM conversations WHERE organization_id = %s AND session_id = ANY(%s::text[])"
_MAKE = (
    "INSERT INTO conversations (id, organization_id, session_id, user_ref, title, agentflow_id, created_at)"
    " SELECT x.id, %s, x.session_id, x.user_ref, x.title, x.agentflow_id, x.created_at"
    " FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::uuid[], %s::timestamptz[])"
    " AS x(id, session_id, user_ref, title, agentflow_id, created_at)"
    " ON CONFLICT DO NOTHING"  # Of two made at once both keys are equal, and either may be found first.
)
# Locked in one order, so that requests which share conversations do not wait for each other in a ring.
_LOCK = "SELECT id FROM conversations WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
_COUNT = (
    "UPDATE conversations c SET message_count = m.n, last_message_at = m.last, updated_at = now(),"
    " agentflow_id = coalesce(c.agentflow_id, m.flow), user_ref = coalesce(c.user_ref, m.user_ref),"
    " title = coalesce(c.title, m.title)"
    " FROM (SELECT x.id, x.flow, x.user_ref, x.title, s.n, s.last"
    "   FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[]) AS x(id, flow, user_ref, title),"
    "   LATERAL (SELECT count(*) AS n, max(created_at) AS last FROM messages WHERE conversation_id = x.id) s) m"
    " WHERE c.id = m.id AND (c.message_count, c.last_message_at) IS DISTINCT FROM (m.n, m.last)"
)
_DROP = "DELETE FROM messages WHERE flow_execution_id = ANY(%s::uuid[]) AND NOT id = ANY(%s::uuid[]) RETURNING id"


def find_conversations(cursor: Cursor, organization_id: UUID, entries: Sequence[Entry]) -> dict[str, Entry]:
    """Set the conversation of each entry that names a session; returns the sessions that have none yet.

    A new conversation's id follows from its session, so that it need not be there before the executions are: making it
    last keeps short the time in which another export of the same session waits.
    """
    sessions: dict[str, Entry] = {}
    for entry in entries:
        if entry.mapped.session_id:
            sessions.setdefault(entry.mapped.session_id[:255], entry)
    if not sessions:
        return {}
    cursor.execute(_FIND, (organization_id, list(sessions)), prepare=True)
    ids = {session_id: id_ for id_, session_id in cursor.fetchall()}
    missing = {name: entry for name, entry in sessions.items() if name not in ids}
    ids |= {name: derived_id(b"conversation", organization_id, name) for name in missing}
    for entry in entries:
        if entry.mapped.session_id:
            entry.conversation_id = ids[entry.mapped.session_id[:255]]
    return missing


def _make(cursor: Cursor, organization_id: UUID, missing: dict[str, Entry]) -> None:
    """Make conversations, in the order of their sessions; one that another export just made is taken as it is."""
    rows = [
        (e.conversation_id, name, cut(e.mapped.user_ref, 255), _title(e), e.agentflow_id, from_us(e.started_us))
        for name, e in sorted(missing.items())
    ]
    cursor.execute(_MAKE, [organization_id, *(list(column) for column in zip(*rows, strict=True))])


def _title(entry: Entry) -> str | None:
    """Return the first line of the first question, as what a person would call the conversation."""
    text = (question_in(entry.mapped.input) or "").strip()
    return text.splitlines()[0][:200] if text else None


def store_messages(cursor: Cursor, organization_id: UUID, entries: Sequence[Entry], missing: dict[str, Entry]) -> None:
    """Write the messages of the entries, after the ``missing`` conversations, and bring the counts up to date."""
    if missing:
        _make(cursor, organization_id, missing)
    rows = [row for entry in entries if entry.conversation_id for row in _messages(entry, organization_id)]
    merge(cursor, MESSAGES, rows)
    known = [entry for entry in entries if entry.before is not None]
    if known:
        cursor.execute(_DROP, ([entry.execution_id for entry in known], [row[0] for row in rows]))
    touched: dict[UUID, tuple] = {}
    for entry in entries:
        if entry.before is not None and entry.before.conversation_id not in (None, entry.conversation_id):
            touched.setdefault(entry.before.conversation_id, (None, None, None))
        if entry.conversation_id:
            title = None if entry.before is None else _title(entry)
            touched[entry.conversation_id] = (entry.agentflow_id, cut(entry.mapped.user_ref, 255), title)
    if touched:
        ids = sorted(touched)
        cursor.execute(_LOCK, (ids,), prepare=True)
        columns = [list(column) for column in zip(*(touched[id_] for id_ in ids), strict=True)]
        cursor.execute(_COUNT, (ids, *columns), prepare=True)


def _messages(entry: Entry, organization_id: UUID) -> list[tuple]:
    trace, rows = entry.mapped, []
    question, answer = question_in(trace.input), answer_in(trace.output)
    if question:
        rows.append(_row(entry, organization_id, "user", question, entry.started_us, 0))
    if answer:
        tokens = added(trace.input_tokens, trace.output_tokens)
        rows.append(
            _row(
                entry,
                organization_id,
                "assistant",
                answer,
                entry.us(trace.ended_ns),
                1,
                tokens,
                as_text(total_usd(entry)),
            )
        )
    return rows


def _row(entry: Entry, organization_id: UUID, role: str, content: str, at_us: int, place: int, *figures) -> tuple:
    return (
        derived_id(b"message", entry.execution_id, role), organization_id, entry.conversation_id, role, content,
        entry.execution_id, entry.created_us, None, place, *(figures or (None, None)), at_us,
    )  # fmt: skip


def derived_id(kind: bytes, parent: UUID, name: str) -> UUID:
    """Return the id of something that belongs to a parent under a name, always the same (UUIDv8)."""
    value = int.from_bytes(hashlib.sha256(kind + parent.bytes + name.encode()).digest()[:16], "big")
    value = value & ~(0xF << 76) | 8 << 76
    return UUID(int=value & ~(0x3 << 62) | 2 << 62)
