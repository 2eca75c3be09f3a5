"""API keys, limits and credits."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from tests.factories.base import factory, made
from webapp.models import ApiKey, Credit, CreditKind, LimitScope, LoginAttempt, RateLimitConfig

_api_key_row = factory(
    ApiKey,
    name=lambda n: f"key {n}",
    key_id=lambda n: secrets.token_hex(4),
    secret_hash=lambda n: secrets.token_bytes(32),
    last_four="0000",
    scopes=["ingest", "read"],
)
make_rate_limit_config = factory(RateLimitConfig, scope=LimitScope.ORGANIZATION.value)
make_credit = factory(Credit, kind=CreditKind.GRANT.value)
make_login_attempt = factory(LoginAttempt)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as its owner has it: ``text`` is what a program sends, ``row`` what is stored."""

    row: ApiKey
    text: str


def make_api_key(**overrides: Any) -> NewKey:
    """Make a key together with its text, which the row does not hold."""
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    stored = {"key_id": key_id, "secret_hash": hashlib.sha256(secret.encode()).digest(), "last_four": secret[-4:]}
    row = made(ApiKey)(**stored | overrides)
    return NewKey(row, f"ab_{row.environment or 'live'}_{key_id}_{secret}")
