"""Settle executions that were running when their last span arrived and of which nothing was heard since."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from webapp.ingest.settle import LARGEST_BATCH, settle_due
from webapp.jobs.registry import for_each_organization, task

MOST_ROUNDS = 100


@task("settle_executions", every="* * * * *")
def settle_executions(engine: Engine) -> None:
    """Round after round, each organization in a transaction of its own, while one had more than fits into a round."""
    now = datetime.now(UTC)
    for _ in range(MOST_ROUNDS):
        counts = [0]

        def settle_some(session: Session, organization_id: UUID, counts: list[int] = counts) -> None:
            counts.append(settle_due(session, organization_id, now))

        for_each_organization(engine, "settle", settle_some)
        if max(counts) < LARGEST_BATCH:
            return
