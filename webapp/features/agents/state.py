"""An agent as named plain values: what a version keeps, what the log compares and what a form edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webapp.domain.record_changes import content_hash

TYPES = {"general": "General", "control": "Control", "specialized": "Specialized"}
LONG = frozenset({"system_prompt"})
"""Fields of which the log keeps only length and hash."""
LABELS = {
    "name": "Name", "description": "Description", "agent_type": "Type", "system_prompt": "Instructions",
    "prompt_name": "Named prompt", "model_provider": "Provider", "model_name": "Model", "temperature": "Temperature",
    "max_tokens": "Most tokens", "is_active": "Active", "tags": "Tags", "tools": "Tools",
    "knowledge_bases": "Knowledge bases",
}  # fmt: skip
_OF_COLUMN = ("system_prompt", "model_provider", "model_name")


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What the form of an agent holds. ``temperature`` and ``max_tokens`` None = the provider's default."""

    name: str
    description: str | None
    agent_type: str | None
    system_prompt: str | None
    prompt_name: str | None
    model_provider: str | None
    model_name: str | None
    temperature: float | None
    max_tokens: int | None
    is_active: bool
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """What a person says of a fact. ``expires_at`` None keeps it for good; ``importance`` is 0 to 1."""

    content: str
    term: str
    importance: float
    expires_at: datetime | None


SETTINGS = tuple(AgentSettings.__dataclass_fields__)


def settings_state(wanted: AgentSettings) -> dict[str, Any]:
    """The settings as plain values."""
    values = {name: getattr(wanted, name) for name in SETTINGS}
    return values | {"tags": list(wanted.tags)}


def agent_state(agent: Any, tools: Sequence[Mapping[str, Any]], bases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A row of ``agents`` with what is attached to it. Unset and empty text are the same."""
    values = {name: getattr(agent, name) for name in SETTINGS}
    for name, value in values.items():
        values[name] = None if value == "" else value
    values["is_active"] = bool(agent.is_active)
    values["tags"] = [str(tag) for tag in agent.tags or []]
    return values | {"tools": list(tools), "knowledge_bases": list(bases)}


def to_version(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state as columns of ``agent_versions``."""
    settings = {name: value for name, value in state.items() if name not in (*_OF_COLUMN, "tools")}
    return {
        **{name: state[name] for name in _OF_COLUMN},
        "settings": settings,
        "tools": list(state["tools"]),
        "content_hash": content_hash(state),
    }


def from_version(row: Any) -> dict[str, Any]:
    """The state that a row of ``agent_versions`` keeps; fields that it does not know are empty."""
    settings = row.settings if isinstance(row.settings, dict) else {}
    values = {name: settings.get(name) for name in SETTINGS} | {name: getattr(row, name) for name in _OF_COLUMN}
    return values | {
        "name": values["name"] or "",
        "is_active": settings.get("is_active") is not False,
        "tags": list(settings.get("tags") or []),
        "tools": list(row.tools or []),
        "knowledge_bases": list(settings.get("knowledge_bases") or []),
    }
