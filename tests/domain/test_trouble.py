"""What needs attention, since when, and how it is said."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from webapp.domain.trouble import (
    Counts,
    Sighting,
    Trend,
    coincidence,
    failing_for_sure,
    find_onset,
    span_words,
    times_in,
)

AT = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (94 / 561, "1 time in 6"),
        (0.4, "2 times in 5"),
        (0.5, "1 time in 2"),
        (0.01, "1 time in 100"),
        (0.9, "nearly every time"),
        (1.0, "every time"),
        (0.67, "2 times in 3"),
    ],
)
def test_shares_are_said_as_people_say_them(share, words):
    assert times_in(share) == words


def test_a_steady_low_rate_is_no_trouble_and_a_few_runs_are_no_evidence():
    assert Counts(10, 1000, 11, 1000).severity == 0
    assert Counts(4, 5, 0, 5).severity == 0
    assert Counts(2, 400, 0, 400).severity == 0


def test_what_is_new_goes_before_what_always_failed():
    new, chronic = Counts(60, 300, 0, 300), Counts(80, 200, 82, 200)
    assert (new.trend, chronic.trend) == (Trend.NEW, Trend.STEADY)
    assert new.severity > chronic.severity > 0


def test_trends_need_more_than_chance():
    assert Counts(30, 300, 10, 300).trend is Trend.RISING
    assert Counts(10, 300, 30, 300).trend is Trend.FALLING
    assert Counts(13, 300, 10, 300).trend is Trend.STEADY
    assert Counts(13, 22, 1, 3).trend is Trend.STEADY


@pytest.mark.parametrize("seed", range(20))
def test_the_slot_in_which_failures_began_is_found(seed):
    rng = random.Random(seed)
    ended = [rng.randint(2, 8) for _ in range(192)]
    truth = rng.randint(20, 180)
    failed = [sum(rng.random() < (0.35 if i >= truth else 0.01) for _ in range(n)) for i, n in enumerate(ended)]
    onset = find_onset(failed, ended)
    assert onset is not None and abs(onset.slot - truth) <= 3
    assert (onset.failed, onset.ended) == (sum(failed[onset.slot :]), sum(ended[onset.slot :]))


@pytest.mark.parametrize("seed", range(20))
def test_no_beginning_is_named_where_there_is_none(seed):
    rng = random.Random(seed)
    ended = [rng.randint(2, 8) for _ in range(192)]
    assert find_onset([sum(rng.random() < 0.1 for _ in range(n)) for n in ended], ended) is None
    assert find_onset(ended, ended) is None
    assert find_onset([0] * 5, [0] * 5) is None


def test_the_nearest_change_before_is_named_and_a_first_version_is_no_change():
    def seen(minutes, name, *, is_change=True, kind="service_version"):
        return Sighting(kind, name, AT - timedelta(minutes=minutes), is_change)

    assert coincidence([seen(6, "48"), seen(300, "47"), seen(1, "1", is_change=False)], AT).name == "48"
    assert coincidence([seen(6, "m", kind="model"), seen(6, "48")], AT).name == "48"
    assert coincidence([seen(60 * 25, "46"), seen(-40, "49")], AT) is None
    assert coincidence([seen(-10, "48")], AT).name == "48"


def test_lengths_are_said_in_one_unit():
    words = [span_words(timedelta(minutes=m)) for m in (1, 6, 89, 95, 60 * 20)]
    assert words == ["1 minute", "6 minutes", "89 minutes", "2 hours", "20 hours"]


def test_many_failures_of_many_runs_outrank_one_of_one():
    from_worst = [failing_for_sure(*counts) for counts in ((400, 1000), (40, 100), (1, 1), (3, 15), (1, 100), (0, 9))]
    assert from_worst == sorted(from_worst, reverse=True) and from_worst[-1] == failing_for_sure(0, 0) == 0
    assert failing_for_sure(40, 100) == pytest.approx(0.3094, abs=1e-4)
