"""Steps of two executions find their counterparts, in order and in bounded time."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import pytest

from webapp.domain.compare import align, compare


@dataclass(frozen=True)
class Step:
    id: int
    kind: str = "tool"
    name: str | None = ""
    depth: int = 1
    status: str = "completed"
    model: str | None = None
    tokens: int | None = None
    execution_time_ms: int | None = 10


def steps(names: str, first: int = 0, **more) -> list[Step]:
    return [Step(first + at, name=name, **more) for at, name in enumerate(names)]


def drawn(before: str, after: str) -> list[str]:
    return [f"{a.name if a else '-'}{b.name if b else '-'}" for a, b in align(steps(before), steps(after, 100))]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", ""),
        ("abc", "abc", "aa bb cc"),
        ("abc", "ac", "aa b- cc"),
        ("ac", "abc", "aa -b cc"),
        ("abab", "ababab", "aa bb -a -b aa bb"),
        ("abc", "", "a- b- c-"),
        ("", "ab", "-a -b"),
        ("axc", "ayc", "aa xy cc"),
    ],
)
def test_steps_find_their_counterparts(before, after, expected):
    found = drawn(before, after)
    assert sorted(found) == sorted(expected.split()) and [f[0] for f in found if f[0] != "-"] == list(before)
    assert [f[1] for f in found if f[1] != "-"] == list(after)


def test_every_step_is_there_once_and_no_pair_crosses():
    chance = random.Random(4)
    for _ in range(200):
        before = "".join(chance.choices("abcd", k=chance.randint(0, 30)))
        after = "".join(chance.choices("abcd", k=chance.randint(0, 30)))
        pairs = align(steps(before), steps(after, 100))
        assert [a.id for a, _ in pairs if a] == list(range(len(before)))
        assert [b.id for _, b in pairs if b] == list(range(100, 100 + len(after)))


def test_a_removed_step_leaves_all_others_paired():
    names = [chr(97 + at % 7) for at in range(60)]
    pairs = align(steps(names), steps(names[:20] + names[21:], 100))
    assert [a.id for a, b in pairs if b is None] == [20]


def test_what_differs_is_said():
    before = [Step(1, name="x", execution_time_ms=100), Step(2, "model_call", "chat", model="gpt-4"), Step(3, name="y")]
    after = [Step(11, name="x", execution_time_ms=900, status="failed"), Step(12, "model_call", "chat", model="gpt-5")]
    digests = {1: ("i", "o"), 11: ("j", "o")}
    pairs = compare(before, after, digests)
    assert [pair.differences for pair in pairs] == [("status", "input", "slower"), ("model",), ("only before",)]
    assert all(pair.is_different for pair in pairs)
    same = compare([Step(1)], [Step(2)], {1: ("a", "b"), 2: ("c", "b")})
    assert [(pair.differences, pair.is_different) for pair in same] == [(("input",), False)]


@pytest.mark.parametrize("names", ["a" * 3000, "ab" * 1500, "abcdefghij" * 300])
def test_three_thousand_steps_take_no_time(names):
    chance = random.Random(1)
    shuffled = "".join(chance.sample(names, len(names)))
    for after in (names[1:], names[:1500] + "z" + names[1500:], shuffled):
        start = time.perf_counter()
        align(steps(names), steps(after, 10_000))
        assert time.perf_counter() - start < 1.5
