"""What of a known execution has changed: rows that are as they were are not sent again, rows that are gone are deleted.

A long trace comes in hundreds of exports. Merging all its steps each time would lock and log every one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Cursor

from webapp.ingest.batch import BUCKET_US, Entry, from_us, to_us
from webapp.ingest.stage import Stage
from webapp.ingest.tables import LEDGER, STEPS, TOOL_CALLS

# The columns on which a stored and a new row are compared; the content hash covers all that comes from the spans.
_COMPARED = {
    STEPS: ("content_hash", "block_id", "agent_id", "cost_usd"),
    TOOL_CALLS: ("content_hash", "block_id", "tool_id"),
    LEDGER: ("occurred_at", "agentflow_id", "agent_id", "user_ref", "environment", "model_price_id", "cost_usd"),
}
_OF_EXECUTIONS = "WHERE flow_execution_id = ANY(%s::uuid[]) AND flow_created_at = ANY(%s::timestamptz[])"


@dataclass(slots=True)
class Changes:
    """The rows to write, per table, and the quarter hours of bills that went."""

    rows: dict[Stage, list[tuple]] = field(default_factory=dict)
    buckets: set[int] = field(default_factory=set)


def changed_rows(cursor: Cursor, entries: Sequence[Entry], rows: dict[Stage, list[tuple]]) -> Changes:
    """Return which of the rows must be written, and delete what known executions had and have no more.

    Cost: one statement per table when an execution is known, one more where rows went.
    """
    known = [entry for entry in entries if entry.is_known]
    if not known:
        return Changes(rows)
    executions = {entry.execution_id for entry in known}
    moments = [from_us(created) for created in {entry.created_us for entry in known}]
    where = (list(executions), moments)
    changes = Changes()
    changed_steps: set[UUID] = set()
    for stage, content in rows.items():
        stored = _stored(cursor, stage, where)
        kinds = {name: (place, kind) for place, (name, kind) in enumerate(stage.columns)}
        compared = [kinds[name] for name in _COMPARED[stage]]
        keep = changes.rows[stage] = []
        for row in content:
            old = stored.pop(row[0], None)
            if old is None or row[0] in changed_steps or old != _sent(row, compared):
                keep.append(row)
                if stage is STEPS:
                    changed_steps.add(row[0])
        if stored:
            _delete(cursor, stage, where, stored, changes)
    return changes


def _stored(cursor: Cursor, stage: Stage, where: tuple[list, list]) -> dict[UUID, tuple]:
    names = ", ".join(("id", *_COMPARED[stage]))
    cursor.execute(f"SELECT {names} FROM {stage.target} {_OF_EXECUTIONS}", where)  # type: ignore[arg-type]  # noqa: S608
    return {row[0]: _plain(row[1:]) for row in cursor.fetchall()}


def _delete(cursor: Cursor, stage: Stage, where: tuple, gone: dict[UUID, tuple], changes: Changes) -> None:
    statement = f"DELETE FROM {stage.target} {_OF_EXECUTIONS} AND id = ANY(%s::uuid[])"  # noqa: S608
    cursor.execute(statement, (*where, list(gone)))  # type: ignore[arg-type]
    if stage is LEDGER:
        changes.buckets.update(occurred_us // BUCKET_US for occurred_us, *_ in gone.values())


def _sent(row: tuple, compared: list[tuple[int, str]]) -> tuple:
    """Return the compared values of a row to send; amounts travel as text."""
    return tuple(
        Decimal(row[place]).normalize() if kind == "numeric" and row[place] is not None else row[place]
        for place, kind in compared
    )


def _plain(values: Iterable[Any]) -> tuple:
    """Return stored values as they are compared: times in microseconds, amounts without their trailing zeros."""
    return tuple(
        to_us(value) if isinstance(value, datetime) else value.normalize() if isinstance(value, Decimal) else value
        for value in values
    )
