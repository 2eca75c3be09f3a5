"""Notes and descriptions without their markup."""

from __future__ import annotations

import re

LONGEST = 20_000
_IMAGE = re.compile(r"!\[([^\]\n]{0,200})\]\([^)\n]{0,1000}\)")
_LINK = re.compile(r"\[([^\]\n]{1,200})\]\(([^)\s]{1,500})[^)\n]{0,200}\)")
_TAG = re.compile(r"</?[A-Za-z!][^<>]{0,500}>")
_HEADING = re.compile(r"(?m)^[ \t]{0,3}#{1,6}[ \t]*")
_STRONG = re.compile(r"(\*\*|__)(?=\S)([^*_\n]{1,500}?)(?<=\S)\1")
_LINES = re.compile(r"\n{3,}")


def plain_text(markdown: str) -> str:
    """The words of a text in Markdown or HTML: links keep their address, images their description."""
    text = markdown[:LONGEST].replace("\r\n", "\n")
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(lambda found: _spoken(found[1], found[2]), text)
    text = _TAG.sub("", text)
    text = _STRONG.sub(r"\2", _HEADING.sub("", text))
    return _LINES.sub("\n\n", text).strip()


def _spoken(words: str, address: str) -> str:
    return words if words == address or not address.startswith(("http://", "https://")) else f"{words} ({address})"
