"""Lists ordered by figures of a period: agents and tools, worst first. One way to rank and to page them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Double, Select, Uuid, column, func, literal, select, tuple_
from sqlalchemy.orm import Session

from webapp.domain.ranked_paging import Place
from webapp.domain.trouble import failing_for_sure
from webapp.features.rollups.queries_blocks import Sums

PAGE_SIZE = 50
NEVER = -1.0
"""Score of what did not run: behind all that ran."""


@dataclass(frozen=True, slots=True)
class RankedRows:
    """One keyset page. ``older`` leads to what comes after it, ``newer`` to what comes before; None at the ends."""

    rows: Sequence[Any]
    older: str | None
    newer: str | None


def score(sums: Sums, sort: str) -> float:
    """What a row is ordered by, highest first: ``failing``, ``executions``, ``slowest`` or ``cost``."""
    match sort:
        case "failing":
            return failing_for_sure(sums.failed, sums.ended)
        case "executions":
            return float(sums.executions)
        case "slowest":
            return NEVER if sums.p95_ms is None else float(sums.p95_ms)
        case "cost":
            return NEVER if sums.inner_cost_usd is None else float(sums.inner_cost_usd)
    return 0.0


def with_scores(
    stmt: Select[Any],
    id_column: ColumnElement[UUID],
    name_column: ColumnElement[str],
    figures: Mapping[UUID, Sums],
    sort: str,
) -> Select[Any]:
    """The statement with ``score`` and ``sort_name`` beside its columns, as :func:`ranked_page` wants it."""
    named = stmt.add_columns(func.lower(name_column).collate("C").label("sort_name"))
    if sort == "name":
        return named.add_columns(literal(0.0, Double).label("score"))
    ids = list(figures)
    scores = [score(figures[id_], sort) for id_ in ids]
    known = (
        func.unnest(literal(ids, ARRAY(Uuid)), literal(scores, ARRAY(Double)))
        .table_valued(column("ranked_id", Uuid), column("score", Double))
        .render_derived()
    )
    ranked = func.coalesce(known.c.score, literal(NEVER, Double)).label("score")
    return named.add_columns(ranked).outerjoin(known, known.c.ranked_id == id_column)


def ranked_page(session: Session, stmt: Select[Any], place: Place | None) -> RankedRows:
    """The rows that come after a place (or before it), by score, name and id. Cost: one statement.

    ``stmt`` has the columns id, sort_name and score.
    """
    ranked = stmt.subquery()
    # Score falls while name and id rise, so its sign is turned and one comparison of rows does.
    order = (-ranked.c.score, ranked.c.sort_name, ranked.c.id)
    is_backward = place is not None and place.is_backward
    wanted = select(ranked).order_by(*(one.desc() for one in order) if is_backward else order).limit(PAGE_SIZE + 1)
    if place is not None:
        edge = tuple_(literal(-place.score, Double), literal(place.name), literal(place.id, Uuid))
        wanted = wanted.where(tuple_(*order) < edge if is_backward else tuple_(*order) > edge)
    found = session.execute(wanted).all()
    has_more, rows = len(found) > PAGE_SIZE, list(found[:PAGE_SIZE])
    if is_backward:
        rows.reverse()
    has_after, has_before = (True, has_more) if is_backward else (has_more, place is not None)
    return RankedRows(
        rows,
        older=_place(rows[-1]).encode() if rows and has_after else None,
        newer=_place(rows[0], is_backward=True).encode() if rows and has_before else None,
    )


def ranked_rows(session: Session, stmt: Select[Any], most: int) -> Sequence[Any]:
    """All rows in the order of the pages, at most so many. Cost: one statement."""
    ranked = stmt.subquery()
    order = (-ranked.c.score, ranked.c.sort_name, ranked.c.id)
    return session.execute(select(ranked).order_by(*order).limit(most)).all()


def _place(row: Any, *, is_backward: bool = False) -> Place:
    return Place(row.score, row.sort_name, row.id, is_backward)
