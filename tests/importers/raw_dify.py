"""Counts a Dify file by itself, without our importers: what a report must account for."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import yaml


def count_nodes(raw: bytes) -> Counter[str]:
    """Nodes by what the file itself tells: ``notes``, ``markers`` (invisible starts of containers), ``others``.

    An application without a graph counts as one node of ``others``, since its one model is what it does.
    """
    found: Counter[str] = Counter()
    graph = _graph(raw)
    if graph is None:
        found["others"] += 1
        return found
    for node in graph.get("nodes") or []:
        canvas, kind = node.get("type"), (node.get("data") or {}).get("type")
        if canvas == "custom-note":
            found["notes"] += 1
        elif canvas in ("custom-iteration-start", "custom-loop-start") or kind in ("iteration-start", "loop-start"):
            found["markers"] += 1
        else:
            found["others"] += 1
    return found


def count_edges(raw: bytes) -> Counter[str]:
    """Edges by what the file itself tells: ``dangling`` (an end is no node), ``repeated`` (said before), ``others``."""
    found: Counter[str] = Counter()
    graph = _graph(raw) or {}
    ids = {node.get("id") for node in graph.get("nodes") or []}
    seen = set()
    for edge in graph.get("edges") or []:
        said = (edge.get("source"), edge.get("sourceHandle"), edge.get("target"), edge.get("targetHandle"))
        if edge.get("source") not in ids or edge.get("target") not in ids:
            found["dangling"] += 1
        elif said in seen:
            found["repeated"] += 1
        else:
            found["others"] += 1
        seen.add(said)
    return found


def _graph(raw: bytes) -> dict[str, Any] | None:
    """The graph, also of a file that is an answer of the console's API with the YAML as one text."""
    text = raw.decode("utf-8-sig")
    document = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    if isinstance(document.get("data"), str):
        document = yaml.safe_load(document["data"])
    return (document.get("workflow") or {}).get("graph")
