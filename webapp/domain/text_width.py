"""How wide a text will be, near enough to clip it, where no browser is at hand."""

from __future__ import annotations

from functools import lru_cache
from unicodedata import combining, east_asian_width

_NARROW = frozenset("iIjltf.,:;'|!()[]{} ")
_WIDE = frozenset("mwMW@%")


def text_width(text: str, size: float) -> float:
    """Pixels that a text takes at a font size, for a sans serif of our tokens. Rather a little too much."""
    return sum(map(_character, text)) * size


@lru_cache(maxsize=4096)
def _character(character: str) -> float:
    """The width of a character in parts of the font size."""
    if combining(character):
        return 0
    if east_asian_width(character) in "WF":
        return 1.0
    if character in _NARROW:
        return 0.34
    if character in _WIDE:
        return 0.9
    return 0.68 if character.isupper() else 0.575


@lru_cache(maxsize=8192)
def clip_text(text: str, size: float, width: float) -> str:
    """The text on one line, with an ellipsis where it would be wider."""
    line = " ".join(text.split())
    if text_width(line, size) <= width:
        return line
    left = width - text_width("…", size)
    kept: list[str] = []
    for character in line:
        left -= _character(character) * size
        if left < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"
