"""How an incident is told: runs at moments, setups that change, chances to fail; the truth stands beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.incidents.world import FINE, Outcome, Run, Setup

BEGIN = datetime(2026, 11, 23, 6, tzinfo=UTC)
OTHER_ERRORS = (
    Outcome("tool", "TimeoutError", "upstream took longer than 30 s"),
    Outcome("late", "UserAborted", "the user closed the chat"),
)


@dataclass(frozen=True)
class Truth:
    """What really caused the failures: dimension and a part of the new value's name; None when we cannot know."""

    dimension: str | None = None
    label: str = ""


NOTHING = Truth()


@dataclass(frozen=True)
class LoggedEvent:
    """Something that a person did here: type of event and what it was done to (flow, agent, tool)."""

    at: datetime
    type: str
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass
class Story:
    """Everything that happens in one incident; ``error`` is the failure that is reviewed."""

    error: Outcome
    truth: Truth = NOTHING
    runs: list[Run] = field(default_factory=list)
    events: list[LoggedEvent] = field(default_factory=list)
    may_be: tuple[Truth, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Incident:
    """A name, a kind for the table, and what makes the story out of a number."""

    name: str
    kind: str
    make: Callable[[Random], Story]


Chance = Callable[[datetime, Setup], float]
SetupAt = Callable[[datetime, Random], Setup]


def at(hours: float) -> datetime:
    """Return the moment this many hours after the beginning."""
    return BEGIN + timedelta(hours=hours)


def play(
    rng: Random, setup_at: SetupAt, chance: Chance, error: Outcome, *, hours: float = 12, count: int = 150,
    others: float = 0.02, flow: str = "support",
) -> list[Run]:  # fmt: skip
    """Return runs spread over the hours; each fails with its chance, and a few with something else."""
    moments = sorted(at(rng.uniform(0, hours)) for _ in range(count))
    runs = []
    for moment in moments:
        setup = setup_at(moment, rng)
        roll = rng.random()
        expected = chance(moment, setup)
        outcome = error if roll < expected else rng.choice(OTHER_ERRORS) if roll > 1 - others else FINE
        runs.append(Run(moment, setup, outcome, flow))
    return runs


def switching(before: Setup, *changes: tuple[float, dict[str, Any]], share: float = 1.0) -> SetupAt:
    """Return what runs with ``before`` and with each change from its hour on (only a ``share`` of runs, if any)."""

    def setup_at(moment: datetime, rng: Random) -> Setup:
        setup = before
        for hour, fields in changes:
            if moment >= at(hour) and rng.random() < share:
                setup = replace(setup, **fields)
        return setup

    return setup_at


def when(condition: Callable[[datetime, Setup], bool], rate: float, otherwise: float = 0.0) -> Chance:
    """Return a chance that holds when something is so."""
    return lambda moment, setup: rate if condition(moment, setup) else otherwise
