"""Percentiles from histograms stay near the truth."""

from __future__ import annotations

import random
from bisect import bisect_right

import pytest

from webapp.domain import durations


def histogram(values):
    bins = {}
    for value in values:
        place = bisect_right(durations.LIMITS, value)
        bins[place] = bins.get(place, 0) + 1
    return bins


@pytest.mark.parametrize("seed", range(5))
def test_percentiles_are_a_few_percent_off_at_most(seed):
    rng = random.Random(seed)
    values = sorted(int(rng.lognormvariate(8, 1.2)) for _ in range(4000))
    bins = histogram(values)
    for share in (0.5, 0.9, 0.95, 0.99):
        exact = values[int(share * len(values)) - 1]
        assert durations.percentile(bins, share) == pytest.approx(exact, rel=0.1)


def test_nothing_and_extremes():
    assert durations.percentile({}, 0.95) is None
    assert durations.percentile(histogram([0, 0]), 0.95) <= 1
    assert durations.percentile(histogram([10**12]), 0.95) > 0
    assert list(durations.LIMITS) == sorted(set(durations.LIMITS))


def test_stored_histograms_add_up():
    bins = {7: 1}
    durations.add(bins, [6, 2, 0, 5])
    durations.add(bins, None)
    assert bins == {6: 2, 7: 1, 8: 5}
