"""The words of a note whose text is the JSON of a rich-text editor (Lexical)."""

from __future__ import annotations

from typing import Any

from webapp.importers import bounds
from webapp.importers.imported import NotAFlow
from webapp.importers.parse import parse_json

LONGEST = 20_000
_LINES = frozenset(("paragraph", "heading", "listitem", "quote", "code"))


def editor_text(value: Any) -> str:
    """Plain text with one line for each paragraph; a text that is no editor's JSON is answered as it is."""
    text = bounds.text(value, bounds.TEXT)
    if not text.lstrip().startswith("{"):
        return text[:LONGEST].strip()
    try:
        document = parse_json(text)
        bounds.check_value(document)
    except NotAFlow:
        return text[:LONGEST].strip()
    words: list[str] = []
    _read(bounds.mapping(document).get("root"), words)
    return bounds.storable("".join(words).strip("\n")[:LONGEST])


def _read(node: Any, words: list[str]) -> None:
    row = bounds.mapping(node)
    kind = row.get("type")
    if kind == "listitem":
        words.append("- ")
    if kind == "linebreak":
        words.append("\n")
    words.append(bounds.text(row.get("text"), LONGEST))
    for child in bounds.rows(row.get("children")):
        _read(child, words)
    if kind in _LINES:
        words.append("\n")
