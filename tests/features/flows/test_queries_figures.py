"""Figures of all flows equal plain SQL over executions, from whatever sums they are put together."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.factories.flows import make_agentflow
from tests.features.rollups.filled import sum_up
from tests.features.rollups.seed import NOW, insert_executions, random_execution
from webapp.database.tenancy import organization_session
from webapp.features.flows.queries_figures import (
    FlowFigures,
    list_details,
    list_figures,
    trend_edges,
    worst_first,
)

PLAIN = """
    SELECT e.agentflow_id, count(*), count(*) FILTER (WHERE status = 'completed'),
           count(*) FILTER (WHERE status = 'failed'),
           sum((SELECT sum(l.cost_usd) FROM usage_ledger l WHERE l.flow_execution_id = e.id)),
           count(execution_time_ms) FILTER (WHERE status NOT IN ('running', 'pending'))
    FROM flow_executions e
    WHERE started_at >= :since AND started_at < :until AND agentflow_id IS NOT NULL GROUP BY 1"""


def random_window(rng):
    since = NOW - timedelta(seconds=rng.randint(0, 6 * 86_400))
    until = since + timedelta(seconds=rng.randint(1, 500_000))
    if rng.random() < 0.4:
        return since.replace(minute=0, second=0, microsecond=0), until.replace(
            hour=0, minute=0, second=0, microsecond=0
        )
    return since, until


@pytest.mark.parametrize("seed", range(2))
def test_every_window_equals_plain_sql_while_sums_go_stale(seed, owner_engine, app_engine, organization):
    rng = random.Random(seed)
    flows = [make_agentflow().id for _ in range(4)]
    for state in ("nothing summed", "some summed", "all summed", "more arrived late", "all summed again"):
        if state in ("nothing summed", "more arrived late"):
            rows = [random_execution(rng, NOW - timedelta(days=6), NOW, [*flows, None]) for _ in range(250)]
            insert_executions(owner_engine, organization.id, rows)
        else:
            sum_up(app_engine, organization.id, rounds=3 if "some" in state else 1000)
        with organization_session(app_engine, organization.id) as session:
            for _ in range(15):
                since, until = random_window(rng)
                if since >= until:
                    continue
                plain = {row[0]: row for row in session.execute(text(PLAIN), {"since": since, "until": until})}
                found = list_figures(session, organization.id, since, until)
                assert found == {id_: FlowFigures(*row[1:5]) for id_, row in plain.items()}, (state, since, until)
                check_details(session, organization, since, until, flows[:2], found)
                check_details(session, organization, since, until, None, found)


def check_details(session, organization, since, until, flows, figures):
    details = list_details(session, organization.id, since, until, flows)
    assert details.keys() == {id_ for id_ in figures if flows is None or id_ in flows}
    edges = [*trend_edges(since, until), until]
    assert len(edges) <= 17 and edges == sorted(edges)
    for flow, found in details.items():
        for place, point in enumerate(found.trend):
            counts = session.execute(
                text("""
                    SELECT count(*), count(*) FILTER (WHERE status = 'failed') FROM flow_executions
                    WHERE agentflow_id = :flow AND started_at >= greatest(:since, CAST(:start AS timestamptz))
                      AND started_at < least(:until, CAST(:end AS timestamptz))"""),
                {"flow": flow, "since": since, "until": until, "start": edges[place], "end": edges[place + 1]},
            ).one()
            assert (point.executions, point.failed) == tuple(counts)


@pytest.mark.parametrize(("hours", "points"), [(1, 1), (24, 12), (72, 12), (7 * 24, 7), (30 * 24, 15)])
def test_a_trend_has_few_points(hours, points):
    start = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    assert len(trend_edges(start - timedelta(hours=hours), start)) == points


def test_durations_are_of_all_that_ended(owner_engine, app_engine, organization):
    flow = make_agentflow().id
    rows = [
        {"agentflow_id": flow, "started_at": NOW - timedelta(hours=hour), "execution_time_ms": 1000 * (hour + 1)}
        for hour in range(100)
    ]
    insert_executions(owner_engine, organization.id, rows)
    for _ in range(2):
        with organization_session(app_engine, organization.id) as session:
            found = list_details(session, organization.id, NOW - timedelta(hours=101), NOW, [flow])[flow]
            assert found.p50_ms == pytest.approx(50_000, rel=0.2)
            assert found.p95_ms == pytest.approx(95_000, rel=0.2)
        sum_up(app_engine, organization.id)


def test_the_worst_flow_is_the_one_that_is_proven_worst():
    figures = {
        "one of one": FlowFigures(1, 0, 1),
        "forty of a hundred": FlowFigures(100, 60, 40),
        "none": FlowFigures(500, 500, 0),
        "few": FlowFigures(3, 3, 0),
    }
    assert worst_first(figures.items()) == ["forty of a hundred", "one of one", "none", "few"]
