"""When a schedule written as five cron fields comes round, on the wall clock of a zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, CroniterError, croniter

LONGEST = 100
SECOND = timedelta(seconds=1)
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_PART = re.compile(r"(?:\*|\d{1,2}|[a-z]{3})(?:-(?:\d{1,2}|[a-z]{3}))?(?:/\d{1,3})?|l|\d#[1-5]|l[0-7]", re.IGNORECASE)
_SPARE = 4
"""Around a change of the clock a few times fall together or out of order."""


class ScheduleInvalid(ValueError):
    """The text is no schedule; the message says what is wrong in it."""


def read_cron(text: str) -> str:
    """The five fields with single blanks between them.

    Raises:
        ScheduleInvalid: it has not five fields, a field is out of its range, or no day ever matches.
    """
    words = ALIASES.get(text.strip().lower(), text).split()
    if len(text) > LONGEST:
        raise ScheduleInvalid(f"A schedule has at most {LONGEST} characters.")
    if len(words) != len(FIELDS):
        raise ScheduleInvalid("Write five fields: minute, hour, day of month, month, day of week. Such as 0 9 * * 1-5.")
    for name, word in zip(FIELDS, words, strict=True):
        if not all(_PART.fullmatch(part) for part in word.split(",")):
            raise ScheduleInvalid(f"The {name} “{word}” cannot be read.")
    cron = " ".join(words)
    try:
        croniter(cron, datetime(2024, 1, 1, tzinfo=UTC)).get_next(datetime)
    except CroniterBadDateError:
        raise ScheduleInvalid("No day ever matches this schedule.") from None
    except (CroniterError, ValueError, KeyError):
        raise ScheduleInvalid("A field is out of its range: 0-59, 0-23, 1-31, 1-12, 0-7.") from None
    return cron


def next_times(cron: str, zone: ZoneInfo, after: datetime, count: int = 3) -> list[datetime]:
    """The next instants in UTC at which the schedule comes round; fewer when it ends.

    A schedule at fixed hours happens once a day also when the clock is put forward over it (then as much later as the
    clock was put forward) or back (then the first time). One of every hour or every few minutes follows the clock:
    it runs in both of two equal hours.

    Raises:
        ScheduleInvalid: as :func:`read_cron`.
    """
    cron = read_cron(cron)
    times = _each_hour if cron.split()[1].startswith("*") else _fixed
    found = sorted({at for at in islice(times(cron, zone, after), count + _SPARE) if at > after})
    return found[:count]


def _walls(cron: str, start: datetime) -> Iterator[datetime]:
    """Wall-clock times after the start, without a zone."""
    steps = croniter(cron, start)
    while True:
        try:
            yield steps.get_next(datetime)
        except (CroniterBadDateError, OverflowError):
            return


def _fixed(cron: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """A skipped time is read with the offset before the change, a double one is the first of the two."""
    start = after.astimezone(zone).replace(tzinfo=None) - timedelta(hours=3)
    for wall in _walls(cron, start):
        at = wall.replace(tzinfo=zone).astimezone(UTC)
        if at > after:
            yield at


def _each_hour(cron: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """While the offset stays the same, walls are instants; where it changes, we begin again on the other side."""
    at, offset = after.astimezone(UTC), _offset(zone, after)
    while (wall := next(_walls(cron, (at + offset).replace(tzinfo=None)), None)) is not None:
        then = wall.replace(tzinfo=UTC) - offset
        if _offset(zone, then) == offset:
            at = then
            yield at
        else:
            change = _change(zone, at + SECOND, then, offset)
            at, offset = change - SECOND, _offset(zone, change)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _change(zone: ZoneInfo, low: datetime, high: datetime, offset: timedelta) -> datetime:
    """The instant, to the second, from which the offset is another one."""
    while high - low > SECOND:
        middle = low + (high - low) // 2
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return high.replace(microsecond=0)
