"""The regular tasks do their work for each organization, as the application's role."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import webapp.jobs.tasks  # noqa: F401 - registers them
from tests.factories import (
    make_browser_session,
    make_flow_execution,
    make_ingest_rejection,
    make_organization,
    make_rollup_dirty,
    make_user,
)
from webapp.jobs.registry import TASKS, for_each_organization
from webapp.models import Organization


def _count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return connection.scalar(text(f"SELECT count(*) FROM {table}"))


def test_all_regular_tasks_are_registered() -> None:
    regular = {task.name for task in TASKS.values() if task.every}
    assert regular >= {"ensure_partitions", "prune", "rebuild_rollups", "settle_executions"}


@pytest.mark.parametrize("name", sorted(task.name for task in TASKS.values() if task.every))
def test_a_task_has_nothing_to_do_in_an_empty_database(name: str, app_engine: Engine) -> None:
    TASKS[name].function(app_engine)


def test_prune_removes_what_ended_long_ago_in_every_organization(
    app_engine: Engine, owner_engine: Engine, organization: Organization, other_organization: Organization
) -> None:
    now, old = datetime.now(UTC), datetime.now(UTC) - timedelta(days=31)
    user = make_user()
    for expires in (now + timedelta(days=1), now - timedelta(days=1), old):
        make_browser_session(user_id=user.id, expires_at=expires)
    make_browser_session(user_id=user.id, expires_at=now + timedelta(days=1), revoked_at=old)
    for organization_id in (organization.id, other_organization.id):
        make_ingest_rejection(organization_id=organization_id, received_at=old)
        make_ingest_rejection(organization_id=organization_id, received_at=now)
    TASKS["prune"].function(app_engine)
    assert _count(owner_engine, "sessions") == 2
    assert _count(owner_engine, "ingest_rejections") == 2


def test_rollups_are_built_for_each_organization(
    app_engine: Engine, owner_engine: Engine, organization: Organization, other_organization: Organization
) -> None:
    for organization_id in (organization.id, other_organization.id):
        started = make_flow_execution(organization_id=organization_id).started_at
        bucket = started.replace(minute=started.minute // 15 * 15, second=0, microsecond=0)
        make_rollup_dirty(organization_id=organization_id, bucket=bucket)
    TASKS["rebuild_rollups"].function(app_engine)
    assert _count(owner_engine, "execution_totals") == 2
    assert _count(owner_engine, "rollup_dirty") == 0


def test_one_organizations_failure_does_not_stop_the_others(app_engine: Engine, database: object) -> None:
    ids = sorted(make_organization().id for _ in range(3))
    seen: list[UUID] = []

    def work(session: Session, organization_id: UUID) -> None:
        seen.append(organization_id)
        if organization_id == ids[0]:
            raise RuntimeError("first")

    with pytest.raises(RuntimeError, match="first"):
        for_each_organization(app_engine, "all", work)
    assert sorted(seen) == ids


def test_work_sees_its_organization_and_no_other(app_engine: Engine, database: object) -> None:
    make_flow_execution(organization_id=make_organization().id)
    make_flow_execution(organization_id=make_organization().id)
    counts: list[int] = []
    for_each_organization(
        app_engine,
        "all",
        lambda session, _: counts.append(session.scalar(text("SELECT count(*) FROM flow_executions"))),
    )
    assert counts == [1, 1]
