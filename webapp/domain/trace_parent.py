"""Trace ids that we choose and send along, and how a trace that came of one is told from one without its start."""

from __future__ import annotations


def sent_parent(trace_id: bytes) -> bytes:
    """The span id that we name as parent: the first half of the trace id, so that ingest knows it without a look-up.

    Not the second half, which some tracers give to their own first span.
    """
    return trace_id[:8]


def traceparent(trace_id: bytes) -> str:
    """The W3C header for a trace that begins elsewhere because we asked for it."""
    return f"00-{trace_id.hex()}-{sent_parent(trace_id).hex()}-01"
