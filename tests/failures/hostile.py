"""Messages made to be slow to read: each repeats what makes some rule try again, at full length."""

from __future__ import annotations

from webapp.domain.fingerprints import Failure
from webapp.domain.fingerprints_cause import INPUT_CAP

_PIECES = (
    "a", "0", " ", "-", "_", ".", ":", "/", "\\", "@", "'", '"', "`", "{", "[", "}", "(", "<", ">", "=", "*",
    "+", ",", "%", "\n", "\t", "\\'", '\\"', "'\\", '"\\', "a.", "a-", "a_", "a/", "/a", "a@", "a@a.", "@a",
    "0.", "0-", "0/0/", "0:0", "0:00", "1a", "a1", "A1-", "0x", "::", "1.1.1.", "2026-11-24 ", "2026-11-2",
    "2026년 11월 ", "오전 ", "1월 ", "을(를)", "가 ", "１", "ﷺ", "ㅎ", "\u0301", "「", "„", "«", '{"a":', '{"a":1,',
    "{'a': ", '{"message":"', "[1,", "['a',", "{{", "[[", "[]", "{}", '""', "''", "' '", "a' 'a", "a'a",
    " 'a", " 'a'a", "http://", "a://", "http://a@", "https://a.b/", "://", "data:a;base64,", "data:",
    "output: ", "text:", "Error: ", "a.b.Error: ", "Retry: ", "HTTP 404", "code 404 ", "error: ", "errno ",
    "field '", "field 'a' ", "1 ms", "1 m", "1,000", "1e1e", "$1", "Jan 1 ", "Mon, 1 Jan ", "sk-***", "***",
    "org-a ", "session a_", "request id ", "gpt-", "gpt-a-", "claude-", "Traceback (most recent call last)",
    "\na: b", "1 validation error for ", "\n  x [type=", "Error code: 429 - ", "[a] ", "\ue000", "\x00",
    "\ud800", "Exception: ", "A" * 61 + "Error: ",
    "A1-" + "0" * 30, "://1a", ".''''" + "ﷺ" * 29, "' '" * 2 + "}" * 2 + "0" * 25, "_" * 30 + "claude-''", "HTTP 404://0-",
)  # fmt: skip
_STARTS = ("", "1 validation error for A\n", "Error code: 429 - ", "'", '"', "{", "{'a': '", "x 'a' codec can't ")
_KINDS = (
    ("ValueError", "step"),
    ("openai.RateLimitError", "model_call"),
    ("ExceptionGroup", "tool"),
    ("KeyError", "tool"),
)


def strings() -> list[str]:
    """Every piece repeated, and every piece repeated behind every start."""
    return [start + piece * (INPUT_CAP // len(piece) + 1) for piece in _PIECES for start in _STARTS]


def failures() -> list[Failure]:
    """A failure for each string; all kinds of steps take turns."""
    found = []
    for at, text in enumerate(strings()):
        kind, step = _KINDS[at % len(_KINDS)]
        stack = "\n".join(f"    | ValueError: {text[:200]}" for _ in range(700)) if kind == "ExceptionGroup" else None
        found.append(Failure(kind, text, step, "step", "flow", "agent", model="gpt-4o", stack=stack))
    return found
