"""Figures of any window equal plain SQL over the executions, whatever is summed already and whatever came late."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from tests.factories.flows import make_agentflow
from tests.features.rollups.seed import NOW, insert_executions, random_execution
from webapp.database.tenancy import organization_session
from webapp.domain.periods import period
from webapp.features.rollups import queries
from webapp.features.rollups.operations import rebuild
from webapp.features.rollups.queries import Scope

COLUMNS = {
    "flows": "coalesce(agentflow_id, '00000000-0000-0000-0000-000000000000')",
    "statuses": "status",
    "environments": "coalesce(environment, '')",
    "triggers": "coalesce(trigger_type, '')",
    "error_types": "coalesce(error_type, '')",
}


def truth(session, scope):
    """The same figures without any sums."""
    where = ["started_at >= :since", "started_at < :until"]
    where += [f"{sql} = ANY(:{name})" for name, sql in COLUMNS.items() if getattr(scope, name)]
    values = {"since": scope.since, "until": scope.until}
    values |= {name: list(getattr(scope, name)) for name in COLUMNS if getattr(scope, name)}
    executions = f"SELECT * FROM flow_executions WHERE {' AND '.join(where)}"
    return session.execute(
        text(f"""
            WITH e AS ({executions}), l AS (SELECT l.cost_usd, e.status FROM usage_ledger l
                JOIN e ON e.id = l.flow_execution_id AND e.created_at = l.flow_created_at)
            SELECT count(*), count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'completed'),
                   (SELECT sum(cost_usd) FROM l), (SELECT sum(cost_usd) FROM l WHERE status = 'failed'),
                   sum(input_tokens), coalesce(sum(unpriced_call_count), 0),
                   count(execution_time_ms) FILTER (WHERE status IN ('completed', 'failed'))
            FROM e"""),
        values,
    ).one()


def figures(session, scope):
    got = queries.sum_figures(session, scope)
    return (
        got.executions, got.failed, got.completed, got.cost_usd, got.failed_cost_usd, got.input_tokens,
        got.unpriced_call_count, got.duration_count,
    )  # fmt: skip


def random_scope(rng, organization_id, flows):
    since = NOW - timedelta(seconds=rng.randint(0, 2 * 86_400))
    until = since + timedelta(seconds=rng.randint(1, 100_000))
    if rng.random() < 0.5:
        since, until = queries.quarter_floor(since), queries.quarter_ceiling(until)
    options = {
        "flows": tuple(rng.sample(flows, 2)),
        "statuses": rng.choice([("failed",), ("failed", "completed"), ("running",)]),
        "environments": ("prod",),
        "triggers": ("api", "otel"),
        "error_types": ("Timeout",),
    }
    chosen = {name: value for name, value in options.items() if rng.random() < 0.3}
    return Scope(organization_id, since, until, **chosen)


@pytest.mark.parametrize("seed", range(3))
def test_every_window_and_filter_equals_plain_sql_while_sums_go_stale(seed, owner_engine, app_engine, organization):
    rng = random.Random(seed)
    flows = [make_agentflow().id for _ in range(3)]
    for state in ("nothing summed", "half summed", "all summed", "more arrived late"):
        if state in ("nothing summed", "more arrived late"):
            rows = [random_execution(rng, NOW - timedelta(days=2), NOW, [*flows, None]) for _ in range(250)]
            insert_executions(owner_engine, organization.id, rows)
        with organization_session(app_engine, organization.id) as session:
            while state.endswith(" summed") and rebuild(session, organization.id) and state != "half summed":
                pass
            for _ in range(15):
                scope = random_scope(rng, organization.id, flows)
                assert figures(session, scope) == tuple(truth(session, scope)), (state, scope)
                inner = {scope.since + (scope.until - scope.since) * rng.random() for _ in range(4)}
                edges = sorted({scope.since, scope.until, *inner})
                columns = queries.list_columns(session, scope, edges)
                for column, (start, end) in zip(columns, itertools.pairwise(edges), strict=True):
                    expected = truth(session, replace(scope, since=start, until=end))
                    assert column.executions == expected[0]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York"])
@pytest.mark.parametrize("day", ["2026-03-30", "2026-10-26", "2026-11-02", "2026-04-06"])
def test_days_add_up_on_days_of_23_and_25_hours(zone, day, owner_engine, app_engine, organization):
    now = datetime.fromisoformat(f"{day}T09:20:00+00:00").astimezone(UTC)
    rng = random.Random(7)
    rows = [random_execution(rng, now - timedelta(days=8), now, [None]) for _ in range(120)]
    insert_executions(owner_engine, organization.id, rows)
    seen = period("7d", now, ZoneInfo(zone))
    with organization_session(app_engine, organization.id) as session:
        for _ in range(2):
            columns = queries.list_columns(session, Scope(organization.id, seen.since, seen.until), seen.edges)
            by_day = session.execute(
                text("""SELECT date_trunc('day', started_at, :zone) AS day, count(*) FROM flow_executions
                        WHERE started_at >= :since AND started_at < :until GROUP BY 1"""),
                {"zone": zone, "since": seen.since, "until": seen.until},
            )
            days = {row[0]: row[1] for row in by_day}
            assert [column.executions for column in columns] == [days.get(edge, 0) for edge in seen.edges[:-1]]
            while rebuild(session, organization.id):
                pass


def test_another_organization_is_never_counted(owner_engine, app_engine, organization, other_organization):
    insert_executions(owner_engine, other_organization.id, [{"started_at": NOW - timedelta(minutes=5)}])
    with organization_session(app_engine, organization.id) as session:
        scope = Scope(other_organization.id, NOW - timedelta(hours=1), NOW)
        assert queries.count_executions(session, scope) == 0
    with organization_session(app_engine, other_organization.id) as session:
        assert queries.count_executions(session, scope) == 1
