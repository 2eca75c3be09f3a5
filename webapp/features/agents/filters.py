"""Which agents a list means, and in which order: the one filter of rows, counts and export."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.domain.list_filter import ListFilter

DEFAULT_PERIOD, DEFAULT_SORT = "24h", "failing"
SOURCES = {"observed": "Observed in traces", "made": "Made here"}
STATES = {"active": "Active", "inactive": "Inactive", "retired": "Retired"}
SORTS = {
    "failing": "Worst first", "executions": "Most runs first", "slowest": "Slowest first",
    "cost": "Most expensive first", "changed": "Last changed first", "name": "Name",
}  # fmt: skip
LABELS = {"q": "Search", "type": "Type", "source": "Source", "model": "Model", "state": "State"}


@dataclass(frozen=True, slots=True)
class AgentFilter(ListFilter):
    """A filter as the address says it; "" leaves a field open. Without a state, retired agents are left out."""

    q: str = ""
    type: str = ""
    source: str = ""
    model: str = ""
    state: str = ""
    period: str = DEFAULT_PERIOD
    sort: str = DEFAULT_SORT
