"""JSON that a person typed: an object, or the line on which it goes wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from webapp.domain.errors import Invalid

MOST_CHARACTERS = 200_000
DEEPEST = 40


def read_object(text: str, *, field: str) -> dict[str, Any]:
    """The object that a text holds; an empty text is an empty object.

    Raises:
        Invalid: it is no JSON object, and on which line; or it is too long or too deep, or holds what is no JSON.
    """
    if not text.strip():
        return {}
    if len(text) > MOST_CHARACTERS:
        raise Invalid(f"This is longer than {MOST_CHARACTERS:,} characters.", field=field)
    try:
        value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise Invalid(f"Line {error.lineno}, column {error.colno}: {_plain(error.msg)}.", field=field) from None
    except RecursionError:
        raise Invalid(f"This is nested deeper than {DEEPEST} levels.", field=field) from None
    except ValueError as error:
        raise Invalid(f"{error}.", field=field) from None
    if not isinstance(value, dict):
        raise Invalid('Line 1: begin with { and end with }, such as {"timeout_s": 30}.', field=field)
    if _depth(value) > DEEPEST:
        raise Invalid(f"This is nested deeper than {DEEPEST} levels.", field=field)
    return value


def write_object(value: Mapping[str, Any]) -> str:
    """An object as people read and edit it; empty for an empty one."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str) if value else ""


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON value; write null or a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names come once: of two values one would silently be lost."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"The name “{name[:60]}” comes twice in one object")
        found[name] = value
    return found


def _plain(message: str) -> str:
    """The parser's words as a sentence would go on."""
    return {
        "Expecting value": "a value is expected here",
        "Expecting ',' delimiter": "a comma is missing before this",
        "Expecting ':' delimiter": "a colon is missing before this",
        "Expecting property name enclosed in double quotes": "a name in double quotes is expected here",
        "Illegal trailing comma before end of object": "there is a comma too many before this",
        "Illegal trailing comma before end of array": "there is a comma too many before this",
        "Extra data": "the object ended before this",
        "Unterminated string starting at": "the text that begins here does not end",
    }.get(message, message[:1].lower() + message[1:])


def _depth(value: Any) -> int:
    """Levels of objects and lists, walked without recursion."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        inner, depth = waiting.pop()
        if isinstance(inner, dict | list):
            deepest = max(deepest, depth)
            waiting += [(each, depth + 1) for each in (inner.values() if isinstance(inner, dict) else inner)]
    return deepest
