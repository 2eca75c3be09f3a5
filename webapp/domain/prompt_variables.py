"""``{{variables}}`` of a prompt: which a text uses, whether they were declared, and how it reads filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
MOST_VARIABLES = 100
_PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable. ``sample`` is what a preview puts in its place until somebody types something else."""

    name: str
    description: str = ""
    sample: str = ""


@dataclass(frozen=True, slots=True)
class VariableCheck:
    """How a text and its declarations fit. ``unreadable`` are places in double braces that hold no name."""

    used: tuple[str, ...]
    undeclared: tuple[str, ...]
    unused: tuple[str, ...]
    unreadable: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        return not (self.undeclared or self.unused or self.unreadable)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a filled text: ``kind`` is text, value (put in) or missing (no value was given)."""

    kind: str
    text: str


def find_variables(text: str) -> tuple[str, ...]:
    """Names that the text uses, each once, in the order of their first use."""
    return tuple(dict.fromkeys(found[1] for found in _PLACE.finditer(text) if NAME.fullmatch(found[1])))


def check_variables(text: str, declared: Iterable[str]) -> VariableCheck:
    """Compare what the text uses with what was declared."""
    used, names = find_variables(text), tuple(dict.fromkeys(declared))
    unreadable = dict.fromkeys(found[0] for found in _PLACE.finditer(text) if not NAME.fullmatch(found[1]))
    return VariableCheck(
        used=used,
        undeclared=tuple(name for name in used if name not in names),
        unused=tuple(name for name in names if name not in used),
        unreadable=tuple(unreadable),
    )


def fill(text: str, values: Mapping[str, str]) -> list[Piece]:
    """The text in pieces with values in place of variables. A value is not read again, so it cannot hold variables."""
    pieces: list[Piece] = []
    at = 0
    for found in _PLACE.finditer(text):
        if not NAME.fullmatch(found[1]):
            continue
        if found.start() > at:
            pieces.append(Piece("text", text[at : found.start()]))
        value = values.get(found[1], "")
        pieces.append(Piece("value", value) if value else Piece("missing", found[0]))
        at = found.end()
    if at < len(text):
        pieces.append(Piece("text", text[at:]))
    return pieces


def read_variables(text: str) -> list[Variable]:
    """Declarations as people type them, one a line: ``name``, ``name: what it is`` or ``name = sample: what it is``.

    Raises:
        ValueError: a line names no variable, or one twice; the text says which line.
    """
    found: dict[str, Variable] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        head, _, description = line.partition(":")
        name, _, sample = head.partition("=")
        name = name.strip()
        if not NAME.fullmatch(name):
            raise ValueError(f"Line {number}: begin with a name of letters, digits, _ . or -, such as customer_name.")
        if name in found:
            raise ValueError(f"Line {number}: {name} was declared in an earlier line.")
        found[name] = Variable(name, description.strip(), sample.strip())
    if len(found) > MOST_VARIABLES:
        raise ValueError(f"Declare at most {MOST_VARIABLES} variables.")
    return list(found.values())


def write_variables(variables: Iterable[Variable]) -> str:
    """Declarations as :func:`read_variables` reads them."""
    lines = []
    for one in variables:
        head = f"{one.name} = {one.sample}" if one.sample else one.name
        lines.append(f"{head}: {one.description}" if one.description else head)
    return "\n".join(lines)
