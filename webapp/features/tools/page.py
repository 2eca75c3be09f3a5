"""What the list of tools shows beside its rows: choices of filters and cells of the export."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from webapp.domain.periods import Period
from webapp.features.tools.filters import LABELS, SOURCES, STATES, ToolFilter
from webapp.features.tools.queries import ToolRow
from webapp.web.listing import FIGURE_COLUMNS, Option, figure_cells, options

CSV_COLUMNS = (
    "id", "name", "shown_as", "category", "kind", "origin", "state", "agents", *FIGURE_COLUMNS
)  # fmt: skip
EXAMPLE = {
    "type": "object",
    "properties": {"query": {"type": "string", "description": "What to look for"}},
    "required": ["query"],
}
"""What the form of a new tool begins with, so that the shape of a schema need not be known by heart."""


def csv_rows(rows: Iterable[ToolRow], period: Period) -> list[tuple[Any, ...]]:
    """The rows of the list as cells, with the same figures as on the page."""
    return [
        (
            row.id, row.name, row.display_name, row.category, row.tool_type, row.origin,
            "active" if row.is_active else "retired", row.agent_count, *figure_cells(period, row.figures),
        )
        for row in rows
    ]  # fmt: skip


def filter_options(
    wanted: ToolFilter, categories: Sequence[str], plugins: Sequence[str]
) -> list[tuple[str, str, list[Option]]]:
    """The choices of each filter as (name, label, options), the open one first; one without choices is left out."""

    def words(chosen: str, names: Sequence[str]) -> dict[str, str]:
        return {name: name for name in ([chosen] if chosen else []) + list(names)}

    choices = (
        ("category", words(wanted.category, categories)), ("source", SOURCES),
        ("plugin", words(wanted.plugin, plugins)), ("state", STATES),
    )  # fmt: skip
    return [
        (name, LABELS[name], options(found, getattr(wanted, name), any_label=f"{LABELS[name]}: any"))
        for name, found in choices
        if found
    ]
