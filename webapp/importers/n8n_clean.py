"""What an n8n file holds of one installation and its people, and is left out before anything else reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from webapp.importers import bounds
from webapp.importers.imported import RemovedSecret
from webapp.importers.secret_words import find_secrets
from webapp.importers.secrets import KEEP

_TOP = {
    "pinData": "run data",
    "staticData": "run data",
    "shared": "people and projects",
    "homeProject": "people and projects",
    "usedCredentials": "credentials",
}
_META = {"instanceId": "id of an installation", "owner": "people and projects"}
_NODE = {"webhookId": "address of a webhook"}
_RANDOM = "long random text"
_DEEPEST = 3
_INNER_BYTES = 1_000_000


def drop_private(
    document: Mapping[str, Any], place: str = "", depth: int = 0
) -> tuple[dict, tuple[RemovedSecret, ...]]:
    """The workflow without run data, ids of its installation and anything of its credentials but their names, and what
    was left out. A workflow written inside a node, as text, becomes an object that is treated in the same way."""
    removed: list[RemovedSecret] = []
    clean = _without(document, _TOP, place, removed)
    if isinstance(clean.get("meta"), dict):
        clean["meta"] = _without(clean["meta"], _META, f"{place}meta.", removed)
    if isinstance(clean.get("nodes"), list):
        clean["nodes"] = [
            _node(row, f"{place}nodes[{at}].", removed, depth) if isinstance(row, dict) else row
            for at, row in enumerate(clean["nodes"])
        ]
    return clean, tuple(removed)


def rule(row: Mapping[str, Any], name: str) -> str | None:
    """What n8n tells of a field: a resource locator names a document or table by an id, which is random and no key."""
    if row.get("__rl") is True and name in ("value", "cachedResultUrl") and isinstance(row[name], str):
        return KEEP if find_secrets(row[name])[1] in ((), (_RANDOM,)) else None
    return None


def _without(row: Mapping[str, Any], names: Mapping[str, str], place: str, removed: list[RemovedSecret]) -> dict:
    for name, kind in names.items():
        if row.get(name):
            removed.append(RemovedSecret(f"{place}{name}"[:300], kind))
    return {name: value for name, value in row.items() if name not in names}


def _node(row: Mapping[str, Any], place: str, removed: list[RemovedSecret], depth: int) -> dict:
    clean = _without(row, _NODE, place, removed)
    credentials = row.get("credentials")
    if isinstance(credentials, dict):
        clean["credentials"] = {
            kind: {"name": bounds.text(value.get("name") if isinstance(value, dict) else value)}
            for kind, value in credentials.items()
        }
        for kind, value in credentials.items():
            if isinstance(value, dict) and set(value) - {"id", "name"}:
                removed.append(RemovedSecret(f"{place}credentials.{kind}"[:300], "credential"))
    inner = bounds.mapping(row.get("parameters")).get("workflowJson")
    if inner:
        clean["parameters"] = {**row["parameters"], "workflowJson": _inner(inner, place, removed, depth)}
    return clean


def _inner(value: Any, place: str, removed: list[RemovedSecret], depth: int) -> Any:
    """The workflow that a node holds as text or object; what cannot be read as one stays as it is."""
    if isinstance(value, str) and len(value) <= _INNER_BYTES:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
        if isinstance(value, dict):
            bounds.check_value(value)
    if not isinstance(value, dict):
        return value
    if depth >= _DEEPEST:
        removed.append(RemovedSecret(f"{place}parameters.workflowJson"[:300], "flow nested too deeply to be cleaned"))
        return {}
    clean, inside = drop_private(value, f"{place}parameters.workflowJson.", depth + 1)
    removed.extend(inside)
    return clean


def words_like(pattern: re.Pattern[str], value: Any) -> Iterator[str]:
    """The first group of each match in the texts of a value, in order, each once."""
    seen: set[str] = set()
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            stack.extend(reversed(one.values()))
        elif isinstance(one, list):
            stack.extend(reversed(one))
        elif isinstance(one, str) and "$" in one:
            for found in pattern.findall(one):
                if found not in seen:
                    seen.add(found)
                    yield found
