"""A tool's JSON schema: a structural check of our own, and its properties as rows of a table.

Nothing is fetched: a ``$ref`` is followed when it points into the same schema, else it is shown as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webapp.domain.record_changes import words

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
DEEPEST = 8
MOST_ROWS = 300
_CHOICES = ("anyOf", "oneOf", "allOf")
_MAPS = ("properties", "$defs", "definitions", "patternProperties")


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """One property. ``depth`` is its indentation, ``limits`` its enum, default, format and bounds in words."""

    depth: int
    name: str
    type: str
    is_required: bool
    description: str
    limits: str


def check_schema(schema: Any, place: str = "schema") -> list[str]:
    """What is wrong with the structure of a schema, each with its place; empty when nothing is."""
    return list(_problems(schema, place, 1))[:20]


def _problems(schema: Any, place: str, depth: int) -> Iterator[str]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        yield f"{place} must be an object"
        return
    yield from _own_problems(schema, place)
    for key in _MAPS:
        if key in schema and not isinstance(schema[key], Mapping):
            yield f"{place}.{key} must be an object of schemas"
        elif key in schema:
            for name, one in schema[key].items():
                yield from _problems(one, f"{place}.{key}.{name}"[:120], depth + 1)
    for key in _CHOICES:
        if key in schema and not (isinstance(schema[key], list) and schema[key]):
            yield f"{place}.{key} must be a list of schemas"
        elif key in schema:
            for at, one in enumerate(schema[key]):
                yield from _problems(one, f"{place}.{key}[{at}]"[:120], depth + 1)
    if isinstance(schema.get("items"), Mapping):
        yield from _problems(schema["items"], f"{place}.items", depth + 1)


def _own_problems(schema: Mapping[str, Any], place: str) -> Iterator[str]:
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in TYPES:
            yield f"{place}.type: “{str(kind)[:40]}” is none of {', '.join(TYPES)}"
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        yield f"{place}.required must be a list of names"
    elif "properties" in schema and isinstance(schema["properties"], Mapping):
        yield from (
            f"{place}.required names “{name[:60]}”, which is no property of it"
            for name in required
            if name not in schema["properties"]
        )
    if "enum" in schema and not (isinstance(schema["enum"], list) and schema["enum"]):
        yield f"{place}.enum must be a list of values"
    for name in ("description", "title", "$ref"):
        if name in schema and not isinstance(schema[name], str):
            yield f"{place}.{name} must be a text"
    if "items" in schema and not isinstance(schema["items"], Mapping | bool):
        yield f"{place}.items must be a schema"


def schema_rows(schema: Any) -> list[SchemaRow]:
    """The properties of a schema in the order of the text, nested ones below theirs; at most 8 deep and 300 in all.

    Stored schemas may come from outside, so nothing about their shape is taken for granted.
    """
    rows: list[SchemaRow] = []
    if isinstance(schema, Mapping):
        _collect(schema, schema, 0, (), rows)
    return rows


def _collect(
    schema: Mapping[str, Any], root: Mapping[str, Any], depth: int, way: tuple[str, ...], rows: list[SchemaRow]
) -> None:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    for name, one in properties.items():
        if len(rows) >= MOST_ROWS:
            return
        one, followed = _followed(one, root, way)
        rows.append(_row(str(name), one, name in needed, depth))
        if depth + 1 < DEEPEST and isinstance(one, Mapping):
            inner = one["items"] if isinstance(one.get("items"), Mapping) else one
            inner, followed = _followed(inner, root, followed)
            if isinstance(inner, Mapping):
                _collect(inner, root, depth + 1, followed, rows)


def _followed(schema: Any, root: Mapping[str, Any], way: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """What a reference into the same schema stands for. ``way`` holds references passed, so a ring ends."""
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    if not isinstance(reference, str) or not reference.startswith("#/") or reference in way:
        return schema, way
    found: Any = root
    for part in reference[2:].split("/")[:20]:
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return (found, (*way, reference)) if isinstance(found, Mapping) else (schema, way)


def _row(name: str, schema: Any, is_required: bool, depth: int) -> SchemaRow:
    if not isinstance(schema, Mapping):
        return SchemaRow(depth, name[:200], "any" if schema is not False else "never", is_required, "", "")
    description = schema.get("description") or schema.get("title") or ""
    return SchemaRow(depth, name[:200], _type(schema), is_required, str(description)[:500], _limits(schema))


def _type(schema: Mapping[str, Any]) -> str:
    if isinstance(schema.get("$ref"), str):
        return f"see {schema['$ref']}"[:80]
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(str(one) for one in kind[:7])
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        return f"array of {_type(schema['items'])}"[:80]
    if isinstance(kind, str):
        return kind[:40]
    for key in _CHOICES:
        if isinstance(schema.get(key), list):
            joint = " and " if key == "allOf" else " or "
            return joint.join(dict.fromkeys(_type(o) if isinstance(o, Mapping) else "any" for o in schema[key][:6]))
    return "object" if isinstance(schema.get("properties"), Mapping) else "any"


def _limits(schema: Mapping[str, Any]) -> str:
    parts = []
    if isinstance(schema.get("enum"), list):
        shown = [words(one) for one in schema["enum"][:12]]
        parts.append(f"one of {', '.join(shown)}" + (" and more" if len(schema["enum"]) > 12 else ""))
    if "const" in schema:
        parts.append(f"always {words(schema['const'])}")
    if "default" in schema:
        parts.append(f"default {words(schema['default'])}")
    named = (("format", "format"), ("pattern", "pattern"), ("minimum", "at least"), ("maximum", "at most"),
             ("minLength", "min length"), ("maxLength", "max length"), ("minItems", "min items"),
             ("maxItems", "max items"))  # fmt: skip
    parts += [f"{word} {words(schema[key])}" for key, word in named if key in schema]
    return "; ".join(parts)[:400]
