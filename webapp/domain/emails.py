"""How email addresses are written down and compared."""

from __future__ import annotations

MAX_LENGTH = 255


def tidy_email(text: str | None) -> str:
    """The address without case and without the blanks that copying brings."""
    return (text or "").strip().lower()


def is_email(text: str) -> bool:
    """Whether the text has the least that any address has. Whether it is somebody's only a mail can tell."""
    name, at, host = text.rpartition("@")
    has_blank = any(letter.isspace() or ord(letter) < 32 for letter in text)
    return bool(name and at and host) and not has_blank and len(text) <= MAX_LENGTH
