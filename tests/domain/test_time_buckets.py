"""Buckets of a chart: cut on the reader's clock, whole, and without holes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from webapp.domain.time_buckets import buckets_between, ceil_quarter, floor_quarter

NOW = datetime(2026, 11, 24, 14, 7, 31, tzinfo=UTC)
SPANS = [timedelta(seconds=1), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3), timedelta(hours=24)]
SPANS += [timedelta(days=days) for days in (2, 7, 30, 90, 365, 3_000)]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul", "Asia/Kathmandu", "America/New_York"])
@pytest.mark.parametrize("span", SPANS)
def test_buckets_cover_the_time_in_a_number_that_can_be_drawn(span, zone):
    edges = buckets_between(NOW - span, NOW, ZoneInfo(zone)).edges
    assert edges[0] <= NOW - span and edges[-1] >= NOW
    assert edges[1] > NOW - span and edges[-2] < NOW
    assert all(a < b for a, b in pairwise(edge.timestamp() for edge in edges))
    assert 2 <= len(edges) <= 120


def test_days_begin_at_the_readers_midnight():
    buckets = buckets_between(NOW - timedelta(days=30), NOW, ZoneInfo("Asia/Seoul"))
    assert buckets.unit == "day" and {edge.hour for edge in buckets.edges} == {0}


@pytest.mark.parametrize(("day", "hours"), [((3, 8), 23), ((11, 1), 25)])
def test_the_day_of_a_clock_change_is_one_bucket(day, hours):
    zone = ZoneInfo("America/New_York")
    start = datetime(2026, *day, tzinfo=zone)
    edges = buckets_between(start - timedelta(days=10), start + timedelta(days=5), zone).edges
    place = edges.index(start)
    assert edges[place + 1].timestamp() - edges[place].timestamp() == hours * 3600


def test_half_hours_across_a_clock_change_stay_whole():
    zone = ZoneInfo("Europe/Berlin")
    edges = buckets_between(datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 10, tzinfo=UTC), zone).edges
    assert all(a < b for a, b in pairwise(edge.timestamp() for edge in edges))


def test_quarters():
    assert floor_quarter(NOW) == NOW.replace(minute=0, second=0)
    assert ceil_quarter(NOW) == NOW.replace(minute=15, second=0)
    assert ceil_quarter(floor_quarter(NOW)) == floor_quarter(NOW)
