"""The list of agents: rows, choices of filters, and why a list is empty, all from one filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Double, Select, cast, extract, func, or_, select
from sqlalchemy.orm import Session

from webapp.domain.paging import Page
from webapp.domain.ranked_paging import Place
from webapp.features.agents.filters import AgentFilter
from webapp.features.rollups.queries_blocks import Sums
from webapp.features.rollups.ranking import ranked_page, ranked_rows, with_scores
from webapp.models import Agent, AgentTool, Source

MOST_EXPORTED = 10_000
MOST_MODELS = 100


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent. ``figures`` is None when it did not run in the period."""

    id: UUID
    name: str
    description: str | None
    service_name: str
    source: str
    agent_type: str | None
    model_provider: str | None
    model_name: str | None
    prompt_name: str | None
    is_active: bool
    removed_at: datetime | None
    version: int
    tags: tuple[str, ...]
    updated_at: datetime | None
    tool_count: int
    figures: Sums | None

    @property
    def is_observed(self) -> bool:
        """Whether traces named it; else somebody made it here."""
        return self.source == Source.DISCOVERED

    @property
    def state(self) -> str:
        if self.removed_at is not None:
            return "retired"
        return "active" if self.is_active else "inactive"


def list_agents(
    session: Session,
    organization_id: UUID,
    wanted: AgentFilter,
    figures: Mapping[UUID, Sums],
    *,
    place: Place | None = None,
) -> Page[AgentRow]:
    """One keyset page in the order asked for. Cost: one statement."""
    found = ranked_page(session, _ranked(organization_id, wanted, figures), place)
    return Page([_row(one, figures) for one in found.rows], older=found.older, newer=found.newer)


def list_all(
    session: Session, organization_id: UUID, wanted: AgentFilter, figures: Mapping[UUID, Sums]
) -> list[AgentRow]:
    """All rows of the filter in the order of the pages, at most 10,000. Cost: one statement."""
    found = ranked_rows(session, _ranked(organization_id, wanted, figures), MOST_EXPORTED)
    return [_row(one, figures) for one in found]


def list_choices(session: Session, organization_id: UUID) -> list[str]:
    """Models that agents here are set to use. Cost: one statement."""
    stmt = (
        select(Agent.model_name)
        .where(Agent.organization_id == organization_id, Agent.model_name != "", Agent.removed_at.is_(None))
        .distinct()
        .order_by(Agent.model_name)
        .limit(MOST_MODELS)
    )
    return [name for name in session.scalars(stmt) if name]


def explain_empty(session: Session, organization_id: UUID, wanted: AgentFilter) -> tuple[bool, list[tuple[str, int]]]:
    """Whether there are agents at all, and which single filter excludes the rows. Cost: one statement per filter."""
    has_any = session.scalar(select(Agent.id).where(Agent.organization_id == organization_id).limit(1)) is not None
    if not has_any:
        return False, []
    counts = []
    for name in wanted.active:
        conditions = _conditions(organization_id, replace(wanted, **{name: ""}))
        counts.append((name, session.scalar(select(func.count()).select_from(Agent).where(*conditions)) or 0))
    return True, sorted((one for one in counts if one[1]), key=lambda one: -one[1])


def _conditions(organization_id: UUID, wanted: AgentFilter) -> list[ColumnElement[bool]]:
    found = [Agent.organization_id == organization_id]
    if wanted.q:
        texts = (Agent.name, Agent.description, Agent.service_name, Agent.model_name)
        found.append(or_(*(text.icontains(wanted.q, autoescape=True) for text in texts)))
    if wanted.type:
        found.append(Agent.agent_type.is_(None) if wanted.type == "none" else Agent.agent_type == wanted.type)
    if wanted.source:
        is_observed = Agent.source == Source.DISCOVERED
        found.append(is_observed if wanted.source == "observed" else ~is_observed)
    if wanted.model:
        found.append(Agent.model_name == wanted.model)
    is_retired = Agent.removed_at.is_not(None)
    if wanted.state == "retired":
        return [*found, is_retired]
    if wanted.state:
        found.append(func.coalesce(Agent.is_active, True).is_(wanted.state == "active"))
    return [*found, ~is_retired]


def _ranked(organization_id: UUID, wanted: AgentFilter, figures: Mapping[UUID, Sums]) -> Select[Any]:
    tools = select(func.count()).where(AgentTool.agent_id == Agent.id).scalar_subquery()
    columns = (
        Agent.id, Agent.name, Agent.description, Agent.service_name, Agent.source, Agent.agent_type,
        Agent.model_provider, Agent.model_name, Agent.prompt_name,
        func.coalesce(Agent.is_active, True).label("is_active"), Agent.removed_at,
        func.coalesce(Agent.version, 1).label("version"), Agent.tags, Agent.updated_at, tools.label("tool_count"),
    )  # fmt: skip
    stmt = select(*columns).where(*_conditions(organization_id, wanted))
    if wanted.sort == "changed":
        changed = cast(func.coalesce(extract("epoch", Agent.updated_at), 0), Double)
        return stmt.add_columns(func.lower(Agent.name).collate("C").label("sort_name"), changed.label("score"))
    return with_scores(stmt, Agent.id, Agent.name, figures, wanted.sort)


def _row(one: Any, figures: Mapping[UUID, Sums]) -> AgentRow:
    return AgentRow(*one[:12], tuple(one.tags or ()), one.updated_at, one.tool_count, figures.get(one.id))
