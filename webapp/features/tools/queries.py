"""The list of tools: rows, choices of filters, and why a list is empty, all from one filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from webapp.domain.paging import Page
from webapp.domain.ranked_paging import Place
from webapp.features.rollups.queries_blocks import Sums
from webapp.features.rollups.ranking import ranked_page, ranked_rows, with_scores
from webapp.features.tools.filters import ToolFilter
from webapp.models import AgentTool, Plugin, Source, Tool

MOST_EXPORTED = 10_000
MOST_CHOICES = 200


@dataclass(frozen=True, slots=True)
class ToolRow:
    """One tool. ``figures`` is None when it was not called in the period."""

    id: UUID
    name: str
    display_name: str | None
    description: str | None
    category: str | None
    tool_type: str | None
    source: str
    plugin_name: str | None
    is_active: bool
    is_shipped: bool
    has_input: bool
    agent_count: int
    figures: Sums | None

    @property
    def origin(self) -> str:
        """Where it comes from, in a word or two."""
        if self.plugin_name:
            return self.plugin_name
        if self.is_shipped:
            return "shipped"
        return "observed" if self.source == Source.DISCOVERED else "made here"

    @property
    def shown_name(self) -> str:
        return self.display_name or self.name


def list_tools(
    session: Session,
    organization_id: UUID,
    wanted: ToolFilter,
    figures: Mapping[UUID, Sums],
    *,
    place: Place | None = None,
) -> Page[ToolRow]:
    """One keyset page in the order asked for. Cost: one statement."""
    found = ranked_page(session, _ranked(organization_id, wanted, figures), place)
    return Page([_row(one, figures) for one in found.rows], older=found.older, newer=found.newer)


def list_all(
    session: Session, organization_id: UUID, wanted: ToolFilter, figures: Mapping[UUID, Sums]
) -> list[ToolRow]:
    """All rows of the filter in the order of the pages, at most 10,000. Cost: one statement."""
    found = ranked_rows(session, _ranked(organization_id, wanted, figures), MOST_EXPORTED)
    return [_row(one, figures) for one in found]


def list_choices(session: Session, organization_id: UUID) -> tuple[list[str], list[str]]:
    """Categories of tools and plugins that brought tools here. Cost: one statement."""
    of_here = _of(organization_id)
    categories = select(literal("category").label("kind"), Tool.category.label("word")).where(
        of_here, Tool.category != ""
    )
    plugins = select(literal("plugin"), Plugin.name).join(Tool, Tool.plugin_id == Plugin.id).where(of_here)
    both = union_all(categories.distinct(), plugins.distinct()).subquery()
    rows = session.execute(select(both).order_by(both.c.kind, both.c.word).limit(MOST_CHOICES)).all()
    return [word for kind, word in rows if kind == "category"], [word for kind, word in rows if kind == "plugin"]


def explain_empty(session: Session, organization_id: UUID, wanted: ToolFilter) -> tuple[bool, list[tuple[str, int]]]:
    """Whether there are tools at all, and which single filter excludes the rows. Cost: one statement per filter."""
    if session.scalar(select(Tool.id).where(_of(organization_id)).limit(1)) is None:
        return False, []
    counts = []
    for name in wanted.active:
        conditions = _conditions(organization_id, replace(wanted, **{name: ""}))
        stmt = select(func.count()).select_from(Tool).outerjoin(Plugin, Plugin.id == Tool.plugin_id).where(*conditions)
        counts.append((name, session.scalar(stmt) or 0))
    return True, sorted((one for one in counts if one[1]), key=lambda one: -one[1])


def _of(organization_id: UUID) -> ColumnElement[bool]:
    """Tools of the organization and those that came with the product."""
    return or_(Tool.organization_id == organization_id, Tool.organization_id.is_(None))


def _conditions(organization_id: UUID, wanted: ToolFilter) -> list[ColumnElement[bool]]:
    found = [_of(organization_id), func.coalesce(Tool.is_active, True).is_(wanted.state != "retired")]
    if wanted.q:
        texts = (Tool.name, Tool.display_name, Tool.description, Tool.category, Tool.tool_type)
        found.append(or_(*(text.icontains(wanted.q, autoescape=True) for text in texts)))
    if wanted.category:
        found.append(Tool.category == wanted.category)
    if wanted.plugin:
        found.append(Plugin.name == wanted.plugin)
    match wanted.source:
        case "plugin":
            found.append(Tool.plugin_id.is_not(None))
        case "observed":
            found += [Tool.source == Source.DISCOVERED, Tool.plugin_id.is_(None)]
        case "made":
            found += [Tool.source != Source.DISCOVERED, Tool.plugin_id.is_(None)]
    return found


def _ranked(organization_id: UUID, wanted: ToolFilter, figures: Mapping[UUID, Sums]) -> Select[Any]:
    agents = (
        select(func.count())
        .where(AgentTool.tool_id == Tool.id, AgentTool.organization_id == organization_id)
        .scalar_subquery()
    )
    stmt = (
        select(
            Tool.id, Tool.name, Tool.display_name, Tool.description, Tool.category, Tool.tool_type, Tool.source,
            Plugin.name.label("plugin_name"), func.coalesce(Tool.is_active, True).label("is_active"),
            Tool.organization_id.is_(None).label("is_shipped"), Tool.input_schema.is_not(None).label("has_input"),
            agents.label("agent_count"),
        )
        .outerjoin(Plugin, Plugin.id == Tool.plugin_id)
        .where(*_conditions(organization_id, wanted))
    )  # fmt: skip
    return with_scores(stmt, Tool.id, Tool.name, figures, wanted.sort)


def _row(one: Any, figures: Mapping[UUID, Sums]) -> ToolRow:
    return ToolRow(*one[:12], figures.get(one.id))
