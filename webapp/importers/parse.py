"""Turns the bytes of a file into plain values: JSON, or YAML read as data only. The file's name plays no part."""

from __future__ import annotations

import re
from typing import Any

import orjson

from webapp.importers import bounds
from webapp.importers.imported import NotAFlow
from webapp.importers.yaml_values import parse_yaml

MOST_COMMAS = 1_000_000
"""Checked before parsing: each comma or bracket may become a value of some fifty bytes."""
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def parse(content: bytes) -> Any:
    """The values of a JSON file (with a byte order mark or without), or of a YAML file.

    Raises:
        NotAFlow: it is neither, or past a bound.
    """
    text = _decode(content).strip()
    if not text:
        raise NotAFlow("The file is empty.")
    if text[0] in "{[":
        return parse_json(text)
    return parse_yaml(text)


def parse_json(text: str, place: str = "") -> Any:
    """The values of a JSON text; ``place`` names it in a refusal when it stands inside a file."""
    brackets = text.count("[") + text.count("{")
    if text.count(",") + brackets > MOST_COMMAS or brackets > bounds.VALUES:
        raise bounds.too_many_values()
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        reason = re.sub(r": line \d.*", "", str(error.msg))[:100]
        if "recursion" in reason.lower() or "depth" in reason.lower():
            raise bounds.too_deep() from None
        where = f"{place}: " if place else ""
        raise NotAFlow(f"{where}The JSON is broken at line {error.lineno}, column {error.colno}: {reason}.") from None
    except (UnicodeEncodeError, RecursionError):
        raise NotAFlow(f"{place or 'The file'} holds text that is no UTF-8.") from None


def _decode(content: bytes) -> str:
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise NotAFlow(f"The file is no text in UTF-8: byte {error.start:,} does not belong to one.") from None
