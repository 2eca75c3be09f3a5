"""What the list of agents shows beside its rows: choices of filters and cells of the export."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from webapp.domain.periods import Period
from webapp.features.agents.filters import LABELS, SORTS, SOURCES, STATES, AgentFilter
from webapp.features.agents.queries import AgentRow
from webapp.features.agents.state import TYPES
from webapp.web.listing import FIGURE_COLUMNS, Option, figure_cells, options

CSV_COLUMNS = (
    "id", "name", "service", "source", "type", "provider", "model", "prompt", "state", "version", "tags", "updated_at",
    *FIGURE_COLUMNS,
)  # fmt: skip


def csv_rows(rows: Iterable[AgentRow], period: Period) -> list[tuple[Any, ...]]:
    """The rows of the list as cells, with the same figures as on the page."""
    return [
        (
            row.id, row.name, row.service_name, "observed" if row.is_observed else "made", row.agent_type,
            row.model_provider, row.model_name, row.prompt_name, row.state, row.version, row.tags, row.updated_at,
            *figure_cells(period, row.figures),
        )
        for row in rows
    ]  # fmt: skip


def filter_options(wanted: AgentFilter, models: Sequence[str]) -> list[tuple[str, str, list[Option]]]:
    """The choices of each filter as (name, label, options), the open one first."""
    model_names = {name: name for name in ([wanted.model] if wanted.model else []) + list(models)}
    choices = (
        ("type", {**TYPES, "none": "No type"}), ("source", SOURCES), ("model", model_names), ("state", STATES),
    )  # fmt: skip
    return [
        (name, LABELS[name], options(words, getattr(wanted, name), any_label=f"{LABELS[name]}: any"))
        for name, words in choices
    ]


def sort_options(wanted: AgentFilter) -> list[Option]:
    return options(SORTS, wanted.sort)
