"""A tool as named plain values: what the log compares and what a form edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MODES = {"sync": "Waits for the answer", "async": "Answers later", "stream": "Streams"}
LABELS = {
    "name": "Name", "display_name": "Shown as", "description": "Description", "category": "Category",
    "tool_type": "Kind", "execution_mode": "Mode", "timeout_seconds": "Time limit (s)", "input_schema": "Input schema",
    "output_schema": "Output schema", "config_schema": "Settings schema",
}  # fmt: skip
SCHEMAS = ("input_schema", "output_schema", "config_schema")


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """What the form of a tool holds. Schemas are JSON objects, None where the tool has none."""

    name: str
    display_name: str | None
    description: str | None
    category: str | None
    tool_type: str | None
    execution_mode: str | None
    timeout_seconds: int | None
    input_schema: Mapping[str, Any] | None
    output_schema: Mapping[str, Any] | None
    config_schema: Mapping[str, Any] | None


SETTINGS = tuple(ToolSettings.__dataclass_fields__)


def tool_state(tool: Any) -> dict[str, Any]:
    """A row of ``tools`` or the settings of a form. Unset and empty text are the same."""
    values = {name: getattr(tool, name) for name in SETTINGS}
    return {name: None if value == "" else value for name, value in values.items()}
