"""The parameters of the list of executions, told once: read from a request and described in the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from webapp.api.execution_shapes import STATUS, TRIGGERS
from webapp.api.shapes import MONEY, TEXT, TIME
from webapp.domain.errors import Invalid
from webapp.domain.execution_filter import MANY, ExecutionFilter
from webapp.domain.paging import Cursor

LIMIT, HIGHEST_LIMIT = 50, 200
LONGEST_TEXT, LARGEST = 500, Decimal(1_000_000_000)
_HEX = re.compile(r"[0-9a-f]{32}")
_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$")


@dataclass(frozen=True, slots=True)
class Question:
    """Which executions, from where, how many. ``flow_name`` and ``trace_id`` narrow ``wanted`` further."""

    wanted: ExecutionFilter
    flow_name: str | None = None
    trace_id: bytes | None = None
    after: Cursor | None = None
    limit: int = LIMIT


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter; ``read`` answers the fields that it fills, or raises ValueError with what is wrong."""

    name: str
    schema: Mapping[str, Any]
    description: str
    read: Callable[[str], Mapping[str, Any]]

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be given several times, any of which matches."""
        return self.name in MANY


def _trace_id(text: str) -> dict[str, Any]:
    plain = text.strip().lower().replace("-", "")
    if not _HEX.fullmatch(plain):
        raise ValueError("is not a trace id: 32 hexadecimal digits")
    return {"trace_id": bytes.fromhex(plain)}


def _words(field: str, known: list[str]) -> Callable[[str], dict[str, Any]]:
    def read(text: str) -> dict[str, Any]:
        words = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
        if unknown := [word for word in words if word not in known]:
            raise ValueError(f"does not know {unknown[0][:40]!r}; choose from {', '.join(known)}")
        return {field: words}

    return read


def _flow(text: str) -> dict[str, Any]:
    try:
        return {"flow": (UUID(text),)}
    except ValueError:
        return {"flow_name": text}


def _time(field: str) -> Callable[[str], dict[str, Any]]:
    def read(text: str) -> dict[str, Any]:
        try:
            # A plus sign that was not escaped arrives as a space.
            at = datetime.fromisoformat(_LOST_PLUS.sub(r"+\1", text.strip()) if "T" in text else text.strip())
        except ValueError:
            raise ValueError("is not a time such as 2026-11-24T09:30:00Z or a date such as 2026-11-24") from None
        if not 2000 <= at.year < 2200:
            raise ValueError("must lie between the years 2000 and 2199")
        return {field: at if at.tzinfo else at.replace(tzinfo=UTC)}

    return read


def _text(field: str) -> Callable[[str], dict[str, Any]]:
    def read(text: str) -> dict[str, Any]:
        if len(text) > LONGEST_TEXT:
            raise ValueError(f"is longer than {LONGEST_TEXT} characters")
        return {field: (text,) if field in MANY else text}

    return read


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("is not a number") from None
    if not number.is_finite() or not 0 <= number <= LARGEST:
        raise ValueError(f"must lie between 0 and {LARGEST}")
    return number


def _cost(field: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {field: _number(text)}


def _milliseconds(field: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {field: int(min(_number(text), Decimal(2**31 - 1)))}


def _limit(text: str) -> dict[str, Any]:
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= HIGHEST_LIMIT:
        raise ValueError(f"is not a whole number from 1 to {HIGHEST_LIMIT}")
    return {"limit": int(text)}


NUMBER = {"type": "integer", "minimum": 0}
PARAMETERS = (
    Parameter(
        "trace_id", {"type": "string", "pattern": "^[0-9a-fA-F]{32}$"}, "The execution of this trace.", _trace_id
    ),
    Parameter(
        "status",
        TEXT,
        f"One or more of {', '.join(STATUS['enum'])}, separated by commas.",
        _words("status", STATUS["enum"]),
    ),
    Parameter("flow", TEXT, "Id or exact name of the flow.", _flow),
    Parameter("since", TIME, "Started at this time or later; without a zone it is UTC.", _time("since")),
    Parameter("until", TIME, "Started before this time.", _time("until")),
    Parameter("q", TEXT, "An id or its last 8 digits, or words of a flow's name or an error message.", _text("q")),
    Parameter("model", TEXT, "A model that answered in it; may be repeated.", _text("model")),
    Parameter("agent", TEXT, "An agent that ran in it; may be repeated.", _text("agent")),
    Parameter("tool", TEXT, "A tool that was called in it; may be repeated.", _text("tool")),
    Parameter(
        "trigger",
        TEXT,
        f"What started it: one or more of {', '.join(TRIGGERS['enum'])}, separated by commas.",
        _words("trigger", TRIGGERS["enum"]),
    ),
    Parameter("environment", TEXT, "Environment, such as production; may be repeated.", _text("environment")),
    Parameter("error_type", TEXT, "Exact type of the error; may be repeated.", _text("error_type")),
    Parameter("session", TEXT, "Session as the sender names it.", _text("session")),
    Parameter("user", TEXT, "User as the sender names them.", _text("user")),
    Parameter("cost_min", MONEY, "Cost at least this many US dollars.", _cost("cost_min")),
    Parameter("cost_max", MONEY, "Cost at most this many US dollars.", _cost("cost_max")),
    Parameter("duration_min_ms", NUMBER, "Took at least this many milliseconds.", _milliseconds("duration_min_ms")),
    Parameter("duration_max_ms", NUMBER, "Took at most this many milliseconds.", _milliseconds("duration_max_ms")),
    Parameter("cursor", TEXT, "next_cursor of the page before.", lambda text: {"after": Cursor.decode(text)}),
    Parameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": HIGHEST_LIMIT, "default": LIMIT},
        "How many executions at most.",
        _limit,
    ),
)
_KNOWN = {parameter.name: parameter for parameter in PARAMETERS}
_BESIDE_FILTER = ("flow_name", "trace_id", "after", "limit")


def read_question(arguments: Iterable[tuple[str, str]]) -> Question:
    """Read the query string; a parameter without a value counts as absent.

    Raises:
        Invalid: a parameter is unknown, given twice, or has a value that cannot be used; ``field`` names it. A misspelt
            filter that were ignored would answer everything.
    """
    given: dict[str, Any] = {"preset": "all"}
    seen: set[str] = set()
    for name, text in arguments:
        text = text.replace("\x00", "")
        if not text and name in _KNOWN:
            continue
        for field, value in _read(name, text, seen).items():
            given[field] = (*given.get(field, ()), *value) if isinstance(value, tuple) else value
        seen.add(name)
    if "trace_id" in given and "q" in given:
        raise Invalid("Give trace_id or q, not both.", field="q")
    if "since" in given or "until" in given:
        given["preset"] = ""
    beside = {name: given.pop(name) for name in _BESIDE_FILTER if name in given}
    return Question(ExecutionFilter(**given), **beside)


def _read(name: str, text: str, seen: set[str]) -> Mapping[str, Any]:
    parameter = _KNOWN.get(name)
    if parameter is None:
        raise Invalid(f"There is no parameter {name[:40]!r}; known are {', '.join(_KNOWN)}.", field=name[:40])
    if name in seen and not parameter.is_repeatable:
        raise Invalid(f"{name} is given twice.", field=name)
    try:
        return parameter.read(text)
    except ValueError as error:
        raise Invalid(f"{name} {error}.", field=name) from None
