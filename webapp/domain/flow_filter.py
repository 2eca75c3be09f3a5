"""Which flows a list means: the one filter of rows, counts, export and bulk actions, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

DEFAULT_PERIOD, DEFAULT_SORT = "24h", "last"
STATUSES: Mapping[str, str] = {
    "active": "Active",
    "paused": "Paused",
    "failing": "Failing",
    "never_ran": "Never ran",
    "problems": "Has problems",
    "template": "Template",
    "deleted": "Deleted",
}
"""What a flow can be, any of which matches. Deleted flows and templates are listed only where they are asked for."""
SOURCES: Mapping[str, str] = {"observed": "Observed in traces", "drawn": "Drawn here", "imported": "Imported"}
NO_TEAM, NO_PATTERN = "none", "none"
MANY = ("status", "tag", "team", "pattern", "source")
"""Fields that hold several values, any of which matches."""
YES = ("public", "bookmarked", "mine")
LABELS: Mapping[str, str] = {
    "q": "Search", "status": "Status", "tag": "Tag", "team": "Team", "pattern": "Pattern", "source": "Source",
    "public": "Public link", "bookmarked": "Bookmarked", "mine": "Mine",
}  # fmt: skip
SORTS: Mapping[str, str] = {
    "last": "Last run first",
    "worst": "Worst first",
    "name": "Name",
    "executions": "Most runs first",
    "p95": "Slowest first",
    "cost": "Most expensive first",
    "pattern": "Pattern",
    "version": "Most versions first",
}
"""Orders by their name in the address; a leading minus turns one around."""


@dataclass(frozen=True, slots=True)
class FlowFilter:
    """A filter as the address says it. ``team`` and ``pattern`` hold names, "none" for flows without."""

    q: str = ""
    status: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    pattern: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    public: bool = False
    bookmarked: bool = False
    mine: bool = False
    period: str = DEFAULT_PERIOD
    sort: str = DEFAULT_SORT

    @property
    def active(self) -> list[str]:
        """Names of the fields that narrow the list, in the order of the page."""
        return [name for name in LABELS if getattr(self, name)]

    @property
    def order(self) -> tuple[str, bool]:
        """Name of the order, and whether it is turned around."""
        return self.sort.removeprefix("-"), self.sort.startswith("-")

    def without(self, name: str) -> FlowFilter:
        """The same filter with one field left open."""
        return replace(self, **{name: () if name in MANY else False if name in YES else ""})

    def sorted_by(self, name: str) -> FlowFilter:
        """The same filter in another order; asked again for the same one, turned around."""
        return replace(self, sort=f"-{name}" if self.sort == name else name)

    def args(self) -> list[tuple[str, str]]:
        """The parameters of the address; what is default or open is left out."""
        pairs = [("q", self.q)] if self.q else []
        for name in MANY:
            pairs += [(name, value) for value in getattr(self, name)]
        pairs += [(name, "1") for name in YES if getattr(self, name)]
        pairs += [("period", self.period)] if self.period != DEFAULT_PERIOD else []
        pairs += [("sort", self.sort)] if self.sort != DEFAULT_SORT else []
        return pairs

    def query(self, **more: object) -> str:
        """:meth:`args` and more as a query string with its question mark, "" when there is nothing to say."""
        pairs = self.args() + [(name, str(value)) for name, value in more.items() if value]
        return f"?{urlencode(pairs)}" if pairs else ""


def describe(wanted: FlowFilter, name: str) -> str:
    """One field of a filter in words: ``Failing or Paused``, ``any of 5``."""
    value = getattr(wanted, name)
    if name in YES:
        return "yes"
    if not isinstance(value, tuple):
        return value
    words = {"status": STATUSES, "source": SOURCES}.get(name, {})
    said = [words.get(one, f"no {name}" if one == NO_TEAM and name in ("team", "pattern") else one) for one in value]
    return " or ".join(said) if len(said) <= 2 else f"any of {len(said)}"
