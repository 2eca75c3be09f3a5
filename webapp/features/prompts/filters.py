"""Which prompts a list means, and in which order: the one filter of rows, counts and export."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

DEFAULT_SORT = "name"
STATES = {"active": "Active", "archived": "Archived"}
USES = {"used": "Used by agents", "unused": "Used by no agent"}
SORTS = {"name": "Name", "changed": "Last changed first", "used": "Most used first"}
LABELS = {"q": "Search", "use": "Use", "state": "State"}


@dataclass(frozen=True, slots=True)
class PromptFilter:
    """A filter as the address says it; "" leaves a field open. Without a state, archived prompts are left out."""

    q: str = ""
    use: str = ""
    state: str = ""
    sort: str = DEFAULT_SORT

    @property
    def active(self) -> list[str]:
        """Names of the fields that narrow the list."""
        return [name for name in LABELS if getattr(self, name)]

    def without(self, name: str) -> PromptFilter:
        return replace(self, **{name: ""})

    def query(self, **more: str) -> str:
        """The parameters of the address with their question mark; what is default or open is left out."""
        pairs = [(name, getattr(self, name)) for name in self.active]
        pairs += [("sort", self.sort)] if self.sort != DEFAULT_SORT else []
        pairs += [(name, value) for name, value in more.items() if value]
        return f"?{urlencode(pairs)}" if pairs else ""
