"""Named prompts: the list, one prompt with its versions, and who uses it.

A prompt is all rows of one name, one row a version. Its id in addresses and in the log is that of its first version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Double, Select, cast, extract, func, literal, or_, select, true
from sqlalchemy.orm import Session

from webapp.domain.errors import NotFound
from webapp.domain.paging import Page
from webapp.domain.ranked_paging import Place
from webapp.features.prompts.filters import PromptFilter
from webapp.features.prompts.state import prompt_state, variable_names
from webapp.features.rollups.ranking import ranked_page, ranked_rows
from webapp.models import Agent, PromptTemplate, User

MOST_EXPORTED = 10_000
MOST_AGENTS = 200
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class PromptRow:
    """One prompt in its newest version."""

    id: UUID
    name: str
    version: int
    description: str | None
    tags: tuple[str, ...]
    variables: tuple[str, ...]
    is_active: bool
    changed_at: datetime
    author: str | None
    characters: int
    agent_count: int


@dataclass(frozen=True, slots=True)
class PromptDetail:
    """One prompt in one of its versions. ``newest`` is the number of the newest one."""

    id: UUID
    name: str
    version: int
    newest: int
    is_active: bool
    created_at: datetime
    author: str | None
    state: Mapping[str, Any]

    @property
    def is_newest(self) -> bool:
        return self.version == self.newest


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version: who made it and when."""

    version: int
    author: str | None
    created_at: datetime
    characters: int


@dataclass(frozen=True, slots=True)
class UsingAgent:
    """An agent that takes its instructions from the prompt."""

    id: UUID
    name: str
    is_retired: bool


def list_prompts(
    session: Session, organization_id: UUID, wanted: PromptFilter, *, place: Place | None = None
) -> Page[PromptRow]:
    """One keyset page in the order asked for. Cost: one statement."""
    found = ranked_page(session, _ranked(organization_id, wanted), place)
    return Page([_row(one) for one in found.rows], older=found.older, newer=found.newer)


def list_all(session: Session, organization_id: UUID, wanted: PromptFilter) -> list[PromptRow]:
    """All rows of the filter in the order of the pages, at most 10,000. Cost: one statement."""
    return [_row(one) for one in ranked_rows(session, _ranked(organization_id, wanted), MOST_EXPORTED)]


def explain_empty(session: Session, organization_id: UUID, wanted: PromptFilter) -> tuple[bool, list[tuple[str, int]]]:
    """Whether there are prompts at all, and which single filter excludes the rows. Cost: one statement per filter."""
    known = select(PromptTemplate.id).where(PromptTemplate.organization_id == organization_id).limit(1)
    if session.scalar(known) is None:
        return False, []
    counts = []
    for name in wanted.active:
        rows = _ranked(organization_id, replace(wanted, **{name: ""})).subquery()
        counts.append((name, session.scalar(select(func.count()).select_from(rows)) or 0))
    return True, sorted((one for one in counts if one[1]), key=lambda one: -one[1])


def get_prompt(session: Session, organization_id: UUID, prompt_id: UUID, *, version: int | None = None) -> PromptDetail:
    """A prompt in its newest version, or in the one asked for. Any version's id finds it.

    Cost: one statement. Raises: NotFound.
    """
    of_organization = PromptTemplate.organization_id == organization_id
    name = select(PromptTemplate.name).where(of_organization, PromptTemplate.id == prompt_id).scalar_subquery()
    numbers = (
        func.first_value(PromptTemplate.id).over(order_by=PromptTemplate.version).label("first_id"),
        func.max(PromptTemplate.version).over().label("newest"),
    )
    rows = select(PromptTemplate, *numbers).where(of_organization, PromptTemplate.name == name).subquery()
    stmt = (
        select(rows, func.coalesce(User.full_name, User.username).label("author"))
        .outerjoin(User, User.id == rows.c.user_id)
        .where(rows.c.version == (rows.c.newest if version is None else version))
    )
    row = session.execute(stmt).first()
    if row is None:
        raise NotFound("There is no such prompt, or no such version of it, in this organization.")
    return PromptDetail(
        id=row.first_id,
        name=row.name,
        version=row.version,
        newest=row.newest,
        is_active=row.is_active,
        created_at=row.created_at,
        author=row.author,
        state=prompt_state(row),
    )


def list_versions(
    session: Session, organization_id: UUID, name: str, *, before: int | None = None
) -> tuple[list[VersionRow], int | None]:
    """The newest 50 versions, and the number before which older ones are found. Cost: one statement."""
    stmt = (
        select(
            PromptTemplate.version,
            func.coalesce(User.full_name, User.username),
            PromptTemplate.created_at,
            func.length(PromptTemplate.template),
        )
        .outerjoin(User, User.id == PromptTemplate.user_id)
        .where(PromptTemplate.organization_id == organization_id, PromptTemplate.name == name)
        .where(PromptTemplate.version < before if before is not None else true())
        .order_by(PromptTemplate.version.desc())
        .limit(PAGE_SIZE + 1)
    )
    rows = [VersionRow(*row) for row in session.execute(stmt)]
    kept = rows[:PAGE_SIZE]
    return kept, kept[-1].version if len(rows) > PAGE_SIZE else None


def get_states(
    session: Session, organization_id: UUID, name: str, versions: tuple[int, int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a prompt was at two versions. Cost: one statement. Raises: NotFound."""
    rows = session.scalars(
        select(PromptTemplate).where(
            PromptTemplate.organization_id == organization_id,
            PromptTemplate.name == name,
            PromptTemplate.version.in_(versions),
        )
    )
    found = {row.version: prompt_state(row) for row in rows}
    if not all(version in found for version in versions):
        raise NotFound("This prompt has no such version.")
    return found[versions[0]], found[versions[1]]


def list_agents(session: Session, organization_id: UUID, name: str) -> list[UsingAgent]:
    """Agents that take their instructions from the prompt, at most 200. Cost: one statement."""
    stmt = (
        select(Agent.id, Agent.name, Agent.removed_at.is_not(None))
        .where(Agent.organization_id == organization_id, Agent.prompt_name == name)
        .order_by(Agent.removed_at.is_not(None), func.lower(Agent.name), Agent.id)
        .limit(MOST_AGENTS)
    )
    return [UsingAgent(*row) for row in session.execute(stmt)]


def _ranked(organization_id: UUID, wanted: PromptFilter) -> Select[Any]:
    """Newest versions with what a row shows, their score and the name to order by."""
    of_name = {"partition_by": PromptTemplate.name}
    rows = (
        select(
            PromptTemplate,
            func.first_value(PromptTemplate.id).over(order_by=PromptTemplate.version, **of_name).label("first_id"),
            func.max(PromptTemplate.version).over(**of_name).label("newest"),
        )
        .where(PromptTemplate.organization_id == organization_id)
        .subquery()
    )
    agents = (
        select(func.count())
        .where(Agent.organization_id == organization_id, Agent.prompt_name == rows.c.name, Agent.removed_at.is_(None))
        .scalar_subquery()
    )
    scores = {
        "changed": cast(extract("epoch", rows.c.created_at), Double),
        "used": cast(agents, Double),
        "name": literal(0.0, Double),
    }
    return (
        select(
            rows.c.first_id.label("id"), rows.c.name, rows.c.version, rows.c.description, rows.c.tags,
            rows.c.variables, rows.c.is_active, rows.c.created_at,
            func.coalesce(User.full_name, User.username).label("author"),
            func.length(rows.c.template).label("characters"), agents.label("agent_count"),
            func.lower(rows.c.name).collate("C").label("sort_name"), scores[wanted.sort].label("score"),
        )
        .outerjoin(User, User.id == rows.c.user_id)
        .where(rows.c.version == rows.c.newest, *_conditions(rows.c, agents, wanted))
    )  # fmt: skip


def _conditions(columns: Any, agents: Any, wanted: PromptFilter) -> list[ColumnElement[bool]]:
    found = [columns.is_active.is_(wanted.state != "archived")]
    if wanted.q:
        texts = (columns.name, columns.description, columns.template)
        found.append(or_(*(text.icontains(wanted.q, autoescape=True) for text in texts)))
    if wanted.use:
        found.append(agents > 0 if wanted.use == "used" else agents == 0)
    return found


def _row(one: Any) -> PromptRow:
    tags, variables = tuple(one.tags or ()), tuple(variable_names(one.variables))
    return PromptRow(*one[:4], tags, variables, *one[6:11])
