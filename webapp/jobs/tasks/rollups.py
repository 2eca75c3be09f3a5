"""Bring the sums of the overview up to the rows that arrived since."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from webapp.features.rollups.operations import BUCKETS_AT_ONCE, rebuild
from webapp.jobs.registry import for_each_organization, task

MOST_ROUNDS = 100


@task("rebuild_rollups", every="* * * * * */10")
def rebuild_rollups(engine: Engine) -> None:
    """Round after round, each organization in a transaction of its own, while one had more than fits into a round."""
    for _ in range(MOST_ROUNDS):
        counts = [0]

        def rebuild_some(session: Session, organization_id: UUID, counts: list[int] = counts) -> None:
            counts.append(rebuild(session, organization_id))

        for_each_organization(engine, "rollup", rebuild_some)
        if max(counts) < BUCKETS_AT_ONCE:
            return
