"""Counts a Flowise file by itself, without our importers: what a report must account for."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

ROWS = ("ChatFlow", "AgentFlow", "AgentFlowV2", "AssistantFlow")


def count_nodes(raw: bytes) -> Counter[str]:
    """Nodes by what the file itself tells, over all flows in it: ``notes``, ``others``."""
    found: Counter[str] = Counter()
    for flow in _flows(raw):
        for node in flow["nodes"]:
            is_note = node.get("type") == "stickyNote" or (node.get("data") or {}).get("name") == "stickyNoteAgentflow"
            found["notes" if is_note else "others"] += 1
    return found


def count_edges(raw: bytes) -> Counter[str]:
    """Edges by what the file itself tells: ``dangling`` (an end is no node), ``repeated`` (said before), ``others``."""
    found: Counter[str] = Counter()
    for flow in _flows(raw):
        ids = {node.get("id") for node in flow["nodes"]}
        seen = set()
        for edge in flow["edges"]:
            said = (edge.get("source"), edge.get("sourceHandle"), edge.get("target"), edge.get("targetHandle"))
            if edge.get("source") not in ids or edge.get("target") not in ids:
                found["dangling"] += 1
            elif said in seen:
                found["repeated"] += 1
            else:
                found["others"] += 1
            seen.add(said)
    return found


def _flows(raw: bytes) -> list[dict[str, Any]]:
    """The flow, or all flows of an export of everything, whose rows hold theirs as text."""
    document = json.loads(raw.decode("utf-8-sig"))
    if "nodes" in document:
        return [document]
    return [json.loads(row["flowData"]) for name in ROWS for row in document.get(name) or []]
