"""What an n8n file holds of one installation and its people, and is left out before anything else reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from webapp.importers import bounds
from webapp.importers.imported import RemovedSecret
from webapp.importers.secrets import ID

_TOP = {
    "pinData": "run data",
    "staticData": "run data",
    "shared": "people and projects",
    "homeProject": "people and projects",
    "usedCredentials": "credentials",
}
_META = {"instanceId": "id of an installation", "owner": "people and projects"}
_NODE = {"webhookId": "address of a webhook"}
_DEEPEST = 3


def rule(row: Mapping[str, Any], name: str) -> str | None:
    """What n8n tells of a field: a resource locator names a document or table by an id, which is random and no key."""
    return ID if row.get("__rl") is True and name in ("value", "cachedResultUrl") else None


def drop_private(document: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[RemovedSecret, ...]]:
    """The workflow without run data, ids of its installation and anything of its credentials but their names, and what
    was left out. A workflow written inside a node, as text, becomes an object that is treated in the same way.

    Raises:
        NotAFlow: the workflows inside hold more than a file may hold.
    """
    dropper = _Dropper()
    return dropper.workflow(document, "", 0), tuple(dropper.removed)


class _Dropper:
    def __init__(self) -> None:
        self.removed: list[RemovedSecret] = []
        self.left = bounds.VALUES

    def workflow(self, document: Mapping[str, Any], place: str, depth: int) -> dict[str, Any]:
        clean = self.without(document, _TOP, place)
        if isinstance(clean.get("meta"), dict):
            clean["meta"] = self.without(clean["meta"], _META, f"{place}meta.")
        if isinstance(clean.get("nodes"), list):
            clean["nodes"] = [
                self.node(row, f"{place}nodes[{at}].", depth) if isinstance(row, dict) else row
                for at, row in enumerate(clean["nodes"])
            ]
        return clean

    def without(self, row: Mapping[str, Any], names: Mapping[str, str], place: str) -> dict[str, Any]:
        for name, kind in names.items():
            if row.get(name):
                self.note(f"{place}{name}", kind)
        return {name: value for name, value in row.items() if name not in names}

    def note(self, place: str, kind: str) -> None:
        self.removed.append(RemovedSecret(place[:300], kind))

    def node(self, row: Mapping[str, Any], place: str, depth: int) -> dict[str, Any]:
        clean = self.without(row, _NODE, place)
        credentials = row.get("credentials")
        if isinstance(credentials, dict):
            clean["credentials"] = {
                kind: {"name": bounds.text(value.get("name") if isinstance(value, dict) else value)}
                for kind, value in credentials.items()
            }
            for kind, value in credentials.items():
                if isinstance(value, dict) and set(value) - {"id", "name"}:
                    self.note(f"{place}credentials.{kind}", "credential")
        inner = bounds.mapping(row.get("parameters")).get("workflowJson")
        if inner:
            value = self.inner(inner, f"{place}parameters.workflowJson", depth)
            clean["parameters"] = {**row["parameters"], "workflowJson": value}
        return clean

    def inner(self, value: Any, place: str, depth: int) -> Any:
        """The workflow that a node holds as text or object; what cannot be read as one stays as it is."""
        found = self.parsed(value) if isinstance(value, str) else value
        if not isinstance(found, dict):
            return value
        if depth >= _DEEPEST:
            self.note(place, "flow nested too deeply to be cleaned")
            return {}
        return self.workflow(found, f"{place}.", depth + 1)

    def parsed(self, text: str) -> Any:
        # Counted before it is parsed, and over all of them: each comma or bracket may become a value.
        self.left -= text.count(",") + text.count("[") + text.count("{")
        if self.left < 0:
            raise bounds.too_many_values()
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
        bounds.check_value(value)
        return value


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
