"""Undo and redo walk one list back and forth, and never hold more than they may."""

from __future__ import annotations

import random
from dataclasses import replace

from tests.domain.graphs import block, graph
from webapp.domain.undo_steps import LONGEST_HEAD, MOST_BYTES, MOST_STEPS, read_names, step_back, step_forth, with_step


def named(number):
    return replace(graph("a:action", []), name=f"state {number}")


def test_back_and_forth_end_where_they_began():
    steps, now = [], named(0)
    for number in range(1, 6):
        steps, now = with_step(steps, f"change {number}", now), named(number)
    seen = [now.name]
    while turned := step_back(steps, now):
        steps, now, said = turned
        seen.append(now.name)
        names = read_names([step[:LONGEST_HEAD] for step in steps])
        assert names.redo == said and names.undo_count == int(now.name[-1])
    assert seen == [f"state {number}" for number in range(5, -1, -1)]
    while turned := step_forth(steps, now):
        steps, now, said = turned
        assert said == f"change {now.name[-1]}"
    assert now == named(5) and read_names(steps).undo == "change 5"


def test_a_change_after_an_undo_forgets_what_was_undone():
    steps = with_step([], "one", named(0))
    steps, now, _ = step_back(steps, named(1))
    steps = with_step(steps, "other", now)
    assert read_names(steps) == read_names(with_step([], "other", now)) and step_forth(steps, named(2)) is None


def test_the_past_is_bounded_by_number_and_by_size():
    steps = []
    for number in range(MOST_STEPS + 5):
        steps = with_step(steps, "x", named(number))
    assert len(steps) == MOST_STEPS
    noise = random.Random(1)
    large = replace(named(0), blocks=tuple(block(f"b{n}", name=noise.randbytes(200).hex()) for n in range(2_000)))
    for _ in range(4):
        steps = with_step(steps, "large", large)
    assert sum(map(len, steps)) <= MOST_BYTES and steps


def test_sentences_of_any_length_and_letter_come_back():
    for said in ("", "한" * 300, "x" * 1_000, "\ud800 half"):
        (step,) = with_step([], said, named(0))
        shown = read_names([step[:LONGEST_HEAD]]).undo
        assert said.encode("utf-8", "replace").decode().startswith(shown) and step_back([step], named(1))
