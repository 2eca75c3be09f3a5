"""Which executions are meant: the one filter of rows, counts, chart, export and saved views, and how it reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

DEFAULT_PRESET = "24h"
PRESETS: dict[str, tuple[str, timedelta | None]] = {
    "15m": ("last 15 min", timedelta(minutes=15)),
    "1h": ("last hour", timedelta(hours=1)),
    "3h": ("last 3 h", timedelta(hours=3)),
    "24h": ("last 24 h", timedelta(hours=24)),
    "7d": ("last 7 days", timedelta(days=7)),
    "30d": ("last 30 days", timedelta(days=30)),
    "90d": ("last 90 days", timedelta(days=90)),
    "all": ("any time", None),
}
STATUSES = ("failed", "running", "completed", "pending", "cancelled")
TRIGGERS = ("api", "event", "schedule", "webhook", "manual", "otel")
LABELS = {
    "q": "Search", "time": "Started", "status": "Status", "flow": "Flow", "model": "Model", "agent": "Agent",
    "tool": "Tool", "trigger": "Trigger", "environment": "Environment", "error_type": "Error", "session": "Session",
    "user": "User", "cost": "Cost", "duration": "Duration",
}  # fmt: skip
MANY = ("status", "flow", "model", "agent", "tool", "trigger", "environment", "error_type")
"""Fields that hold several values, any of which matches."""
ROLLED_UP = frozenset({"time", "status", "flow", "trigger", "environment", "error_type"})
"""Fields that the roll-ups know; a filter over other fields has to look at the executions themselves."""
_TAIL = re.compile(r"(?:ex_)?([0-9a-f]{8})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """A filter as the address says it. ``since`` is included, ``until`` is not; None means without bound.

    ``preset`` is a key of :data:`PRESETS`, or "" when the bounds were given as instants.
    Units: ``cost_*`` US dollars, ``duration_*`` milliseconds, both bounds included.
    """

    preset: str = DEFAULT_PRESET
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""
    status: tuple[str, ...] = ()
    flow: tuple[UUID, ...] = ()
    model: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    trigger: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    error_type: tuple[str, ...] = ()
    session: str = ""
    user: str = ""
    cost_min: Decimal | None = None
    cost_max: Decimal | None = None
    duration_min_ms: int | None = None
    duration_max_ms: int | None = None

    @property
    def active(self) -> list[str]:
        """Names of the fields that narrow the list, in the order of the page; the time does unless it is "all"."""
        return [name for name in LABELS if self._is_set(name)]

    def _is_set(self, name: str) -> bool:
        match name:
            case "time":
                return self.preset != "all"
            case "cost":
                return self.cost_min is not None or self.cost_max is not None
            case "duration":
                return self.duration_min_ms is not None or self.duration_max_ms is not None
        return bool(getattr(self, name))

    @property
    def is_rolled_up(self) -> bool:
        """Whether sums for this filter can be read from the roll-ups."""
        return set(self.active) <= ROLLED_UP

    def without(self, name: str) -> ExecutionFilter:
        """The same filter with one field left open."""
        match name:
            case "time":
                return replace(self, preset="all", since=None, until=None)
            case "cost":
                return replace(self, cost_min=None, cost_max=None)
            case "duration":
                return replace(self, duration_min_ms=None, duration_max_ms=None)
        return replace(self, **{name: () if name in MANY else ""})

    def between(self, since: datetime, until: datetime) -> ExecutionFilter:
        """The same filter over another time, as a bar of the chart narrows it."""
        return replace(self, preset="", since=since, until=until)

    def args(self) -> list[tuple[str, str]]:
        """The parameters of the address; what is default or open is left out."""
        pairs: list[tuple[str, str]] = [("q", self.q)] if self.q else []
        if not self.preset:
            pairs += [(n, _instant(at)) for n, at in (("since", self.since), ("until", self.until)) if at]
        elif self.preset != DEFAULT_PRESET:
            pairs.append(("time", self.preset))
        for name in MANY:
            pairs += [(name, str(value)) for value in getattr(self, name)]
        pairs += [(name, getattr(self, name)) for name in ("session", "user") if getattr(self, name)]
        pairs += [
            (n, _plain(v)) for n, v in (("cost_min", self.cost_min), ("cost_max", self.cost_max)) if v is not None
        ]
        for name, value in (("duration_min", self.duration_min_ms), ("duration_max", self.duration_max_ms)):
            if value is not None:
                pairs.append((name, _plain(Decimal(value) / 1000)))
        return pairs

    def query(self, **more: str) -> str:
        """:meth:`args` and more as a query string with its question mark, "" when there is nothing to say."""
        pairs = self.args() + [(name, value) for name, value in more.items() if value]
        return f"?{urlencode(pairs)}" if pairs else ""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search text is: an id, a trace id (both when 32 digits could be either), the tail of an id, or words."""

    execution_id: UUID | None = None
    trace_id: bytes | None = None
    tail: str = ""
    words: str = ""


def read_search(text: str) -> Search | None:
    """Tell ids from words; None for no text. Eight hex digits are the tail that pages show as ``ex_1a2b3c4d``."""
    text = text.strip()
    if not text:
        return None
    if found := _TAIL.fullmatch(text):
        return Search(tail=found[1].lower())
    digits = text.replace("-", "")
    if len(digits) == 32:
        try:
            raw = bytes.fromhex(digits)
        except ValueError:
            return Search(words=text)
        return Search(execution_id=UUID(bytes=raw), trace_id=None if "-" in text else raw)
    return Search(words=text)


def describe(wanted: ExecutionFilter, name: str, flow_names: Mapping[UUID, str], zone: ZoneInfo) -> str:
    """One field of a filter in words: ``last 3 h``, ``any of 5``, ``at least $0.10``."""
    match name:
        case "time":
            return describe_time(wanted, zone)
        case "cost":
            return _between(wanted.cost_min, wanted.cost_max, lambda v: f"${_plain(v)}")
        case "duration":
            return _between(
                wanted.duration_min_ms, wanted.duration_max_ms, lambda ms: f"{_plain(Decimal(ms) / 1000)} s"
            )
        case "flow":
            return _any_of([flow_names.get(flow_id, "a removed flow") for flow_id in wanted.flow])
        case "status":
            return _any_of(wanted.status, limit=3)
    value = getattr(wanted, name)
    return _any_of(value) if isinstance(value, tuple) else value


def describe_time(wanted: ExecutionFilter, zone: ZoneInfo) -> str:
    """The time of a filter in the reader's zone."""
    if wanted.preset:
        return PRESETS[wanted.preset][0]
    since, until = (at.astimezone(zone) if at else None for at in (wanted.since, wanted.until))
    if since and until:
        end = f"{until:%H:%M}" if since.date() == until.date() else f"{until.day} {until:%b %H:%M}"
        return f"{since.day} {since:%b %H:%M} to {end}"
    if since:
        return f"since {since.day} {since:%b %H:%M}"
    return f"before {until.day} {until:%b %H:%M}" if until else "any time"


def _any_of(values: Iterable[str], limit: int = 2) -> str:
    values = list(values)
    return " or ".join(values) if len(values) <= limit else f"any of {len(values)}"


def _between(low, high, show) -> str:
    if low is not None and high is not None:
        return f"{show(low)} to {show(high)}"
    return f"at least {show(low)}" if low is not None else f"at most {show(high)}"


def _instant(at: datetime) -> str:
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M}Z" if utc.second == 0 and utc.microsecond == 0 else f"{utc:%Y-%m-%dT%H:%M:%S}Z"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
