"""Keyset pages: an opaque cursor that names the last row seen, so that rows arriving meanwhile shift nothing."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from webapp.domain.errors import Invalid

Row = TypeVar("Row")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of one row in a list ordered by (time, id)."""

    at: datetime
    id: UUID
    is_backward: bool = False

    def encode(self) -> str:
        """24 bytes and a direction as URL-safe text; microseconds are kept, so no row is skipped or repeated."""
        packed = struct.pack(">q?", (self.at - EPOCH) // MICROSECOND, self.is_backward) + self.id.bytes
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """Raises:
        Invalid: the text is not a cursor of ours.
        """
        try:
            packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            microseconds, is_backward = struct.unpack(">q?", packed[:9])
            return cls(EPOCH + microseconds * MICROSECOND, UUID(bytes=packed[9:]), is_backward)
        except (ValueError, struct.error, OverflowError):
            raise Invalid("The page address is damaged. Go back to the first page.", field="cursor") from None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list, newest first. ``older`` and ``newer`` are cursors, None at the ends."""

    rows: Sequence[Row]
    older: str | None
    newer: str | None
