"""The exception that is the cause: its bare type and its message without wrappers, out of the stack if need be."""

from __future__ import annotations

import re
from dataclasses import dataclass

INPUT_CAP = 8192
_STACK_CAP = 40_000
_STACK_LINES = 600
_MOST_LEAVES = 3

# Their text only counts what went wrong inside them, as groups of tasks and exhausted retries do.
_SHELLS = ("ExceptionGroup", "BaseExceptionGroup", "RetryError")
_TRACEBACK = "Traceback (most recent call last)"
_EXCEPTION_LINE = re.compile(
    r"(?P<type>[A-Za-z_][\w.]{0,200}?(?:Error|Exception|Interrupt|Exit|Warning|Timeout))(?::\s?(?P<message>.*))?$"
)
_BOX = re.compile(r"^(?P<left>[\s|]*)\|\s?(?P<line>\S.*)$")
# A name of an exception class in front of a message, as in "litellm.InternalServerError: OpenAIException - no".
_WRAPPER = re.compile(r"\s*(?:[A-Za-z_]\w{0,60}\.){0,6}[A-Z]\w{0,60}(?:Error|Exception)(?::| -)\s+(?=\S)")
_RETRY = re.compile(r"\s*\W?(?:retry(?:ing)?|attempt|try)\b[^:\n]{0,60}:\s+(?=\S)", re.IGNORECASE)
# What frameworks write below a message that is not theirs.
_NOTES = ("\nDuring task with name ", "\nFor troubleshooting, visit: ", "\n[SQL: ", "\n[parameters: ")


@dataclass(frozen=True, slots=True)
class Cause:
    """``type`` is the last dotted part, ``module`` the first; ``message`` is at most as long as is looked at."""

    type: str
    module: str
    message: str


def cause_of(error_type: str | None, message: str | None, stack: str | None) -> Cause:
    """Return the exception to group by."""
    full = (error_type or "").strip()
    text = message or ""
    if stack and full.rpartition(".")[2] in _SHELLS:
        found = _leaves(stack)
        if found:
            full = "+".join(found)
            text = "; ".join(said for said in found.values() if said)
    kind = full.rpartition(".")[2].lstrip("_")
    # Senders that write "TimeoutError: " for an exception without a message have said the type only.
    text = "" if text.strip() in (full, f"{full}:", kind, f"{kind}:") else _unwrapped(text)
    return Cause(kind, full.partition(".")[0] if "." in full else "", text)


def _unwrapped(message: str) -> str:
    text = _without_traceback(message)[:INPUT_CAP]
    for note in _NOTES:
        text = text.partition(note)[0]
    for _ in range(4):
        match = _RETRY.match(text) or _WRAPPER.match(text)
        if match is None:
            break
        text = text[match.end() :]
    return text


def _without_traceback(message: str) -> str:
    """Return what stands before a traceback, and the exception that the traceback ends with."""
    at = message.find(_TRACEBACK)
    if at < 0:
        return message
    last = next((line for line in reversed(message[-INPUT_CAP:].splitlines()) if _EXCEPTION_LINE.match(line)), "")
    return f"{message[:at].rstrip()} {last}".strip()


def _leaves(stack: str) -> dict[str, str]:
    """Return the types that a shell holds, each with one message, sorted: the order of tasks must not matter.

    In a group they stand in the deeper boxes of the stack; of exhausted retries it is the first exception of the stack.
    """
    boxed, plain = [], []
    for line in stack[:_STACK_CAP].splitlines()[:_STACK_LINES]:
        box = _BOX.match(line)
        match = _EXCEPTION_LINE.match(box["line"] if box else line)
        if match is None or match["type"].rpartition(".")[2] in _SHELLS:
            continue
        found = (match["type"], (match["message"] or "")[:INPUT_CAP])
        if box is None:
            plain.append(found)
        elif "|" in box["left"] or len(box["left"]) >= 4:
            boxed.append(found)
    leaves = sorted(boxed, reverse=True) or plain[:1]
    return dict(sorted({kind.rpartition(".")[2]: said for kind, said in leaves}.items())[:_MOST_LEAVES])
