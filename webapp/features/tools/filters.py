"""Which tools a list means, and in which order: the one filter of rows, counts and export."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.domain.list_filter import ListFilter

DEFAULT_PERIOD, DEFAULT_SORT = "24h", "failing"
SOURCES = {"observed": "Observed in traces", "made": "Made here", "plugin": "From a plugin"}
STATES = {"active": "Active", "retired": "Retired"}
SORTS = {
    "failing": "Worst first", "executions": "Most calls first", "slowest": "Slowest first", "name": "Name",
}  # fmt: skip
LABELS = {"q": "Search", "category": "Category", "source": "Source", "plugin": "Plugin", "state": "State"}


@dataclass(frozen=True, slots=True)
class ToolFilter(ListFilter):
    """A filter as the address says it; "" leaves a field open. Without a state, retired tools are left out."""

    q: str = ""
    category: str = ""
    source: str = ""
    plugin: str = ""
    state: str = ""
    period: str = DEFAULT_PERIOD
    sort: str = DEFAULT_SORT
