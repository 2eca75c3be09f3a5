"""When a failure happens much more often than it used to: its last hour against the same hour of earlier weeks."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_EVENTS = 10
TIMES_HIGHEST, TIMES_MEAN = 2, 3
WEEKS = 4
HOURS = 23
"""Hours before the last one that are looked at while a failure is younger than a week."""


def threshold(earlier: Sequence[int]) -> float:
    """From how many events on an hour is unusual: twice the highest earlier hour or three times their mean, whichever
    is reached first, and ten at least."""
    return max(LEAST_EVENTS, min(TIMES_HIGHEST * max(earlier), TIMES_MEAN * sum(earlier) / len(earlier)))


def escalates(events: int, earlier: Sequence[int]) -> bool:
    """Whether the events of the last hour are an escalation.

    ``earlier`` holds the counts of hours in which the failure was known already: the same hour of up to four weeks, or
    for a younger one the hours before. Without any there is nothing to compare with; such a failure is new.
    """
    return bool(earlier) and events >= threshold(earlier)


def still_escalates(events: int, earlier: Sequence[int]) -> bool:
    """Whether an escalation goes on: it ends below half of where it begins, so that it does not flicker."""
    return not earlier or 2 * events >= threshold(earlier)
