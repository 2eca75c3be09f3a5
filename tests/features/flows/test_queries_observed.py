"""The graph of a flow as it ran equals the rule applied to every execution, whatever is summed already."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from tests.features.flows.test_queries_blocks import random_window
from tests.features.rollups.filled import halves, make_sender, make_traces, send_each, sum_up
from webapp.database.tenancy import organization_session
from webapp.domain.observed_edges import ATTACH, NIL, Step, observe
from webapp.domain.observed_flow import START
from webapp.features.flows.queries_observed import observed_graph

NOW = datetime.now(UTC)


def truth(session, flow, since, until):
    """Edges by block ids, each execution read by itself."""
    traversals, executions = Counter(), Counter()
    values = {"flow": flow, "since": since, "until": until}
    found = session.scalars(
        text(
            "SELECT id FROM flow_executions WHERE agentflow_id = :flow AND started_at >= :since AND started_at < :until"
        ),
        values,
    )
    for execution in found.all():
        rows = session.execute(
            text("""
                SELECT id, parent_id, block_id, kind, name, started_at, completed_at, sequence FROM agent_executions
                WHERE flow_execution_id = :id
                UNION ALL SELECT id, parent_id, block_id, 'tool', name, started_at, completed_at, sequence
                FROM tool_executions WHERE flow_execution_id = :id"""),
            {"id": execution},
        )
        edges = observe([Step(*row) for row in rows])
        traversals.update(edges)
        executions.update(edges.keys())
    return traversals, executions


def check(session, organization, flow, since, until):
    traversals, executions = truth(session, flow, since, until)
    seen = observed_graph(session, organization.id, flow, since, until, name="mine")
    assert seen.graph.name == "mine"

    def key(id_):
        return START if id_ == NIL else str(id_)

    found = {(e.edge.source, e.edge.target, e.share is None): (e.traversals, e.executions) for e in seen.edges}
    expected = {
        (key(edge[0]), key(edge[1]), edge[2] == ATTACH): (count, executions[edge])
        for edge, count in traversals.items()
        if edge[1] != NIL
    }
    assert found == expected
    assert seen.ends == {str(edge[0]): count for edge, count in traversals.items() if edge[1] == NIL}
    keys = {block.key for block in seen.graph.blocks}
    assert keys == {end for edge in seen.graph.edges for end in (edge.source, edge.target)}
    return seen


def test_every_window_equals_the_rule_while_sums_go_stale(owner_engine, app_engine, organization):
    rng = random.Random(5)
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    traces = make_traces(NOW, 80, flows=3)
    first, second = zip(*map(halves, traces[::6]), strict=True)
    rest = [trace for place, trace in enumerate(traces) if place % 6]
    arrivals = {"nothing summed": [*rest[:50], *first], "all summed": [], "more arrived": [*rest[50:], *second]}
    for state, arrived in (arrivals | {"all summed again": []}).items():
        send_each(app_engine, sender, arrived)
        if "all" in state:
            sum_up(app_engine, organization.id)
        with organization_session(app_engine, organization.id) as session:
            for flow in session.scalars(text("SELECT id FROM agentflows")).all():
                check(session, organization, flow, *random_window(rng))
                check(session, organization, flow, NOW - timedelta(days=5), NOW + timedelta(hours=1))


def test_a_flow_of_two_agents_is_drawn_with_what_serves_them(owner_engine, app_engine, organization):
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    send_each(app_engine, sender, make_traces(NOW, 30, flows=1))
    with organization_session(app_engine, organization.id) as session:
        flow = session.scalars(text("SELECT id FROM agentflows")).one()
        seen = check(session, organization, flow, NOW - timedelta(days=5), NOW + timedelta(hours=1))
        names = {block.key: (block.name, block.source_type, block.agent) for block in seen.graph.blocks}
        assert names[START] == ("Start", None, None)
        drawn = {(names[e.source][0], names[e.target][0], e.target_handle) for e in seen.graph.edges}
        assert {("Start", "router", "in"), ("router", "resolver", "in")} <= drawn
        assert ("search_orders", "resolver", "attach:tool") in drawn
        assert all(agent for name, kind, agent in names.values() if kind == "agent")
        ways = [e for e in seen.edges if names[e.edge.source][0] == "Start"]
        assert [e.share for e in ways] == [1.0]


def test_another_organization_sees_nothing(owner_engine, app_engine, organization, other_organization):
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    send_each(app_engine, sender, make_traces(NOW, 10, flows=1))
    with organization_session(app_engine, organization.id) as session:
        flow = session.scalars(text("SELECT id FROM agentflows")).one()
    for _ in range(2):
        with organization_session(app_engine, other_organization.id) as session:
            seen = observed_graph(session, organization.id, flow, NOW - timedelta(days=5), NOW)
            assert seen.graph.blocks == () and seen.edges == () and seen.ends == {}
        sum_up(app_engine, organization.id)
