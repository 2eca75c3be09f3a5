"""Figures of agents and tools equal plain SQL over their runs and calls, whatever is summed already."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from tests.features.rollups.filled import make_sender, make_traces, send_each, sum_up
from webapp.database.tenancy import organization_session
from webapp.features.rollups.queries_agents import agent_figures, tool_figures

NOW = datetime.now(UTC)
RUNS = """
    SELECT s.agent_id, count(*), count(*) FILTER (WHERE s.status = 'completed'),
           count(*) FILTER (WHERE s.status = 'failed'),
           count(s.execution_time_ms) FILTER (WHERE s.status NOT IN ('running', 'pending'))
    FROM agent_executions s JOIN flow_executions e ON e.id = s.flow_execution_id
    WHERE s.kind = 'agent' AND e.started_at >= :since AND e.started_at < :until GROUP BY 1"""
CALLS = """
    SELECT s.tool_id, count(*), count(*) FILTER (WHERE s.status = 'completed'),
           count(*) FILTER (WHERE s.status = 'failed'),
           count(s.execution_time_ms) FILTER (WHERE s.status NOT IN ('running', 'pending'))
    FROM tool_executions s JOIN flow_executions e ON e.id = s.flow_execution_id
    WHERE s.tool_id IS NOT NULL AND e.started_at >= :since AND e.started_at < :until GROUP BY 1"""
# In the demo's traces every billed call of an agent says the agent's name.
COSTS = """
    SELECT l.agent_id, sum(l.cost_usd) FROM usage_ledger l JOIN flow_executions e ON e.id = l.flow_execution_id
    WHERE e.started_at >= :since AND e.started_at < :until AND l.agent_id IS NOT NULL GROUP BY 1"""


def counts(figures):
    return {
        id_: (sums.executions, sums.completed, sums.failed, sum(sums.bins.values())) for id_, sums in figures.items()
    }


def test_agents_and_tools_equal_plain_sql_while_sums_go_stale(owner_engine, app_engine, organization):
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    traces = make_traces(NOW, 70, flows=4)
    for arrived, is_summed in ((traces[:40], False), ([], True), (traces[40:], False), ([], True)):
        send_each(app_engine, sender, arrived)
        if is_summed:
            sum_up(app_engine, organization.id)
        with organization_session(app_engine, organization.id) as session:
            for hours, until in ((100, NOW + timedelta(hours=1)), (30, NOW - timedelta(minutes=100))):
                window = {"since": NOW - timedelta(hours=hours), "until": until}
                agents = agent_figures(session, organization.id, **window)
                assert counts(agents) == {row[0]: tuple(row[1:]) for row in session.execute(text(RUNS), window)}
                costs = {id_: sums.inner_cost_usd for id_, sums in agents.items()}
                assert costs == dict.fromkeys(costs) | dict(session.execute(text(COSTS), window).all())
                tools = tool_figures(session, organization.id, **window)
                assert counts(tools) == {row[0]: tuple(row[1:]) for row in session.execute(text(CALLS), window)}
                assert agents and tools


def test_another_organization_sees_nothing(owner_engine, app_engine, organization, other_organization):
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    send_each(app_engine, sender, make_traces(NOW, 8, flows=2))
    window = (organization.id, NOW - timedelta(hours=100), NOW + timedelta(hours=1))
    with organization_session(app_engine, other_organization.id) as session:
        assert agent_figures(session, *window) == {} and tool_figures(session, *window) == {}
