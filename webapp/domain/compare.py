"""Two executions step by step: which step of one stands for which of the other, and what differs."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

MOST_ROUNDS = 30
SLOWER_TIMES, SLOWER_MS = 2, 500
"""A step counts as slower when it took so many times as long, and so much longer."""


class Step(Protocol):
    """What is compared of a step; the rows of the execution page have it."""

    @property
    def id(self) -> Any: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def depth(self) -> int: ...
    @property
    def status(self) -> str | None: ...
    @property
    def model(self) -> str | None: ...
    @property
    def tokens(self) -> int | None: ...
    @property
    def execution_time_ms(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """A step of the one and its counterpart in the other; one side is None where a step is only there once.

    ``differences`` are words: only before, only after, status, name, model, input, output, slower, faster.
    """

    before: Any | None
    after: Any | None
    differences: tuple[str, ...] = field(default=())

    @property
    def is_different(self) -> bool:
        """Whether it ran another way. Other texts or times alone are no other way."""
        return any(word not in ("input", "output", "slower", "faster") for word in self.differences)

    @property
    def step(self) -> Any:
        """The step that names the row."""
        return self.after if self.after is not None else self.before


def align(before: Sequence[Step], after: Sequence[Step]) -> list[tuple[Step | None, Step | None]]:
    """Steps paired in order: the same kind and name first, then the same kind and depth under another name.

    No step is in two pairs and no pair crosses another. Cost: n log n for each round over what is left between pairs.
    """
    pairs = _match(before, after, lambda s: (s.kind, s.name, s.depth), 0, len(before), 0, len(after))
    keys: tuple[Key, ...] = (lambda s: (s.kind, s.name), lambda s: (s.kind, s.depth))
    for key in keys:
        gaps = _gaps(pairs, len(before), len(after))
        pairs = sorted(pairs + [pair for gap in gaps for pair in _match(before, after, key, *gap)])
    return list(_in_order(before, after, pairs))


def compare(
    before: Sequence[Step], after: Sequence[Step], digests: Mapping[Any, tuple[str | None, str | None]]
) -> list[Pair]:
    """All steps of both side by side. ``digests`` are those of input and output by the id of the step."""
    return [Pair(a, b, _differences(a, b, digests)) for a, b in align(before, after)]


def _differences(
    a: Step | None, b: Step | None, digests: Mapping[Any, tuple[str | None, str | None]]
) -> tuple[str, ...]:
    if a is None:
        return ("only after",)
    if b is None:
        return ("only before",)
    words = [word for word in ("status", "name", "model") if getattr(a, word) != getattr(b, word)]
    texts = zip(("input", "output"), digests.get(a.id, (None, None)), digests.get(b.id, (None, None)), strict=True)
    words += [word for word, old, new in texts if old != new]
    was, took = a.execution_time_ms, b.execution_time_ms
    if was is not None and took is not None and abs(took - was) >= SLOWER_MS:
        if took >= was * SLOWER_TIMES:
            words.append("slower")
        elif was >= took * SLOWER_TIMES:
            words.append("faster")
    return tuple(words)


Place = tuple[int, int]
Key = Callable[[Any], Hashable]


def _match(a: Sequence[Any], b: Sequence[Any], key: Key, a1: int, a2: int, b1: int, b2: int) -> list[Place]:
    """Pairs of equal keys in one stretch: its common ends, then the longest ascending run of the n-th of each key,
    and the same again in the gaps that leaves."""
    pairs: list[Place] = []
    work = [(a1, a2, b1, b2)]
    for _ in range(MOST_ROUNDS):
        gaps: list[tuple[int, int, int, int]] = []
        for a1, a2, b1, b2 in work:
            while a1 < a2 and b1 < b2 and key(a[a1]) == key(b[b1]):
                pairs.append((a1, b1))
                a1, b1 = a1 + 1, b1 + 1
            while a1 < a2 and b1 < b2 and key(a[a2 - 1]) == key(b[b2 - 1]):
                a2, b2 = a2 - 1, b2 - 1
                pairs.append((a2, b2))
            run = _ascending(_numbered(a, key, a1, a2), _numbered(b, key, b1, b2))
            pairs += run
            if run:
                gaps += _gaps(run, a2, b2, a1, b1)
        work = gaps
        if not work:
            break
    return sorted(pairs)


def _numbered(steps: Sequence[Any], key: Key, start: int, end: int) -> dict[tuple[Hashable, int], int]:
    """Place of the n-th step of each key in a stretch."""
    seen: defaultdict[Hashable, int] = defaultdict(int)
    places = {}
    for at in range(start, end):
        name = key(steps[at])
        places[name, seen[name]] = at
        seen[name] += 1
    return places


def _ascending(old: Mapping[Any, int], new: Mapping[Any, int]) -> list[Place]:
    """The longest run of common keys that keeps its order in both (patience sorting)."""
    common = [(at, new[key]) for key, at in old.items() if key in new]
    tops: list[int] = []
    chosen: list[int] = []
    previous: list[int] = []
    for index, (_, place) in enumerate(common):
        at = bisect_left(tops, place)
        previous.append(chosen[at - 1] if at else -1)
        if at == len(tops):
            tops.append(place)
            chosen.append(index)
        else:
            tops[at], chosen[at] = place, index
    run = []
    index = chosen[-1] if chosen else -1
    while index >= 0:
        run.append(common[index])
        index = previous[index]
    return run[::-1]


def _gaps(pairs: Sequence[Place], a2: int, b2: int, a1: int = 0, b1: int = 0) -> list[tuple[int, int, int, int]]:
    """Stretches between pairs in which both sides have something."""
    gaps = []
    for a, b in (*pairs, (a2, b2)):
        if a > a1 and b > b1:
            gaps.append((a1, a, b1, b))
        a1, b1 = a + 1, b + 1
    return gaps


def _in_order(before: Sequence[Any], after: Sequence[Any], pairs: Sequence[Place]) -> Iterator[tuple[Any, Any]]:
    a1 = b1 = 0
    for a, b in (*pairs, (len(before), len(after))):
        yield from ((before[at], None) for at in range(a1, a))
        yield from ((None, after[at]) for at in range(b1, b))
        if a < len(before) and b < len(after):
            yield before[a], after[b]
        a1, b1 = a + 1, b + 1
