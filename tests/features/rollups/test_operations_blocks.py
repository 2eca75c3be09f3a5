"""Sums per block and observed edges are brought up to date in quiet hours, without losing what arrives meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.features.rollups.filled import halves, make_sender, make_traces, send_each, sum_up
from tests.features.rollups.seed import insert_executions
from webapp.database.tenancy import organization_session, use_organization
from webapp.features.rollups import operations_blocks
from webapp.features.rollups.operations import rebuild
from webapp.features.rollups.operations_blocks import rebuild_blocks
from webapp.jobs.tasks.rollups import rebuild_block_rollups

NOW = datetime.now(UTC)
TABLES = ("block_rollups", "observed_edges", "block_days")


def everything(session):
    return {table: sorted(map(str, session.execute(text(f"SELECT * FROM {table}")))) for table in TABLES}


def dirty(session):
    return session.scalar(text("SELECT count(*) FROM block_rollup_dirty"))


@pytest.fixture
def filled(owner_engine, app_engine, organization):
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    send_each(app_engine, sender, make_traces(NOW, 30, flows=3))
    return sender


@pytest.fixture
def age(owner_engine):
    """Make the notes look older than they are."""

    def age(touched: timedelta, first_touched: timedelta | None = None) -> None:
        with owner_engine.begin() as connection:
            connection.execute(
                text("UPDATE block_rollup_dirty SET touched_at = now() - :a, first_touched_at = now() - :b"),
                {"a": touched, "b": first_touched or touched},
            )

    return age


def test_repeating_changes_nothing_and_every_note_is_used_up(filled, app_engine, organization):
    sum_up(app_engine, organization.id)
    with organization_session(app_engine, organization.id) as session:
        first = everything(session)
        assert all(first.values()) and dirty(session) == 0
        hours = session.scalars(text("SELECT DISTINCT bucket FROM block_rollups")).all()
        operations_blocks.touch_hours(session, organization.id, hours)
        assert dirty(session) == len(hours)
    sum_up(app_engine, organization.id)
    with organization_session(app_engine, organization.id) as session:
        assert everything(session) == first


def test_a_day_is_the_sum_of_its_hours(filled, app_engine, organization):
    sum_up(app_engine, organization.id)
    with organization_session(app_engine, organization.id) as session:
        hours = session.execute(
            text("""
                SELECT date_trunc('day', bucket, 'UTC'), agentflow_id, block_id, service_version, sum(executions),
                       sum(completed), sum(failed), sum(cost_usd), sum(inner_cost_usd), sum(input_tokens),
                       max(last_failed_at), coalesce(sum((SELECT sum(n) FROM unnest(duration_histogram[2:]) n)), 0)
                FROM block_rollups GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
            """)
        ).all()
        days = session.execute(
            text("""
                SELECT bucket, agentflow_id, block_id, service_version, executions, completed, failed, cost_usd,
                       inner_cost_usd, input_tokens, last_failed_at,
                       coalesce((SELECT sum(n) FROM unnest(duration_histogram[2:]) n), 0)
                FROM block_days ORDER BY 1, 2, 3, 4
            """)
        ).all()
        assert days == hours


def test_hours_wait_until_they_are_quiet_but_not_forever(filled, app_engine, organization, age):
    with organization_session(app_engine, organization.id) as session:
        while rebuild(session, organization.id):
            pass
        hours = dirty(session)
        assert hours > 5
        assert rebuild_blocks(session, organization.id) == 0
    age(timedelta(seconds=100), timedelta(minutes=59))
    with organization_session(app_engine, organization.id) as session:
        assert rebuild_blocks(session, organization.id) == 0
    for quiet in ((timedelta(seconds=130),), (timedelta(0), timedelta(minutes=61))):
        age(*quiet)
        with organization_session(app_engine, organization.id) as session:
            assert rebuild_blocks(session, organization.id) == min(hours, operations_blocks.HOURS_AT_ONCE)
            session.rollback()


def test_one_call_does_a_bounded_amount_newest_first(filled, app_engine, organization, monkeypatch):
    with organization_session(app_engine, organization.id) as session:
        while rebuild(session, organization.id):
            pass
        newest = session.scalars(text("SELECT bucket FROM block_rollup_dirty ORDER BY bucket DESC LIMIT 3")).all()
    monkeypatch.setattr(operations_blocks, "HOURS_AT_ONCE", 2)
    with organization_session(app_engine, organization.id) as session:
        assert rebuild_blocks(session, organization.id, is_patient=False) == 2
        done = session.scalars(text("SELECT DISTINCT bucket FROM block_rollups ORDER BY 1 DESC")).all()
        assert done == newest[:2]
    # A large hour is still one that must be done.
    monkeypatch.setattr(operations_blocks, "EXECUTIONS_AT_ONCE", 0)
    with organization_session(app_engine, organization.id) as session:
        assert rebuild_blocks(session, organization.id, is_patient=False) == 1


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_what_arrives_while_summing_is_summed_again(isolation, filled, app_engine, organization):
    sum_up(app_engine, organization.id)
    (late,) = make_traces(NOW, 1, seed=77, flows=1)
    with organization_session(app_engine, organization.id) as session:
        operations_blocks.touch_hours(session, organization.id, [datetime.fromtimestamp(late.end_ns / 1e9, UTC)])
    with Session(app_engine.execution_options(isolation_level=isolation)) as session, session.begin():
        use_organization(session, organization.id)
        assert rebuild_blocks(session, organization.id, is_patient=False) == 1
        send_each(app_engine, filled, [late])
        with organization_session(app_engine, organization.id) as other:
            assert other.scalar(text("SELECT count(*) FROM rollup_dirty")) > 0
    with organization_session(app_engine, organization.id) as session:
        # The note about quarter hours is there until the hour's own note is.
        assert rebuild(session, organization.id) > 0
        assert dirty(session) > 0
    sum_up(app_engine, organization.id)
    with organization_session(app_engine, organization.id) as session:
        executions = session.scalar(text("SELECT count(*) FROM flow_executions WHERE agentflow_id IS NOT NULL"))
        summed = "SELECT sum(executions) FROM block_rollups WHERE block_id = '00000000-0000-0000-0000-000000000000'"
        assert session.scalar(text(summed)) == executions


def test_a_note_that_was_touched_while_summing_stays(filled, app_engine, organization):
    with organization_session(app_engine, organization.id) as session:
        while rebuild(session, organization.id):
            pass
        hours = session.scalars(text("SELECT bucket FROM block_rollup_dirty ORDER BY bucket DESC")).all()
    with organization_session(app_engine, organization.id) as session:
        chosen = operations_blocks.DUE
        session.execute(chosen, {"organization_id": organization.id, "is_patient": False, "most": 1})
        original = operations_blocks._replace

        def touched_meanwhile(*args):
            original(*args)
            with organization_session(app_engine, organization.id) as other:
                operations_blocks.touch_hours(other, organization.id, hours[:1])

        operations_blocks._replace = touched_meanwhile
        try:
            done = rebuild_blocks(session, organization.id, is_patient=False)
        finally:
            operations_blocks._replace = original
        assert done == min(len(hours), operations_blocks.HOURS_AT_ONCE)
    with organization_session(app_engine, organization.id) as session:
        left = session.scalars(text("SELECT bucket FROM block_rollup_dirty ORDER BY bucket DESC")).all()
        assert left == [hours[0], *hours[done:]]


def test_a_second_worker_steps_aside(filled, app_engine, organization):
    with organization_session(app_engine, organization.id) as session:
        rebuild(session, organization.id)
    with (
        organization_session(app_engine, organization.id) as one,
        organization_session(app_engine, organization.id) as two,
    ):
        assert rebuild_blocks(one, organization.id, is_patient=False) > 0
        assert rebuild_blocks(two, organization.id, is_patient=False) == 0


def test_an_execution_without_a_flow_is_left_out_until_it_has_one(owner_engine, app_engine, organization):
    at = NOW - timedelta(hours=2)
    insert_executions(owner_engine, organization.id, [{"started_at": at}])
    sum_up(app_engine, organization.id)
    with organization_session(app_engine, organization.id) as session:
        assert everything(session) == {table: [] for table in TABLES}
        assert dirty(session) == 0


def test_a_trace_counts_once_its_flow_is_known(owner_engine, app_engine, organization):
    """The root names the flow; what came before it is in no sums, and is when the root is there."""
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    (trace,) = make_traces(NOW, 1, flows=1)
    first, second = halves(trace)
    send_each(app_engine, sender, [first])
    sum_up(app_engine, organization.id)
    with organization_session(app_engine, organization.id) as session:
        assert session.scalar(text("SELECT agentflow_id FROM flow_executions")) is None
        assert everything(session)["block_rollups"] == []
    send_each(app_engine, sender, [second])
    sum_up(app_engine, organization.id)
    with organization_session(app_engine, organization.id) as session:
        steps = "SELECT (SELECT count(*) FROM agent_executions) + (SELECT count(*) FROM tool_executions)"
        summed = "SELECT sum(executions) FROM block_rollups WHERE block_id <> '00000000-0000-0000-0000-000000000000'"
        assert session.scalar(text(summed)) == session.scalar(text(steps)) > 0


def test_the_job_sums_what_is_due(filled, app_engine, organization, age):
    with organization_session(app_engine, organization.id) as session:
        while rebuild(session, organization.id):
            pass
        hours = dirty(session)
    rebuild_block_rollups(app_engine)
    with organization_session(app_engine, organization.id) as session:
        assert dirty(session) == hours
    age(timedelta(minutes=5))
    rebuild_block_rollups(app_engine)
    with organization_session(app_engine, organization.id) as session:
        assert dirty(session) == 0 and all(everything(session).values())
