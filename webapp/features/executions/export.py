"""Executions as CSV and JSON Lines, and a trace as OTLP JSON, written while they are read.

Each batch is its own short transaction, so a slow reader holds neither a connection nor a snapshot. The order is that
of the list and the end of the time is fixed at the start, so nothing is written twice and no arrival moves a row.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from sqlalchemy import Engine, Row, text, tuple_

from webapp.database.tenancy import organization_session
from webapp.domain.csv_text import csv_lines, plain
from webapp.domain.execution_filter import ExecutionFilter
from webapp.features.executions.queries_detail import ExecutionDetail
from webapp.features.executions.queries_matching import Found, matching
from webapp.features.executions.queries_steps import list_raw_spans
from webapp.models import Agentflow, FlowExecution

BATCH = 1_000
SPAN_BATCH = 200
TIMEOUT = text("SET LOCAL statement_timeout = '60s'")
COLUMNS = (
    FlowExecution.id,
    FlowExecution.trace_id,
    FlowExecution.agentflow_id.label("flow_id"),
    Agentflow.name.label("flow"),
    FlowExecution.status,
    FlowExecution.trigger_type,
    FlowExecution.environment,
    FlowExecution.service_name,
    FlowExecution.service_version,
    FlowExecution.session_id,
    FlowExecution.user_ref,
    FlowExecution.started_at,
    FlowExecution.completed_at,
    FlowExecution.execution_time_ms,
    FlowExecution.model_call_count,
    FlowExecution.tool_call_count,
    FlowExecution.input_tokens,
    FlowExecution.output_tokens,
    FlowExecution.cached_input_tokens,
    FlowExecution.tokens_used,
    FlowExecution.cost_usd,
    FlowExecution.unpriced_call_count,
    FlowExecution.models,
    FlowExecution.agents,
    FlowExecution.tools,
    FlowExecution.error_type,
    FlowExecution.error_message,
)
NAMES = tuple(column.key for column in COLUMNS)


def read_rows(
    engine: Engine, organization_id: UUID, wanted: ExecutionFilter, found: Found | None, *, batch: int = BATCH
) -> Iterator[Row[Any]]:
    """Every execution that the filter means, newest first."""
    place = tuple_(FlowExecution.started_at, FlowExecution.id)
    statement = (
        matching(organization_id, wanted, found, *COLUMNS)
        .join(Agentflow, Agentflow.id == FlowExecution.agentflow_id, isouter=True)
        .order_by(FlowExecution.started_at.desc(), FlowExecution.id.desc())
        .limit(batch)
    )
    page = statement
    while True:
        with organization_session(engine, organization_id) as session:
            session.execute(TIMEOUT)
            rows = session.execute(page).all()
        yield from rows
        if len(rows) < batch:
            return
        page = statement.where(place < (rows[-1].started_at, rows[-1].id))


def bounded(wanted: ExecutionFilter, latest: datetime) -> ExecutionFilter:
    """The filter with a fixed end, so that an export has one."""
    return wanted if wanted.until is not None and wanted.until <= latest else replace(wanted, until=latest)


def write_csv(rows: Iterator[Row[Any]]) -> Iterator[str]:
    """The rows as CSV, a piece at a time."""
    return csv_lines(NAMES, rows)


def write_json_lines(rows: Iterator[Row[Any]]) -> Iterator[bytes]:
    """One JSON object a line under the names of the CSV; amounts are text so that no digit is lost."""
    lines: list[bytes] = []
    for row in rows:
        lines.append(orjson.dumps(dict(zip(NAMES, map(plain, row), strict=True))))
        if len(lines) == 200:
            yield b"\n".join(lines) + b"\n"
            lines.clear()
    if lines:
        yield b"\n".join(lines) + b"\n"


def write_trace(engine: Engine, organization_id: UUID, execution: ExecutionDetail) -> Iterator[bytes]:
    """The stored spans of an execution as one OTLP JSON export, ids in hex as the protocol wants."""
    yield b'{"resourceSpans":['
    after, lead = b"", b""
    while True:
        with organization_session(engine, organization_id) as session:
            session.execute(TIMEOUT)
            batch = list_raw_spans(session, organization_id, execution, after=after, limit=SPAN_BATCH)
        for span_id, raw in batch:
            yield lead + orjson.dumps(otlp_json(raw))
            lead, after = b",", span_id
        if len(batch) < SPAN_BATCH:
            break
    yield b"]}\n"


def otlp_json(raw: bytes) -> dict[str, Any]:
    """A stored span as an element of ``resourceSpans``: ids in hex, enumerations as numbers, as OTLP/JSON wants."""
    message = MessageToDict(ResourceSpans.FromString(raw), use_integers_for_enums=True)
    for scope in message.get("scopeSpans", ()):
        for span in scope.get("spans", ()):
            for holder in (span, *span.get("links", ())):
                _ids_in_hex(holder)
    return message


def _ids_in_hex(holder: dict[str, Any], names: Sequence[str] = ("traceId", "spanId", "parentSpanId")) -> None:
    for name in names:
        if name in holder:
            holder[name] = b64decode(holder[name]).hex()
