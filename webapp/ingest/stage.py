"""Rows on their way into the database: copied in bulk into temporary tables, then merged by one statement per table.

COPY does not work on tables under row-level security, so each target has a stage of its own. Times travel as
microseconds since 1970 and JSON as text, both cheaper to hand over than their own types.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg import Connection, Cursor, sql

_COPY_TYPES = {"json": "text", "us": "int8", "names": "text[]"}
_CASTS = {"json": "jsonb", "names": "text[]"}


@dataclass(frozen=True, slots=True)
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
    returning: str = ""

    @property
    def name(self) -> str:
        return f"stage_{self.target}"

    def create_sql(self) -> str:
        """Return the statement that makes the stage where the connection does not have it yet."""
        columns = ", ".join(f"{name} {_COPY_TYPES.get(kind, kind)}" for name, kind in self.columns)
        return f"CREATE TEMP TABLE IF NOT EXISTS {self.name} ({columns}) ON COMMIT DELETE ROWS"

    def merge_sql(self) -> str:
        """Return the statement that merges the stage into its target."""
        names = ", ".join(name for name, _ in self.columns)
        values = ", ".join(_value_sql(name, kind) for name, kind in self.columns)
        merge = f"INSERT INTO {self.target} AS t ({names}) SELECT {values} FROM {self.name} s ON CONFLICT"  # noqa: S608
        merge += f" ({', '.join(self.key)}) DO " + (self._update_sql() if self.wins else "NOTHING")
        return f"{merge} RETURNING {self.returning}" if self.returning else merge

    def _update_sql(self) -> str:
        fixed = {*self.key, *self.kept}
        changes = ", ".join(f"{name} = excluded.{name}" for name, _ in self.columns if name not in fixed)
        return f"UPDATE SET {changes} WHERE {self.wins}"


def _value_sql(name: str, kind: str) -> str:
    if kind == "us":
        return f"timestamptz 'epoch' + s.{name} * interval '1 microsecond'"
    return f"s.{name}::{_CASTS[kind]}" if kind == "json" else f"s.{name}"


def open_stages(connection: Connection, stages: Iterable[Stage]) -> None:
    """Make sure that this transaction's connection has the stages; they are empty at its begin and after it."""
    script = "SET LOCAL client_min_messages = warning; " + "; ".join(stage.create_sql() for stage in stages)
    connection.execute(script)  # type: ignore[arg-type]


def fill(cursor: Cursor, stage: Stage, rows: Sequence[tuple]) -> None:
    """Copy rows, in the order of the stage's columns, into it."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in stage.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(stage.name), names)
    with cursor.copy(statement) as copy:
        copy.set_types([_COPY_TYPES.get(kind, kind) for _, kind in stage.columns])
        write = copy.write_row
        for row in rows:
            write(row)


def merge(cursor: Cursor, stage: Stage, rows: Sequence[tuple]) -> list[tuple]:
    """Fill a stage and merge it; returns what the stage's ``returning`` asks for."""
    if not rows:
        return []
    fill(cursor, stage, rows)
    cursor.execute(stage.merge_sql(), prepare=True)  # type: ignore[arg-type]
    return cursor.fetchall() if stage.returning else []
