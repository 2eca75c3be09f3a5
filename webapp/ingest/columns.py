"""Columns of rows as PostgreSQL arrays in binary form, built here because the driver builds them value by value.

One array per column hands any number of rows to one prepared statement. Temporary tables, the other way under row-level
security, cost more than the whole statement: each of them is truncated at each commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import pack
from typing import Any

from psycopg import Cursor
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_NULL = b"\xff\xff\xff\xff"
# Element and array type numbers are fixed in PostgreSQL's catalogue.
_OIDS = {"bool": (16, 1000), "bytea": (17, 1001), "int8": (20, 1016), "int4": (23, 1007), "text": (25, 1009)}
_OIDS["uuid"] = (2950, 2951)


class Column:
    """The values of one column, in binary form."""

    __slots__ = ("content",)
    kind = ""

    def __init__(self, values: list):
        element = _OIDS[self.kind][0]
        body = _BODIES[self.kind](values)
        self.content = pack(">iiIii", 1, int(None in values), element, len(values), 1) + body


def column_of(kind: str, values: list) -> Column:
    """Return the values of one column of a kind: bool, bytea, int4, int8, text or uuid; None is NULL."""
    return _CLASSES[kind](values)


def take_columns(cursor: Cursor) -> None:
    """Teach a cursor to send columns."""
    for cls, dumper in _DUMPERS:
        cursor.adapters.register_dumper(cls, dumper)


def array_literal(names: Iterable[str] | None) -> str | None:
    """Return names as the text of a PostgreSQL array, for a column of arrays, which no array can hold."""
    if names is None:
        return None
    quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in names)
    return "{" + ",".join(f'"{name}"' for name in quoted) + "}"


def _int8(values: list) -> bytes:
    return _fixed(values, "iq", 8)


def _int4(values: list) -> bytes:
    return _fixed(values, "ii", 4)


def _fixed(values: list, code: str, size: int) -> bytes:
    if None not in values:
        flat: list[int] = [size] * (2 * len(values))
        flat[1::2] = values
        return pack(f">{code * len(values)}", *flat)
    one = f">{code}"
    return b"".join(_NULL if value is None else pack(one, size, value) for value in values)


def _bool(values: list) -> bytes:
    yes, no = b"\x00\x00\x00\x01\x01", b"\x00\x00\x00\x01\x00"
    return b"".join(_NULL if value is None else yes if value else no for value in values)


def _text(values: list) -> bytes:
    return _bytea([value if value is None else value.encode() for value in values])


def _bytea(values: list) -> bytes:
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts.append(len(value).to_bytes(4, "big"))
            parts.append(value)
    return b"".join(parts)


def _uuid(values: list) -> bytes:
    size = b"\x00\x00\x00\x10"
    return b"".join(_NULL if value is None else size + value.bytes for value in values)


_BODIES: dict[str, Callable[[list], bytes]] = {
    "bool": _bool, "bytea": _bytea, "int4": _int4, "int8": _int8, "text": _text, "uuid": _uuid,
}  # fmt: skip


def _dump(self: Dumper, value: Any) -> Buffer:
    return value.content


_CLASSES: dict[str, type[Column]] = {kind: type(f"Column_{kind}", (Column,), {"kind": kind}) for kind in _OIDS}
_DUMPERS = [
    (cls, type(f"Dumper_{kind}", (Dumper,), {"oid": _OIDS[kind][1], "format": Format.BINARY, "dump": _dump}))
    for kind, cls in _CLASSES.items()
]
