"""Argon2id hashes of passwords, at most two at a time in one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from webapp.domain.errors import Overloaded

NO_PASSWORD = "!"
"""Stored where a person has no password; it never verifies."""

WAIT_SECONDS = 10
_hasher = PasswordHasher()
# One hash takes 64 MiB and four threads' worth of work: many at once would be a way to stop the server.
_slots = threading.BoundedSemaphore(2)


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=WAIT_SECONDS):
        raise Overloaded("Many people are signing in at this moment. Try again in a few seconds.")
    try:
        yield
    finally:
        _slots.release()


def hash_password(password: str) -> str:
    """What is stored of a password.

    Raises:
        Overloaded: no free slot for :data:`WAIT_SECONDS`.
    """
    with _slot():
        return _hasher.hash(password)


def is_password(password: str, stored: str | None) -> bool:
    """Whether the password is the stored one. Without a usable hash the same work is done on a hash of nobody.

    Raises:
        Overloaded: no free slot for :data:`WAIT_SECONDS`.
    """
    has_hash = stored is not None and stored != NO_PASSWORD
    with _slot():
        try:
            _hasher.verify(stored if has_hash else _nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
    return has_hash


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@cache
def _nobody() -> str:
    return _hasher.hash("the password of nobody, for answers that take as long as for somebody")
