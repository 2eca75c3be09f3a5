"""Counts an n8n file by itself, without our importers: what a report must account for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any


def count_nodes(raw: bytes) -> Counter[str]:
    """Nodes by what the file itself tells: ``notes``, ``others``."""
    found: Counter[str] = Counter()
    for flow in _flows(raw):
        for node in flow["nodes"]:
            found["notes" if str(node.get("type")).endswith(".stickyNote") else "others"] += 1
    return found


def count_edges(raw: bytes) -> Counter[str]:
    """Entries of the connections by what the file itself tells: ``dangling`` (an end is no node's name), ``repeated``
    (the same output leads to the same place again) and ``others``. Null and empty slots are no entries."""
    found: Counter[str] = Counter()
    for flow in _flows(raw):
        names = {node.get("name") for node in flow["nodes"]}
        seen = set()
        for said in _entries(flow.get("connections") or {}):
            source, kind, at, target, index = said
            if source not in names or target not in names:
                found["dangling"] += 1
            elif said in seen:
                found["repeated"] += 1
            else:
                found["others"] += 1
            seen.add((source, kind, at, target, index))
    return found


def _entries(connections: dict[str, Any]) -> Iterator[tuple[str, str, int, Any, Any]]:
    for source, kinds in connections.items():
        for kind, slots in kinds.items():
            for at, slot in enumerate(slots):
                for entry in slot or []:
                    yield source, kind, at, entry.get("node"), entry.get("index")


def _flows(raw: bytes) -> list[dict[str, Any]]:
    document = json.loads(raw.decode("utf-8-sig"))
    return document if isinstance(document, list) else [document]
