"""Which cause of failure needs attention, since when, and what changed just before: arithmetic over counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import log, sqrt

LEAST_RUNS = 10
LEAST_FAILURES = 3
CHRONIC_SHARE = 0.2
"""A flow that fails this often is trouble even when it always did."""
LEAST_GAIN = 6.0
"""Log likelihood that a change of the rate must explain before we name a moment (odds of about 400 to 1)."""
NEAR = timedelta(hours=24)
SLACK = timedelta(minutes=15)


class Trend(StrEnum):
    """A cause against the equally long stretch before."""

    NEW = "New"
    RISING = "Rising"
    STEADY = "Steady"
    FALLING = "Falling"


@dataclass(frozen=True, slots=True)
class Counts:
    """Failures of one cause and ended executions of its flow, now and in the stretch before."""

    failed: int
    ended: int
    failed_before: int
    ended_before: int

    @property
    def share(self) -> float:
        """Share of the flow's ended executions that this cause took."""
        return self.failed / self.ended if self.ended else 0.0

    @property
    def share_before(self) -> float | None:
        """The same for the stretch before; None when too little ran to say."""
        return self.failed_before / self.ended_before if self.ended_before >= LEAST_RUNS else None

    @property
    def excess(self) -> float:
        """Failures more than the rate before would have given."""
        return self.failed - (self.share_before or 0.0) * self.ended

    @property
    def trend(self) -> Trend:
        """A change counts when it is more than chance would give and at least a doubling or halving."""
        if self.failed_before == 0:
            return Trend.NEW
        if self.share_before is None:
            return Trend.STEADY
        expected = self.share_before * self.ended
        if self.failed - expected > 3 * sqrt(max(expected, 1.0)) and self.failed >= 2 * expected:
            return Trend.RISING
        if expected - self.failed > 3 * sqrt(max(expected, 1.0)) and 2 * self.failed <= expected:
            return Trend.FALLING
        return Trend.STEADY

    @property
    def severity(self) -> float:
        """Order of attention: failures that are new first, then those of flows that fail often; 0 is no trouble."""
        if self.ended < LEAST_RUNS or self.failed < LEAST_FAILURES:
            return 0.0
        if self.trend in (Trend.NEW, Trend.RISING) and (self.share >= 0.02 or self.failed >= 20):
            return self.excess
        return self.failed / 2 if self.share >= CHRONIC_SHARE else 0.0


@dataclass(frozen=True, slots=True)
class Onset:
    """The slot with which failures began: its place, and what ran and failed from there on."""

    slot: int
    failed: int
    ended: int


def find_onset(failed: Sequence[int], ended: Sequence[int]) -> Onset | None:
    """Where the rate of failure changed for the worse, looking at counts per slot of time.

    The split that explains the counts best, by the likelihood of one rate before and another after. None when nothing
    ran before it, when the rate did not at least triple, or when chance explains it as well.
    """
    all_failed, all_ended = sum(failed), sum(ended)
    best: Onset | None = None
    best_gain = LEAST_GAIN
    seen_failed = seen_ended = 0
    flat = _likelihood(all_failed, all_ended)
    for slot, (bad, ran) in enumerate(zip(failed, ended, strict=True)):
        late_failed, late_ended = all_failed - seen_failed, all_ended - seen_ended
        is_possible = bad and seen_ended >= LEAST_RUNS // 2 and late_failed >= LEAST_FAILURES
        if is_possible and late_failed * seen_ended >= 3 * seen_failed * late_ended:
            gain = _likelihood(seen_failed, seen_ended) + _likelihood(late_failed, late_ended) - flat
            if gain > best_gain:
                best, best_gain = Onset(slot, late_failed, late_ended), gain
        seen_failed += bad
        seen_ended += ran
    return best


def _likelihood(failed: int, ended: int) -> float:
    """Log likelihood of the counts under their own rate."""
    if failed <= 0 or failed >= ended:
        return 0.0
    share = failed / ended
    return failed * log(share) + (ended - failed) * log(1 - share)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A version or model that a flow was first seen with. ``is_change``: the flow had another one before."""

    kind: str
    name: str
    first_seen_at: datetime
    is_change: bool


def coincidence(sightings: Sequence[Sighting], began_at: datetime) -> Sighting | None:
    """The change nearest before the moment, at most a day; None when nothing changed. It is no proof of a cause.

    A new version of a service goes before a new model at the same distance. A change first seen up to a quarter of an
    hour later counts as simultaneous, because an execution is seen when it is over.
    """
    near = [s for s in sightings if s.is_change and -SLACK <= began_at - s.first_seen_at <= NEAR]
    return min(near, key=lambda s: (abs(began_at - s.first_seen_at), s.kind != "service_version"), default=None)


def times_in(share: float) -> str:
    """A share as people say it: ``1 time in 6``, ``2 times in 5``, ``every time``."""
    if share >= 0.995:
        return "every time"
    if share >= 0.9:
        return "nearly every time"
    if share >= 0.3:
        near = Fraction(share).limit_denominator(5)
        return f"{near.numerator} time{'' if near.numerator == 1 else 's'} in {near.denominator}"
    return f"1 time in {round(1 / share):,}" if share > 0 else "never"


def span_words(length: timedelta) -> str:
    """A length of time in one unit: ``6 minutes``, ``3 hours``."""
    minutes = max(round(length / timedelta(minutes=1)), 0)
    number, unit = (minutes, "minute") if minutes < 90 else (round(minutes / 60), "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def failing_for_sure(failed: int, ended: int) -> float:
    """The share of failures that the counts prove at least, from 0 to 1: what ranks a flow by how badly it does.

    One failure of one run proves less than 40 of 100. Source: lower end of Wilson's score interval, 95 %.
    """
    if not failed or not ended:
        return 0.0
    z, share = 1.96, failed / ended
    middle = share + z * z / (2 * ended)
    spread = z * sqrt((share * (1 - share) + z * z / (4 * ended)) / ended)
    return (middle - spread) / (1 + z * z / ended)
