"""What surrounds a trace: service, environment, session, user, trigger, labels and the sender's SDK."""

from collections.abc import Sequence
from typing import Any

import orjson

from webapp.ingest import conventions
from webapp.ingest.spans import KIND_CONSUMER, KIND_SERVER, Span
from webapp.ingest.tree import Node

_LONGEST = 255
_MOST_LABELS = 20
_METADATA = {"session_id": ("session_id", "thread_id", "conversation_id"), "user_ref": ("user_id",)}
_METADATA_NAMES = ("metadata", "langsmith.metadata")


def entry_of(tops: Sequence[Node]) -> Node:
    """Return the node at which an execution begins: the first root, else the first span that another service called."""
    for node in tops:
        if node.span.parent_span_id is None:
            return node
    for node in tops:
        if node.span.kind in (KIND_SERVER, KIND_CONSUMER):
            return node
    return tops[0]


def told(nodes: Sequence[Node], entry: Node, field: str) -> str | None:
    """Return the session or user that the entry span tells, else the first span that tells one.

    An agent inside may have a conversation of its own, so the entry's word goes first.
    """
    for node in (entry, *nodes):
        attributes = node.span.attributes
        found = conventions.text(attributes, field) or _in_metadata(attributes, field)
        if found:
            return found[:_LONGEST]
    return None


def _in_metadata(attributes: dict[str, Any], field: str) -> str | None:
    for name in _METADATA_NAMES:
        text = attributes.get(name)
        if isinstance(text, str) and any(f'"{key}"' in text for key in _METADATA[field]):
            try:
                found = orjson.loads(text)
            except orjson.JSONDecodeError:
                return None
            if isinstance(found, dict):
                for key in _METADATA[field]:
                    if found.get(key):
                        return str(found[key]).replace("\x00", "\ufffd")
    return None


def resource_text(entry: Node, nodes: Sequence[Node], *names: str) -> str | None:
    """Return a resource attribute of the entry span, else of the first span that has it."""
    seen: set[int] = set()
    for node in (entry, *nodes):
        resource = node.span.resource
        if id(resource) in seen:
            continue
        seen.add(id(resource))
        for name in names:
            if resource.get(name):
                return str(resource[name])[:_LONGEST]
    return None


def sdk_of(span: Span) -> str | None:
    """Return the sender's telemetry SDK, like ``opentelemetry python 1.45.2``."""
    parts = (span.resource.get(f"telemetry.sdk.{part}") for part in ("name", "language", "version"))
    return " ".join(str(part) for part in parts if part)[:_LONGEST] or None


def trigger_of(entry: Node, is_root_seen: bool) -> str:
    """Return api, event, schedule, webhook or manual; otel where the first span is not known."""
    if is_root_seen or entry.span.kind in (KIND_SERVER, KIND_CONSUMER):
        return conventions.plain.trigger_of(entry.span)
    return "otel"


def labels_of(entry: Node) -> dict[str, Any]:
    """Return the labels that the sender put on the entry span and the traces that it points to."""
    found: dict[str, Any] = {}
    labels = entry.span.attributes.get("tag.tags")
    if isinstance(labels, list) and labels:
        found["labels"] = [str(label)[:_LONGEST] for label in labels[:_MOST_LABELS]]
    if entry.span.links:
        found["linked_traces"] = [link.trace_id.hex() for link in entry.span.links[:_MOST_LABELS]]
    return found
