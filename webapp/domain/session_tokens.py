"""The random token that a signed-in browser carries, and what is stored of it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made. ``text`` goes into the cookie and nowhere else; the hash is what ``sessions`` holds."""

    text: str = field(repr=False)
    token_hash: bytes


def new_token() -> NewToken:
    """Make a token of 256 random bits."""
    text = secrets.token_urlsafe(32)
    return NewToken(text, token_hash(text))


def token_hash(text: str) -> bytes:
    """What is stored of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).digest()
