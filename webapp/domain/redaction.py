"""Takes out of a text what should not leave the organization: keys, e-mail addresses, long numbers, names of users."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from webapp.importers.secret_words import find_secrets

EMAIL, NUMBER, USER = "[e-mail]", "[number]", "[user]"
SHORTEST_NAME = 3
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# Telephone, card, account and order numbers: seven digits and more, however they are grouped.
_NUMBER = re.compile(r"\+?\d(?:[ ().-]{0,2}\d){6,}")


def redact(value: Any, names: Collection[str] = ()) -> Any:
    """A copy of any JSON value with its texts redacted; ``names`` are taken out wherever they stand."""
    if isinstance(value, dict):
        return {redact_text(str(key), names): redact(one, names) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [redact(one, names) for one in value]
    return redact_text(value, names) if isinstance(value, str) else value


def redact_text(text: str, names: Collection[str] = ()) -> str:
    for name in sorted((name for name in names if len(name) >= SHORTEST_NAME), key=len, reverse=True):
        text = re.sub(re.escape(name), USER, text, flags=re.IGNORECASE)
    text, _ = find_secrets(text)
    return _NUMBER.sub(NUMBER, _EMAIL.sub(EMAIL, text))
