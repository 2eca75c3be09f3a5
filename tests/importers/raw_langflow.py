"""Counts a Langflow file by itself, without our importers: what a report must account for."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any


def count_nodes(raw: bytes) -> Counter[str]:
    """Nodes by what the file itself tells, those inside groups included: ``notes``, ``unfolded`` (shells of groups),
    ``nested`` (any node inside a group) and ``others``. A nested node is counted as its own kind too."""
    found: Counter[str] = Counter()
    for nodes, _ in _graphs(raw):
        for node, depth in _walk(nodes):
            found["nested"] += depth > 0
            if _inner(node) is not None:
                found["unfolded"] += 1
            elif node.get("type") == "noteNode" or (node.get("data") or {}).get("type") == "note":
                found["notes"] += 1
            else:
                found["others"] += 1
    return found


def count_edges(raw: bytes) -> Counter[str]:
    """Edges by where they stand: ``outer``, or ``nested`` inside a group at any depth."""
    found: Counter[str] = Counter()
    for nodes, edges in _graphs(raw):
        found["outer"] += len(edges)
        found["nested"] += sum(len(_inner(node).get("edges") or []) for node, _ in _walk(nodes) if _inner(node))
    return found


def _walk(nodes: list[dict[str, Any]], depth: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
    for node in nodes:
        yield node, depth
        inner = _inner(node)
        if inner is not None:
            yield from _walk(inner["nodes"], depth + 1)


def _inner(node: dict[str, Any]) -> dict[str, Any] | None:
    """The graph inside a group."""
    flow = ((node.get("data") or {}).get("node") or {}).get("flow") or {}
    data = flow.get("data") if isinstance(flow, dict) else None
    return data if isinstance(data, dict) and isinstance(data.get("nodes"), list) else None


def _graphs(raw: bytes) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """The graphs of a file: one, those of a folder's ``flows``, or those of a project's zip."""
    if raw[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield from _graphs(archive.read(name))
        return
    document = json.loads(raw.decode("utf-8-sig"))
    for row in document.get("flows") or [document]:
        yield row["data"]["nodes"], row["data"].get("edges") or []
