"""What every table stands on: the metadata, ids that carry their time, and the few column shapes all models share."""

import hashlib
import secrets
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column, registry

NIL_UUID = UUID(int=0)
"""Stands for 'unknown' where a primary key may not hold NULL (roll-ups)."""

BigInt = Annotated[int, mapped_column(BigInteger)]
Payload = Annotated[Any, mapped_column(JSONB(none_as_null=True))]
"""Any JSON value that came from outside: object, list, text or number."""

NAMING_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(DeclarativeBase):
    """Declarative base. Python None in a JSONB column is SQL NULL, times carry their zone, text has no hidden limit."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING_CONVENTION),
        type_annotation_map={
            str: Text,
            int: Integer,
            float: Double,
            bytes: LargeBinary,
            datetime: DateTime(timezone=True),
            Decimal: Numeric(20, 10),
            UUID: Uuid,
            dict[str, Any]: JSONB(none_as_null=True),
            list[Any]: JSONB(none_as_null=True),
            list[str]: ARRAY(Text),
            list[int]: ARRAY(Integer),
        },
    )
    metadata = registry.metadata


db = SQLAlchemy(model_class=Base)
"""The one Flask-SQLAlchemy object. It lives beside the metadata so that models import nothing but models."""


class ExecutionStatus(StrEnum):
    """Where an execution, or one step of it, stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Source(StrEnum):
    """How a flow, agent, block or tool came to exist."""

    MANUAL = "manual"
    DISCOVERED = "discovered"
    IMPORTED = "imported"


_id_lock = threading.Lock()
_last_tick = 0


def new_id(at: datetime | None = None) -> UUID:
    """Give a new UUIDv7. Ids made by one process sort in the order they were made.

    48 bits of milliseconds, 12 bits of the sub-millisecond part (in 1/4096 ms), 62 random bits. With `at` the id
    carries that time instead of the clock's (ingest, demo and benchmarks hand in their own clock); those ids keep no
    order within a millisecond.
    """
    if at is not None:
        return _uuid7(to_milliseconds(at) << 12 | secrets.randbits(12))
    global _last_tick
    with _id_lock:
        tick = (time.time_ns() << 12) // 1_000_000
        _last_tick = tick = max(tick, _last_tick + 1)
    return _uuid7(tick)


def _uuid7(tick: int) -> UUID:
    return UUID(int=(tick >> 12) << 80 | 7 << 76 | (tick & 0xFFF) << 64 | 2 << 62 | secrets.randbits(62))


def id_time(value: UUID) -> datetime:
    """Give the time that a UUIDv7 carries, to the millisecond. The SQL function `id_time(uuid)` answers the same."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value.int >> 80)


def step_id(execution_id: UUID, span_id: bytes) -> UUID:
    """Give the id of one step. It follows from the span, so mapping a trace again updates the same row (UUIDv8)."""
    digest = hashlib.sha256(b"step" + execution_id.bytes + span_id).digest()
    value = int.from_bytes(digest[:16], "big")
    value = value & ~(0xF << 76) | 8 << 76
    return UUID(int=value & ~(0x3 << 62) | 2 << 62)


def to_milliseconds(at: datetime) -> int:
    """Give whole milliseconds since 1970, without the rounding of a float."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def id_column() -> MappedColumn[UUID]:
    """Primary key made by us."""
    return mapped_column(primary_key=True, default=new_id)


def organization_column() -> MappedColumn[UUID]:
    """The tenant. Row-level security of the table compares it with the transaction's organization."""
    return mapped_column(ForeignKey("organizations.id"))


def created_column() -> MappedColumn[datetime]:
    return mapped_column(server_default=text("CURRENT_TIMESTAMP"))


def updated_column() -> MappedColumn[datetime]:
    return mapped_column(server_default=text("CURRENT_TIMESTAMP"), onupdate=lambda: datetime.now(UTC))


def json_column(default: str = "{}", name: str | None = None) -> MappedColumn[Any]:
    """JSONB with an empty object or list as the database's default."""
    arguments = (name,) if name else ()
    return mapped_column(*arguments, JSONB(none_as_null=True), server_default=text(f"'{default}'::jsonb"))


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    """CHECK that a VARCHAR holds one of the words. NULL passes, as in SQL."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
