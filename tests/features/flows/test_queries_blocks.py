"""The truth table of a flow equals plain SQL over its steps, whatever is summed already and whatever came late."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.features.rollups.filled import halves, make_sender, make_traces, send_each, sum_up
from webapp.database.tenancy import organization_session
from webapp.features.flows.queries_blocks import list_blocks, list_versions
from webapp.models.base import NIL_UUID

NOW = datetime.now(UTC)
STEPS = """
    SELECT e.id AS execution_id, s.* FROM flow_executions e JOIN (
        SELECT flow_execution_id, id, parent_id, block_id, status, execution_time_ms, error_type FROM agent_executions
        UNION ALL
        SELECT flow_execution_id, id, parent_id, block_id, status, execution_time_ms, error_type FROM tool_executions
    ) s ON s.flow_execution_id = e.id
    WHERE e.agentflow_id = :flow AND e.started_at >= :since AND e.started_at < :until"""


def count_steps(session, flow, since, until):
    """Executions, completed, failed, durations and own cost by block, without any sums."""
    rows = session.execute(
        text(f"""
            SELECT block_id, count(*), count(*) FILTER (WHERE s.status = 'completed'),
                   count(*) FILTER (WHERE s.status = 'failed'),
                   count(s.execution_time_ms) FILTER (WHERE s.status NOT IN ('running', 'pending')),
                   sum(l.cost_usd), CAST(sum(l.input_tokens) AS bigint)
            FROM ({STEPS}) s LEFT JOIN usage_ledger l ON l.id = s.id GROUP BY block_id"""),
        {"flow": flow, "since": since, "until": until},
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def inner_costs(session, flow, since, until):
    """What the steps inside each block cost, climbing from each bill by hand."""
    values = {"flow": flow, "since": since, "until": until}
    steps = {row.id: row for row in session.execute(text(STEPS), values)}
    bills = session.execute(text("SELECT id, cost_usd FROM usage_ledger WHERE cost_usd IS NOT NULL"))
    found = {}
    for step_id, cost in bills:
        blocks, step = set(), steps.get(step_id)
        while step is not None:
            blocks.add(step.block_id)
            step = steps.get(step.parent_id)
        for block in blocks:
            found[block] = found.get(block, 0) + cost
    return found


def check(session, organization, flow, since, until):
    before = (since - (until - since), since)
    table = list_blocks(session, organization.id, flow, since, until)
    for place, window in (("now", (since, until)), ("before", before)):
        expected = count_steps(session, flow, *window)
        found = {block.block_id: getattr(block, place) for block in table.blocks}
        assert {id_: _figures(sums) for id_, sums in found.items() if sums.executions} == expected
        inner = inner_costs(session, flow, *window)
        assert {id_: sums.inner_cost_usd for id_, sums in found.items() if sums.inner_cost_usd is not None} == inner
        whole = session.execute(
            text("""
                SELECT count(*), count(*) FILTER (WHERE status = 'completed'),
                       count(*) FILTER (WHERE status = 'failed'),
                       count(execution_time_ms) FILTER (WHERE status NOT IN ('running', 'pending')),
                       (SELECT sum(l.cost_usd) FROM usage_ledger l JOIN flow_executions f ON f.id = l.flow_execution_id
                        WHERE f.agentflow_id = :flow AND f.started_at >= :since AND f.started_at < :until),
                       CAST(sum(input_tokens) AS bigint)
                FROM flow_executions
                WHERE agentflow_id = :flow AND started_at >= :since AND started_at < :until"""),
            {"flow": flow, "since": window[0], "until": window[1]},
        ).one()
        assert _figures(getattr(table.flow, place)) == tuple(whole)
    return table


def _figures(sums):
    durations = sum(sums.bins.values())
    return (sums.executions, sums.completed, sums.failed, durations, sums.cost_usd, sums.input_tokens)


def random_window(rng):
    since = NOW - timedelta(seconds=rng.randint(3600, 2 * 86_400))
    until = since + timedelta(seconds=rng.randint(60, 90_000))
    return (since.replace(minute=0, second=0, microsecond=0), until) if rng.random() < 0.4 else (since, until)


@pytest.mark.parametrize("seed", range(2))
def test_every_window_equals_plain_sql_while_sums_go_stale(seed, owner_engine, app_engine, organization):
    rng = random.Random(seed)
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    traces = make_traces(NOW, 90, seed=seed + 1, flows=3)
    late, rest = traces[::7], [trace for place, trace in enumerate(traces) if place % 7]
    first, second = zip(*map(halves, late), strict=True)
    arrivals = {"nothing summed": [*rest[:50], *first], "some summed": [], "all summed": [], "more arrived": rest[50:]}
    arrivals |= {"roots arrived late": list(second), "all summed again": []}
    for state, arrived in arrivals.items():
        send_each(app_engine, sender, arrived)
        if "some" in state:
            sum_up(app_engine, organization.id, rounds=1)
        elif "all" in state:
            sum_up(app_engine, organization.id)
        with organization_session(app_engine, organization.id) as session:
            if "all" in state:
                assert session.scalar(text("SELECT count(*) FROM block_rollup_dirty")) == 0
            flows = session.scalars(text("SELECT id FROM agentflows ORDER BY name")).all()
            assert len(flows) >= 3
            for flow in flows:
                for _ in range(3):
                    check(session, organization, flow, *random_window(rng))
            check(session, organization, flows[0], NOW - timedelta(days=5), NOW + timedelta(minutes=15))


def test_the_reason_is_that_of_the_newest_failed_step(owner_engine, app_engine, organization):
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    send_each(app_engine, sender, make_traces(NOW, 70, flows=3))
    for summed in (False, True):
        if summed:
            sum_up(app_engine, organization.id)
        with organization_session(app_engine, organization.id) as session:
            newest = session.execute(
                text("""
                    SELECT DISTINCT ON (block_id) block_id, agentflow_id, flow_execution_id, coalesce(s.error_type, ''),
                           coalesce(s.error_message, ''), s.completed_at
                    FROM (SELECT block_id, flow_execution_id, error_type, error_message, status, completed_at, sequence
                          FROM agent_executions
                          UNION ALL SELECT block_id, flow_execution_id, error_type, error_message, status, completed_at,
                                           sequence FROM tool_executions) s
                    JOIN flow_executions e ON e.id = s.flow_execution_id
                    WHERE s.status = 'failed'
                    ORDER BY block_id, s.completed_at DESC, flow_execution_id DESC, sequence DESC
                """)
            ).all()
            assert newest
            since, until = NOW - timedelta(days=5), NOW + timedelta(hours=1)
            for block_id, flow, execution, error_type, message, at in newest:
                table = list_blocks(session, organization.id, flow, since, until)
                block = next(block for block in table.blocks if block.block_id == block_id)
                assert (block.error_type, block.error_message) == (error_type, message[:500])
                assert (block.now.last_failed_at, block.now.last_failed_execution_id) == (at, execution)
                assert table.flow.error_type is not None or table.flow.now.failed == 0


def test_versions_add_up_to_the_flow_and_blocks_can_be_asked_by_version(owner_engine, app_engine, organization):
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    send_each(app_engine, sender, make_traces(NOW, 60, flows=2, days=10))
    sum_up(app_engine, organization.id)
    since, until = NOW - timedelta(days=12), NOW + timedelta(hours=1)
    with organization_session(app_engine, organization.id) as session:
        for flow in session.scalars(text("SELECT id FROM agentflows")):
            versions = list_versions(session, organization.id, flow, since, until)
            whole = list_blocks(session, organization.id, flow, since, until).flow.now
            assert sum(version.now.executions for version in versions) == whole.executions
            assert sum(version.now.cost_usd or 0 for version in versions) == (whole.cost_usd or 0)
            for version in versions:
                asked = list_blocks(
                    session, organization.id, flow, since, until, service_version=version.service_version
                )
                assert asked.flow.now == version.now
            firsts = [version.first_seen_at for version in versions if version.first_seen_at]
            assert firsts == sorted(firsts, reverse=True)


def test_links_and_shares(owner_engine, app_engine, organization):
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    send_each(app_engine, sender, make_traces(NOW, 40, flows=3))
    with organization_session(app_engine, organization.id) as session:
        since, until = NOW - timedelta(days=5), NOW + timedelta(hours=1)
        for flow in session.scalars(text("SELECT id FROM agentflows")):
            blocks = list_blocks(session, organization.id, flow, since, until).blocks
            for block in blocks:
                assert (block.agent_id is not None) == (block.step_kind == "agent"), block
                assert (block.tool_id is not None) == (block.step_kind == "tool"), block
            shares = [block.cost_share for block in blocks if block.cost_share is not None]
            assert not shares or sum(shares) == pytest.approx(1)


def test_another_organization_sees_nothing(owner_engine, app_engine, organization, other_organization):
    sender = make_sender(owner_engine, app_engine, organization.id, NOW)
    send_each(app_engine, sender, make_traces(NOW, 20, flows=1))
    sum_up(app_engine, organization.id)
    with organization_session(app_engine, organization.id) as session:
        flow = session.scalars(text("SELECT id FROM agentflows")).one()
    with organization_session(app_engine, other_organization.id) as session:
        table = list_blocks(session, organization.id, flow, NOW - timedelta(days=5), NOW + timedelta(hours=1))
        assert table.blocks == () and table.flow.now.executions == 0 and table.flow.block_id == NIL_UUID
        assert list_versions(session, organization.id, flow, NOW - timedelta(days=5), NOW) == ()
