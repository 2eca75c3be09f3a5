"""Which passwords are taken: long enough, not guessed first, not the person's own address. Nothing about character kinds."""

from __future__ import annotations

from functools import cache
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
    if plain == email.casefold() or (len(name) >= 4 and plain.replace(name, "").strip("0123456789!.-_@") == ""):
        return "The password may not be your email address."
    return None


def is_repetition(text: str) -> bool:
    """Whether the text is one short piece again and again (``abcabcabcabc``) or a run of neighbours (``12345678901``)."""
    if any(text == (text[:size] * len(text))[: len(text)] for size in range(1, 5)):
        return True
    steps = {
        (ord(b) - ord(a)) % 10 if a.isdigit() and b.isdigit() else ord(b) - ord(a)
        for a, b in zip(text, text[1:], strict=False)
    }
    return steps in ({1}, {-1}, {9})
