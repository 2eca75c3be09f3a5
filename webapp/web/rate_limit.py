"""Limits on guessing, shared by all workers: token buckets in one unlogged table, taken in transactions of their own.

The caller's transaction is rolled back when it refuses, so a count kept inside it would forget every failed try.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, text

TAKE = text("""
    INSERT INTO login_attempts AS a (key, tokens, is_granted, updated_at) VALUES (:key, :size - 1, true, :now)
    ON CONFLICT (key) DO UPDATE SET (tokens, is_granted, updated_at) = (
        SELECT b.level - CASE WHEN b.level >= 1 THEN 1 ELSE 0 END, b.level >= 1, greatest(a.updated_at, :now)
        FROM (SELECT least(CAST(:size AS float8), a.tokens + greatest(
            extract(epoch FROM CAST(:now AS timestamptz) - a.updated_at), 0) / :refill_seconds) AS level) b)
    RETURNING tokens, is_granted
""")
KEEP = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Bucket:
    """``size`` tries at once, then one more per ``refill_seconds``. ``name`` keeps its subjects apart from others'."""

    name: str
    size: int
    refill_seconds: float

    def key(self, subject: str) -> bytes:
        """What the table stores: no address and no mail in clear."""
        return hashlib.sha256(f"{self.name}\0{subject}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the try may go on, how many are left, and after how many seconds a refused one may come again."""

    is_granted: bool
    left: int
    retry_after: int


def take(engine: Engine, wanted: Iterable[tuple[Bucket, str]], *, now: datetime) -> Verdict:
    """Take one token from each bucket; granted when all of them had one.

    Cost: one statement per bucket, in the order of their keys so that two requests never wait for each other in a ring.
    """
    left, wait, is_granted = math.inf, 0.0, True
    with engine.begin() as connection:
        for key, bucket in sorted((b.key(subject), b) for b, subject in wanted):
            row = connection.execute(
                TAKE, {"key": key, "size": bucket.size, "refill_seconds": bucket.refill_seconds, "now": now}
            ).one()
            left = min(left, math.floor(row.tokens))
            if not row.is_granted:
                is_granted, wait = False, max(wait, (1 - row.tokens) * bucket.refill_seconds)
        if secrets.randbelow(200) == 0:
            connection.execute(text("DELETE FROM login_attempts WHERE updated_at < :limit"), {"limit": now - KEEP})
    return Verdict(is_granted, int(left) if is_granted else 0, math.ceil(round(wait, 3)))


def forgive(engine: Engine, wanted: Iterable[tuple[Bucket, str]]) -> None:
    """Fill the buckets again, after the right password."""
    with engine.begin() as connection:
        for bucket, subject in wanted:
            connection.execute(text("DELETE FROM login_attempts WHERE key = :key"), {"key": bucket.key(subject)})
