"""Which change made executions fail: each change explains who failed and who did not, better or worse.

A change splits executions into those with it and those without. The likelihood of what was seen, given one rate of
failures on each side, is compared over all changes, and with two explanations that name nothing: that nothing changed,
and that failures began (and perhaps ended) at a moment of their own. A change that came an hour before the failures
loses against the latter by every good execution in between, more if most fail; one that came after the first failures
explains nothing. Where two changes explain the same, the step that failed decides which is likelier.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from math import exp, log

Key = tuple[str, str]
"""Dimension and hash of a value."""

FEWEST = 5
"""On each side of a split there must be so many executions before it says anything."""
FEWEST_FAILED = 3
MOST_VALUES = 20
"""A dimension with more values than this in a window differs with each run and takes no part."""
MOST_SUSPECTS = 5
# How much likelier "nothing changed" is before anything was seen, in units of natural logarithm.
NOTHING = 6.5
_SMALLEST_SHOWN = 0.01

# What a change of a dimension is likelier or less likely to break, by the kind of step that failed.
_PRIORS = {"service_version": -0.5, "library": -1.0, "provider": -0.5, "model_answered": -0.7, "model_settings": -0.2}
_BY_STEP = {
    "model_call": {"model": 1.0, "provider": 0.8, "model_settings": 0.7, "tools": -0.3, "prompt": -0.3, "plugin": -1.0},
    "tool": {
        "tools": 1.0,
        "plugin": 1.0,
        "service_version": 0.5,
        "model": -1.0,
        "prompt": -0.5,
        "model_answered": -0.5,
    },
}
_OTHER_STEP = {"prompt": 0.5, "model_settings": 0.5, "model_answered": 0.3, "tools": -0.5, "plugin": -0.5}


@dataclass(frozen=True, slots=True)
class Run:
    """One execution. ``context`` has the hashes of each dimension that it tells; the same object for the same content
    makes ranking quicker. ``is_failed`` is whether it is an occurrence of the failure that is looked at."""

    at: datetime
    is_failed: bool
    context: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that somebody did at a moment, known from the event log; ``dimension`` is what it touches."""

    at: datetime
    dimension: str
    event_id: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Failed executions of all, with a change and without it."""

    failed_with: int
    with_: int
    failed_without: int
    without: int

    @property
    def rate_with(self) -> float:
        return self.failed_with / self.with_ if self.with_ else 0.0

    @property
    def rate_without(self) -> float:
        return self.failed_without / self.without if self.without else 0.0

    @property
    def explained(self) -> float:
        """The share of the failures that had the change."""
        failed = self.failed_with + self.failed_without
        return self.failed_with / failed if failed else 0.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """One suspect. ``value`` is None for an event alone; ``before`` is what ran most before it. ``score`` is how likely
    it is, of all explanations. ``is_share`` says that executions without it went on beside those with it."""

    dimension: str
    value: str | None
    before: str | None
    change: Change | None
    changed_at: datetime
    counts: Counts
    is_share: bool
    score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """``items``: suspects, the likeliest first; empty when no tracked change explains it. ``others`` are changes that
    explain something, but not enough. ``unknown`` dimensions no failed execution tells; ``varying`` ones differ with
    each run. ``first_bad`` and ``last_good`` are None without failures, or without a good execution before them."""

    items: tuple[Ranked, ...]
    unknown: tuple[str, ...]
    varying: tuple[str, ...]
    first_bad: datetime | None
    last_good: datetime | None
    run_count: int
    failed_count: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    dimension: str
    value: str | None
    change: Change | None
    start: int
    counts: Counts
    likelihood: float
    is_share: bool


def rank(
    runs: Sequence[Run], changes: Sequence[Change], *, dimensions: Sequence[str], step_kind: str | None = None
) -> Ranking:
    """Return which changes explain the failures among ``runs``, which stand in the order of their start.

    ``dimensions`` are those that may be known; ``step_kind`` is the kind of step that failed. Cost: linear in runs.
    """
    failed = [at for at, run in enumerate(runs) if run.is_failed]
    unknown, varying = _known(runs, dimensions)
    start, end, by_itself = _interval([run.is_failed for run in runs])
    first_bad = next((runs[at].at for at in failed if at >= start), None)
    last_good = next((run.at for run in reversed(runs[: _index(runs, first_bad)]) if not run.is_failed), None)
    nothing = _likelihood(len(failed), len(runs))
    found = _candidates(runs, changes, [name for name in dimensions if name not in (*unknown, *varying)], nothing)
    # Every further moment at which it may have begun (or ended) makes each less likely.
    moments = log(len(runs)) if runs else 0.0
    by_itself -= moments * (2 if end < len(runs) else 1)
    weights = [one.likelihood + _prior(one.dimension, step_kind) for one in found]
    top = max([nothing + NOTHING, by_itself, *weights])
    untold = exp(nothing + NOTHING - top) + exp(by_itself - top)
    total = untold + sum(exp(weight - top) for weight in weights)
    ranked = sorted(
        zip(weights, found, strict=True), key=lambda pair: (-pair[0], pair[1].dimension, str(pair[1].value))
    )
    scores = [(exp(weight - top) / total, one) for weight, one in ranked[:MOST_SUSPECTS]]
    is_told = untold / total < 0.5
    shown = [_ranked(runs, one, score) for score, one in scores if is_told and score >= _SMALLEST_SHOWN]
    return Ranking(
        tuple(shown), unknown, varying, first_bad, last_good, len(runs), len(failed)
    )  # fmt: skip


def _prior(dimension: str, step_kind: str | None) -> float:
    return _PRIORS.get(dimension, 0.0) + _BY_STEP.get(step_kind or "", _OTHER_STEP).get(dimension, 0.0)


def _index(runs: Sequence[Run], moment: datetime | None) -> int:
    return 0 if moment is None else next(at for at, run in enumerate(runs) if run.is_failed and run.at == moment)


def _known(runs: Sequence[Run], dimensions: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the dimensions that failed executions do not tell, and those that differ with each run."""
    told: dict[str, int] = dict.fromkeys(dimensions, 0)
    distinct: dict[str, set[str]] = {name: set() for name in dimensions}
    failed = 0
    for context, _good, bad in _by_context(runs):
        failed += bad
        for name, values in context.items():
            if name in told:
                told[name] += bad
                distinct[name].update(values)
    unknown = tuple(name for name in dimensions if told[name] * 5 < failed or not distinct[name])
    return unknown, tuple(name for name in dimensions if len(distinct[name]) > MOST_VALUES)


def _by_context(runs: Iterable[Run]) -> list[tuple[Mapping[str, Sequence[str]], int, int]]:
    counts: dict[int, list] = {}
    for run in runs:
        found = counts.setdefault(id(run.context), [run.context, 0, 0])
        found[2 if run.is_failed else 1] += 1
    return [(context, good, bad) for context, good, bad in counts.values()]


def _likelihood(failed: int, total: int) -> float:
    """Return the logarithm of how likely so many failures are at their best rate."""
    if failed in (0, total):
        return 0.0
    rate = failed / total
    return failed * log(rate) + (total - failed) * log(1 - rate)


def _interval(outcomes: Sequence[bool]) -> tuple[int, int, float]:
    """Return the stretch in which failures were most unlike the rest, and how likely all is with it."""
    total, count = sum(outcomes), len(outcomes)
    best = (0, count, _likelihood(total, count))
    for inside in (0.9, 0.5, 0.2):
        outside = min(0.02, inside / 4)
        for _ in range(4):
            start, end = _stretch(outcomes, log(inside / outside), log((1 - inside) / (1 - outside)))
            failed, size = sum(outcomes[start:end]), end - start
            likelihood = _likelihood(failed, size) + _likelihood(total - failed, count - size)
            if (start, end) == (best[0], best[1]):
                break
            if likelihood > best[2] and failed * (count - size) > (total - failed) * size:
                best = (start, end, likelihood)
            inside = (failed + 0.5) / (size + 1)
            outside = (total - failed + 0.5) / (count - size + 1)
            if inside <= outside:
                break
    return best


def _stretch(outcomes: Sequence[bool], gain: float, loss: float) -> tuple[int, int]:
    """Return the stretch with the largest sum, a gain for each failure and a loss for each other."""
    best, best_at, running, begun = 0.0, (0, len(outcomes)), 0.0, 0
    for at, is_failed in enumerate(outcomes):
        if running <= 0:
            running, begun = 0.0, at
        running += gain if is_failed else loss
        if running > best:
            best, best_at = running, (begun, at + 1)
    return best_at


def _candidates(
    runs: Sequence[Run], changes: Sequence[Change], dimensions: Sequence[str], nothing: float
) -> list[_Candidate]:
    failed = sum(run.is_failed for run in runs)
    places: dict[int, list[int]] = {}
    contexts: dict[int, Mapping[str, Sequence[str]]] = {}
    for at, run in enumerate(runs):
        places.setdefault(id(run.context), []).append(at)
        contexts[id(run.context)] = run.context
    found: list[_Candidate] = []
    used: set[str] = set()
    for dimension in dimensions:
        for value, seen, known in _split(dimension, contexts, places):
            candidate = _of_value(runs, dimension, value, seen, known, failed)
            if candidate is None or candidate.likelihood <= nothing:
                continue
            change = _event_of(candidate, runs, changes)
            if change is not None:
                used.add(change.event_id)
            found.append(_Candidate(dimension, value, change, *_rest(candidate)))
    for change in changes:
        candidate = None if change.event_id in used else _of_event(runs, change, failed)
        if candidate is not None and candidate.likelihood > nothing:
            found.append(candidate)
    return found


def _split(
    dimension: str, contexts: Mapping[int, Mapping[str, Sequence[str]]], places: Mapping[int, list[int]]
) -> Iterator[tuple[str, list[int], list[int]]]:
    """Yield each value that some runs have and others do not, with their places and those that tell the dimension."""
    holders: dict[str, list[int]] = {}
    telling = [key for key, context in contexts.items() if context.get(dimension)]
    for key in telling:
        for value in contexts[key][dimension]:
            holders.setdefault(value, []).append(key)
    if not any(len(keys) < len(telling) for keys in holders.values()):
        return
    known = sorted(chain.from_iterable(places[key] for key in telling))
    for value, keys in sorted(holders.items()):
        if len(keys) < len(telling):
            yield value, sorted(chain.from_iterable(places[key] for key in keys)), known


def _rest(one: _Candidate) -> tuple[int, Counts, float, bool]:
    return one.start, one.counts, one.likelihood, one.is_share


def _of_value(
    runs: Sequence[Run], dimension: str, value: str, seen: list[int], known: list[int], failed: int
) -> _Candidate | None:
    """Return a value as an explanation, None when it was there from the start or says nothing."""
    seen = _since_last_return(seen, known)
    start = seen[0]
    before = bisect_left(known, start)
    # Where a dimension was not told before, its first value is no change.
    if before < FEWEST or before * 2 < start:
        return None
    failed_with = sum(runs[at].is_failed for at in seen)
    counts = Counts(failed_with, len(seen), failed - failed_with, len(runs) - len(seen))
    after = len(known) - before
    return _told(dimension, value, None, start, counts, len(seen) * 5 < after * 4)


def _since_last_return(seen: list[int], known: list[int]) -> list[int]:
    """Return the places since a value came back after it was away for longer than chance lets it be."""
    share = len(seen) / len(known)
    longest = max(20.0, 7.0 / share)
    for number in range(len(seen) - 1, 0, -1):
        last, at = seen[number - 1], seen[number]
        if at - last > longest and bisect_left(known, at) - bisect_left(known, last) > longest:
            return seen[number:]
    return seen


def _of_event(runs: Sequence[Run], change: Change, failed: int) -> _Candidate | None:
    start = next((at for at, run in enumerate(runs) if run.at >= change.at), len(runs))
    failed_with = sum(run.is_failed for run in runs[start:])
    counts = Counts(failed_with, len(runs) - start, failed - failed_with, start)
    return _told(change.dimension, None, change, start, counts, False)


def _told(
    dimension: str, value: str | None, change: Change | None, start: int, counts: Counts, is_share: bool
) -> _Candidate | None:
    if counts.with_ < FEWEST or counts.without < FEWEST or counts.failed_with < FEWEST_FAILED:
        return None
    if counts.rate_with <= 2 * counts.rate_without:
        return None
    likelihood = _likelihood(counts.failed_with, counts.with_) + _likelihood(counts.failed_without, counts.without)
    return _Candidate(dimension, value, change, start, counts, likelihood, is_share)


# An event and a value that came within this many seconds of each other are one change.
_SAME_SECONDS = 3600.0


def _event_of(candidate: _Candidate, runs: Sequence[Run], changes: Sequence[Change]) -> Change | None:
    """Return who changed what a value tells: the latest event on the dimension shortly before it was seen."""
    seen = runs[candidate.start].at
    near = [
        change
        for change in changes
        if change.dimension == candidate.dimension and 0 <= (seen - change.at).total_seconds() <= _SAME_SECONDS
    ]
    return max(near, key=lambda change: change.at) if near else None


def _ranked(runs: Sequence[Run], one: _Candidate, score: float) -> Ranked:
    changed_at = one.change.at if one.change is not None and one.value is None else runs[one.start].at
    return Ranked(
        one.dimension, one.value, _before(runs, one), one.change, changed_at, one.counts, one.is_share, score
    )  # fmt: skip


def _before(runs: Sequence[Run], one: _Candidate) -> str | None:
    """Return the value that ran before and does not run beside the new one, or runs there less."""
    if one.value is None:
        return None
    counts: dict[str, float] = {}
    for run in runs[: one.start]:
        for value in run.context.get(one.dimension, ()):
            counts[value] = counts.get(value, 0.0) + 1
    for run in runs[one.start :]:
        values = run.context.get(one.dimension, ())
        if one.value in values:
            for value in values:
                counts.pop(value, None)
    return max(counts, key=lambda value: (counts[value], value)) if counts else None
