"""Limits hold over workers, refill with time and never go below nothing (ASVS 2.4.1, 6.3.1)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from webapp.web.rate_limit import Bucket, forgive, take

BUCKET = Bucket("test", 3, 60)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_bucket_empties_and_refills(app_engine):
    def one(at=NOW):
        return take(app_engine, [(BUCKET, "a")], now=at)

    assert [(one().is_granted, one().left) for _ in range(1)] == [(True, 1)]
    assert one().is_granted and not one().is_granted
    assert one().retry_after == 60
    assert not one(NOW + timedelta(seconds=59)).is_granted
    assert one(NOW + timedelta(seconds=59)).retry_after == 1
    assert one(NOW + timedelta(seconds=61)).is_granted
    assert not one(NOW + timedelta(seconds=62)).is_granted
    assert one(NOW + timedelta(hours=9)).left == 2


def test_a_clock_that_goes_back_gives_nothing(app_engine):
    for _ in range(3):
        take(app_engine, [(BUCKET, "a")], now=NOW)
    assert not take(app_engine, [(BUCKET, "a")], now=NOW - timedelta(days=9)).is_granted
    assert not take(app_engine, [(BUCKET, "a")], now=NOW).is_granted


def test_subjects_and_buckets_are_apart(app_engine):
    for _ in range(3):
        take(app_engine, [(BUCKET, "a")], now=NOW)
    assert take(app_engine, [(BUCKET, "b")], now=NOW).is_granted
    assert take(app_engine, [(Bucket("other", 3, 60), "a")], now=NOW).is_granted


def test_of_many_at_once_exactly_the_size_is_granted(app_engine, owner_engine):
    """Each engine stands for a worker of its own: the count is in the database and not in a process."""
    other = sa.create_engine(app_engine.url)
    try:
        with ThreadPoolExecutor(8) as pool:
            tries = pool.map(
                lambda n: take(other if n % 2 else app_engine, [(BUCKET, "a"), (BUCKET, "b")], now=NOW), range(24)
            )
            assert sum(verdict.is_granted for verdict in tries) == 3
    finally:
        other.dispose()


def test_all_buckets_must_grant(app_engine):
    wide = Bucket("wide", 9, 1)
    verdicts = [take(app_engine, [(BUCKET, "a"), (wide, "a")], now=NOW) for _ in range(5)]
    assert [v.is_granted for v in verdicts] == [True] * 3 + [False] * 2
    assert [v.left for v in verdicts] == [2, 1, 0, 0, 0]


def test_the_right_password_forgives(app_engine):
    for _ in range(4):
        take(app_engine, [(BUCKET, "a")], now=NOW)
    forgive(app_engine, [(BUCKET, "a")])
    assert take(app_engine, [(BUCKET, "a")], now=NOW).left == 2


def test_the_table_holds_no_address_in_clear(app_engine, owner_engine):
    take(app_engine, [(BUCKET, "minji@example.org")], now=NOW)
    with owner_engine.connect() as connection:
        assert b"minji" not in connection.scalar(sa.text("SELECT key FROM login_attempts"))
