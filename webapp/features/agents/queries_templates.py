"""Agent templates: those that came with the product and the organization's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Text, cast, func, or_, select
from sqlalchemy.orm import Session

from webapp.domain.errors import NotFound
from webapp.models import Agent, AgentTemplate

MOST = 500


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """One template. ``tools`` are words for people; ``agent_count`` how many agents here began with it."""

    id: UUID
    is_shipped: bool
    name: str
    description: str | None
    category: str | None
    agent_type: str | None
    system_prompt: str | None
    config: dict[str, Any]
    updated_at: datetime
    agent_count: int

    @property
    def tools(self) -> list[str]:
        tools = self.config.get("tools")
        return [str(one) for one in tools] if isinstance(tools, list) else []

    @property
    def state(self) -> dict[str, Any]:
        """What the form of a new agent begins with."""
        names = ("model_provider", "model_name", "temperature", "max_tokens", "prompt_name")
        return {
            "agent_type": self.agent_type,
            "description": self.description,
            "system_prompt": self.system_prompt,
            "tags": self.config.get("tags") or [],
            **{name: self.config.get(name) for name in names},
        }


def list_templates(session: Session, organization_id: UUID, *, search: str = "") -> list[TemplateRow]:
    """Own templates first, then the shipped ones, by name. Cost: one statement."""
    stmt = _templates(organization_id)
    if search:
        texts = (AgentTemplate.name, AgentTemplate.description, AgentTemplate.category)
        stmt = stmt.where(or_(*(text.icontains(search, autoescape=True) for text in texts)))
    stmt = stmt.order_by(
        AgentTemplate.organization_id.is_(None), AgentTemplate.category, func.lower(AgentTemplate.name)
    ).limit(MOST)
    return [_row(one) for one in session.execute(stmt)]


def get_template(session: Session, organization_id: UUID, template_id: UUID) -> TemplateRow:
    """One template, own or shipped. Cost: one statement. Raises: NotFound."""
    found = session.execute(_templates(organization_id).where(AgentTemplate.id == template_id)).first()
    if found is None:
        raise NotFound("There is no such template.")
    return _row(found)


def _row(one: Row[Any]) -> TemplateRow:
    return TemplateRow(*one[:7], one[7] if isinstance(one[7], dict) else {}, one[8], one[9])


def _templates(organization_id: UUID) -> Select[Any]:
    origin = Agent.metadata_["template_id"].astext
    count = (
        select(func.count())
        .where(
            Agent.organization_id == organization_id,
            Agent.removed_at.is_(None),
            origin == cast(AgentTemplate.id, Text),
        )
        .scalar_subquery()
    )
    return select(
        AgentTemplate.id, AgentTemplate.organization_id.is_(None), AgentTemplate.name, AgentTemplate.description,
        AgentTemplate.category, AgentTemplate.agent_type, AgentTemplate.system_prompt, AgentTemplate.config,
        AgentTemplate.updated_at, count,
    ).where(
        or_(AgentTemplate.organization_id == organization_id, AgentTemplate.organization_id.is_(None)),
        AgentTemplate.is_active,
    )  # fmt: skip
