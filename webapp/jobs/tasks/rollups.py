"""Bring the sums of the overview and of blocks up to the rows that arrived since."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from webapp.features.rollups.operations import BUCKETS_AT_ONCE, rebuild
from webapp.features.rollups.operations_blocks import rebuild_blocks
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


@task("rebuild_block_rollups", every="* * * * * */20")
def rebuild_block_rollups(engine: Engine) -> None:
    """Round after round, as above, while an organization has hours that are due."""
    for _ in range(MOST_ROUNDS):
        counts = [0]

        def rebuild_some(session: Session, organization_id: UUID, counts: list[int] = counts) -> None:
            counts.append(rebuild_blocks(session, organization_id))

        for_each_organization(engine, "blocks", rebuild_some)
        if not max(counts):
            return
