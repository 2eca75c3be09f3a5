"""Reads our own export (``docs/flow-format.md``). It is held to its format: what does not fit is refused as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from webapp.domain.flow_graph import FORMAT, FlowGraph, GraphBlock, GraphInvalid, from_document
from webapp.importers import bounds
from webapp.importers.imported import ImportedFlow, NotAFlow, ReportItem, Requirement
from webapp.importers.secret_words import find_secrets
from webapp.importers.secrets import ID, KEEP, cut_secrets

_KEYS = frozenset(("key", "source", "target", "source_handle", "target_handle", "parent_key", "agent", "source_id"))


def looks_like(document: Mapping[str, Any]) -> bool:
    """Whether a file says that it is of our format."""
    return document.get("format") == FORMAT


def read(document: Mapping[str, Any], file_name: str) -> list[ImportedFlow]:
    """The one flow of a file. Credentials come back as slots that somebody has to fill here.

    Raises:
        NotAFlow: a field is missing or of the wrong type, or an edge or parent names a block that is not there.
    """
    nodes = [*bounds.listed(document, "blocks", ""), *bounds.listed(document, "notes", "")]
    edges = bounds.listed(document, "edges", "")
    bounds.check_counts(len(nodes), len(edges))
    document, secrets = cut_secrets(document, _rule)
    try:
        graph = from_document({**document, "name": document.get("name") or file_name or "Imported flow"})
    except GraphInvalid as error:
        raise NotAFlow(f"{error}.") from None
    items = tuple(_items(graph))
    graph = replace(
        graph,
        name=graph.name[:255],
        blocks=tuple(_unlinked(block) for block in graph.blocks),
        edges=tuple({edge.identity: edge for edge in reversed(graph.edges)}.values())[::-1],
    )
    slots = {slot.name or slot.kind: slot.kind for block in graph.blocks for slot in block.credentials}
    return [
        ImportedFlow(
            format="agenticbuilder",
            format_version=bounds.text(document.get("format_version"), 50),
            source_key=graph.name,
            graph=graph,
            nodes_seen=len(nodes),
            edges_seen=len(edges),
            items=items,
            secrets=secrets,
            requirements=tuple(Requirement("credential", name, kind) for name, kind in slots.items()),
            raw=orjson.dumps(document),
        )
    ]


def _rule(row: Mapping[str, Any], name: str) -> str | None:
    if row.get("__rl") is True and name in ("value", "cachedResultUrl") and isinstance(row[name], str):
        # The id of a document that n8n lets people choose from a list looks like a key and opens nothing by itself.
        return KEEP if find_secrets(row[name])[1] in ((), ("long random text",)) else None
    return ID if name in _KEYS else None


def _unlinked(block: GraphBlock) -> GraphBlock:
    return replace(block, credentials=tuple(replace(slot, is_filled=False) for slot in block.credentials))


def _items(graph: FlowGraph) -> list[ReportItem]:
    """A line for each block, note and edge of the file; an edge that comes twice is merged."""
    items = [ReportItem("node", b.key, b.block_type, "block", b.key, b.block_type) for b in graph.blocks]
    items += [ReportItem("node", note.key, "note", "note", note.key) for note in graph.notes]
    seen = set()
    for edge in graph.edges:
        ends = f"{edge.source} -> {edge.target}"
        is_again = edge.identity in seen
        reason = "the same connection is there already" if is_again else ""
        items.append(ReportItem("edge", ends, edge.kind, "merged" if is_again else "imported", ends, edge.kind, reason))
        seen.add(edge.identity)
    return items
