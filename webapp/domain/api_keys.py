"""The text of an API key: ``ab_<environment>_<8 characters>_<43 characters>``, made, read and compared here only."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest

_LETTERS = string.ascii_letters + string.digits
_TEXT = re.compile(r"ab_(?P<environment>[a-z0-9-]{1,50})_(?P<key_id>[A-Za-z0-9]{8})_(?P<secret>[A-Za-z0-9_-]{43})")


class Scope(StrEnum):
    """What a key may do."""

    INGEST = "ingest"
    READ = "read"
    FLOWS_WRITE = "flows:write"


DEFAULT_SCOPES = (Scope.INGEST, Scope.READ)
FIRST_KEY_SCOPES = tuple(Scope)
"""The key of the first run opens all that programs can do, so that a new installation can be scripted."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. ``text`` is shown once and stored nowhere; the other three are what ``api_keys`` holds."""

    text: str
    key_id: str
    secret_hash: bytes
    last_four: str


@dataclass(frozen=True, slots=True)
class KeyText:
    """A key as a caller sent it: the public id that finds its row, and the secret that proves it."""

    key_id: str
    secret: str

    def proves(self, secret_hash: bytes) -> bool:
        """Whether the secret is the one that was hashed, in a time that does not depend on where they differ."""
        return compare_digest(hash_secret(self.secret), secret_hash)


def new_key(environment: str | None = None) -> NewKey:
    """Make a key of 256 random bits; ``environment`` is its readable middle, ``live`` where none is given."""
    readable = re.sub(r"[^a-z0-9-]+", "-", (environment or "live").lower()).strip("-")[:50] or "live"
    key_id = "".join(secrets.choice(_LETTERS) for _ in range(8))
    secret = secrets.token_urlsafe(32)
    return NewKey(f"ab_{readable}_{key_id}_{secret}", key_id, hash_secret(secret), secret[-4:])


def read_key(text: str) -> KeyText | None:
    """The parts of a key, None when the text is no key of ours. The secret may hold underscores, so length decides."""
    match = _TEXT.fullmatch(text.strip())
    return KeyText(match["key_id"], match["secret"]) if match else None


def hash_secret(secret: str) -> bytes:
    """What is stored of a secret: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()
