"""The one WHERE of the executions list: rows, counts, chart and export all begin with ``matching``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from webapp.domain.execution_filter import ExecutionFilter, Search, read_search
from webapp.models import Agentflow, FlowExecution, TraceIndex
from webapp.models.base import id_time

LATE = timedelta(minutes=5)
"""``started_at`` is at most this much later than ``created_at``, by which the table is partitioned."""
MOST_FOUND = 2_000
"""So many executions and flows a text search gives at most."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search text stands for: certain executions (with their partition's time), or flows.

    ``is_capped`` says that more error texts matched than were fetched.
    """

    ids: tuple[UUID, ...] = ()
    times: tuple[datetime, ...] = ()
    flow_ids: tuple[UUID, ...] = ()
    is_by_id: bool = False
    is_capped: bool = False


def resolve_search(session: Session, organization_id: UUID, wanted: ExecutionFilter) -> Found | None:
    """Turn the search text into ids, None when there is none.

    An id, its tail or a trace id finds its execution at any time; words are looked for in names of flows and in error
    texts. Cost: no statement for an id, one for a trace id, two for words; a tail looks through one index.
    """
    search = read_search(wanted.q)
    if search is None:
        return None
    if search.words:
        return _resolve_words(session, organization_id, wanted, search.words)
    if search.tail:
        ids = tuple(session.scalars(_with_tail(organization_id, search.tail)))
        return Found(ids=ids, times=tuple(map(id_time, ids)), is_by_id=True)
    return _resolve_ids(session, organization_id, search)


def _with_tail(organization_id: UUID, tail: str) -> Select[Any]:
    """Reads nothing but the index on time, which holds the ids too."""
    last_bytes = func.substring(func.uuid_send(FlowExecution.id), 13)
    return (
        select(FlowExecution.id)
        .where(FlowExecution.organization_id == organization_id, last_bytes == bytes.fromhex(tail))
        .limit(MOST_FOUND)
    )


def _resolve_ids(session: Session, organization_id: UUID, search: Search) -> Found:
    found: dict[UUID, datetime] = {}
    if search.execution_id is not None and search.execution_id.version == 7:
        found[search.execution_id] = id_time(search.execution_id)
    if search.trace_id is not None:
        stmt = select(TraceIndex.flow_execution_id, TraceIndex.flow_created_at).where(
            TraceIndex.organization_id == organization_id, TraceIndex.trace_id == search.trace_id
        )
        found.update((row[0], row[1]) for row in session.execute(stmt))
    return Found(ids=tuple(found), times=tuple(found.values()), is_by_id=True)


def _resolve_words(session: Session, organization_id: UUID, wanted: ExecutionFilter, words: str) -> Found:
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    flows = session.scalars(
        select(Agentflow.id)
        .where(Agentflow.organization_id == organization_id, Agentflow.name.ilike(pattern))
        .limit(MOST_FOUND)
    )
    errors = session.execute(
        text("SELECT id, created_at FROM search_execution_errors(:words, :since, :until, :most)"),
        {"words": words, "since": wanted.since, "until": wanted.until, "most": MOST_FOUND},
    ).all()
    return Found(
        ids=tuple(row[0] for row in errors),
        times=tuple(row[1] for row in errors),
        flow_ids=tuple(flows),
        is_capped=len(errors) >= MOST_FOUND,
    )


def _texts(values: Iterable[str]) -> ColumnElement[Any]:
    return literal(list(values), ARRAY(Text))


def _ids(values: Iterable[UUID]) -> ColumnElement[Any]:
    return literal(list(values), ARRAY(Uuid))


def conditions(organization_id: UUID, wanted: ExecutionFilter, found: Found | None) -> list[ColumnElement[bool]]:
    """Everything that the filter asks of an execution, the tenant first."""
    execution = FlowExecution
    asked: list[ColumnElement[bool]] = [execution.organization_id == organization_id]
    if found is None or not found.is_by_id:
        asked += _time(wanted)
    if found is not None:
        asked.append(_found(found))
    asked += dimension_conditions(wanted)
    for column, values in (
        (execution.models, wanted.model),
        (execution.agents, wanted.agent),
        (execution.tools, wanted.tool),
    ):
        if values:
            asked.append(column.op("&&")(_texts(values)))
    if wanted.error_type:
        asked.append(execution.error_type == any_(_texts(wanted.error_type)))
    for column, low, high in (
        (execution.cost_usd, wanted.cost_min, wanted.cost_max),
        (execution.execution_time_ms, wanted.duration_min_ms, wanted.duration_max_ms),
    ):
        asked += [column >= low] if low is not None else []
        asked += [column <= high] if high is not None else []
    for column, value in ((execution.session_id, wanted.session), (execution.user_ref, wanted.user)):
        if value:
            asked.append(column == value)
    return asked


def dimension_conditions(wanted: ExecutionFilter, table: Any = FlowExecution) -> list[ColumnElement[bool]]:
    """The part of a filter that executions and their roll-ups have in common."""
    asked: list[ColumnElement[bool]] = []
    if wanted.status:
        asked.append(_status(table, frozenset(wanted.status)))
    if wanted.flow:
        is_one = len(wanted.flow) == 1
        asked.append(table.agentflow_id == (wanted.flow[0] if is_one else any_(_ids(wanted.flow))))
    if wanted.trigger:
        asked.append(table.trigger_type == any_(_texts(wanted.trigger)))
    if wanted.environment:
        asked.append(table.environment == any_(_texts(wanted.environment)))
    return asked


def _status(table: Any, statuses: frozenset[str]) -> ColumnElement[bool]:
    """Written out where a partial index exists, which a bound parameter would hide from the planner."""
    if statuses == {"failed"}:
        return table.status == literal_column("'failed'")
    if statuses <= {"running", "pending"}:
        open_ones = table.status.in_([literal_column("'running'"), literal_column("'pending'")])
        return open_ones if len(statuses) == 2 else and_(open_ones, table.status == next(iter(statuses)))
    return table.status == any_(_texts(sorted(statuses)))


def _time(wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    started = FlowExecution.started_at
    if wanted.since is None and wanted.until is None:
        return [started.is_not(None)]
    asked: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        asked += [started >= wanted.since, FlowExecution.created_at >= wanted.since - LATE]
    if wanted.until is not None:
        asked.append(started < wanted.until)
    return asked


def _found(found: Found) -> ColumnElement[bool]:
    execution = FlowExecution
    by_id = (
        and_(
            execution.id == any_(_ids(found.ids)),
            execution.created_at == any_(literal(sorted(set(found.times)), ARRAY(DateTime(timezone=True)))),
        )
        if found.ids
        else false()
    )
    return or_(by_id, execution.agentflow_id == any_(_ids(found.flow_ids))) if found.flow_ids else by_id


def is_ordered_by_index(wanted: ExecutionFilter, found: Found | None) -> bool:
    """Whether an index gives what the filter means in the order of the list, so that no page needs a search."""
    if found is not None:
        return True
    narrowed = set(wanted.active) - {"time"}
    statuses = frozenset(wanted.status)
    if statuses == {"failed"} or (statuses and statuses <= {"running", "pending"}) or wanted.session:
        return True
    return not narrowed or (narrowed == {"flow"} and len(wanted.flow) == 1)


def matching(
    organization_id: UUID, wanted: ExecutionFilter, found: Found | None, *columns: ColumnElement[Any]
) -> Select[Any]:
    """Executions of the organization that the filter means, not yet ordered or limited."""
    return select(*columns).select_from(FlowExecution).where(*conditions(organization_id, wanted, found))
