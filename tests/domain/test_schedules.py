"""Schedules keep to the clock on the wall, also on the days on which it is changed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from webapp.domain.schedules import ScheduleInvalid, next_times, read_cron

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def times(cron, zone, after, count=3):
    found = next_times(cron, zone, datetime.fromisoformat(after), count)
    assert all(at.tzinfo is UTC for at in found)
    return [at.astimezone(zone).strftime("%d %H:%M%z") for at in found]


def test_nine_on_weekdays_in_seoul():
    assert times("0 9 * * 1-5", ZoneInfo("Asia/Seoul"), "2026-11-27T12:00+00:00") == [
        "30 09:00+0900", "01 09:00+0900", "02 09:00+0900",
    ]  # fmt: skip


def test_nine_stays_nine_when_the_clock_changes():
    assert times("0 9 * * *", BERLIN, "2026-03-28T12:00+00:00", 2) == ["29 09:00+0200", "30 09:00+0200"]
    assert times("0 9 * * *", BERLIN, "2026-10-24T12:00+00:00", 2) == ["25 09:00+0100", "26 09:00+0100"]


def test_an_hour_that_is_skipped_comes_later_and_one_that_comes_twice_runs_once():
    assert times("30 2 * * *", BERLIN, "2026-03-28T12:00+00:00", 2) == ["29 03:30+0200", "30 02:30+0200"]
    assert times("30 2 * * *", BERLIN, "2026-10-24T12:00+00:00", 2) == ["25 02:30+0200", "26 02:30+0100"]
    assert times("30 2 * * *", BERLIN, "2026-10-25T00:45+00:00", 1) == ["26 02:30+0100"]


def test_every_half_hour_follows_the_clock():
    assert times("*/30 * * * *", BERLIN, "2026-03-29T00:15+00:00", 4) == [
        "29 01:30+0100", "29 03:00+0200", "29 03:30+0200", "29 04:00+0200",
    ]  # fmt: skip
    assert times("*/30 * * * *", BERLIN, "2026-10-25T00:15+00:00", 4) == [
        "25 02:30+0200", "25 02:00+0100", "25 02:30+0100", "25 03:00+0100",
    ]  # fmt: skip


def test_a_change_of_half_an_hour():
    assert times("0 * * * *", LORD_HOWE, "2026-10-03T14:40+00:00", 3) == [
        "04 03:00+1100", "04 04:00+1100", "04 05:00+1100",
    ]  # fmt: skip


def test_times_are_after_the_given_one_and_rise():
    after = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    for cron in ("0 12 * * *", "* * * * *", "0 0 29 2 *", "0 9 1 * 1", "15 2,3 * * *", "0 0 * * 5#2"):
        found = next_times(cron, BERLIN, after, 5)
        assert len(found) == 5 and found == sorted(set(found)) and found[0] > after, cron


@pytest.mark.parametrize(
    ("text", "cron"),
    [
        (" 0  9 * * 1-5 ", "0 9 * * 1-5"),
        ("@daily", "0 0 * * *"),
        ("0 9 * JAN-mar mon", "0 9 * JAN-mar mon"),
    ],
)
def test_what_can_be_read(text, cron):
    assert read_cron(text) == cron


@pytest.mark.parametrize(
    "text",
    ["", "*", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 9", "@reboot",
     "R R * * *", "H * * * *", "0 0 31 2 *", "*/0 * * * *", "a b c d e", "5-1-3 * * * *", "x" * 500, "0 0 * * \x00",
     "1,,2 * * * *", "0 0 * abc *"],
)  # fmt: skip
def test_what_cannot(text):
    with pytest.raises(ScheduleInvalid):
        read_cron(text)
