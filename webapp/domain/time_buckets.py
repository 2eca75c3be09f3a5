"""Equal steps of time for a chart, cut on the reader's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
_SIZES = (
    (timedelta(minutes=20), 1, "minute"),
    (timedelta(minutes=80), 2, "2 minutes"),
    (timedelta(hours=3, minutes=5), 5, "5 minutes"),
    (timedelta(hours=13), 15, "15 minutes"),
    (timedelta(hours=26), 30, "30 minutes"),
    (timedelta(days=3, hours=1), 120, "2 hours"),
    (timedelta(days=8), 360, "6 hours"),
)
_LONG = ((timedelta(days=100), 1, "day"), (timedelta(days=500), 7, "week"), (timedelta(days=3650), 28, "4 weeks"))


@dataclass(frozen=True, slots=True)
class Buckets:
    """Bucket ``n`` runs from ``edges[n]`` to ``edges[n + 1]``; the first holds the beginning, the last the end."""

    edges: tuple[datetime, ...]
    unit: str

    @property
    def is_by_day(self) -> bool:
        return self.unit in ("day", "week", "4 weeks")


def buckets_between(since: datetime, until: datetime, zone: ZoneInfo) -> Buckets:
    """Cut a time into about 15 to 100 buckets.

    Edges lie on whole units of the wall clock, so a day has 23 or 25 hours where the zone changes its clock.
    """
    span = until - since
    start = since.astimezone(zone)
    for limit, minutes, unit in _SIZES:
        if span <= limit:
            step = timedelta(minutes=minutes)
            midnight = start.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
            wall = midnight + (start.replace(tzinfo=None) - midnight) // step * step
            return Buckets(_edges(wall, step, until, zone), unit)
    days, unit = next(((d, u) for limit, d, u in _LONG if span <= limit), _LONG[-1][1:])
    wall = start.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if days > 1:
        wall -= timedelta(days=wall.weekday())
    return Buckets(_edges(wall, timedelta(days=days), until, zone), unit)


def _edges(wall: datetime, step: timedelta, until: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    edges = [wall.replace(tzinfo=zone)]
    while edges[-1].timestamp() < until.timestamp():
        wall += step
        edge = wall.replace(tzinfo=zone)
        # In the hour that the clock skips or repeats, two wall times are one instant or run backwards.
        if edge.timestamp() > edges[-1].timestamp():
            edges.append(edge)
    return tuple(edges)


def floor_quarter(at: datetime) -> datetime:
    """The quarter hour that holds an instant."""
    return at - timedelta(seconds=at.timestamp() % QUARTER.total_seconds())


def ceil_quarter(at: datetime) -> datetime:
    """The first quarter hour that begins at or after an instant."""
    floor = floor_quarter(at)
    return floor if floor == at else floor + QUARTER
