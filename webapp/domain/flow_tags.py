"""Words to find and group flows by: how people type several, and what may be one."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_TAGS, LONGEST_TAG = 20, 50
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class TagsInvalid(ValueError):
    """The text cannot be kept as tags; says why."""


def read_tags(text: str) -> tuple[str, ...]:
    """Tags of a text in which commas part them, each once, as they were first written.

    Raises:
        TagsInvalid: one is too long or holds line breaks, or there are too many.
    """
    tags = merged_tags((), (" ".join(part.split()) for part in _lines_out(text).split(",")))
    if any(len(tag) > LONGEST_TAG for tag in tags):
        raise TagsInvalid(f"A tag has at most {LONGEST_TAG} letters.")
    if len(tags) > MOST_TAGS:
        raise TagsInvalid(f"A flow has at most {MOST_TAGS} tags.")
    return tags


def _lines_out(text: str) -> str:
    return _CONTROLS.sub(",", text)


def merged_tags(present: Iterable[str], added: Iterable[str]) -> tuple[str, ...]:
    """The tags with more behind them. One that differs only in case is the same tag."""
    found: dict[str, str] = {}
    for tag in (*present, *added):
        if tag:
            found.setdefault(tag.casefold(), tag)
    return tuple(found.values())


def without_tags(present: Iterable[str], removed: Iterable[str]) -> tuple[str, ...]:
    """The tags without some, whatever their case."""
    gone = {tag.casefold() for tag in removed}
    return tuple(tag for tag in present if tag.casefold() not in gone)
