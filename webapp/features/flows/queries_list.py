"""Flows that a filter means, what rows show beside their figures, and what filters and bulk actions choose from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session, aliased

from webapp.actor import Actor
from webapp.domain.flow_filter import NO_PATTERN, NO_TEAM, FlowFilter
from webapp.features.flows.visibility import visible_flows
from webapp.models import Agentflow, Bookmark, Event, Source, Team, User

MOST_CHOICES = 100
MOST_STARTS = 500
_SOURCES = {"observed": Source.DISCOVERED, "drawn": Source.MANUAL, "imported": Source.IMPORTED}
_HAS_PROBLEMS = func.jsonb_array_length(Agentflow.problems) > 0


class FoundFlow(NamedTuple):
    """A flow that matches: what it is sorted and told apart by. ``version`` is None where nothing was drawn.

    ``is_only_if_failing``: it matches only if its figures say that it fails.
    """

    id: UUID
    name: str
    last_execution_at: datetime | None
    pattern: str | None
    version: int | None
    is_active: bool
    is_template: bool
    is_deleted: bool
    is_only_if_failing: bool


@dataclass(frozen=True, slots=True)
class FlowFacts:
    """What a row shows beside name and figures. ``deleted_by`` and the team are names."""

    description: str
    service_name: str
    source: str
    source_format: str | None
    tags: Sequence[str]
    team: str | None
    visibility: str
    is_public: bool
    block_count: int | None
    problem_count: int
    has_errors: bool
    author_id: UUID | None
    deleted_at: datetime | None
    deleted_by: str | None
    is_bookmarked: bool


def list_flows(session: Session, actor: Actor, wanted: FlowFilter) -> list[FoundFlow]:
    """Every flow that the filter means, in no order; whether one fails is for its figures to say.

    Cost: one statement over the flows of the organization.
    """
    stmt = select(
        Agentflow.id,
        Agentflow.name,
        Agentflow.last_execution_at,
        Agentflow.orchestration_pattern,
        case((Agentflow.block_count.is_not(None), Agentflow.version)),
        Agentflow.is_active.is_not(False),
        Agentflow.is_template,
        Agentflow.deleted_at.is_not(None),
        _only_if_failing(wanted.status),
    ).where(*_conditions(actor, wanted))
    return [FoundFlow._make(row) for row in session.execute(stmt)]


def list_facts(
    session: Session, organization_id: UUID, flow_ids: Collection[UUID], *, reader_id: UUID
) -> dict[UUID, FlowFacts]:
    """What the rows of flows that were found show, by id; ``reader_id`` is whose bookmarks count.

    Cost: one statement, none without ids.
    """
    if not flow_ids:
        return {}
    values = {"organization_id": organization_id, "flow_ids": list(flow_ids), "reader_id": reader_id}
    return {row[0]: FlowFacts(*row[1:]) for row in session.execute(_facts(), values)}


@cache
def _facts() -> Select[Any]:
    deleter = aliased(User)
    errors = cast([{"severity": "error"}], JSONB)
    organization_id = bindparam("organization_id", type_=Uuid())
    return (
        select(
            Agentflow.id,
            func.coalesce(Agentflow.description, ""),
            Agentflow.service_name,
            Agentflow.source,
            Agentflow.source_format,
            Agentflow.tags,
            Team.name,
            Agentflow.visibility,
            Agentflow.is_public.is_(True),
            Agentflow.block_count,
            func.jsonb_array_length(Agentflow.problems),
            Agentflow.problems.op("@>")(errors),
            Agentflow.user_id,
            Agentflow.deleted_at,
            func.coalesce(deleter.full_name, deleter.username),
            _bookmarked(organization_id, bindparam("reader_id", type_=Uuid())),
        )
        .outerjoin(Team, Team.id == Agentflow.team_id)
        .outerjoin(deleter, deleter.id == Agentflow.deleted_by_id)
        .where(
            Agentflow.organization_id == organization_id,
            Agentflow.id == any_(bindparam("flow_ids", type_=ARRAY(Uuid))),
        )
    )


def _only_if_failing(statuses: Collection[str]) -> ColumnElement[bool]:
    others = [name for name in statuses if name != "failing"]
    if len(others) == len(statuses):
        return false()
    return not_(_status(others)) if others else true()


def _conditions(actor: Actor, wanted: FlowFilter) -> list[ColumnElement[bool]]:
    found = [visible_flows(actor), _status(wanted.status)]
    if wanted.q:
        found.append(_mentions(wanted.q))
    if wanted.tag:
        found.append(or_(*(Agentflow.tags.op("@>")(cast([tag], JSONB)) for tag in wanted.tag)))
    if wanted.team:
        found.append(_in_team(actor, wanted.team))
    if wanted.pattern:
        named = Agentflow.orchestration_pattern.in_(wanted.pattern)
        found.append(or_(named, Agentflow.orchestration_pattern.is_(None)) if NO_PATTERN in wanted.pattern else named)
    if wanted.source:
        found.append(Agentflow.source.in_([_SOURCES[name] for name in wanted.source]))
    if wanted.public:
        found.append(Agentflow.is_public.is_(True))
    if wanted.bookmarked:
        found.append(_bookmarked(actor.organization_id, actor.user_id))
    if wanted.mine:
        found.append(Agentflow.user_id == actor.user_id)
    return found


def _status(statuses: Collection[str]) -> ColumnElement[bool]:
    """Any of the statuses. "Failing" lets every live flow through, its figures decide."""
    is_here = Agentflow.deleted_at.is_(None)
    is_live = and_(is_here, Agentflow.is_template.is_(False))
    meanings: Mapping[str, ColumnElement[bool]] = {
        "active": and_(is_live, Agentflow.is_active.is_not(False)),
        "paused": and_(is_live, Agentflow.is_active.is_(False)),
        "failing": and_(is_live, Agentflow.is_active.is_not(False), Agentflow.last_execution_at.is_not(None)),
        "never_ran": and_(is_live, Agentflow.last_execution_at.is_(None)),
        "problems": and_(is_here, _HAS_PROBLEMS),
        "template": and_(is_here, Agentflow.is_template.is_(True)),
        "deleted": Agentflow.deleted_at.is_not(None),
    }
    return or_(*(meanings[name] for name in statuses)) if statuses else is_live


def _mentions(words: str) -> ColumnElement[bool]:
    columns = (Agentflow.name, Agentflow.description, Agentflow.service_name, cast(Agentflow.tags, Text))
    return or_(*(column.icontains(words, autoescape=True) for column in columns))


def _in_team(actor: Actor, names: Collection[str]) -> ColumnElement[bool]:
    team_ids = select(Team.id).where(Team.organization_id == actor.organization_id, Team.name.in_(names))
    named = Agentflow.team_id.in_(team_ids)
    return or_(named, Agentflow.team_id.is_(None)) if NO_TEAM in names else named


def _bookmarked(organization_id: Any, reader_id: Any) -> ColumnElement[bool]:
    return exists().where(
        Bookmark.organization_id == organization_id,
        Bookmark.user_id == reader_id,
        Bookmark.record_type == "agentflow",
        Bookmark.record_id == Agentflow.id,
    )


def has_flows(session: Session, actor: Actor) -> bool:
    """Whether the actor could see any flow that is not deleted. Cost: one statement."""
    return bool(session.scalar(select(exists().where(visible_flows(actor), Agentflow.deleted_at.is_(None)))))


def list_tags(session: Session, actor: Actor, *, search: str = "") -> list[str]:
    """Up to 100 tags that live flows carry, the most frequent first. Cost: one statement."""
    tags = func.jsonb_array_elements_text(Agentflow.tags).table_valued("value", name="tag")
    stmt = select(tags.c.value).select_from(Agentflow).join(tags, true())
    stmt = stmt.where(visible_flows(actor), Agentflow.deleted_at.is_(None))
    if search:
        stmt = stmt.where(tags.c.value.icontains(search, autoescape=True))
    return list(
        session.scalars(stmt.group_by(tags.c.value).order_by(func.count().desc(), tags.c.value).limit(MOST_CHOICES))
    )


def list_teams(session: Session, organization_id: UUID, *, search: str = "") -> list[tuple[UUID, str]]:
    """Up to 100 teams by name. Cost: one statement."""
    stmt = select(Team.id, Team.name).where(Team.organization_id == organization_id)
    if search:
        stmt = stmt.where(Team.name.icontains(search, autoescape=True))
    return [(row.id, row.name) for row in session.execute(stmt.order_by(func.lower(Team.name)).limit(MOST_CHOICES))]


@dataclass(frozen=True, slots=True)
class NamedFlow:
    """A flow as it is asked about before something is done to many."""

    id: UUID
    name: str
    author_id: UUID | None
    is_deleted: bool
    is_active: bool


def list_named(session: Session, actor: Actor, flow_ids: Collection[UUID]) -> list[NamedFlow]:
    """Those of the flows that the actor may see, by name. Cost: one statement, none without ids."""
    if not flow_ids:
        return []
    stmt = select(
        Agentflow.id,
        Agentflow.name,
        Agentflow.user_id,
        Agentflow.deleted_at.is_not(None),
        Agentflow.is_active.is_not(False),
    ).where(visible_flows(actor), Agentflow.id.in_(flow_ids))
    return [NamedFlow(*row) for row in session.execute(stmt.order_by(func.lower(Agentflow.name), Agentflow.id))]


@dataclass(frozen=True, slots=True)
class Start:
    """A flow that a new one can begin as a copy of."""

    id: UUID
    name: str
    is_template: bool
    pattern: str | None
    block_count: int


def list_starts(session: Session, actor: Actor) -> list[Start]:
    """Templates and drawn flows by name, at most 500. Cost: one statement."""
    stmt = (
        select(
            Agentflow.id,
            Agentflow.name,
            Agentflow.is_template,
            Agentflow.orchestration_pattern,
            Agentflow.block_count,
        )
        .where(visible_flows(actor), Agentflow.deleted_at.is_(None), Agentflow.block_count.is_not(None))
        .order_by(Agentflow.is_template.desc(), func.lower(Agentflow.name), Agentflow.id)
        .limit(MOST_STARTS)
    )
    return [Start(*row) for row in session.execute(stmt)]


def get_done(session: Session, actor: Actor, first: int, last: int) -> tuple[str, int] | None:
    """What the actor just did to how many flows, as the type of the events; None when these are not theirs.

    Cost: one statement.
    """
    stmt = (
        select(Event.event_type, func.count())
        .where(
            Event.organization_id == actor.organization_id,
            Event.sequence.between(first, last),
            Event.actor_id == actor.user_id,
            Event.aggregate_type == "agentflow",
        )
        .group_by(Event.event_type)
    )
    row = session.execute(stmt).first()
    return (row[0], row[1]) if row else None
