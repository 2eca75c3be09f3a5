"""Failed executions as occurrences of their causes, made anew with their trace; a repaired cause that is back reopens.

Occurrences and groups are written last in the transaction of an export: the locks they take are held only until it
ends, and nothing that another export may hold is asked for after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg import Cursor

from webapp.domain.fingerprints import Failure, Fingerprint, fingerprint, title
from webapp.domain.fingerprints_trace import failing_step, failure_in
from webapp.ingest.batch import Entry, cut, from_us
from webapp.ingest.ledger import total_usd
from webapp.ingest.mapped import MappedStep
from webapp.models.base import new_id

_GONE = (
    "DELETE FROM failure_occurrences o USING unnest(%s::uuid[], %s::timestamptz[]) AS x(id, created_at)"
    " WHERE o.flow_execution_id = x.id AND o.flow_created_at = x.created_at AND o.organization_id = %s"
)
_KNOWN = (
    "SELECT fingerprint, failure_group_id FROM failure_fingerprints"
    " WHERE organization_id = %s AND version = %s AND fingerprint = ANY(%s::bytea[])"
)
_SPLITS = (
    "SELECT fingerprint, dimension, value, failure_group_id FROM failure_splits"
    " WHERE organization_id = %s AND version = %s AND fingerprint = ANY(%s::bytea[]) ORDER BY id"
)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('failure_groups:' || %s, 0))"
_NUMBER = "SELECT coalesce(max(number), 0) FROM failure_groups WHERE organization_id = %s"
_MAKE = (
    "INSERT INTO failure_groups (id, organization_id, number, title, error_type, step_kind, step_name, agentflow_id,"
    " parts, first_seen_at, first_seen_version)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s)"
)
_NAME = (
    "INSERT INTO failure_fingerprints (organization_id, version, fingerprint, failure_group_id) VALUES (%s, %s, %s, %s)"
)
_COLUMNS = (
    ("flow_execution_id", "uuid"), ("flow_created_at", "timestamptz"), ("organization_id", "uuid"),
    ("failure_group_id", "uuid"), ("version", "int2"), ("fingerprint", "bytea"), ("agentflow_id", "uuid"),
    ("occurred_at", "timestamptz"), ("step_id", "uuid"), ("step_name", "text"), ("tool_name", "text"),
    ("model", "text"), ("environment", "text"), ("service_version", "text"), ("user_ref", "text"),
    ("api_key_id", "uuid"), ("cost_usd", "numeric"),
)  # fmt: skip
_NAMES = ", ".join(name for name, _ in _COLUMNS)
_STORE = (
    f"INSERT INTO failure_occurrences AS t ({_NAMES})"  # noqa: S608 - constants of this module
    f" SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for _, kind in _COLUMNS)})"
    " ON CONFLICT (flow_execution_id, flow_created_at) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name, _ in _COLUMNS[3:])
)


@dataclass(frozen=True, slots=True)
class Found:
    """One failed execution: what it says, and the step that failed."""

    entry: Entry
    failure: Failure
    fingerprint: Fingerprint
    step: MappedStep


def store_failures(
    cursor: Cursor, organization_id: UUID, entries: Sequence[Entry], *, key_id: UUID | None, now: datetime
) -> list[UUID]:
    """Write the occurrences of the entries and return the groups that they belong to.

    Cost: no statement where nothing failed, now or before; three where all causes are known.
    """
    failed = [entry for entry in entries if entry.mapped.status == "failed" and entry.mapped.error is not None]
    fine = [e for e in entries if e.before is not None and e.before.is_failed and e.mapped.status != "failed"]
    if fine:
        moments = [from_us(entry.created_us) for entry in fine]
        cursor.execute(_GONE, ([entry.execution_id for entry in fine], moments, organization_id))
    if not failed:
        return []
    found = [_read(entry) for entry in failed]
    groups = _groups(cursor, organization_id, found, now)
    rows = [_row(one, organization_id, group, key_id) for one, group in zip(found, groups, strict=True)]
    cursor.execute(_STORE, [list(column) for column in zip(*rows, strict=True)], prepare=True)
    return sorted(set(groups))


def _read(entry: Entry) -> Found:
    trace = entry.mapped
    flow = " / ".join(part for part in (trace.service_name, trace.flow_name) if part)
    failure = failure_in(trace, flow)
    return Found(entry, failure, fingerprint(failure), failing_step(trace.steps, trace.error.span_id))


def _groups(cursor: Cursor, organization_id: UUID, found: Sequence[Found], now: datetime) -> list[UUID]:
    """The group of each failure: by the splits that people made, else by its fingerprint; new ones are made."""
    version = found[0].fingerprint.version
    hashes = sorted({one.fingerprint.hash for one in found})
    values = (organization_id, version, hashes)
    cursor.execute(_KNOWN, values, prepare=True)
    known = {bytes(digest): group for digest, group in cursor.fetchall()}
    if any(digest not in known for digest in hashes):
        known |= _make(cursor, organization_id, [one for one in found if one.fingerprint.hash not in known], now)
    cursor.execute(_SPLITS, values, prepare=True)
    splits = cursor.fetchall()
    return [_split(one, splits) or known[one.fingerprint.hash] for one in found]


def _split(one: Found, splits: Sequence[Any]) -> UUID | None:
    for digest, dimension, value, group in splits:
        if bytes(digest) == one.fingerprint.hash and split_value(one, dimension) == value:
            return group
    return None


def split_value(one: Found, dimension: str) -> str | None:
    """What a failure has in a dimension by which people take failures apart."""
    entry, trace = one.entry, one.entry.mapped
    values = {
        "agentflow": entry.agentflow_id and str(entry.agentflow_id),
        "environment": trace.environment,
        "service_version": trace.service_version,
        "step": one.step.block_name,
        "tool": one.failure.tool_name,
        "model": one.failure.model,
        "message": one.failure.message,
    }
    return cut(values.get(dimension), 500)


def _make(cursor: Cursor, organization_id: UUID, fresh: Sequence[Found], now: datetime) -> dict[bytes, UUID]:
    """Make groups that nobody has made yet; two exports with a new cause at once make one."""
    cursor.execute(_LOCK, (str(organization_id),))
    version = fresh[0].fingerprint.version
    cursor.execute(_KNOWN, (organization_id, version, sorted({one.fingerprint.hash for one in fresh})))
    known = {bytes(digest): group for digest, group in cursor.fetchall()}
    cursor.execute(_NUMBER, (organization_id,))
    number = cursor.fetchone()[0]
    for one in fresh:
        digest = one.fingerprint.hash
        if digest in known:
            continue
        number += 1
        known[digest] = new_id(now)
        parts = orjson.dumps([{"label": label, "value": value[:2000]} for label, value in one.fingerprint.parts])
        trace = one.entry.mapped
        cursor.execute(
            _MAKE,
            (
                known[digest], organization_id, number, title(one.failure)[:500], cut(one.failure.error_type, 255),
                one.step.kind, cut(one.step.block_name, 500), one.entry.agentflow_id, parts.decode(),
                from_us(one.entry.started_us), cut(trace.service_version, 255),
            ),
        )  # fmt: skip
        cursor.execute(_NAME, (organization_id, version, digest, known[digest]))
    return known


def _row(one: Found, organization_id: UUID, group: UUID, key_id: UUID | None) -> tuple:
    entry, trace = one.entry, one.entry.mapped
    return (
        entry.execution_id, from_us(entry.created_us), organization_id, group, one.fingerprint.version,
        one.fingerprint.hash, entry.agentflow_id, from_us(entry.started_us), entry.ids.get(one.step.span_id),
        cut(one.step.block_name, 500), cut(one.failure.tool_name, 500), cut(one.failure.model, 255),
        cut(trace.environment, 100), cut(trace.service_version, 255), cut(trace.user_ref, 255),
        entry.before.api_key_id if entry.before is not None else key_id, total_usd(entry),
    )  # fmt: skip
