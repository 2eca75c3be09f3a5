"""Rows as CSV: one way to write it for every list that can be downloaded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet runs a cell that begins like this."""


def csv_lines(names: Sequence[str], rows: Iterable[Iterable[Any]], *, flush_every: int = 200) -> Iterator[str]:
    """CSV after RFC 4180 with a head, in pieces. Text that a spreadsheet would run is led by an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(names)
    for number, row in enumerate(rows, 1):
        writer.writerow([cell(value) for value in row])
        if number % flush_every == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def cell(value: Any) -> Any:
    """A value as a cell of a spreadsheet; None is empty."""
    value = plain(value)
    if isinstance(value, list | tuple):
        value = "; ".join(map(str, value))
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def plain(value: Any) -> Any:
    """A value as JSON and CSV can hold it: times in UTC with milliseconds, amounts as text so that no digit is lost."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
