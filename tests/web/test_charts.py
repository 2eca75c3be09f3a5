"""Chart geometry: shares add up, the axis covers the data, and nothing is drawn for nothing."""

from __future__ import annotations

import itertools
import random

import pytest

from webapp.web import charts

FAILED = charts.Series("Failed", status="failed")
COMPLETED = charts.Series("Completed")


@pytest.mark.parametrize(
    ("maximum", "top", "intervals"),
    [(0, 2, 2), (1, 2, 2), (3, 3, 3), (4, 4, 2), (7, 10, 2), (10, 10, 2), (3203, 4000, 2), (98, 100, 2), (140, 150, 3)],
)
def test_axis_takes_round_whole_steps_just_above_the_data(maximum, top, intervals):
    assert charts.axis_top(maximum) == (top, intervals)


def test_axis_always_covers_the_data_and_wastes_little_of_the_plot():
    rng = random.Random(1)
    for _ in range(2000):
        value = rng.choice([rng.random(), rng.randint(1, 50), rng.randint(50, 10_000_000)])
        top, intervals = charts.axis_top(value, is_whole=False)
        assert value <= top * (1 + 1e-9) <= value * 2.6
        whole, intervals = charts.axis_top(round(value) or 1)
        assert (whole / intervals).is_integer()


def test_heights_are_shares_of_the_axis_and_the_first_series_stands_on_the_baseline():
    chart = charts.stacked([FAILED, COMPLETED], [charts.Column("Mon", (1000, 3000)), charts.Column("Tue", (0, 0))])
    (failed, low), (completed, high) = chart.stacks[0].segments
    assert (failed, completed) == (FAILED, COMPLETED)
    assert (low.y, low.height, high.y, high.height) == (75, 25, 0, 75)
    assert chart.stacks[1].segments == []
    assert chart.stacks[1].title == "Tue, Failed: 0, Completed: 0"
    assert [text for _, text in chart.grid] == ["4,000", "2,000", "0"]
    assert chart.legend == (COMPLETED, FAILED)


def test_one_failure_among_many_is_still_seen_and_the_stack_stays_inside():
    chart = charts.stacked([FAILED, COMPLETED], [charts.Column("Mon", (1, 99_999))])
    (_, low), (_, high) = chart.stacks[0].segments
    assert low.height == charts.MINIMUM_HEIGHT
    assert high.y >= -1e-9 and high.y + high.height == pytest.approx(low.y)


def test_columns_fill_the_width_without_overlap():
    chart = charts.stacked([FAILED], [charts.Column(str(i), (i,)) for i in range(1, 25)])
    edges = [stack.hit.x for stack in chart.stacks] + [100]
    assert all(
        stack.hit.x + stack.hit.width == pytest.approx(right)
        for stack, right in zip(chart.stacks, edges[1:], strict=True)
    )
    for stack in chart.stacks:
        for _, bar in stack.segments:
            assert stack.hit.x < bar.x and bar.x + bar.width < stack.hit.x + stack.hit.width


@pytest.mark.parametrize("count", [0, 1, 2, 5, 6, 7, 23, 24, 25, 30, 90])
def test_labels_sit_under_their_columns_and_never_crowd(count):
    ticks = charts.axis_ticks([f"t{i}" for i in range(count)], limit=6)
    assert len(ticks) <= 6
    if count:
        assert ticks[-1].text == f"t{count - 1}"
    for tick in ticks:
        part = 1 if tick.anchor == "end" else 0.5
        assert tick.x == pytest.approx((int(tick.text[1:]) + part) * 100 / count)
    assert all(b.x - a.x >= 100 / 6.1 - 100 / max(count, 1) for a, b in itertools.pairwise(ticks))


def test_a_chart_without_columns_still_has_an_axis():
    chart = charts.stacked([FAILED], [])
    assert chart.stacks == [] and chart.ticks == [] and chart.grid[-1][1] == "0"


def test_line_bridges_unknown_values_and_stays_in_its_box():
    spark = charts.line([None, 5, None, 10, 7])
    dots = [tuple(map(float, dot.split(","))) for dot in spark.points.split()]
    assert [x for x, _ in dots] == [25, 75, 100]
    assert all(0 <= y <= 30 for _, y in dots)
    assert dots[1][1] == 3 and dots[0][1] == 27
    assert charts.line([None, 4]).points == "" and charts.line([]).points == ""
    assert "nan" not in charts.line([3, 3, 3]).points


def test_bars_draw_nothing_for_zero_and_show_the_smallest_value():
    spark = charts.bars([0, 1, 1000, 0])
    assert len(spark.bars) == 2
    assert spark.bars[0].height == 8 and spark.bars[1].height == 100
    assert charts.bars([0, 0]).bars == ()


def test_words_say_what_the_shape_shows():
    assert charts.trend_words([0, 12, 4]) == "First 0, highest 12, last 4"
    assert charts.trend_words([0, 0]) == "None"
