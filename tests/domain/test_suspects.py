"""Changes are ranked by how well they explain who failed; where nothing does, nothing is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from webapp.domain.suspect_words import Side, Suspect
from webapp.domain.suspects import Change, Counts, Run, rank

BEGIN = datetime(2026, 11, 23, 6, tzinfo=UTC)
NAMES = ("model", "prompt", "service_version")


def minute(number: float) -> datetime:
    return BEGIN + timedelta(minutes=number)


def runs_of(count: int, context_at, fails_at) -> list[Run]:
    contexts: dict[tuple, dict] = {}
    found = []
    for number in range(count):
        context = context_at(number)
        same = contexts.setdefault(tuple(sorted(context.items())), {name: [value] for name, value in context.items()})
        found.append(Run(minute(number), fails_at(number), same))
    return found


def switched(at: int, **names: tuple[str, str]):
    return lambda number: {name: pair[number >= at] for name, pair in names.items()}


def named(ranking) -> list[tuple[str, str | None]]:
    return [(item.dimension, item.value) for item in ranking.items]


def test_the_change_at_which_failures_begin_is_named_with_its_figures():
    runs = runs_of(100, switched(60, model=("a", "b"), prompt=("p", "p")), lambda n: n >= 60 and n % 10 != 0)
    ranking = rank(runs, (), dimensions=NAMES)
    [suspect] = ranking.items
    assert (suspect.dimension, suspect.value, suspect.before) == ("model", "b", "a")
    assert suspect.counts == Counts(36, 40, 0, 60)
    assert (suspect.changed_at, ranking.first_bad, ranking.last_good) == (minute(60), minute(61), minute(60))
    assert suspect.counts.explained == 1.0 and not suspect.is_share
    assert ranking.unknown == ("service_version",)


def test_a_change_long_before_the_first_failure_is_not_named():
    runs = runs_of(120, switched(40, model=("a", "b")), lambda n: n >= 80)
    assert named(rank(runs, (), dimensions=NAMES)) == []


def test_a_change_after_the_first_failures_is_not_named():
    runs = runs_of(120, switched(100, model=("a", "b")), lambda n: n >= 70)
    assert named(rank(runs, (), dimensions=NAMES)) == []


def test_of_two_changes_the_one_that_splits_better_comes_first():
    def context(number: int) -> dict[str, str]:
        return {"model": "ab"[number >= 50], "prompt": "pq"[number >= 50 and number % 2]}

    ranking = rank(runs_of(120, context, lambda n: n >= 50 and n % 2 == 1), (), dimensions=NAMES)
    assert named(ranking)[0] == ("prompt", "q")
    assert ranking.items[0].is_share


def test_where_two_explain_the_same_the_failing_step_decides():
    runs = runs_of(100, switched(60, model=("a", "b"), service_version=("1", "2")), lambda n: n >= 60)
    assert named(rank(runs, (), dimensions=NAMES, step_kind="model_call"))[0] == ("model", "b")
    assert named(rank(runs, (), dimensions=NAMES, step_kind="tool"))[0] == ("service_version", "2")


def test_rare_failures_all_along_name_nothing():
    for seed in range(30):
        rng = Random(seed)
        failing = {rng.randrange(200) for _ in range(6)}
        runs = runs_of(200, switched(90, model=("a", "b"), prompt=("p", "q")), failing.__contains__)
        assert named(rank(runs, (), dimensions=NAMES)) == []


def test_few_executions_on_a_side_say_nothing():
    runs = runs_of(40, switched(37, model=("a", "b")), lambda n: n >= 37)
    assert named(rank(runs, (), dimensions=NAMES)) == []
    assert named(rank(runs_of(40, switched(4, model=("a", "b")), lambda n: n >= 4), (), dimensions=NAMES)) == []


def test_a_dimension_that_differs_with_each_run_takes_no_part():
    runs = runs_of(80, lambda n: {"prompt": f"p{n}", "model": "ab"[n >= 40]}, lambda n: n >= 40)
    ranking = rank(runs, (), dimensions=NAMES)
    assert ranking.varying == ("prompt",) and named(ranking) == [("model", "b")]


def test_the_first_value_of_a_dimension_that_was_not_told_before_is_no_change():
    def context(number: int) -> dict[str, str]:
        return {"model": "a"} | ({"prompt": "p"} if number >= 50 else {})

    assert named(rank(runs_of(100, context, lambda n: n >= 50), (), dimensions=NAMES)) == []


def test_a_value_that_came_back_is_a_change():
    def context(number: int) -> dict[str, str]:
        return {"service_version": "1" if number < 20 or number >= 80 else "2"}

    [suspect] = rank(runs_of(120, context, lambda n: n >= 80), (), dimensions=NAMES).items
    assert (suspect.value, suspect.before, suspect.changed_at) == ("1", "2", minute(80))


def test_failures_that_ended_by_themselves_are_not_put_on_an_earlier_change():
    runs = runs_of(160, switched(60, model=("a", "b")), lambda n: 80 <= n < 110)
    assert named(rank(runs, (), dimensions=NAMES)) == []


def test_an_event_alone_is_named_and_one_beside_its_value_is_its_author():
    event = Change(minute(59), "prompt", "e1")
    runs = runs_of(100, lambda n: {"model": "a"}, lambda n: n >= 60)
    [suspect] = rank(runs, [event], dimensions=NAMES).items
    assert (suspect.dimension, suspect.value, suspect.change, suspect.changed_at) == ("prompt", None, event, minute(59))
    runs = runs_of(100, switched(60, prompt=("p", "q")), lambda n: n >= 60)
    [suspect] = rank(runs, [event], dimensions=NAMES).items
    assert (suspect.value, suspect.change) == ("q", event)


def test_nothing_to_look_at_names_nothing():
    for runs in ([], runs_of(30, lambda n: {"model": "a"}, lambda n: False), runs_of(9, lambda n: {}, lambda n: True)):
        assert rank(runs, [Change(minute(3), "prompt", "e1")], dimensions=NAMES).items == ()


def test_the_reason_is_told_in_plain_words_and_texts_line_by_line():
    before, after = Side("old", "Answer.\nBe kind."), Side("gpt-4o", "Answer.\nBe short.")
    suspect = Suspect("prompt", "gpt-4o", before, after, BEGIN, Counts(31, 33, 0, 210), 0.9, False)
    assert suspect.reason("14:02") == "gpt-4o since 14:02: 31 of 33 failed, before 0 of 210"
    assert [line.text for line in suspect.diff if line.kind != "same"] == ["Be kind.", "Be short."]
    assert Suspect("model", "m", None, after, BEGIN, Counts(3, 9, 1, 2_000), 0.9, True).reason() == (
        "m: 3 of 9 failed, without it 1 of 2,000"
    )
