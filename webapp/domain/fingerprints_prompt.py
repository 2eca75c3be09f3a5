"""A prompt without what differs from one run to the next, by the rules for messages that leave its wording alone."""

from __future__ import annotations

import re

from webapp.domain.fingerprints_rules import EARLY, LATE
from webapp.domain.fingerprints_values import released

# "Answer in at most 50 words" is part of a prompt: short numbers, quoted text and paths stay.
_NAMES = ("data", "URLs", "people", "e-mail addresses", "dates and times", "ids", "memory addresses", "IP addresses")
_RULES = tuple(rule for rule in (*EARLY, *LATE) if rule.name in _NAMES)
_LONG_NUMBER = re.compile(r"\d[\d.,]{4,30}")
_SPACES = re.compile(r"\s+")


def normalised(prompt: str) -> str:
    """Return a prompt with dates, ids, addresses and long numbers replaced, spaces aside."""
    text = prompt
    for rule in _RULES:
        text = rule.apply(text)
    return _SPACES.sub(" ", _LONG_NUMBER.sub("<n>", released(text))).strip()
