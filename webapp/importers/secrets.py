"""Cuts secrets out of a parsed file before any importer looks at it, and says where each one was.

Three ways to tell one: the format knows (``Rule``), the name of the field says so, or the text itself looks like a key.
What is no secret stays: ids, hashes, images, references to variables, ordinary words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from webapp.importers import bounds
from webapp.importers.imported import RemovedSecret
from webapp.importers.secret_words import REMOVED, find_secrets, is_reference, is_secret_name

Rule = Callable[[Mapping[str, Any], str], str | None]
"""What a format knows of ``row[name]``: a kind cuts the whole value, ``KEEP`` leaves it alone whatever it looks like,
``PLAIN`` means that the field's name says nothing (the text is still looked at), ``ID`` that it is an id, which may
look random, None leaves it to the other ways."""
KEEP, PLAIN, ID = "keep", "plain", "id"
MOST_NOTED = 1_000
_NAMES = ("name", "key", "header", "variable", "field", "id", "label", "displayName", "display_name")
_ID_NAMES = frozenset(
    ("id", "source", "target", "sourceHandle", "targetHandle", "parentId", "parentNode", "webhookId", "versionId")
)
_VALUES = ("value", "default", "default_value", "defaultValue")
_PLACEHOLDER = re.compile(
    r"(?i)^[<\[({]*(your|my|enter|insert|paste|add|put|the|replace|change)?[\s_-]*(own|me|this)?[\s_-]*"
    r"(api|access|secret|auth|openai|private|bearer)?[\s_-]*(key|token|secret|password|here|value)s?[\s_-]*(here)?[>\])}]*$|^[x*.•…-]+$"
)


def cut_secrets(document: Any, rule: Rule | None = None) -> tuple[Any, tuple[RemovedSecret, ...]]:
    """A copy of the document without its secrets and with storable texts only, and what was cut out of it."""
    cutter = _Cutter(rule)
    clean = cutter.value(document, "")
    removed = cutter.removed
    if cutter.count > MOST_NOTED:
        removed.append(RemovedSecret("and further places", f"{cutter.count - MOST_NOTED} more"))
    return clean, tuple(removed)


class _Cutter:
    def __init__(self, rule: Rule | None):
        self.rule = rule
        self.removed: list[RemovedSecret] = []
        self.count = 0
        self._seen: dict[tuple[str, bool], tuple[str, tuple[str, ...]]] = {}

    def note(self, place: str, kind: str) -> None:
        self.count += 1
        if self.count <= MOST_NOTED:
            self.removed.append(RemovedSecret(place[:300] or "the whole file", kind))

    def value(self, value: Any, place: str, *, is_named: bool = False, is_id: bool = False) -> Any:
        """A value under its place; ``is_named`` when the name above calls it a secret, ``is_id`` when it is an id."""
        if isinstance(value, dict):
            return self.row(value, place, is_named=is_named)
        if isinstance(value, list):
            return [self.value(one, f"{place}[{at}]", is_named=is_named, is_id=is_id) for at, one in enumerate(value)]
        value = bounds.storable(value)
        if is_named and _is_secret_value(value):
            self.note(place, "value of a secret field")
            return REMOVED
        return self.text(value, place, is_id=is_id) if isinstance(value, str) else value

    def text(self, value: str, place: str, *, is_id: bool = False) -> str:
        if len(value) < 8:
            return value
        known = self._seen.get((value, is_id))
        if known is None:
            known = find_secrets(value, is_id=is_id)
            if len(value) < 500 and len(self._seen) < 20_000:
                self._seen[value, is_id] = known
        for kind in known[1]:
            self.note(place, kind)
        return known[0]

    def row(self, row: dict[Any, Any], place: str, *, is_named: bool) -> dict[str, Any]:
        named = is_named or _named_by_sibling(row)
        clean: dict[str, Any] = {}
        for name, value in row.items():
            said = self.rule(row, name) if self.rule is not None else None
            name = self.name(name, place, clean)
            at = f"{place}.{name[:80]}" if place else name[:80]
            if said == KEEP:
                clean[name] = _storable(value)
            elif said in (None, PLAIN, ID):
                is_secret = said is None and (is_secret_name(name) or (named and name in _VALUES))
                is_id = said == ID or (name in _ID_NAMES and not is_named)
                clean[name] = self.value(value, at, is_named=is_secret, is_id=is_id)
            else:
                clean[name] = self.whole(value, at, said)
        return clean

    def name(self, name: Any, place: str, taken: Mapping[str, Any]) -> str:
        """A name without secrets, and different from the others still."""
        said = clean = self.text(bounds.storable(str(name)), f"{place} (a name)")
        number = len(taken)
        while clean in taken:
            clean, number = f"{said} {number}", number + 1
        return clean

    def whole(self, value: Any, place: str, kind: str) -> Any:
        """Cut a value whatever it is; nothing, or a mere reference to a variable, stays."""
        if value in (None, "", [], {}) or isinstance(value, bool):
            return value
        if isinstance(value, str) and (value == REMOVED or is_reference(value)):
            return bounds.storable(value)
        self.note(place, kind)
        return REMOVED


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {bounds.storable(str(name)): _storable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_storable(one) for one in value]
    return bounds.storable(value)


def _named_by_sibling(row: Mapping[Any, Any]) -> bool:
    """Whether the row is a pair such as {"name": "Authorization", "value": ...}."""
    return any(name in row for name in _VALUES) and any(
        isinstance(row.get(name), str) and is_secret_name(row[name]) for name in _NAMES
    )


def _is_secret_value(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, int | float):
        return len(str(value)) >= 4
    if not isinstance(value, str) or REMOVED in value or len(value.strip()) < 3 or _WORDS.fullmatch(value.lower()):
        return False
    return not is_reference(value) and not _PLACEHOLDER.fullmatch(value.strip())


_WORDS = re.compile(
    "none|null|true|false|string|str|text|number|object|secret-input|secret|password|api-key|apikey|bearer|basic|oauth2"
    "|header|query|body|custom|token|no-auth|variable|constant|mixed|input|output|required|optional|default"
)
