"""Which prompts a list means, and in which order: the one filter of rows, counts and export."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.domain.list_filter import ListFilter

DEFAULT_SORT = "name"
STATES = {"active": "Active", "archived": "Archived"}
USES = {"used": "Used by agents", "unused": "Used by no agent"}
SORTS = {"name": "Name", "changed": "Last changed first", "used": "Most used first"}
LABELS = {"q": "Search", "use": "Use", "state": "State"}


@dataclass(frozen=True, slots=True)
class PromptFilter(ListFilter):
    """A filter as the address says it; "" leaves a field open. Without a state, archived prompts are left out."""

    q: str = ""
    use: str = ""
    state: str = ""
    sort: str = DEFAULT_SORT
