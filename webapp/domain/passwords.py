"""Which passwords are taken: long ones that are not guessed first. Nothing about kinds of characters."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

MIN_LENGTH = 12
MAX_LENGTH = 256
"""Longer ones are refused, never cut; the bound only keeps a request from making us hash a book."""

COMMON = Path(__file__).with_name("common_passwords.txt")


@cache
def common_passwords() -> frozenset[str]:
    """The passwords of at least :data:`MIN_LENGTH` characters that are guessed first, in lower case."""
    return frozenset(COMMON.read_text(encoding="utf-8").split())


def password_problem(password: str, *, email: str) -> str | None:
    """Why this password is refused, as a sentence for the person; None when it is taken.

    Length is counted in characters as typed, spaces and every script included.
    """
    if len(password) < MIN_LENGTH:
        return f"Use at least {MIN_LENGTH} characters. A few words in a row are easy to remember."
    if len(password) > MAX_LENGTH:
        return f"Use at most {MAX_LENGTH} characters."
    plain = password.casefold()
    if plain in common_passwords() or is_repetition(plain):
        return "This password is among the first that are guessed. Choose another one."
    name = email.casefold().partition("@")[0]
    if plain == email.casefold() or _is_name_and_little_more(plain, name):
        return "The password may not be your email address."
    return None


def _is_name_and_little_more(plain: str, name: str) -> bool:
    return len(name) >= 4 and name in plain and not plain.replace(name, "").strip("0123456789!.-_@")


def is_repetition(text: str) -> bool:
    """Whether the text is one short piece again and again (``abcabcabcabc``) or a run of neighbours (``23456789``)."""
    if any(text == (text[:size] * len(text))[: len(text)] for size in range(1, 5)):
        return True
    return {_step(a, b) for a, b in pairwise(text)} in ({1}, {-1}, {9})


def _step(a: str, b: str) -> int:
    """How far apart two letters are; for digits 0 follows 9."""
    return (ord(b) - ord(a)) % 10 if a.isdigit() and b.isdigit() else ord(b) - ord(a)
