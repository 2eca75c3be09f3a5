"""A named prompt as plain values: what a version keeps, what the log compares and what a form edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from webapp.domain.prompt_variables import Variable

LONG = frozenset({"template"})
"""Fields of which the log keeps only length and hash."""
LABELS = {"name": "Name", "template": "Text", "description": "Description", "tags": "Tags", "variables": "Variables"}


@dataclass(frozen=True, slots=True)
class PromptSettings:
    """What the form of a prompt holds beside its name."""

    template: str
    description: str | None
    tags: tuple[str, ...]
    variables: tuple[Variable, ...]


def settings_state(wanted: PromptSettings) -> dict[str, Any]:
    """The settings as plain values."""
    return {
        "template": wanted.template,
        "description": wanted.description,
        "tags": list(wanted.tags),
        "variables": [asdict(one) for one in wanted.variables],
    }


def prompt_state(row: Any) -> dict[str, Any]:
    """A row of ``prompt_templates`` in the same shape."""
    return {
        "template": row.template,
        "description": row.description or None,
        "tags": [str(tag) for tag in row.tags or []],
        "variables": [asdict(one) for one in stored_variables(row.variables)],
    }


def stored_variables(values: Any) -> list[Variable]:
    """Declarations as they are stored; a bare text is a name."""
    found = []
    for one in values if isinstance(values, list) else []:
        if isinstance(one, str):
            found.append(Variable(one))
        elif isinstance(one, dict) and isinstance(one.get("name"), str):
            found.append(Variable(one["name"], str(one.get("description") or ""), str(one.get("sample") or "")))
    return found


def variable_names(values: Any) -> Sequence[str]:
    return [one.name for one in stored_variables(values)]
