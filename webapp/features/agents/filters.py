"""Which agents a list means, and in which order: the one filter of rows, counts and export."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

DEFAULT_PERIOD, DEFAULT_SORT = "24h", "failing"
SOURCES = {"observed": "Observed in traces", "made": "Made here"}
STATES = {"active": "Active", "inactive": "Inactive", "retired": "Retired"}
SORTS = {
    "failing": "Worst first", "executions": "Most runs first", "slowest": "Slowest first",
    "cost": "Most expensive first", "changed": "Last changed first", "name": "Name",
}  # fmt: skip
LABELS = {"q": "Search", "type": "Type", "source": "Source", "model": "Model", "state": "State"}


@dataclass(frozen=True, slots=True)
class AgentFilter:
    """A filter as the address says it; "" leaves a field open. Without a state, retired agents are left out."""

    q: str = ""
    type: str = ""
    source: str = ""
    model: str = ""
    state: str = ""
    period: str = DEFAULT_PERIOD
    sort: str = DEFAULT_SORT

    @property
    def active(self) -> list[str]:
        """Names of the fields that narrow the list."""
        return [name for name in LABELS if getattr(self, name)]

    def without(self, name: str) -> AgentFilter:
        return replace(self, **{name: ""})

    def query(self, **more: str) -> str:
        """The parameters of the address with their question mark; what is default or open is left out."""
        pairs = [(name, getattr(self, name)) for name in self.active]
        pairs += [("period", self.period)] if self.period != DEFAULT_PERIOD else []
        pairs += [("sort", self.sort)] if self.sort != DEFAULT_SORT else []
        pairs += [(name, value) for name, value in more.items() if value]
        return f"?{urlencode(pairs)}" if pairs else ""
