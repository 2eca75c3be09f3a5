"""The parameters of the list of executions, told once: read from a request and described in the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from webapp.api.execution_shapes import STATUS, TRIGGERS
from webapp.api.queries import ExecutionFilter
from webapp.api.shapes import TEXT, TIME
from webapp.domain.errors import Invalid
from webapp.domain.paging import Cursor

LIMIT, HIGHEST_LIMIT = 50, 200
_HEX = re.compile(r"[0-9a-f]{32}")
_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$")


@dataclass(frozen=True, slots=True)
class Question:
    """Which executions, from where, how many."""

    wanted: ExecutionFilter
    after: Cursor | None
    limit: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter; ``read`` answers the fields that it fills, or raises ValueError with what is wrong."""

    name: str
    schema: Mapping[str, Any]
    description: str
    read: Callable[[str], Mapping[str, Any]]


def _trace_id(text: str) -> dict[str, Any]:
    plain = text.strip().lower().replace("-", "")
    if not _HEX.fullmatch(plain):
        raise ValueError("is not a trace id: 32 hexadecimal digits")
    return {"trace_id": bytes.fromhex(plain)}


def _statuses(text: str) -> dict[str, Any]:
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if unknown := [word for word in words if word not in STATUS["enum"]]:
        raise ValueError(f"does not know {unknown[0]!r}; choose from {', '.join(STATUS['enum'])}")
    return {"statuses": words}


def _trigger(text: str) -> dict[str, Any]:
    if text not in TRIGGERS["enum"]:
        raise ValueError(f"does not know {text!r}; choose from {', '.join(TRIGGERS['enum'])}")
    return {"trigger_type": text}


def _flow(text: str) -> dict[str, Any]:
    try:
        return {"flow_id": UUID(text)}
    except ValueError:
        return {"flow_name": text}


def _time(field: str) -> Callable[[str], dict[str, Any]]:
    def read(text: str) -> dict[str, Any]:
        try:
            # A plus sign that was not escaped arrives as a space.
            at = datetime.fromisoformat(_LOST_PLUS.sub(r"+\1", text.strip()) if "T" in text else text.strip())
        except ValueError:
            raise ValueError("is not a time such as 2026-11-24T09:30:00Z or a date such as 2026-11-24") from None
        return {field: at if at.tzinfo else at.replace(tzinfo=UTC)}

    return read


def _text(field: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {field: text}


def _limit(text: str) -> dict[str, Any]:
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= HIGHEST_LIMIT:
        raise ValueError(f"is not a whole number from 1 to {HIGHEST_LIMIT}")
    return {"limit": int(text)}


PARAMETERS = (
    Parameter(
        "trace_id", {"type": "string", "pattern": "^[0-9a-fA-F]{32}$"}, "The execution of this trace.", _trace_id
    ),
    Parameter("status", TEXT, f"One or more of {', '.join(STATUS['enum'])}, separated by commas.", _statuses),
    Parameter("flow", TEXT, "Id or exact name of the flow.", _flow),
    Parameter("since", TIME, "Started at this time or later; without a zone it is UTC.", _time("since")),
    Parameter("until", TIME, "Started before this time.", _time("until")),
    Parameter("session_id", TEXT, "Session as the sender names it.", _text("session_id")),
    Parameter("user_ref", TEXT, "User as the sender names them.", _text("user_ref")),
    Parameter("environment", TEXT, "Environment, such as production.", _text("environment")),
    Parameter("trigger_type", TRIGGERS, "What started it.", _trigger),
    Parameter("model", TEXT, "A model that answered in it.", _text("model")),
    Parameter("agent", TEXT, "An agent that ran in it.", _text("agent")),
    Parameter("tool", TEXT, "A tool that was called in it.", _text("tool")),
    Parameter("cursor", TEXT, "next_cursor of the page before.", lambda text: {"after": Cursor.decode(text)}),
    Parameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": HIGHEST_LIMIT, "default": LIMIT},
        "How many executions at most.",
        _limit,
    ),
)
_KNOWN = {parameter.name: parameter for parameter in PARAMETERS}


def read_question(arguments: Iterable[tuple[str, str]]) -> Question:
    """Read the query string; a parameter without a value counts as absent.

    Raises:
        Invalid: a parameter is unknown, given twice, or has a value that cannot be used; ``field`` names it. A misspelt
            filter that were ignored would answer everything.
    """
    given: dict[str, Any] = {}
    seen: set[str] = set()
    for name, text in arguments:
        parameter = _KNOWN.get(name)
        if parameter is None:
            raise Invalid(f"There is no parameter {name!r}; known are {', '.join(_KNOWN)}.", field=name)
        if name in seen:
            raise Invalid(f"{name} is given twice.", field=name)
        seen.add(name)
        if not text:
            continue
        try:
            given |= parameter.read(text.replace("\x00", ""))
        except ValueError as error:
            raise Invalid(f"{name} {error}.", field=name) from None
    after, limit = given.pop("after", None), given.pop("limit", LIMIT)
    return Question(ExecutionFilter(**given), after, limit)
