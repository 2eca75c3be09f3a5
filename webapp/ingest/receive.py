"""The OTLP/HTTP side of ingest: bodies in, answers out in the sender's encoding, 200 only after commit."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import BoundedSemaphore

from flask import Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from webapp.api.blueprint import ApiBlueprint
from webapp.api.keys import ApiKey
from webapp.database.tenancy import organization_session
from webapp.domain.api_keys import Scope
from webapp.extensions import db
from webapp.ingest import arrivals, discover, trouble
from webapp.ingest.batch import Entry, entries_of, parts_of
from webapp.ingest.body import BadEncoding, CutShort, TooLarge, UnknownEncoding, read_body
from webapp.ingest.decode import JSON, BadBody, decode, encode_response, encode_status, encoding_of
from webapp.ingest.spans import Rejected, Span, spans_of
from webapp.ingest.store import ingest
from webapp.permissions import public

log = logging.getLogger(__name__)
bp = ApiBlueprint("ingest", __name__)

TRIES = 3
LARGE_SPANS = 100
# The server's and Flask's limits are switched off: ours counts what is inflated, and reads a refused body to its end.
NO_LIMIT = 2**62
# More exports than this at once in one process only slow each other down; the others wait, then come again.
LARGEST_PARALLEL = 6
SLOT_SECONDS = 3.0
_slots = BoundedSemaphore(LARGEST_PARALLEL)
# google.rpc.Code by HTTP status.
CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 3, 415: 3, 500: 13, 503: 14}


class Refused(Exception):
    """The export cannot be taken; ``status`` is the HTTP status, the text is for whoever set up the exporter."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(slots=True)
class Export:
    """What a body held."""

    spans: list[Span]
    rejected: list[Rejected]


@bp.post("/v1/traces", scope=Scope.INGEST)
def traces(key: ApiKey) -> Response:
    """Store an export of spans."""
    db.session.rollback()  # The key is proven; no connection is held while a slow sender takes its time.
    now = datetime.now(UTC)
    try:
        export = _read()
    except Refused as refusal:
        _note_refusal(key, refusal, now)
        return _refuse(refusal.status, refusal.message)
    if not _slots.acquire(timeout=SLOT_SECONDS):
        return _refuse(503, "Too many exports at once. Nothing was stored; send it again.")
    try:
        _store(key, export, now)
    finally:
        _slots.release()
    message = _reasons(export.rejected)
    return _answer(200, encode_response(len(export.rejected), message, _encoding()))


@bp.post("/v1/<any(logs, metrics):_signal>", scope=public("stores nothing; exporters that send all must not fail"))
def nothing(_signal: str) -> Response:
    """Take logs and metrics, which exporters send to the same address, and keep nothing."""
    request.max_content_length = NO_LIMIT
    try:
        read_body(request.stream, "", _limit(), request.content_length)
    except TooLarge:
        return _refuse(413, "The body is too large.")
    except CutShort:
        return _refuse(400, "The body ended before it was complete.")
    return _answer(200, encode_response(0, "", _encoding()))


@bp.errorhandler(HTTPException)
def refuse_in_encoding(error: HTTPException) -> Response:
    """Answer what the kernel refuses, such as a wrong key, as the protocol wants it."""
    trouble.roll_back(db.session)
    _drain()
    response = _refuse(error.code or 500, error.description or error.name)
    for name, value in error.get_headers():
        if name in ("Allow", "WWW-Authenticate"):
            response.headers[name] = value
    return response


@bp.errorhandler(Exception)
def crash(error: Exception) -> Response:
    """Answer what went wrong on our side: 503 where the same export may land later."""
    trouble.roll_back(db.session)
    if trouble.is_passing(error):
        log.warning("an export was put off: %s: %s", type(error).__name__, trouble.first_line(error))
        return _refuse(503, "The database is busy or not reachable. Nothing was stored; send it again.")
    log.exception("an export failed")
    if trouble.is_about_data(error):
        return _refuse(400, "The database refused a value in this export. Nothing of it was stored.")
    return _refuse(500, "This export could not be stored. The failure was logged.")


def _read() -> Export:
    """Return the spans of the request's body.

    Raises: Refused.
    """
    limit = _limit()
    request.max_content_length = NO_LIMIT
    if encoding_of(request.content_type or "") is None:
        _drain()
        raise Refused(415, f"Content-Type must be application/x-protobuf or {JSON}.")
    try:
        body = read_body(request.stream, request.headers.get("Content-Encoding", ""), limit, request.content_length)
        return Export(*spans_of(decode(body, request.content_type or "")))
    except TooLarge:
        raise Refused(413, f"The body is larger than {limit} bytes (inflated). Send smaller batches.") from None
    except UnknownEncoding as error:
        _drain()
        raise Refused(415, f"Content-Encoding {str(error)[:40]!r} is not read here; use gzip or none.") from None
    except BadEncoding as error:
        raise Refused(400, f"The body is not valid gzip: {error}") from None
    except BadBody as error:
        raise Refused(400, str(error)[:500]) from None
    except (CutShort, OSError):
        raise Refused(400, "The body ended before it was complete.") from None


def _store(key: ApiKey, export: Export, now: datetime) -> None:
    """Store an export and commit.

    A large one is stored in two transactions where some of its traces go on in other exports. All of it is committed
    before the answer; when the second part fails the whole is sent again, and what is there already changes nothing.
    """
    entries, unreadable = entries_of(export.spans)
    export.rejected += unreadable
    parts = parts_of(entries) if len(export.spans) >= LARGE_SPANS else [entries]
    for number, part in enumerate(parts, 1):
        _store_part(key, export, part, now, is_last=number == len(parts))


def _store_part(key: ApiKey, export: Export, part: list[Entry], now: datetime, *, is_last: bool) -> None:
    """Store some traces and commit; what locks and deadlocks undo is tried again as a whole."""
    for attempt in range(1, TRIES + 1):
        try:
            values = {"now": now, "rejected": export.rejected, "entries": part, "is_counted": is_last}
            result = ingest(db.session(), key, export.spans, **values)
            db.session.commit()
        except Exception as error:
            if attempt == TRIES or not trouble.is_worth_a_try(error):
                raise
            trouble.roll_back(db.session)
            discover.forget(key.organization_id)
            wanted = {entry.trace_id for entry in part}
            part = [entry for entry in entries_of(export.spans)[0] if entry.trace_id in wanted]
            time.sleep(random.uniform(0.01, 0.05) * attempt)
            continue
        result.committed()
        return


def _note_refusal(key: ApiKey, refusal: Refused, now: datetime) -> None:
    """Keep why a whole body was refused, for the ingest page; in a transaction of its own, which may fail."""
    sdk = request.headers.get("User-Agent", "")[:255]
    try:
        with organization_session(db.engine, key.organization_id) as session:
            who = (session.connection().connection.driver_connection.cursor(), key.organization_id, key.id, sdk)
            arrivals.note_refusal(*who, refusal.status, refusal.message, 0, _sample(), now)
            arrivals.count_refusal(*who, refusal.message, now)
    except (SQLAlchemyError, trouble.DATABASE_ERROR):
        log.warning("a refusal for key %s could not be noted", key.id)


def _sample() -> dict[str, str | int | None]:
    return {
        "content_type": (request.content_type or "")[:100],
        "content_encoding": request.headers.get("Content-Encoding", "")[:40],
        "content_length": request.content_length,
    }


def _reasons(rejected: Sequence[Rejected]) -> str:
    """Return why spans were refused, each reason once with its count."""
    counts: dict[str, int] = {}
    for span in rejected:
        counts[span.reason] = counts.get(span.reason, 0) + 1
    return "; ".join(f"{count} spans: {reason}" for reason, count in counts.items())


def _limit() -> int:
    return current_app.config["SETTINGS"].max_body_bytes


def _encoding() -> str:
    return encoding_of(request.content_type or "") or JSON


def _drain() -> None:
    """Read a refused body on, within bounds, so that the sender gets the answer instead of a reset connection."""
    request.max_content_length = NO_LIMIT
    try:
        read_body(request.stream, "", _limit(), request.content_length)
    except (TooLarge, CutShort, OSError, HTTPException):
        return


def _refuse(status: int, message: str) -> Response:
    response = _answer(status, encode_status(CODES.get(status, 2), message, _encoding()))
    if status == 503:
        response.headers["Retry-After"] = str(random.randint(1, 3))
    return response


def _answer(status: int, body: bytes) -> Response:
    return Response(body, status, content_type=_encoding())
