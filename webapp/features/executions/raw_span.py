"""A stored span as a page shows it: every attribute as it arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from webapp.ingest.spans import span_from_raw

MOST_CHARACTERS = 4_000
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")


@dataclass(frozen=True, slots=True)
class RawEvent:
    """A dated note on the span."""

    name: str
    at: datetime
    attributes: list[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class RawSpan:
    """Attributes are (name, text, whether the text was cut)."""

    name: str
    span_id: str
    parent_span_id: str
    kind: str
    status: str
    scope: str
    start_ns: int
    end_ns: int
    attributes: list[tuple[str, str, bool]]
    events: list[RawEvent]
    links: list[tuple[str, str]]
    resource: list[tuple[str, str, bool]]


def read_raw(raw: bytes) -> RawSpan | None:
    """Decode a stored span; None when the bytes are no span."""
    try:
        span = span_from_raw(raw)
    except ValueError:
        return None
    status = STATUSES[span.status_code] if span.status_code in (0, 1, 2) else str(span.status_code)
    return RawSpan(
        name=span.name,
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() if span.parent_span_id else "",
        kind=KINDS[span.kind] if 0 <= span.kind < len(KINDS) else str(span.kind),
        status=f"{status}: {span.status_message}"[:MOST_CHARACTERS] if span.status_message else status,
        scope=f"{span.scope_name} {span.scope_version}".strip(),
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        attributes=_listed(span.attributes),
        events=[RawEvent(event.name, _instant(event.time_ns), _listed(event.attributes)) for event in span.events],
        links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
        resource=_listed(span.resource),
    )


def _instant(nanoseconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _listed(attributes: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    listed = []
    for name in sorted(attributes):
        value = attributes[name]
        text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
        listed.append((name, text[:MOST_CHARACTERS], len(text) > MOST_CHARACTERS))
    return listed
