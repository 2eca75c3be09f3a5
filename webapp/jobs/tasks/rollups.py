"""Bring the sums of the overview up to the rows that arrived since."""

from __future__ import annotations

from sqlalchemy import Engine

from webapp.jobs.registry import for_each_organization, task


@task("rebuild_rollups", every="* * * * * */10")
def rebuild_rollups(engine: Engine) -> None:
    from webapp.features.overview.rollups import rebuild

    for_each_organization(engine, "rollup", rebuild)
