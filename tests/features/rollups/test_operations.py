"""Sums are brought up to date without losing a quarter hour, alone or beside writers and other workers."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.features.rollups.seed import NOW, insert_executions, random_execution
from webapp.database.tenancy import organization_session, use_organization
from webapp.features.rollups import operations, queries
from webapp.features.rollups.operations import rebuild
from webapp.features.rollups.queries import Scope

TABLES = ("execution_rollups", "execution_totals", "usage_rollups", "first_sightings")


def everything(session):
    return {table: sorted(map(str, session.execute(text(f"SELECT * FROM {table}")))) for table in TABLES}


def dirty(session):
    return session.scalar(text("SELECT count(*) FROM rollup_dirty"))


def fill(engine, organization, count=200, seed=1):
    rng = random.Random(seed)
    rows = [random_execution(rng, NOW - timedelta(hours=30), NOW, [None]) for _ in range(count)]
    insert_executions(engine, organization.id, rows)


def test_repeating_changes_nothing_and_every_note_is_used_up(owner_engine, app_engine, organization):
    fill(owner_engine, organization)
    with organization_session(app_engine, organization.id) as session:
        assert 0 < rebuild(session, organization.id) <= operations.BUCKETS_AT_ONCE
        while rebuild(session, organization.id):
            pass
        first = everything(session)
        assert first["execution_totals"] and first["usage_rollups"] and dirty(session) == 0
        operations.mark_all(session, organization.id, NOW - timedelta(days=3), NOW + timedelta(days=1))
        assert dirty(session) > 0
        while rebuild(session, organization.id):
            pass
        assert everything(session) == first


def test_one_call_does_a_bounded_amount_newest_first(owner_engine, app_engine, organization, monkeypatch):
    monkeypatch.setattr(operations, "BUCKETS_AT_ONCE", 3)
    insert_executions(owner_engine, organization.id, [{"started_at": NOW - timedelta(hours=h)} for h in range(10)])
    with organization_session(app_engine, organization.id) as session:
        assert rebuild(session, organization.id) == 3
        oldest = session.scalar(text("SELECT min(bucket) FROM execution_totals"))
        assert oldest > NOW - timedelta(hours=3)
        assert [rebuild(session, organization.id) for _ in range(4)] == [3, 3, 1, 0]


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_what_arrives_while_summing_is_not_lost(isolation, owner_engine, app_engine, organization):
    at = NOW - timedelta(minutes=10)
    insert_executions(owner_engine, organization.id, [{"started_at": at, "calls": [("m1", Decimal(1))]}])
    scope = Scope(organization.id, NOW - timedelta(hours=1), NOW)
    with Session(app_engine.execution_options(isolation_level=isolation)) as session, session.begin():
        use_organization(session, organization.id)
        assert rebuild(session, organization.id) == 1
        insert_executions(owner_engine, organization.id, [{"started_at": at, "calls": [("m1", Decimal(2))]}])
    with organization_session(app_engine, organization.id) as session:
        assert dirty(session) == 1
        got = queries.sum_figures(session, scope)
        assert (got.executions, got.cost_usd) == (2, 3)
        assert rebuild(session, organization.id) == 1
        assert session.scalar(text("SELECT sum(executions) FROM execution_totals")) == 2
        assert session.scalar(text("SELECT sum(cost_usd) FROM usage_rollups")) == 3


def test_a_second_worker_steps_aside(owner_engine, app_engine, organization):
    fill(owner_engine, organization, count=20)
    with (
        organization_session(app_engine, organization.id) as one,
        organization_session(app_engine, organization.id) as two,
    ):
        assert rebuild(one, organization.id) > 0
        assert rebuild(two, organization.id) == 0
    with organization_session(app_engine, organization.id) as session:
        assert dirty(session) == 0


def test_models_add_up_to_executions_and_a_version_keeps_its_first_sight(owner_engine, app_engine, organization):
    from tests.factories.flows import make_agentflow

    flow = make_agentflow().id
    for minutes, version in ((30, "48"), (50, "47"), (10, "48"), (90, "47")):
        row = {
            "agentflow_id": flow, "started_at": NOW - timedelta(minutes=minutes), "service_version": version,
            "models": ["m1"], "calls": [("m1", Decimal("0.1")), ("m2", None)],
        }  # fmt: skip
        insert_executions(owner_engine, organization.id, [row])
        with organization_session(app_engine, organization.id) as session:
            rebuild(session, organization.id)
    with organization_session(app_engine, organization.id) as session:
        seen = dict(
            session.execute(
                text("SELECT name, first_seen_at FROM first_sightings WHERE kind = 'service_version'")
            ).all()
        )
        assert seen == {"47": NOW - timedelta(minutes=90), "48": NOW - timedelta(minutes=30)}
        assert session.scalar(text("SELECT sum(cost_usd) FROM execution_totals")) == Decimal("0.4")
        sums = "SELECT model, sum(calls), sum(cost_usd), sum(unpriced_calls) FROM usage_rollups GROUP BY 1 ORDER BY 1"
        rows = session.execute(text(sums)).all()
        assert rows == [("m1", 4, Decimal("0.4"), 0), ("m2", 4, None, 4)]
