"""The traces of one export while they are stored: their spans, what they became, and the ids they are stored under."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

from webapp.ingest.context_stamp import Context
from webapp.ingest.ledger import Bill
from webapp.ingest.mapped import MappedStep, MappedTrace
from webapp.ingest.spans import Rejected, Span
from webapp.ingest.trace import map_trace
from webapp.models.base import id_time, step_id

log = logging.getLogger(__name__)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A client's clock may be ahead by this much before its times are moved back to ours.
LARGEST_LEAD_US = 5 * 60 * 1_000_000
BUCKET_US = 15 * 60 * 1_000_000


def to_us(at: datetime) -> int:
    """Return microseconds since 1970, without the rounding of a float."""
    return (at - EPOCH) // timedelta(microseconds=1)


def from_us(us: int) -> datetime:
    """Return the moment, in UTC."""
    return EPOCH + timedelta(microseconds=us)


def is_newer(new: Span, old: Span) -> bool:
    """Return whether a second copy of a span replaces the first: the later end, on a tie the larger hash."""
    return (new.end_ns, new.content_hash) > (old.end_ns, old.content_hash)


@dataclass(slots=True)
class Stored:
    """What is in the database of an execution before this export."""

    started_us: int | None = None
    conversation_id: UUID | None = None
    api_key_id: UUID | None = None
    is_failed: bool = False


@dataclass(slots=True)
class Entry:
    """One trace: its new spans, all its spans, what they map to, and what is found or made for it while storing."""

    trace_id: bytes
    arrived: dict[bytes, Span]
    spans: list[Span]
    mapped: MappedTrace
    execution_id: UUID | None = None
    before: Stored | None = None
    received_us: int | None = None
    settled_us: int | None = None
    created_us: int = 0
    lead_us: int = 0
    agentflow_id: UUID | None = None
    conversation_id: UUID | None = None
    bills: dict[bytes, Bill] = field(default_factory=dict)
    ids: dict[bytes, UUID] = field(default_factory=dict)
    context: Context = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether the execution has rows from before."""
        return self.before is not None

    @property
    def started_us(self) -> int:
        return self.mapped.started_ns // 1000 - self.lead_us

    @property
    def has_name(self) -> bool:
        """Whether the flow's name is final: a provisional one must not make a flow that nobody has."""
        return self.mapped.is_root_seen or self.mapped.status != "running"

    @property
    def is_whole(self) -> bool:
        """Whether the export has the root and every parent, as far as it can be known."""
        parents = {span.parent_span_id for span in self.arrived.values()}
        return None in parents and parents - {None} <= self.arrived.keys()

    def claim(self, execution_id: UUID) -> None:
        """Take the id that the trace is stored under; the ids of its steps follow from it."""
        self.execution_id = execution_id
        self.created_us = to_us(id_time(execution_id))
        self.settle_clock()
        self.ids = {step.span_id: step_id(execution_id, step.span_id) for step in self.mapped.steps}

    def settle_clock(self) -> None:
        """Move a trace that starts in the future back to when we first heard of it; durations stay."""
        self.lead_us = max(0, self.mapped.started_ns // 1000 - self.created_us - LARGEST_LEAD_US)

    def remap(self, spans: list[Span], *, settled: bool = False) -> None:
        """Map again from these spans."""
        self.spans = spans
        self.mapped = map_trace(spans, settled=settled)

    def us(self, ns: int) -> int:
        return ns // 1000 - self.lead_us

    def buckets(self) -> set[int]:
        """Return the quarter hours whose sums this export changes."""
        found = {self.started_us // BUCKET_US}
        if self.before is not None and self.before.started_us is not None:
            found.add(self.before.started_us // BUCKET_US)
        found.update(bill.occurred_us // BUCKET_US for bill in self.bills.values())
        return found

    def content_hash(self) -> bytes:
        """Return what tells two sets of spans apart."""
        hashes = sorted(span.content_hash for span in self.spans)
        return blake2b(b"".join(hashes), digest_size=16).digest()

    def model_steps(self) -> Iterable[MappedStep]:
        return (step for step in self.mapped.steps if step.is_billable)


def entries_of(spans: Iterable[Span]) -> tuple[list[Entry], list[Rejected]]:
    """Group an export's spans by trace, keep one copy of each, and map each trace as if it were new (most are).

    A trace that cannot be mapped is refused alone, so that the rest of the export lands.
    """
    traces: dict[bytes, dict[bytes, Span]] = {}
    for span in spans:
        found = traces.setdefault(span.trace_id, {})
        old = found.get(span.span_id)
        if old is None or is_newer(span, old):
            found[span.span_id] = span
    entries, unreadable = [], []
    for trace_id in sorted(traces):
        arrived = traces[trace_id]
        every = list(arrived.values())
        try:
            entries.append(Entry(trace_id, arrived, every, map_trace(every)))
        except Exception:
            log.exception("trace %s could not be mapped", trace_id.hex())
            reason = "the trace could not be mapped; the failure was logged"
            unreadable += [Rejected(reason, s.name[:200], trace_id.hex(), s.span_id.hex()) for s in every]
    return entries, unreadable


def parts_of(entries: list[Entry]) -> list[list[Entry]]:
    """Return the traces that are whole in this export, and those that go on in others.

    Exports that share a trace wait for each other. Stored apart, only the few shared traces do, not all that came with
    them.
    """
    whole = [entry for entry in entries if entry.is_whole]
    rest = [entry for entry in entries if not entry.is_whole]
    return [part for part in (whole, rest) if part] or [[]]


def agent_key(step: MappedStep) -> tuple[str, str]:
    """Return what makes two steps the same agent's."""
    return ((step.service_name or "")[:255], (step.agent_name or "")[:255])


def tool_key(step: MappedStep) -> str:
    """Return the name under which a tool call's tool is known."""
    return step.block_name[:255]


def block_key(entry: Entry, step: MappedStep) -> tuple[UUID | None, str, str]:
    """Return what makes two steps the same block of a flow."""
    return (entry.agentflow_id, step.kind, step.block_name[:255])


def cut(text: Any, size: int) -> str | None:
    """Return text that fits a column, None for nothing."""
    return None if text is None else str(text)[:size]
