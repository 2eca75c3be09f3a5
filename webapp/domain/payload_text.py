"""Values from outside made readable: JSON in coloured pieces, and lists of chat messages as a transcript."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_PIECES = re.compile(
    r'(?P<k>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<s>"(?:[^"\\]|\\.)*"?)|(?P<n>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\b'
    r"|(?P<b>\b(?:true|false|null)\b)"
)
_INDENT = re.compile(r"^((?: {4})+)", re.MULTILINE)
_EMPTY = re.compile(r"([\[{])\n\s*([\]}])")
"""No string of JSON holds a line break as such, so this is a list or object without content."""
MOST_MESSAGES = 200


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a model's input or output. ``calls`` are tool calls as (name, arguments)."""

    role: str
    text: str
    calls: Sequence[tuple[str, str]] = ()


def json_pieces(text: str) -> Iterator[tuple[str, str]]:
    """Split pretty JSON into (class, text): k keys, s strings, n numbers, b true/false/null, "" the rest.

    The text may be cut anywhere. The pieces put together are the text with half its indentation, and with lists and
    objects without content on one line.
    """
    text = _EMPTY.sub(r"\1\2", text)
    text = _INDENT.sub(lambda found: " " * (len(found[1]) // 2), text)
    at = 0
    for found in _PIECES.finditer(text):
        if found.start() > at:
            yield "", text[at : found.start()]
        yield found.lastgroup or "", found[0]
        at = found.end()
    if at < len(text):
        yield "", text[at:]


def read_messages(text: str) -> list[ChatMessage] | None:
    """The chat messages that a JSON text holds, None when it holds anything else (then it is shown as JSON)."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if isinstance(value, dict) and isinstance(value.get("messages"), list) and len(value) == 1:
        value = value["messages"]
    if isinstance(value, dict) and "role" in value:
        value = [value]
    if not isinstance(value, list) or not value or len(value) > MOST_MESSAGES:
        return None
    messages = [_message(one) for one in value]
    return [one for one in messages if one] if all(messages) else None


def transcript(messages: Sequence[ChatMessage]) -> str:
    """Messages as plain text, each under its role."""
    blocks = []
    for one in messages:
        calls = [f"-> {name}({arguments})" for name, arguments in one.calls]
        blocks.append("\n".join([f"[{one.role}]", *([one.text] if one.text else []), *calls]))
    return "\n\n".join(blocks) + "\n"


def _message(value: Any) -> ChatMessage | None:
    if not isinstance(value, dict) or not isinstance(value.get("role"), str):
        return None
    texts: list[str] = []
    calls: list[tuple[str, str]] = []
    content = value.get("parts", value.get("content"))
    for part in content if isinstance(content, list) else [content]:
        _read_part(part, texts, calls)
    for call in value.get("tool_calls") or ():
        if isinstance(call, dict):
            calls.append(_call(call))
    return ChatMessage(value["role"], "\n".join(texts), calls)


def _read_part(part: Any, texts: list[str], calls: list[tuple[str, str]]) -> None:
    if part is None:
        return
    if isinstance(part, str):
        texts.append(part)
    elif isinstance(part, dict) and str(part.get("type", "")).replace("-", "_") in ("tool_call", "tool_use"):
        calls.append(_call(part))
    elif isinstance(part, dict):
        inner = next((part[key] for key in ("text", "content", "result", "response", "output") if key in part), part)
        texts.append(inner if isinstance(inner, str) else json.dumps(inner, ensure_ascii=False))
    else:
        texts.append(json.dumps(part, ensure_ascii=False))


def _call(call: dict[str, Any]) -> tuple[str, str]:
    inner = call["function"] if isinstance(call.get("function"), dict) else call
    name = inner.get("name") or inner.get("toolName") or "tool"
    arguments = next((inner[key] for key in ("arguments", "input", "args") if key in inner), "")
    return str(name), arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
