"""Settle executions that were running when their last span arrived and of which nothing was heard since."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from webapp.jobs.registry import for_each_organization, task


@task("settle_executions", every="* * * * *")
def settle_executions(engine: Engine) -> None:
    from webapp.ingest.settle import settle_due

    now = datetime.now(UTC)

    def settle(session: Session, organization_id: UUID) -> None:
        settle_due(session, organization_id, now)

    for_each_organization(engine, "settle", settle)
