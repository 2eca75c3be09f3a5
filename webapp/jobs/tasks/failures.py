"""What the worker does about failures: reopen what is back, end mutes, notice escalations, map what is older."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from webapp.features.failures.operations_grouping import place_stragglers
from webapp.features.failures.operations_watch import end_mutes, note_escalations
from webapp.ingest.remap import remap_executions
from webapp.ingest.reopening import reopen_returned
from webapp.jobs.registry import for_each_organization, task

AT_ONCE = 200
# Executions that failed without saying how have no cause to belong to.
WITHOUT = text("""
    SELECT e.id FROM flow_executions e
    WHERE e.organization_id = :organization_id AND e.status = 'failed' AND e.trace_id IS NOT NULL
      AND (e.error_type IS NOT NULL OR e.error_message IS NOT NULL)
      AND NOT EXISTS (SELECT FROM failure_occurrences o
                      WHERE o.flow_execution_id = e.id AND o.flow_created_at = e.created_at)
    ORDER BY e.started_at DESC, e.id DESC LIMIT :most
""")


@task("watch_failures", every="* * * * * */3")
def watch_failures(engine: Engine) -> None:
    """Each organization in a transaction of its own."""
    now = datetime.now(UTC)

    def watch(session: Session, organization_id: UUID) -> None:
        place_stragglers(session, organization_id, now=now)
        reopen_returned(session, organization_id, now=now)
        end_mutes(session, organization_id, now=now)
        note_escalations(session, organization_id, now=now)

    for_each_organization(engine, "all", watch)


@task("map_earlier_failures", every="*/5 * * * *")
def map_earlier_failures(engine: Engine) -> None:
    """Find the causes of executions that were stored before causes were kept: the newest first, some at a time."""
    now = datetime.now(UTC)

    def map_some(session: Session, organization_id: UUID) -> None:
        ids = session.scalars(WITHOUT, {"organization_id": organization_id, "most": AT_ONCE}).all()
        remap_executions(session, organization_id, ids, now=now)

    for_each_organization(engine, "all", map_some)
