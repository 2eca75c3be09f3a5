"""Keyset pages of lists that are ordered by a figure: the place of a row is its score, then name, then id."""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from uuid import UUID

from webapp.domain.errors import Invalid


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in a list ordered by score (highest first), name and id."""

    score: float
    name: str
    id: UUID
    is_backward: bool = False

    def encode(self) -> str:
        """URL-safe text."""
        parts = [self.score, self.name, str(self.id), self.is_backward]
        packed = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Place:
        """Raises:
        Invalid: the text is no place of ours.
        """
        try:
            score, name, id_, is_backward = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if not isinstance(name, str) or "\x00" in name or not isinstance(is_backward, bool):
                raise ValueError
            name.encode()
            if isinstance(score, bool) or not math.isfinite(score):
                raise ValueError
            return cls(float(score), name, UUID(id_), is_backward)
        except (ValueError, TypeError, AttributeError, RecursionError, OverflowError, binascii.Error):
            raise Invalid("The page address is damaged. Go back to the first page.", field="cursor") from None
