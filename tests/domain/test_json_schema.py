"""A schema's structure is checked with places, and its properties become rows, whatever shape it has."""

from __future__ import annotations

import pytest

from webapp.domain.json_schema import DEEPEST, MOST_ROWS, check_schema, schema_rows

NESTED = {
    "type": "object",
    "required": ["order"],
    "properties": {
        "order": {"type": "object", "properties": {"id": {"type": ["integer", "null"], "minimum": 1}}},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"const": "x"}}}},
        "how": {"anyOf": [{"type": "string"}, {"type": "integer"}], "description": "Either"},
        "free": True,
    },
}


def test_properties_become_rows_with_nested_ones_below_theirs():
    found = [(row.depth, row.name, row.type, row.is_required, row.limits) for row in schema_rows(NESTED)]
    assert found == [
        (0, "order", "object", True, ""), (1, "id", "integer or null", False, "at least 1"),
        (0, "lines", "array of object", False, ""), (1, "sku", "any", False, "always x"),
        (0, "how", "string or integer", False, ""), (0, "free", "any", False, ""),
    ]  # fmt: skip
    assert check_schema(NESTED) == []


def test_references_are_followed_inside_only_and_rings_end():
    schema = {"properties": {"a": {"$ref": "#/$defs/n"}, "b": {"$ref": "#/nowhere"}, "c": {"$ref": "http://x/y"}},
              "$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}}}  # fmt: skip
    found = [(row.depth, row.name, row.type) for row in schema_rows(schema)]
    assert found == [
        (0, "a", "object"),
        (1, "next", "see #/$defs/n"),
        (0, "b", "see #/nowhere"),
        (0, "c", "see http://x/y"),
    ]


def test_depth_and_number_of_rows_are_bounded():
    deep: dict = {"properties": {"x": {"type": "string"}}}
    for _ in range(200):
        deep = {"properties": {"x": deep}}
    assert len(schema_rows(deep)) == DEEPEST
    assert len(schema_rows({"properties": {f"p{n}": {} for n in range(1_000)}})) == MOST_ROWS


@pytest.mark.parametrize("odd", [None, [], "x", 5, {"properties": []}, {"properties": {"a": None, "b": 5, "c": []}},
                                 {"properties": {"a": {"type": {}, "enum": 5, "items": [], "anyOf": {}}}}])  # fmt: skip
def test_odd_schemas_do_no_harm(odd):
    assert all(isinstance(row.type, str) for row in schema_rows(odd))


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ([], "schema must be an object"), ({"type": "objekt"}, "schema.type: “objekt”"),
        ({"type": ["string", 5]}, "schema.type: “5”"), ({"required": "a"}, "schema.required must be a list"),
        ({"properties": {"a": {}}, "required": ["b"]}, "schema.required names “b”"),
        ({"properties": {"a": 5}}, "schema.properties.a must be an object"),
        ({"items": {"properties": []}}, "schema.items.properties must be an object"),
        ({"anyOf": []}, "schema.anyOf must be a list"), ({"enum": []}, "schema.enum must be a list"),
        ({"description": 5}, "schema.description must be a text"), ({"items": 5}, "schema.items must be a schema"),
    ],
)  # fmt: skip
def test_a_wrong_structure_is_named_by_its_place(schema, problem):
    assert any(one.startswith(problem) for one in check_schema(schema))
