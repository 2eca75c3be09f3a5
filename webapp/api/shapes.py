"""What the API answers, told once: name, type, meaning and origin of each field, for answers and OpenAPI alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``schema`` is its JSON Schema without ``description`` and null, ``read`` takes it from the row."""

    name: str
    schema: Mapping[str, Any]
    description: str
    read: Callable[[Any], Any]
    is_nullable: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON object that the API answers; every field is always present."""

    name: str
    description: str
    fields: tuple[Field, ...]

    def render(self, row: Any) -> dict[str, Any]:
        """The object for one row."""
        return {field.name: field.read(row) for field in self.fields}

    def schema(self) -> dict[str, Any]:
        """The object's JSON Schema (draft 2020-12, as OpenAPI 3.1 uses it)."""
        return {
            "type": "object",
            "description": self.description,
            "additionalProperties": False,
            "required": [field.name for field in self.fields],
            "properties": {field.name: _described(field) for field in self.fields},
        }


def _described(field: Field) -> dict[str, Any]:
    schema = dict(field.schema)
    if field.is_nullable and "$ref" in schema:
        schema = {"oneOf": [schema, {"type": "null"}]}
    elif field.is_nullable and "type" in schema:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema | {"description": field.description}


def ref(shape_name: str) -> dict[str, str]:
    """A reference to another shape."""
    return {"$ref": f"#/components/schemas/{shape_name}"}


def instant(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with microseconds, so that nothing is lost between an answer and the next question."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z") if at else None


def decimal(value: Decimal | None) -> str | None:
    """A decimal as text, never in exponent form: JSON numbers are floats to most readers, and money is not."""
    return None if value is None else format(value, "f")


UUID_TEXT = {"type": "string", "format": "uuid"}
TIME = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
MONEY = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
NAMES = {"type": "array", "items": TEXT}
ANYTHING: dict[str, Any] = {}
