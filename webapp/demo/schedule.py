"""When the demo's executions happen: by hour of the day and day of the week in the organization's zone."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from webapp.demo.plans import Plan

OFFICE = (1, 1, 0, 0, 1, 2, 4, 12, 40, 80, 95, 88, 50, 76, 92, 88, 74, 50, 22, 12, 8, 6, 4, 2)
ALWAYS = (14, 9, 6, 5, 5, 8, 16, 30, 48, 60, 66, 68, 64, 62, 64, 66, 64, 60, 58, 62, 66, 58, 42, 26)
NIGHT = (0, 0, 96, 3, *(0,) * 20)
HOURLY = (10,) * 24
RHYTHMS = {
    "office": (OFFICE, (1, 1.05, 1.02, 1, 0.9, 0.08, 0.05)),
    "always": (ALWAYS, (1, 0.98, 0.97, 0.99, 1.04, 0.72, 0.68)),
    "night": (NIGHT, (1,) * 7),
    "hourly": (HOURLY, (1, 1, 1, 1, 1, 0.6, 0.6)),
}
NEWEST = timedelta(minutes=4)
"""Executions that have ended began at least this long ago."""


@dataclass(frozen=True, slots=True, order=True)
class Planned:
    """One execution to come: its start, its place in the seed, its flow, and whose turn it is."""

    at: datetime
    number: int
    plan: Plan
    user: str
    session: str | None
    turn: int


def schedule(plans: Sequence[Plan], *, number: int, days: int, now: datetime, seed: int) -> list[Planned]:
    """About ``number`` executions over the ``days`` before ``now``, oldest first; ``now`` carries the zone."""
    rng = random.Random(f"{seed}:schedule")
    total = sum(plan.share for plan in plans)
    found: list[Planned] = []
    for plan in plans:
        starts = _starts(rng, plan, max(1, round(number * plan.share / total)), days, now)
        for at, user, session, turn in starts:
            if at < now - NEWEST:
                found.append(Planned(at, len(found), plan, user, session, turn))
    return sorted(found, key=lambda planned: (planned.at, planned.number))


def _starts(
    rng: random.Random, plan: Plan, number: int, days: int, now: datetime
) -> Iterator[tuple[datetime, str, str | None, int]]:
    hours, weekdays = RHYTHMS[plan.rhythm]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    dates = [midnight - timedelta(days=back) for back in range(days, -1, -1)]
    # The team grows: the last day has four times the work of the first.
    weights = [weekdays[date.weekday()] * (1 + 3 * place / len(dates)) for place, date in enumerate(dates)]
    by_day, by_hour = list(accumulate(weights)), list(accumulate(hours))
    made = 0
    while made < number:
        date = rng.choices(dates, cum_weights=by_day)[0]
        hour = rng.choices(range(24), cum_weights=by_hour)[0]
        minute = rng.randrange(4) + 10 if plan.rhythm == "night" else rng.randrange(60)
        at = date + timedelta(hours=hour, minutes=minute, seconds=rng.randrange(60), milliseconds=rng.randrange(1000))
        user = f"회원-{rng.randrange(400):04d}" if plan.service.endswith("-kr") else f"user-{rng.randrange(900):04d}"
        turns = rng.choice((1, 1, 2, 2, 3, 5)) if plan.has_sessions else 1
        session = f"{plan.service}-{rng.randrange(1 << 40):010x}" if plan.has_sessions else None
        for turn in range(min(turns, number - made)):
            yield at, user, session, turn
            at += timedelta(seconds=rng.randrange(40, 240))
            made += 1
