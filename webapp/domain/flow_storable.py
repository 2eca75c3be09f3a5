"""A graph in the form in which it is kept: only what PostgreSQL can hold, and one hash for equal content."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import Any

import orjson

from webapp.domain.flow_graph import FlowGraph, from_document, to_document

WHOLE = 2**63


def storable_graph(graph: FlowGraph) -> FlowGraph:
    """The graph without NUL, halves of surrogate pairs and endless numbers, lengths cut to the columns.

    Raises:
        GraphInvalid: a key cannot be used or comes twice, or an edge or parent names a block that is not there.
    """
    return from_document(_clean(to_document(graph)))


def content_hash(graph: FlowGraph) -> bytes:
    """SHA-256 of what makes a version: not the name, description and tags, which a flow changes without one. The order
    of keys in settings does not matter, that of blocks does."""
    content = to_document(replace(graph, name="", description="", tags=()))
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        text = value.replace("\x00", "\ufffd")
        return text if text.isascii() else text.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(str(name)): _clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int) and not isinstance(value, bool) and not -WHOLE <= value < WHOLE:
        return str(value)
    return value
