"""How much of a foreign file is read. What is past a bound is refused with the bound's name, never cut in silence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from webapp.importers.imported import NotAFlow

FILE_BYTES = 10 * 1024 * 1024
FLOWS, NODES, EDGES = 200, 2_000, 10_000
DEPTH = 100
VALUES = 250_000
"""Texts, numbers, lists and objects in one file, counted with every alias of YAML written out."""
TEXT = 2_000_000
FARTHEST = 1e7
_WHOLE = 2**63


def check_size(content: bytes) -> None:
    """Refuse a file past ``FILE_BYTES``."""
    if len(content) > FILE_BYTES:
        raise NotAFlow(f"The file is larger than {FILE_BYTES // 1024 // 1024} MB, which is the most that is read.")


def check_value(value: Any) -> None:
    """Refuse a parsed file that is nested too deeply, holds too many values or one text that is too long."""
    count, level = 0, [value]
    for _ in range(DEPTH + 1):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                count += len(one)
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
            elif isinstance(one, str) and len(one) > TEXT:
                raise NotAFlow(f"The file holds a text of {len(one):,} characters; at most {TEXT:,} are read.")
        count += len(level)
        if count > VALUES:
            raise too_many_values()
        if not below:
            return
        level = below
    raise too_deep()


def too_many_values() -> NotAFlow:
    """The refusal of a file with more than ``VALUES`` values."""
    return NotAFlow(f"The file holds more than {VALUES:,} values, which is the most that is read.")


def too_deep() -> NotAFlow:
    """The refusal of a file nested deeper than ``DEPTH``."""
    return NotAFlow(f"The file is nested deeper than {DEPTH} levels, which is the most that is read.")


def check_counts(nodes: int, edges: int) -> None:
    """Refuse a flow with more nodes or edges than are read."""
    for word, count, most in (("nodes", nodes, NODES), ("edges", edges, EDGES)):
        if count > most:
            raise NotAFlow(f"The flow has {count:,} {word}; at most {most:,} can be imported.")


def listed(row: Mapping[str, Any], name: str, place: str, *, is_required: bool = False) -> list[Any]:
    """The list under a name; nothing there is an empty list unless it is required. Other types are refused."""
    value = row.get(name)
    if isinstance(value, list):
        return value
    if value is None and not is_required:
        return []
    raise NotAFlow(f"{place}{name}: expected a list.")


def mapping(value: Any) -> dict[str, Any]:
    """The object itself, or an empty one for anything else: foreign files leave out and null what they like."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; other entries, and anything but a list, count as nothing."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: Any, limit: int = 255) -> str:
    """A text, or a number as text, cut to a limit; anything else is an empty text."""
    if isinstance(value, str):
        return value[:limit]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)[:limit]
    return ""


def number(value: Any) -> float | None:
    """A position or size on the canvas, None where it is no number or absurdly far."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if abs(value) < FARTHEST else None


def storable(value: Any) -> Any:
    """A single value that JSON and PostgreSQL can hold: no NUL, no half of a surrogate pair, no endless number."""
    if isinstance(value, str):
        if "\x00" in value:
            value = value.replace("\x00", "\ufffd")
        if value.isascii():
            return value
        return value.encode("utf-8", "replace").decode() if _has_surrogate(value) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -_WHOLE <= value < _WHOLE else str(value)
    return value


def _has_surrogate(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False
