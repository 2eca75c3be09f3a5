"""What somebody asks to be set: the frozen objects that forms make and operations take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FlowSettings:
    """What people set for a flow. ``name`` None keeps the name under which traces show it."""

    name: str | None
    description: str
    tags: tuple[str, ...]
    team_id: UUID | None
    pattern: str | None
    visibility: str
    is_active: bool
    is_template: bool
    layout: str


@dataclass(frozen=True, slots=True)
class WantedAutomation:
    """What starts the flow, and with which input."""

    name: str
    description: str | None
    trigger_kind: str
    trigger_config: dict[str, Any]
    input_data: dict[str, Any] | None
