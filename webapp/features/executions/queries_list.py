"""Pages of the executions list, what is newer than the page shown, and why a list is empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, select, tuple_, union_all
from sqlalchemy.orm import Session

from webapp.domain.execution_filter import ExecutionFilter
from webapp.domain.paging import Cursor, Page
from webapp.features.executions.queries_matching import LATE, Found, conditions, is_ordered_by_index, matching
from webapp.models import Agentflow, FlowExecution

PAGE_SIZE = 50
NEAR = timedelta(days=2)
MOST_NEW = 100
MOST_REASONED = 1_001


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """One line of the list. Units: ``cost_usd`` US dollars, NULL when unpriced; times in UTC."""

    id: UUID
    flow_id: UUID | None
    flow_name: str | None
    status: str
    started_at: datetime
    execution_time_ms: int | None
    model_call_count: int
    tokens_used: int | None
    cost_usd: Decimal | None
    unpriced_call_count: int
    trigger_type: str | None
    environment: str | None
    session_id: str | None
    user_ref: str | None
    models: list[str] | None
    error_type: str | None
    error_line: str | None

    @property
    def reason(self) -> str:
        """Why it failed in one line: the type's last part and the first line of the message."""
        kind = (self.error_type or "").rpartition(".")[2]
        line = (self.error_line or "").strip().partition("\n")[0].strip()
        return f"{kind}: {line}" if kind and line and not line.startswith(kind) else line or kind


_COLUMNS = (
    FlowExecution.id,
    FlowExecution.agentflow_id,
    Agentflow.name,
    FlowExecution.status,
    FlowExecution.started_at,
    FlowExecution.execution_time_ms,
    FlowExecution.model_call_count,
    FlowExecution.tokens_used,
    FlowExecution.cost_usd,
    FlowExecution.unpriced_call_count,
    FlowExecution.trigger_type,
    FlowExecution.environment,
    FlowExecution.session_id,
    FlowExecution.user_ref,
    FlowExecution.models,
    FlowExecution.error_type,
    func.left(FlowExecution.error_message, 300),
)


def list_executions(
    session: Session,
    organization_id: UUID,
    wanted: ExecutionFilter,
    found: Found | None,
    *,
    cursor: Cursor | None = None,
    limit: int = PAGE_SIZE,
) -> Page[ExecutionRow]:
    """One page, newest first; ties on ``started_at`` are broken by ``id``.

    A cursor that looks back gives the rows right above it; when fewer than a page are there, the first page is given.
    Cost: one statement, one more when the way back ends at the first page.
    """
    rows = _read(session, organization_id, wanted, found, cursor, limit + 1)
    has_more = len(rows) > limit
    rows = rows[:limit]
    if cursor is not None and cursor.is_backward:
        if not has_more:
            return list_executions(session, organization_id, wanted, found, limit=limit)
        rows.reverse()
        return Page(rows, _cursor(rows[-1], False), _cursor(rows[0], True))
    older = _cursor(rows[-1], False) if has_more else None
    newer = _cursor(rows[0], True) if cursor is not None and rows else None
    return Page(rows, older, newer)


def _read(
    session: Session,
    organization_id: UUID,
    wanted: ExecutionFilter,
    found: Found | None,
    cursor: Cursor | None,
    limit: int,
) -> list[ExecutionRow]:
    """Rows next to the cursor. A filter that no index serves is tried on the nearest days first, which is enough for
    all but rare values; those are then looked for in one pass, many times quicker than by walking along the list."""
    page = matching(organization_id, wanted, found, *_COLUMNS).join(
        Agentflow, Agentflow.id == FlowExecution.agentflow_id, isouter=True
    )
    if not is_ordered_by_index(wanted, found):
        rows = _run(session, _placed(page.where(*_near(wanted, cursor)), FlowExecution, cursor, limit))
        if len(rows) >= limit:
            return rows
        keys = matching(
            organization_id, wanted, found, FlowExecution.id, FlowExecution.created_at, FlowExecution.started_at
        )
        # OFFSET 0 keeps the order out of the search.
        hits = keys.where(*_beyond(FlowExecution, cursor)).offset(0).subquery()
        nearest = _placed(select(hits.c.id, hits.c.created_at), hits.c, None, limit, cursor).subquery()
        page = (
            select(*_COLUMNS)
            .select_from(nearest)
            .join(
                FlowExecution,
                and_(
                    FlowExecution.organization_id == organization_id,
                    FlowExecution.id == nearest.c.id,
                    FlowExecution.created_at == nearest.c.created_at,
                ),
            )
            .join(Agentflow, Agentflow.id == FlowExecution.agentflow_id, isouter=True)
        )
    return _run(session, _placed(page, FlowExecution, cursor, limit))


def _run(session: Session, stmt: Select[Any]) -> list[ExecutionRow]:
    return [ExecutionRow(*row) for row in session.execute(stmt)]


def _near(wanted: ExecutionFilter, cursor: Cursor | None) -> list[ColumnElement[bool]]:
    """The days next to where the page begins."""
    begin = cursor.at if cursor else wanted.until or datetime.now(UTC)
    if cursor is not None and cursor.is_backward:
        return [FlowExecution.started_at < begin + NEAR]
    return [FlowExecution.started_at >= begin - NEAR, FlowExecution.created_at >= begin - NEAR - LATE]


def _beyond(fields: Any, cursor: Cursor | None) -> list[ColumnElement[bool]]:
    if cursor is None:
        return []
    place = tuple_(fields.started_at, fields.id)
    return [place > (cursor.at, cursor.id) if cursor.is_backward else place < (cursor.at, cursor.id)]


def _placed(
    stmt: Select[Any], fields: Any, cursor: Cursor | None, limit: int, direction: Cursor | None = None
) -> Select[Any]:
    """The rows next to a cursor, in the order away from it."""
    towards = cursor or direction
    order = (fields.started_at, fields.id)
    if towards is None or not towards.is_backward:
        order = (fields.started_at.desc(), fields.id.desc())
    return stmt.where(*_beyond(fields, cursor)).order_by(*order).limit(limit)


def _cursor(row: ExecutionRow, is_backward: bool) -> str:
    return Cursor(row.started_at, row.id, is_backward).encode()


def count_newer(
    session: Session, organization_id: UUID, wanted: ExecutionFilter, found: Found | None, after: Cursor
) -> int:
    """How many executions came in above a row, counted up to 100. Cost: one index range."""
    place = tuple_(FlowExecution.started_at, FlowExecution.id)
    inner = matching(organization_id, wanted, found, literal(1)).where(place > (after.at, after.id)).limit(MOST_NEW)
    return session.scalar(select(func.count()).select_from(inner.subquery())) or 0


@dataclass(frozen=True, slots=True)
class WithoutField:
    """How many would match if one field of the filter were left open; ``is_capped``: at least that many."""

    name: str
    count: int
    is_capped: bool


def explain_empty(
    session: Session, organization_id: UUID, wanted: ExecutionFilter, found: Found | None
) -> tuple[bool, list[WithoutField]]:
    """Whether the organization has any execution at all, and which fields of the filter exclude everything.

    Fields whose removal would bring something, the most first. Cost: one statement, each part counts up to 1,000.
    """
    parts = [
        select(literal(name).label("name"), func.count().label("number")).select_from(
            matching(organization_id, wanted.without(name), None if name == "q" else found, literal(1))
            .limit(MOST_REASONED)
            .subquery()
        )
        for name in wanted.active
    ]
    everything = select(FlowExecution.id).where(FlowExecution.organization_id == organization_id).limit(1).subquery()
    parts.append(select(literal("").label("name"), func.count().label("number")).select_from(everything))
    rows: Sequence[Row] = session.execute(union_all(*parts)).all()
    counts = {row.name: row.number for row in rows}
    has_any = counts.pop("") > 0
    helpful = [WithoutField(n, min(c, MOST_REASONED - 1), c >= MOST_REASONED) for n, c in counts.items() if c]
    return has_any, sorted(helpful, key=lambda one: -one.count)


def recent_errors_statement(organization_id: UUID, wanted: ExecutionFilter, limit: int):
    """The newest failed executions of the filter's time, the only ones that have an error type."""
    time_only = ExecutionFilter(preset=wanted.preset, since=wanted.since, until=wanted.until, status=("failed",))
    return (
        select(FlowExecution.error_type)
        .where(*conditions(organization_id, time_only, None))
        .order_by(FlowExecution.started_at.desc(), FlowExecution.id.desc())
        .limit(limit)
    )
