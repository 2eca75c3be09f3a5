"""Figures and instants as the design reference writes them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from webapp.web import formats

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 24, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (None, 2, "–"),
        (Decimal(0), 4, "$0.0000"),
        (Decimal("0.0412"), 4, "$0.0412"),
        (Decimal("0.00001"), 4, "<$0.0001"),
        (Decimal("4867.234"), 2, "$4,867.23"),
        (Decimal("-21.1"), 2, "-$21.10"),
    ],
)
def test_money(value, places, text):
    assert formats.usd(value, places) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (18204, "18,204"),
        (999_999, "999,999"),
        (1_000_000, "1.000 M"),
        (412_800_000, "412.8 M"),
        (2_500_000_000, "2.500 B"),
    ],
)
def test_tokens(value, text):
    assert formats.tokens(value) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (840, "840 ms"),
        (999.6, "1.00 s"),
        (4820, "4.82 s"),
        (9996, "10.0 s"),
        (38_400, "38.4 s"),
        (59_960, "1 m 00 s"),
        (67_000, "1 m 07 s"),
        (7_500_000, "2 h 05 m"),
    ],
)
def test_duration_keeps_three_digits_under_a_minute(milliseconds, text):
    assert formats.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0, "0.0%"), (0.949, "94.9%"), (1, "100.0%"), (0.9999, ">99.9%"), (0.0001, "<0.1%")],
)
def test_percent_never_rounds_to_all_or_nothing(share, text):
    assert formats.percent(share) == text


def test_a_time_of_today_shows_the_clock_and_its_title_the_zone():
    html = str(formats.clock(datetime(2026, 11, 24, 11, 3, 12, tzinfo=UTC), zone=SEOUL, now=NOW))
    assert ">20:03:12</time>" in html
    assert 'title="Tue 24 Nov 2026, 20:03:12 Asia/Seoul"' in html
    assert 'datetime="2026-11-24T20:03:12.000+09:00"' in html


def test_a_time_before_midnight_of_the_reader_shows_the_day():
    html = str(formats.clock(datetime(2026, 11, 23, 14, 59, tzinfo=UTC), zone=SEOUL, now=NOW))
    assert ">Mon 23 Nov 23:59</time>" in html


def test_another_year_is_named():
    assert formats.day(datetime(2025, 11, 20, tzinfo=UTC), now=NOW) == "20 Nov 2025"


@pytest.mark.parametrize(
    ("before", "text"),
    [(5, "just now"), (120, "2 min ago"), (7200, "2 h ago"), (200_000, "2 d ago"), (-60, "just now")],
)
def test_ago(before, text):
    assert formats.ago(NOW - timedelta(seconds=before), now=NOW) == text


def test_a_short_id_is_its_tail_and_escapes_what_it_shows():
    html = str(formats.short_id('0195-"><script>'))
    assert "<script>" not in html
    assert "ex_" in html


@pytest.mark.parametrize("text", ["한빛 Logistics", "고객 문의", "ㅋ"])
def test_korean_text_is_marked(text):
    assert formats.lang(text) == ' lang="ko"'


@pytest.mark.parametrize("text", ["Hanbit", "日本", "", None])
def test_other_text_is_not_marked(text):
    assert formats.lang(text) == ""
