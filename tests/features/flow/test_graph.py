"""The drawing of a flow with what ran: its figures are those of plain SQL, its blocks can be opened and followed."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from tests.factories.flows import make_agentflow, make_block
from tests.factories.observability import make_block_rollup, make_observed_edge
from tests.features.flow.conftest import HOSTILE, graph_of
from tests.features.rollups.filled import make_sender, make_traces, send_each, sum_up
from webapp.domain.flow_graph import FlowGraph, GraphBlock, GraphEdge, GraphNote
from webapp.domain.periods import period
from webapp.models.base import NIL_UUID


@pytest.fixture
def ran(owner_engine, app_engine, organization, now):
    """The id of the flow that failed most, of 70 executions with all their steps, by two versions of its service."""
    sender = make_sender(owner_engine, app_engine, organization.id, now)
    send_each(app_engine, sender, make_traces(now, 70, flows=4))
    with owner_engine.begin() as connection:
        half = "CASE WHEN extract(second FROM started_at)::int % 2 = 0 THEN '2.1' ELSE '2.0' END"
        connection.execute(sa.text(f"UPDATE flow_executions SET service_version = {half}"))
    sum_up(app_engine, organization.id)
    with owner_engine.connect() as connection:
        return connection.scalar(
            sa.text(
                "SELECT agentflow_id FROM flow_executions GROUP BY 1"
                " ORDER BY count(*) FILTER (WHERE status = 'failed') DESC, count(*) DESC LIMIT 1"
            )
        )


STEPS = """
    SELECT b.id, b.name, b.step_kind, count(*) AS runs, count(*) FILTER (WHERE s.status = 'failed') AS failed,
           count(*) FILTER (WHERE s.status IN ('completed', 'failed')) AS ended, sum(l.cost_usd) AS cost
    FROM (SELECT flow_execution_id, id, block_id, status FROM agent_executions
          UNION ALL SELECT flow_execution_id, id, block_id, status FROM tool_executions) s
    JOIN flow_executions e ON e.id = s.flow_execution_id
    JOIN blocks b ON b.id = s.block_id
    LEFT JOIN usage_ledger l ON l.id = s.id
    WHERE e.agentflow_id = :flow AND e.started_at >= :since AND e.started_at < :until
    GROUP BY b.id, b.name, b.step_kind"""


@pytest.fixture
def by_sql(owner_engine, now):
    """Figures of each block of a flow in the last 7 days, by plain SQL."""

    def read(flow):
        seen = period("7d", now, ZoneInfo("UTC"))
        with owner_engine.connect() as connection:
            values = {"flow": flow, "since": seen.since, "until": seen.until}
            return list(connection.execute(sa.text(STEPS), values))

    return read


def main(text):
    return text[text.index("<main") : text.index("</main>")]


def test_each_block_of_the_table_has_the_figures_of_plain_sql(client_as, bob, ran, by_sql):
    client = client_as(bob)
    page = main(client.get(f"/flows/{ran}/blocks?period=7d").text)
    truth = by_sql(ran)
    rows = re.findall(r"<tr data-row>.*?</tr>", page, re.S)
    assert len(rows) == len(truth) > 4 and sum(row.failed for row in truth) > 0
    for block in truth:
        row = next(r for r in rows if f"block={block.id}" in r)
        assert f'<td class="num">{block.runs:,}</td>' in row, block
        assert f"{block.failed:,} of {block.ended:,}" in row, block
        assert f"${block.cost:,.2f}" in row if block.cost else True


def test_the_csv_is_the_page(client_as, bob, ran, by_sql):
    client = client_as(bob)
    answer = client.get(f"/flows/{ran}/blocks.csv?period=7d&sort=name")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    page = main(client.get(f"/flows/{ran}/blocks?period=7d&sort=name").text)
    assert [row["key"] for row in rows] == re.findall(r'block=([0-9a-f-]{36})"', page)
    truth = {str(b.id): b for b in by_sql(ran)}
    for row in rows:
        block = truth[row["key"]]
        assert (int(row["executions"]), int(row["failed"]), int(row["ended"])) == (
            block.runs,
            block.failed,
            block.ended,
        )
        assert row["cost_usd"] == ("" if block.cost is None else f"{block.cost:f}")


def test_blocks_come_in_the_order_asked_for(client_as, bob, ran):
    client = client_as(bob)
    keys = {
        "executions": lambda row: -int(row["executions"]),
        "slowest": lambda row: -float(row["p95_ms"] or -1),
        "cost": lambda row: -float(row["cost_usd"] or -1),
        "name": lambda row: row["block"].casefold(),
        "failing": lambda row: not int(row["failed"]),
        "trend": lambda row: 0,
        "nonsense": lambda row: not int(row["failed"]),
    }
    for sort, key in keys.items():
        text = client.get(f"/flows/{ran}/blocks.csv?period=7d&sort={sort}").text
        found = [key(row) for row in csv.DictReader(io.StringIO(text))]
        assert len(found) > 4 and found == sorted(found), sort


def test_a_version_is_looked_at_alone_and_beside_another(client_as, bob, ran, owner_engine):
    client = client_as(bob)
    page = main(client.get(f"/flows/{ran}/blocks?period=30d").text)
    with owner_engine.connect() as connection:
        runs = dict(
            connection.execute(
                sa.text("SELECT service_version, count(*) FROM flow_executions WHERE agentflow_id = :f GROUP BY 1"),
                {"f": ran},
            ).all()
        )
    assert len(runs) > 1
    one, other = sorted(runs)[:2]
    assert f"version=%3D{one}" in page
    alone = main(client.get(f"/flows/{ran}/blocks?period=30d&version=={one}").text)
    assert f"{runs[one]} run" in alone and f"by version {one}" in alone
    beside = main(client.get(f"/flows/{ran}/blocks?period=30d&version=={one}&against=={other}").text)
    assert f"Against version {other}" in beside
    rows = list(
        csv.DictReader(
            io.StringIO(client.get(f"/flows/{ran}/blocks.csv?period=30d&version=={one}&against=={other}").text)
        )
    )
    swapped = {
        row["key"]: row
        for row in csv.DictReader(
            io.StringIO(client.get(f"/flows/{ran}/blocks.csv?period=30d&version=={other}&against=={one}").text)
        )
    }
    assert {row["key"] for row in rows} == set(swapped)
    for row in rows:
        assert row["executions"] == swapped[row["key"]]["executions_before"]
    assert main(client.get(f"/flows/{ran}/blocks?period=30d&version=nonsense").text) == page


def test_the_table_is_drawn_alone_for_htmx(client_as, bob, ran):
    part = client_as(bob).get(f"/flows/{ran}/blocks", headers={"HX-Request": "true", "HX-Target": "block-table"}).text
    assert part.lstrip().startswith('<section class="sec" id="block-table"') and "<html" not in part


def test_a_discovered_flow_is_drawn_as_it_ran(client_as, bob, ran, by_sql):
    client = client_as(bob)
    page = main(client.get(f"/flows/{ran}?period=7d").text)
    truth = by_sql(ran)
    drawn = set(re.findall(r'data-key="([^"]+)"', page))
    assert "start" in drawn and len(drawn) > 4 and drawn - {"start"} <= {str(block.id) for block in truth}
    for block in truth:
        if str(block.id) in drawn and block.failed:
            assert re.search(rf">{html.escape(block.name)}: [^<]*{block.runs:,} runs?, [\d.&lt;]+%", page), block
    assert "as seen in traces" in page and "not drawn" not in page.partition('class="tabs"')[2]
    assert 'href="/static/' not in page or "graph" in page


def test_a_block_opens_beside_the_drawing(client_as, bob, ran, by_sql):
    client = client_as(bob)
    truth = by_sql(ran)
    block = max(truth, key=lambda each: (each.failed, each.step_kind == "tool"))
    whole = client.get(f"/flows/{ran}?period=7d&block={block.id}").text
    headers = {"HX-Request": "true", "HX-Target": "aside#block"}
    part = client.get(f"/flows/{ran}?period=7d&block={block.id}", headers=headers).text
    assert part.lstrip().startswith('<aside class="card" id="block"') and "<html" not in part
    for text in (part, whole):
        assert f"{block.failed} of {block.ended} run" in text and "Close panel" in text and "p50" in text
        assert "/executions/" in text and "Failed runs" in text and "Edit block" not in text
    assert 'aria-current="true"' in main(whole)
    closed = client.get(f"/flows/{ran}?period=7d", headers=headers).text
    assert "Choose a block" in closed and "<html" not in closed


def test_edges_are_followed_by_links(client_as, bob, ran):
    client = client_as(bob)
    assert client.get(f"/flows/{ran}?period=7d&block=start").status_code == 404
    drawn = main(client.get(f"/flows/{ran}?period=7d").text)
    assert "block=start" not in drawn, "the start of a run is no block"
    for key in set(re.findall(r'data-key="([0-9a-f-]{36})"', drawn)):
        panel = client.get(f"/flows/{ran}?period=7d&block={key}", headers={"HX-Request": "true", "HX-Target": "block"})
        assert panel.status_code == 200
        for address in re.findall(r'<dt>(?:Comes from|Goes to)</dt><dd><a href="([^"]+)"', panel.text):
            assert client.get(html.unescape(address)).status_code == 200, address


def test_an_unknown_block_is_not_found(client_as, bob, ran):
    client = client_as(bob)
    assert client.get(f"/flows/{ran}?block={uuid4()}").status_code == 404
    assert client.get(f"/flows/{ran}?block=%00").status_code == 404


def named_like(ran, owner_engine):
    """A definition with a block that ran, one that did not, and a condition between them and another that ran."""
    with owner_engine.connect() as connection:
        names = connection.execute(
            sa.text("SELECT name FROM blocks WHERE agentflow_id = :f AND step_kind = 'agent' ORDER BY name"), {"f": ran}
        ).scalars()
        first = next(iter(names))
    blocks = (
        GraphBlock("go", "trigger", "Begin"),
        GraphBlock("decide", "condition", "Which way?"),
        GraphBlock("first", "agent", f" {first.upper()}"),
        GraphBlock("other", "action", "Never called"),
        GraphBlock("nowhere", "condition", "Nothing after"),
    )
    edges = (
        GraphEdge("go", "decide"),
        GraphEdge("decide", "first", "true"),
        GraphEdge("decide", "other", "else"),
        GraphEdge("other", "nowhere"),
    )
    return FlowGraph("drawn-one", blocks=blocks, edges=edges)


def test_what_is_drawn_and_what_ran_are_told_apart(client_as, mia, draw_flow, ran, owner_engine):
    flow, client = draw_flow(mia, named_like(ran, owner_engine)), client_as(mia)
    client.post(f"/flows/{flow}/join", data={"observed_id": str(ran)})
    page = main(client.get(f"/flows/{ran}?period=7d").text)
    cards = dict(re.findall(r'data-key="([^"]+)"[^>]*><title>([^<]*)</title>', page))
    assert " runs" in cards["first"] and "never ran" not in cards["first"]
    assert "never ran" in cards["other"] and "never ran" in cards["nowhere"]
    assert "never ran" not in cards["decide"] and "never ran" not in cards["go"]
    undrawn = [title for key, title in cards.items() if len(key) == 36]
    assert undrawn and all("not drawn" in title for title in undrawn)
    assert f"{len(undrawn)} blocks ran without being drawn" in page
    rows = list(csv.DictReader(io.StringIO(client.get(f"/flows/{ran}/blocks.csv?period=7d").text)))
    assert [row["is_drawn"] for row in rows].count("True") == 5 and len(rows) > 6
    table = main(client.get(f"/flows/{ran}/blocks?period=7d").text)
    assert table.count(">not drawn<") >= len(undrawn) and table.count(">never ran<") == 2


def test_a_chosen_match_gives_a_drawn_block_its_figures(client_as, mia, bob, draw_flow, ran, owner_engine):
    flow, client = draw_flow(mia, named_like(ran, owner_engine)), client_as(mia)
    client.post(f"/flows/{flow}/join", data={"observed_id": str(ran)})
    with owner_engine.connect() as connection:
        tool = connection.execute(
            sa.text("SELECT id, name FROM blocks WHERE agentflow_id = :f AND step_kind = 'tool' LIMIT 1"), {"f": ran}
        ).one()
    panel = client.get(f"/flows/{ran}?period=7d&block=other").text
    assert f'<option value="{tool.id}"' in panel and "Edit block" in panel
    assert f'<option value="{tool.id}"' not in client_as(bob).get(f"/flows/{ran}?period=7d&block=other").text
    client.post(f"/flows/{ran}/runs-as", data={"block": "other", "observed_block_id": str(tool.id)})
    panel = client.get(f"/flows/{ran}?period=7d&block=other").text
    assert f"<dt>Runs as</dt><dd>{tool.name}</dd>" in panel and f'value="{tool.id}" selected' in panel
    assert "never ran" not in panel[panel.index('id="block"') : panel.index("</aside>", panel.index('id="block"'))]


def test_settings_of_a_block_are_shown_as_text(client_as, bob, drawn):
    page = client_as(bob).get(f"/flows/{drawn}?block=extract").text
    panel = page[page.index('id="block"') :]
    assert html.escape("<script>alert(1)</script> {{ 7*7 }}") in panel and "<script>alert" not in panel
    assert "temperature" in panel and "x" * 3_000 in panel and "openai" in panel and "Reads the invoice" in panel
    assert panel.count("<details") >= 2 and "Which" not in panel
    odd = client_as(bob).get(f"/flows/{drawn}?block=ask").text
    assert "needs review" in odd and "Imported as" in odd


def test_notes_of_the_canvas_are_text_below_the_drawing(client_as, mia, draw_flow):
    graph = FlowGraph("n", blocks=(GraphBlock("go", "trigger", "Go"),), notes=(GraphNote("n1", "Ask <b>Kim</b>"),))
    page = main(client_as(mia).get(f"/flows/{draw_flow(mia, graph)}").text)
    assert "1 note on the canvas" in page and "Ask &lt;b&gt;Kim&lt;/b&gt;" in page


def test_a_drawing_that_never_ran_says_how_to_send_traces(client_as, mia, bob, drawn):
    page = main(client_as(mia).get(f"/flows/{drawn}").text)
    assert "Not joined with any runs" in page and 'href="/welcome"' in page and "#runs-as" in page
    assert "Receive webhook" in page and "never ran<" not in page
    assert "#runs-as" not in main(client_as(bob).get(f"/flows/{drawn}").text)


def test_a_period_without_runs_offers_the_last_one_with(client_as, bob, observed, owner_engine, now):
    with owner_engine.begin() as connection:
        connection.execute(sa.text("UPDATE agentflows SET last_execution_at = :at"), {"at": now - timedelta(days=9)})
    page = main(client_as(bob).get(f"/flows/{observed}").text)
    assert "Nothing ran in the last 24 hours" in page and "period=30d" in page and "executions?time=all" in page


def test_nothing_drawn_and_nothing_seen(client_as, mia, observed):
    page = main(client_as(mia).get(f"/flows/{observed}").text)
    assert "Nothing drawn, nothing ran" in page and f"/flows/{observed}/edit" in page and "<svg width" not in page


@pytest.mark.parametrize("path", ["", "?block=KEY", "/blocks"])
@pytest.mark.parametrize("is_drawn", [False, True])
def test_statements_do_not_grow_with_blocks(
    client_as, bob, mia, draw_flow, organization, count_queries, now, path, is_drawn
):
    hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    counts = []
    for number in (1, 30):
        flow = make_agentflow(
            organization_id=organization.id, name=f"many {number}", source="discovered", last_execution_at=now
        )
        own = {"organization_id": organization.id, "agentflow_id": flow.id}
        blocks = [make_block(name=f"b{n}", source="discovered", step_kind="agent", **own) for n in range(number)]
        if is_drawn:
            graph = FlowGraph(f"d{number}", blocks=tuple(GraphBlock(f"k{n}", "agent", f"b{n}") for n in range(number)))
            drawing = draw_flow(mia, graph)
            assert client_as(mia).post(f"/flows/{drawing}/join", data={"observed_id": str(flow.id)}).status_code == 303
        figures = {"bucket": hour, "executions": 3, "completed": 2, "failed": 1, **own}
        make_block_rollup(block_id=NIL_UUID, **figures)
        for block in blocks:
            make_block_rollup(block_id=block.id, **figures)
            make_observed_edge(
                source_block_id=NIL_UUID, target_block_id=block.id, bucket=hour, traversals=3, executions=3, **own
            )
        client = client_as(bob)
        key = "k0" if is_drawn else str(blocks[0].id)
        with count_queries() as statements:
            answer = client.get(f"/flows/{flow.id}{path.replace('KEY', key)}")
        assert answer.status_code == 200 and answer.text.count(">b0<") >= 1
        counts.append(len(statements))
    assert counts[0] == counts[1] <= {"": 8, "?block=KEY": 9, "/blocks": 7}[path], counts


def test_hostile_names_of_blocks_stay_text(client_as, bob, organization, now):
    flow = make_agentflow(organization_id=organization.id, name="x", source="discovered", last_execution_at=now)
    own = {"organization_id": organization.id, "agentflow_id": flow.id}
    block = make_block(name=HOSTILE, source="discovered", step_kind="tool", **own)
    figures = {"bucket": now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2), "executions": 3, **own}
    make_block_rollup(block_id=NIL_UUID, completed=3, failed=0, **figures)
    make_block_rollup(block_id=block.id, completed=3, failed=0, **figures)
    client = client_as(bob)
    for path in ("", f"?block={block.id}", "/blocks"):
        page = client.get(f"/flows/{flow.id}{path}").text
        assert "<script>alert" not in page and html.escape("<script>alert(1)</script>") in page, path
    assert "'=" not in client.get(f"/flows/{flow.id}/blocks.csv").text


def test_a_large_drawing_is_shown(client_as, mia, draw_flow):
    blocks = tuple(GraphBlock(f"k{n}", "action", f"Step {n}") for n in range(300))
    edges = tuple(GraphEdge(f"k{n}", f"k{n + 1}") for n in range(299))
    flow = draw_flow(mia, FlowGraph("long", blocks=blocks, edges=edges))
    page = client_as(mia).get(f"/flows/{flow}").text
    assert page.count("data-key=") == 300
    assert graph_of().name not in page
