"""Months made ahead, and rows removed that nobody needs any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from webapp.database.partitions import ensure_ahead
from webapp.jobs.registry import for_each_organization, task

REJECTIONS_KEPT = timedelta(days=30)
SESSIONS_KEPT = timedelta(days=30)  # after their end, so that a person can still see where they were signed in


@task("ensure_partitions", every="17 3 * * *")
def ensure_partitions(engine: Engine) -> None:
    ensure_ahead(engine)


@task("prune", every="41 * * * *")
def prune(engine: Engine) -> None:
    now = datetime.now(UTC)
    with engine.begin() as connection:
        ended = "DELETE FROM sessions WHERE least(expires_at, coalesce(revoked_at, expires_at)) < :before"
        connection.execute(text(ended), {"before": now - SESSIONS_KEPT})

    def prune_rejections(session: Session, organization_id: UUID) -> None:
        old = "DELETE FROM ingest_rejections WHERE organization_id = :organization_id AND received_at < :before"
        session.execute(text(old), {"organization_id": organization_id, "before": now - REJECTIONS_KEPT})

    for_each_organization(engine, "all", prune_rejections)
