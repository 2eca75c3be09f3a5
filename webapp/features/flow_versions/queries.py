"""The versions of a flow, with what each changed and how the flow did while it was the current one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Subquery, func, or_, select
from sqlalchemy.orm import Session

from webapp.domain.errors import Invalid, NotFound
from webapp.domain.paging import Page
from webapp.domain.version_counts import BlockCounts, count_changes
from webapp.features.rollups.queries import Figures, Scope, list_columns
from webapp.models import Agent, AgentflowVersion, User

PAGE_SIZE, MOST_EXPORTED = 20, 1_000
NOBODY = "the system"


@dataclass(frozen=True, slots=True)
class VersionFilter:
    """Which versions: words of name, note or author, and how they came to be."""

    q: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version. ``ended_at`` is None while it is the current one; ``counts`` and ``figures`` are filled in by the
    list. ``figures`` are of executions that started while it was current."""

    version: int
    name: str | None
    note: str | None
    kind: str
    author: str | None
    created_at: datetime
    ended_at: datetime | None
    pattern: str | None
    import_report_id: UUID | None
    block_count: int
    counts: BlockCounts = BlockCounts()
    figures: Figures | None = None

    @property
    def is_current(self) -> bool:
        return self.ended_at is None


def list_versions(
    session: Session,
    organization_id: UUID,
    agentflow_id: UUID,
    wanted: VersionFilter,
    *,
    cursor: str = "",
    now: datetime,
    size: int = PAGE_SIZE,
) -> Page[VersionRow]:
    """One page, the newest first. A cursor is the number of a version, with a minus to go to newer ones.

    Cost: three statements at any size.
    """
    place, is_backward = _read_cursor(cursor)
    statement = _rows(organization_id, agentflow_id, *_matching(wanted))
    column = AgentflowVersion.version
    if place is not None:
        statement = statement.where(column > place if is_backward else column < place)
    statement = statement.order_by(column.asc() if is_backward else column.desc()).limit(size + 1)
    found = [VersionRow(*row) for row in session.execute(statement)]
    has_more, rows = len(found) > size, found[:size]
    if is_backward:
        rows.reverse()
    rows = with_figures(session, organization_id, agentflow_id, rows, now=now)
    rows = _with_counts(session, organization_id, agentflow_id, rows)
    is_end = (not has_more) if not is_backward else False
    older = None if is_end or not rows else str(rows[-1].version)
    is_start = place is None or (is_backward and not has_more)
    newer = None if is_start or not rows else f"-{rows[0].version}"
    return Page(rows, older, newer)


def _read_cursor(text: str) -> tuple[int | None, bool]:
    digits = text.removeprefix("-")
    if not text:
        return None, False
    if not digits.isdecimal() or len(digits) > 9:
        raise Invalid("The page address is damaged. Go back to the first page.", field="cursor")
    return int(digits), text.startswith("-")


def _times(agentflow_id: UUID) -> Subquery:
    """When each version was followed by the next."""
    following = func.lead(AgentflowVersion.created_at).over(order_by=AgentflowVersion.version)
    return (
        select(AgentflowVersion.id, following.label("ended_at"))
        .where(AgentflowVersion.agentflow_id == agentflow_id)
        .subquery()
    )


def _rows(organization_id: UUID, agentflow_id: UUID, *conditions: ColumnElement[bool]):  # type: ignore[no-untyped-def]
    times = _times(agentflow_id)
    return (
        select(
            AgentflowVersion.version,
            AgentflowVersion.name,
            AgentflowVersion.note,
            AgentflowVersion.kind,
            _author().label("author"),
            AgentflowVersion.created_at,
            times.c.ended_at,
            AgentflowVersion.orchestration_pattern,
            AgentflowVersion.import_report_id,
            func.jsonb_array_length(AgentflowVersion.graph["blocks"]),
        )
        .join(times, times.c.id == AgentflowVersion.id)
        .outerjoin(User, User.id == AgentflowVersion.author_id)
        .where(
            AgentflowVersion.organization_id == organization_id,
            AgentflowVersion.agentflow_id == agentflow_id,
            *conditions,
        )
    )


def _author() -> ColumnElement[str]:
    return func.coalesce(User.full_name, User.username)


def _matching(wanted: VersionFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.kind:
        conditions.append(AgentflowVersion.kind == wanted.kind)
    if wanted.q:
        number = wanted.q.removeprefix("v")
        words = [
            column.icontains(wanted.q, autoescape=True)
            for column in (AgentflowVersion.name, AgentflowVersion.note, _author())
        ]
        if number.isdecimal() and len(number) < 9:
            words.append(AgentflowVersion.version == int(number))
        conditions.append(or_(*words))
    return conditions


def with_figures(
    session: Session, organization_id: UUID, agentflow_id: UUID, rows: Sequence[VersionRow], *, now: datetime
) -> list[VersionRow]:
    """The rows with figures of executions that started while each was current. Cost: one statement."""
    spans = [(row.created_at, max(row.ended_at or now, row.created_at)) for row in rows]
    edges = sorted({edge for span in spans for edge in span})
    if len(edges) < 2:
        return [replace(row, figures=Figures()) for row in rows]
    scope = Scope(organization_id, edges[0], edges[-1], flows=(agentflow_id,))
    columns = list_columns(session, scope, edges)
    places = {edge: place for place, edge in enumerate(edges)}
    return [replace(row, figures=_sum(columns[places[a] : places[b]])) for row, (a, b) in zip(rows, spans, strict=True)]


def _sum(columns: Iterable[Figures]) -> Figures:
    total = Figures()
    for column in columns:
        total.merge(column)
    return total


def _with_counts(
    session: Session, organization_id: UUID, agentflow_id: UUID, rows: Sequence[VersionRow]
) -> list[VersionRow]:
    wanted = {number for row in rows for number in (row.version, row.version - 1)}
    if not wanted:
        return []
    blocks = dict(
        session.execute(
            select(AgentflowVersion.version, AgentflowVersion.graph["blocks"]).where(
                AgentflowVersion.organization_id == organization_id,
                AgentflowVersion.agentflow_id == agentflow_id,
                AgentflowVersion.version.in_(wanted),
            )
        ).all()  # type: ignore[arg-type]
    )
    return [
        replace(row, counts=count_changes(blocks.get(row.version - 1) or (), blocks.get(row.version) or ()))
        for row in rows
    ]


def get_versions(
    session: Session, organization_id: UUID, agentflow_id: UUID, numbers: Sequence[int], *, now: datetime
) -> list[VersionRow]:
    """Some versions with their figures, in the order asked for. Cost: two statements.

    Raises:
        NotFound: one of them is not there.
    """
    statement = _rows(organization_id, agentflow_id, AgentflowVersion.version.in_(numbers))
    rows = {row.version: row for row in (VersionRow(*row) for row in session.execute(statement))}
    missing = next((number for number in numbers if number not in rows), None)
    if missing is not None:
        raise NotFound(f"This flow has no version {missing}.")
    return with_figures(session, organization_id, agentflow_id, [rows[number] for number in numbers], now=now)


def list_agent_names(session: Session, organization_id: UUID, ids: Iterable[str]) -> dict[str, str]:
    """Names of agents by id as text, also of those that were removed. Cost: one statement, none without ids."""
    wanted = {id_ for text in ids if (id_ := _uuid(text)) is not None}
    if not wanted:
        return {}
    query = select(Agent.id, Agent.name).where(Agent.organization_id == organization_id, Agent.id.in_(wanted))
    return {str(id_): name for id_, name in session.execute(query)}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
