"""What people ask of the list of failures: a view, filters, a period and an order, as the address says them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

VIEWS: Mapping[str, str] = {
    "review": "For review",
    "new": "New",
    "regressed": "Regressed",
    "escalating": "Escalating",
    "mine": "Mine",
    "muted": "Muted",
    "resolved": "Resolved",
    "all": "All",
}
SORTS: Mapping[str, str] = {
    "lost": "Money lost",
    "last": "Last seen",
    "failed": "Most failed runs",
    "first": "First seen",
}
LABELS: Mapping[str, str] = {"q": "Search", "flow": "Flow", "environment": "Environment", "owner": "Owner"}
ME, NOBODY = "me", "none"
"""Words for an owner beside the ids of people."""
DEFAULT_VIEW, DEFAULT_PERIOD, DEFAULT_SORT = "review", "24h", "lost"


@dataclass(frozen=True, slots=True)
class FailureFilter:
    """A filter as the address says it. ``flow`` is an id, ``owner`` an id, "me" or "none" for nobody.

    The view and the filters say which failures are listed; the period says over which time their figures are.
    """

    view: str = DEFAULT_VIEW
    q: str = ""
    flow: str = ""
    environment: str = ""
    owner: str = ""
    period: str = DEFAULT_PERIOD
    sort: str = DEFAULT_SORT

    @property
    def active(self) -> list[str]:
        """Names of the fields that narrow the view, in the order of the page."""
        return [name for name in LABELS if getattr(self, name)]

    def without(self, name: str) -> FailureFilter:
        """The same filter with one field left open."""
        return replace(self, **{name: ""})

    def query(self, **more: object) -> str:
        """The filter as a query string with its question mark, without what is default; "" when nothing is left."""
        open_values = {"view": DEFAULT_VIEW, "period": DEFAULT_PERIOD, "sort": DEFAULT_SORT}
        names = ("view", *LABELS, "period", "sort")
        pairs = [(name, getattr(self, name)) for name in names if getattr(self, name) != open_values.get(name, "")]
        pairs += [(name, str(value)) for name, value in more.items() if value]
        return f"?{urlencode(pairs)}" if pairs else ""


def failures_url(ids: Sequence[object], *, flow: object, error_type: str, period: str) -> str:
    """Where a cause of failures leads: the page of the failure that it is, the list of them where it is several; ""
    while none is known."""
    if len(ids) == 1:
        return f"/failures/{ids[0]}" + FailureFilter(period=period).query()
    return "/failures" + FailureFilter(view="all", q=error_type, flow=str(flow), period=period).query() if ids else ""


def number_in(text: str) -> int | None:
    """The number of a failure that a search names: ``F-218``, ``f218`` or ``218``."""
    digits = text.strip().removeprefix("F").removeprefix("f").removeprefix("-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 9 else None
