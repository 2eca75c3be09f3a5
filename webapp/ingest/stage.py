"""Rows on their way into a table: a column at a time, merged by one statement for any number of rows.

Times travel as microseconds since 1970, JSON, numbers with decimals and lists of names as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from psycopg import Cursor

from webapp.ingest.columns import column_of, take_columns

_TRAVELS_AS = {"json": "text", "us": "int8", "names": "text", "numeric": "text"}
_CASTS = {"json": "jsonb", "names": "text[]", "numeric": "numeric"}


@dataclass(frozen=True)
class Stage:
    """One target table: its columns with their types, the key on which two rows are one, and when the new one wins.

    ``kept`` names columns that the first row decides. ``wins`` is SQL over ``t`` (what is there) and ``excluded``;
    empty means that the row that is there stays.
    """

    target: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    kept: tuple[str, ...] = ()
    wins: str = ""

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Return the type in which each column travels."""
        return tuple(_TRAVELS_AS.get(kind, kind) for _, kind in self.columns)

    @cached_property
    def merge_sql(self) -> str:
        """Return the statement that takes one array per column and merges the rows into the target."""
        names = ", ".join(name for name, _ in self.columns)
        values = ", ".join(_value_sql(name, kind) for name, kind in self.columns)
        arrays = ", ".join(f"%b::{kind}[]" for kind in self.kinds)
        merge = f"INSERT INTO {self.target} AS t ({names}) SELECT {values} FROM unnest({arrays}) AS s({names})"  # noqa: S608
        return f"{merge} ON CONFLICT ({', '.join(self.key)}) DO {self._update_sql()}"

    def _update_sql(self) -> str:
        if not self.wins:
            return "NOTHING"
        fixed = {*self.key, *self.kept}
        changes = ", ".join(f"{name} = excluded.{name}" for name, _ in self.columns if name not in fixed)
        return f"UPDATE SET {changes} WHERE {self.wins}"


def merge(cursor: Cursor, stage: Stage, rows: Sequence[tuple]) -> None:
    """Merge rows, in the order of the stage's columns, into its target; a key may come once only.

    Cost: one statement, none for no rows.
    """
    if rows:
        take_columns(cursor)
        columns = zip(*rows, strict=True)
        values = [column_of(kind, list(column)) for kind, column in zip(stage.kinds, columns, strict=True)]
        cursor.execute(stage.merge_sql, values, prepare=True)  # type: ignore[arg-type]


def _value_sql(name: str, kind: str) -> str:
    if kind == "us":
        return f"timestamptz 'epoch' + s.{name} * interval '1 microsecond'"
    return f"s.{name}::{_CASTS[kind]}" if kind in _CASTS else f"s.{name}"
