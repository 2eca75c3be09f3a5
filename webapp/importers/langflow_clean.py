"""What a Langflow file holds of code and people, and is left out before anything else reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from webapp.importers import bounds
from webapp.importers.imported import RemovedSecret
from webapp.importers.secrets import KEEP, PLAIN

_PERSONAL = ("user_id", "folder_id", "user")
_NUMBERS = ("int", "float", "bool", "slider")


def rule(row: Mapping[str, Any], name: str) -> str | None:
    """What Langflow tells of a field's value: ``load_from_db`` makes it the name of a variable, ``password`` a secret.

    Files from before 1.0 call every field a password whose name has "token" in it, such as a number of tokens.
    """
    if name != "value" or "value" not in row:
        return None
    if row.get("load_from_db") is True:
        return PLAIN
    if row.get("password") is True:
        return KEEP if row.get("type") in _NUMBERS and not isinstance(row[name], str) else "password field"
    return None


def drop_code(document: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[RemovedSecret, ...]]:
    """The flow with the Python source of its components replaced by a hash, and without the ids of its people."""
    removed = tuple(RemovedSecret(name, "people and projects") for name in _PERSONAL if document.get(name))
    clean = {name: value for name, value in document.items() if name not in _PERSONAL}
    if isinstance(clean.get("data"), dict):
        clean["data"] = _graph(clean["data"])
    return _graph(clean), removed


def _graph(graph: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(graph.get("nodes"), list):
        return graph
    return {**graph, "nodes": [_row(row) for row in graph["nodes"]]}


def _row(row: Any) -> Any:
    data = bounds.mapping(bounds.mapping(row).get("data"))
    node = data.get("node")
    if not isinstance(node, dict):
        return row
    node = dict(node)
    if isinstance(node.get("template"), dict):
        node["template"] = {name: _field(name, field) for name, field in node["template"].items()}
    flow = node.get("flow")
    if isinstance(flow, dict) and isinstance(flow.get("data"), dict):
        node["flow"] = {**flow, "data": _graph(flow["data"])}
    return {**row, "data": {**data, "node": node}}


def _field(name: str, field: Any) -> Any:
    """A field; the one for the component's source, also as a group shows it, keeps only the source's hash."""
    if not isinstance(field, dict):
        return field
    proxied = bounds.mapping(field.get("proxy")).get("field")
    source = field.get("value")
    is_source = name == "code" or (proxied is not None and str(proxied).startswith("code"))
    if not is_source or not isinstance(source, str) or not source:
        return field
    digest = hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()
    return {**field, "value": None, "sha256": digest}
