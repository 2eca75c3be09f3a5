"""Windows of time that a page looks at: their columns and the stretch before, in an organization's zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAYS_OF = {"24h": 0, "7d": 7, "30d": 30}
WORDS = {"24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days"}


@dataclass(frozen=True, slots=True)
class Period:
    """A window ``[since, until)`` cut at ``edges`` into columns, and the same stretch one period earlier.

    ``edges`` holds the start of each column and the end of the last, which may lie ahead of ``until``: the day or hour
    that is still going on. Both windows are equally long on the clock of the wall, so a day of 23 hours is compared
    with the whole day before. ``slots`` cut the previous and the current window finely, to find when something began.
    """

    name: str
    zone: ZoneInfo
    since: datetime
    until: datetime
    edges: Sequence[datetime]
    previous_since: datetime
    previous_until: datetime
    slots: Sequence[datetime]

    @property
    def is_hourly(self) -> bool:
        """Whether a column is an hour; else it is a day of the organization."""
        return self.name == "24h"

    @property
    def words(self) -> str:
        """The window as people say it."""
        return WORDS[self.name]

    def column_end(self, index: int) -> datetime:
        """Where the column's figures end: at its edge, or at the end of the window."""
        return min(self.edges[index + 1], self.until)


def quarter_floor(at: datetime) -> datetime:
    """The quarter hour in which the instant lies."""
    return EPOCH + (at.astimezone(UTC) - EPOCH) // QUARTER * QUARTER


def quarter_ceiling(at: datetime) -> datetime:
    """The first quarter hour at or after the instant."""
    floor = quarter_floor(at)
    return floor if floor == at else floor + QUARTER


def period(name: str, now: datetime, zone: ZoneInfo) -> Period:
    """The window that ends with the present quarter hour.

    ``24h`` is the present hour of the zone and the 23 before it; ``7d`` and ``30d`` are whole days of the zone, today
    included.
    """
    until = quarter_floor(now) + QUARTER
    days = DAYS_OF[name]
    if days:
        edges = _days(now.astimezone(zone), days, zone)
        previous_since = _midnight(edges[0].astimezone(zone), -days, zone)
        previous_until = _wall_shift(until, -days, zone)
        step = HOUR if days == 7 else 4 * HOUR
    else:
        edges = _hours(now.astimezone(zone), 24)
        shift = timedelta(hours=24)
        previous_since, previous_until = edges[0] - shift, until - shift
        step = QUARTER
    slots = _slots(previous_since, until, step)
    return Period(name, zone, edges[0], until, edges, previous_since, previous_until, slots)


def _midnight(local: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Start of the day so many days away. A midnight that the clock skips is the instant at which it jumps."""
    wall = datetime.combine(local.date() + timedelta(days=days), time(), tzinfo=zone)
    return wall.astimezone(UTC)


def _days(local: datetime, days: int, zone: ZoneInfo) -> list[datetime]:
    return [_midnight(local, offset, zone) for offset in range(1 - days, 2)]


def _hours(local: datetime, hours: int) -> list[datetime]:
    """Full hours of the wall clock by elapsed time, so that the hour that comes twice is two columns."""
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    start = local.astimezone(UTC) - past
    return [start + timedelta(hours=offset) for offset in range(1 - hours, 2)]


def _wall_shift(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    wall = at.astimezone(zone)
    return (wall.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone, fold=wall.fold).astimezone(UTC)


def _slots(since: datetime, until: datetime, step: timedelta) -> list[datetime]:
    count = -(-(until - since) // step)
    return [since + step * i for i in range(count + 1)]
