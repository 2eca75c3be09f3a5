"""What arrived last from whom, and what was refused and why: the rows behind the ingest page."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import orjson
from psycopg import Cursor

from webapp.ingest.spans import Rejected, Span
from webapp.models.base import new_id

LARGEST_REASON = 1_000
KEPT_REJECTIONS = 1_000
# A client in a loop may be refused a hundred times a second; old refusals are cleared once in so many.
CLEAR_EVERY = 50

_COUNT = (
    "INSERT INTO ingest_arrivals AS t (organization_id, api_key_id, sdk, service_name, last_received_at, requests,"
    " spans_accepted, spans_rejected, last_rejected_at, last_reason)"
    " SELECT %s, %s, x.sdk, x.service_name, %s, 1, x.accepted, x.rejected, x.rejected_at, x.reason"
    " FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[])"
    " AS x(sdk, service_name, accepted, rejected, rejected_at, reason) ORDER BY x.sdk, x.service_name"
    " ON CONFLICT (organization_id, api_key_id, sdk, service_name) DO UPDATE SET requests = t.requests + 1,"
    " last_received_at = greatest(t.last_received_at, excluded.last_received_at),"
    " spans_accepted = t.spans_accepted + excluded.spans_accepted,"
    " spans_rejected = t.spans_rejected + excluded.spans_rejected,"
    " last_rejected_at = coalesce(excluded.last_rejected_at, t.last_rejected_at),"
    " last_reason = coalesce(excluded.last_reason, t.last_reason)"
)
_REFUSE = (
    "INSERT INTO ingest_rejections (id, organization_id, api_key_id, sdk, received_at, http_status, reason,"
    " span_count, sample) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)"
)
_CLEAR = (
    "DELETE FROM ingest_rejections WHERE organization_id = %s AND received_at < (SELECT received_at"
    " FROM ingest_rejections WHERE organization_id = %s ORDER BY received_at DESC OFFSET %s LIMIT 1)"
)


def sender_of(resource: dict) -> tuple[str, str]:
    """Return SDK and service of the program that made a span."""
    words = (resource.get(f"telemetry.sdk.{part}") for part in ("name", "language", "version"))
    service = resource.get("service.name")
    return " ".join(str(word) for word in words if word)[:255], (str(service) if service else "")[:255]


def count_arrivals(
    cursor: Cursor,
    organization_id: UUID,
    key_id: UUID,
    spans: Sequence[Span],
    rejected: Sequence[Rejected],
    now: datetime,
) -> None:
    """Add an export to the counts of its senders. Refused spans count for the export's first sender.

    Belongs at the end of a transaction: exports of one sender wait here for each other.
    """
    accepted: dict[tuple[str, str], int] = {}
    resources: dict[int, tuple[str, str]] = {}
    for span in spans:
        sender = resources.get(id(span.resource))
        if sender is None:
            sender = resources[id(span.resource)] = sender_of(span.resource)
        accepted[sender] = accepted.get(sender, 0) + 1
    if not accepted:
        accepted[("", "")] = 0
    first = next(iter(accepted))
    rows = []
    for (sdk, service), count in sorted(accepted.items()):
        refused = len(rejected) if (sdk, service) == first else 0
        reason = rejected[0].reason[:LARGEST_REASON] if refused else None
        rows.append((sdk, service, count, refused, now if refused else None, reason))
    columns = [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(_COUNT, (organization_id, key_id, now, *columns), prepare=True)


def note_rejected_spans(
    cursor: Cursor, organization_id: UUID, key_id: UUID, sdk: str, rejected: Iterable[Rejected], now: datetime
) -> None:
    """Write one row per reason for which single spans of an accepted export were refused."""
    reasons: dict[str, list[Rejected]] = {}
    for span in rejected:
        reasons.setdefault(span.reason, []).append(span)
    for reason, spans in sorted(reasons.items()):
        first = spans[0]
        sample = {"name": first.name, "trace_id": first.trace_id, "span_id": first.span_id}
        note_refusal(cursor, organization_id, key_id, sdk, 200, reason, len(spans), sample, now)


def note_refusal(
    cursor: Cursor,
    organization_id: UUID,
    key_id: UUID,
    sdk: str,
    status: int,
    reason: str,
    span_count: int,
    sample: dict | None,
    now: datetime,
) -> None:
    """Write one refusal, and now and then clear those that nobody will read any more."""
    text = None if sample is None else orjson.dumps(sample).decode()
    values = (new_id(), organization_id, key_id, sdk[:255], now, status, reason[:LARGEST_REASON], span_count, text)
    cursor.execute(_REFUSE, values)
    if random.randrange(CLEAR_EVERY) == 0:
        cursor.execute(_CLEAR, (organization_id, organization_id, KEPT_REJECTIONS))


def count_refusal(cursor: Cursor, organization_id: UUID, key_id: UUID, sdk: str, reason: str, now: datetime) -> None:
    """Add a refused body to the counts of its sender, as far as the headers name one."""
    columns = ([sdk[:255]], [""], [0], [0], [now], [reason[:LARGEST_REASON]])
    cursor.execute(_COUNT, (organization_id, key_id, now, *columns))
