"""Windows cut at the organization's days and hours, also where days have 23 or 25 hours."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from webapp.domain.periods import QUARTER, period, quarter_ceiling, quarter_floor

ZONES = (
    "UTC", "Asia/Seoul", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
    "America/Havana", "Africa/Cairo", "Pacific/Chatham", "Pacific/Apia",
)  # fmt: skip
MOMENTS = [
    datetime(2026, month, day, hour, 7, 31, tzinfo=UTC)
    for month, day, hour in itertools.product((3, 4, 10, 11), (1, 8, 29, 30), (0, 1, 6, 13, 23))
]


@pytest.mark.parametrize("zone", ZONES)
def test_columns_follow_each_other_and_cover_the_window(zone):
    for now, name in itertools.product(MOMENTS, ("24h", "7d", "30d")):
        seen = period(name, now, ZoneInfo(zone))
        assert seen.edges[0] == seen.since <= now < seen.until <= seen.edges[-1]
        assert all(a < b for a, b in itertools.pairwise(seen.edges))
        assert len(seen.edges) == {"24h": 25, "7d": 8, "30d": 31}[name]
        assert all(quarter_floor(at) == at for at in (*seen.edges, seen.previous_since, seen.previous_until))
        assert seen.previous_since < seen.previous_until <= seen.since
        assert seen.slots[0] == seen.previous_since and seen.slots[-1] >= seen.until


@pytest.mark.parametrize("zone", ZONES)
def test_columns_of_days_begin_at_midnight_or_where_the_clock_skips_it(zone):
    for now in MOMENTS:
        for edge in period("30d", now, ZoneInfo(zone)).edges:
            local, before = edge.astimezone(ZoneInfo(zone)), (edge - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
            assert local.date() > before.date() or before.date() == local.date() - timedelta(days=1)


@pytest.mark.parametrize(("now", "hours"), [("2026-03-29T20:00+00:00", 23), ("2026-10-25T20:00+00:00", 25)])
def test_a_day_of_23_or_25_hours_is_one_column_and_is_compared_with_whole_days(now, hours):
    seen = period("7d", datetime.fromisoformat(now), ZoneInfo("Europe/Berlin"))
    assert seen.edges[-1] - seen.edges[-2] == timedelta(hours=hours)
    assert seen.since - seen.previous_since == timedelta(days=7)
    wall = seen.until.astimezone(seen.zone).replace(tzinfo=None) - seen.previous_until.astimezone(seen.zone).replace(
        tzinfo=None
    )
    assert wall == timedelta(days=7)


def test_a_day_of_hours_ends_with_the_present_one_on_the_wall_clock():
    seen = period("24h", datetime(2026, 11, 24, 11, 5, tzinfo=UTC), ZoneInfo("Asia/Kathmandu"))
    assert [f"{edge.astimezone(seen.zone):%H:%M}" for edge in (seen.edges[0], seen.edges[-2])] == ["17:00", "16:00"]
    assert seen.until == datetime(2026, 11, 24, 11, 15, tzinfo=UTC)
    assert seen.column_end(23) == seen.until


def test_quarters():
    at = datetime(2026, 11, 24, 11, 5, 0, 1, tzinfo=UTC)
    assert quarter_floor(at) == datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
    assert quarter_ceiling(at) == quarter_floor(at) + QUARTER
    assert quarter_ceiling(quarter_floor(at)) == quarter_floor(at)
    assert quarter_floor(datetime(1969, 12, 31, 23, 59, tzinfo=UTC)) == datetime(1969, 12, 31, 23, 45, tzinfo=UTC)
