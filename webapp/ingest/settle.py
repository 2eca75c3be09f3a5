"""Executions whose end never arrived: after a time without news they get the status that their spans tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.ingest.remap import remap_executions

SETTLE_AFTER_MINUTES = 30
LARGEST_BATCH = 100

_MINUTES = text("SELECT (settings ->> 'settle_after_minutes')::numeric FROM organizations WHERE id = :organization_id")
# Locked so that a span arriving now and the settling of its execution do not overwrite each other.
_DUE = text("""
    SELECT e.id FROM flow_executions e
    WHERE e.organization_id = :organization_id AND e.status IN ('running', 'pending') AND e.trace_id IS NOT NULL
      AND coalesce(e.last_received_at, e.created_at) < :limit AND e.settled_at IS NULL
    ORDER BY e.started_at, e.id LIMIT :batch
""")


def settle_due(session: Session, organization_id: UUID, now: datetime, batch: int = LARGEST_BATCH) -> int:
    """Settle up to ``batch`` executions that were silent for the organization's time and return how many.

    A span that arrives later maps its execution again, so that it may run again. The session sees the organization;
    never commits. Cost: a constant number of statements.
    """
    minutes = session.scalar(_MINUTES, {"organization_id": organization_id})
    silent = timedelta(minutes=float(SETTLE_AFTER_MINUTES if minutes is None else minutes))
    values = {"organization_id": organization_id, "limit": now - silent, "batch": batch}
    due = list(session.scalars(_DUE, values))
    return remap_executions(session, organization_id, due, now=now, settle=True, silent_since=now - silent)
