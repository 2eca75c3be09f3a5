"""Versions of a flow: listed with what they did, compared, named, brought back."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.domain.graphs import block, graph
from tests.factories.executions import make_flow_execution
from tests.factories.flows import make_agentflow
from tests.factories.observability import make_block_rollup_dirty
from tests.features.flow_editor.conftest import dora, words  # noqa: F401 (dora is a fixture)
from tests.features.rollups.seed import insert_executions
from webapp.database.tenancy import organization_session
from webapp.features.events.operations import AuthorId
from webapp.features.flows.operations_graph import create_flow, save_graph
from webapp.models import Agentflow, AgentflowVersion, Event

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)
ONE = graph([block("a", name="Alpha"), block("b", name="Beta", config={"prompt": "one\ntwo"})], ["a -> b"])
TWO = replace(
    ONE, blocks=(ONE.blocks[0], replace(ONE.blocks[1], config={"prompt": "one\n2"}), block("c", name="New 한"))
)
THREE = replace(TWO, blocks=TWO.blocks[1:], edges=())


@pytest.fixture
def save(app_engine, organization, alice):
    """``save(flow_id, graph, base, hours)``: the next version, made some hours after the beginning."""

    def save(flow_id, drawn, base, hours, **more):
        author = AuthorId(organization.id, alice.id)
        with organization_session(app_engine, organization.id) as session:
            at = BEGIN + timedelta(hours=hours)
            if flow_id is None:
                flow_id = create_flow(session, author, drawn, now=at, **more)
            else:
                save_graph(session, author, flow_id, drawn, base_version=base, now=at, **more)
            session.commit()
        return flow_id

    return save


@pytest.fixture
def flow_id(save):
    """Three versions, an hour apart."""
    flow_id = save(None, ONE, 0, 0)
    save(flow_id, TWO, 1, 1, name="Second", note="Because")
    save(flow_id, THREE, 2, 2)
    return flow_id


@pytest.fixture
def client(client_as, alice):
    return client_as(alice)


@pytest.fixture
def runs(flow_id, organization, owner_engine):
    """What ran: four while version 1 was current, one of them failed; two with version 2, both failed."""
    plan = [(hours, "completed", "0.5") for hours in (0.1, 0.2, 0.999)]
    plan += [(0.9, "failed", "0.5"), (1.0, "failed", "1.25"), (1.99, "failed", "1.25"), (3, "completed", "2")]
    rows = [
        {"agentflow_id": flow_id, "status": status, "started_at": BEGIN + timedelta(hours=hours),
         "execution_time_ms": 1000, "cost_usd": Decimal(cost), "calls": [("gpt", Decimal(cost))]}
        for hours, status, cost in plan
    ]  # fmt: skip
    insert_executions(owner_engine, organization.id, rows)


def rows_of(client, flow_id, query=""):
    answer = client.get(f"/flows/{flow_id}/versions/export.csv{query}")
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_the_list_says_who_made_what_and_how_it_did_while_it_was_current(client, flow_id, runs):
    page = client.get(f"/flows/{flow_id}/versions")
    text = words(page.text)
    assert (
        page.status_code == 200
        and "Alice" in text
        and "Because" in text
        and "while the version was the current" in text
    )
    assert "+1 −0 ~1" in text and "+0 −1 ~0" in text and "+2 −0 ~0" in text
    rows = rows_of(client, flow_id)
    assert [row["version"] for row in rows] == ["3", "2", "1"]
    found = [(r["executions"], r["failed"], r["failure_rate"], Decimal(r["cost_usd"] or 0)) for r in rows]
    assert found == [
        ("1", "0", "0.0", Decimal(2)), ("2", "2", "1.0", Decimal("2.5")), ("4", "1", "0.25", Decimal(2)),
    ]  # fmt: skip
    assert [(r["blocks_added"], r["blocks_removed"], r["blocks_changed"]) for r in rows] == [
        ("0", "1", "0"), ("1", "0", "1"), ("2", "0", "0"),
    ]  # fmt: skip


def test_figures_equal_a_count_by_plain_sql(client, flow_id, runs, owner_engine):
    query = sa.text("""
        SELECT v.version, count(e.id), count(e.id) FILTER (WHERE e.status = 'failed'), sum(e.cost_usd)
        FROM (SELECT version, created_at, lead(created_at, 1, now()) OVER (ORDER BY version) AS until
              FROM agentflow_versions WHERE agentflow_id = :flow) v
        LEFT JOIN flow_executions e
          ON e.agentflow_id = :flow AND e.started_at >= v.created_at AND e.started_at < v.until
        GROUP BY v.version ORDER BY v.version DESC""")
    with owner_engine.connect() as connection:
        wanted = [(str(v), str(n), str(f), c) for v, n, f, c in connection.execute(query, {"flow": flow_id})]
    rows = rows_of(client, flow_id)
    assert [(r["version"], r["executions"], r["failed"], Decimal(r["cost_usd"])) for r in rows] == wanted


def test_a_version_is_drawn_with_its_figures(client, flow_id, runs):
    answer = client.get(f"/flows/{flow_id}/versions/2")
    text = words(answer.text)
    assert "Version 2 Second" in text and "New 한" in text and "2 of 2 ended, 100.0%" in text and "$2.50" in text
    assert 'data-key="c"' in answer.text and "Restore version 2" in text
    assert "Restore version 3" not in words(client.get(f"/flows/{flow_id}/versions/3").text)
    for missing in ("4", "0", "99999999999999999999", "-1", "x"):
        assert client.get(f"/flows/{flow_id}/versions/{missing}").status_code == 404


def test_two_versions_are_compared_block_by_block_and_line_by_line(client, flow_id, runs):
    answer = client.get(f"/flows/{flow_id}/versions/diff?from=1&to=3")
    text = words(answer.text)
    assert answer.status_code == 200 and "1 block added, 1 block removed, 1 block changed, 1 edge removed" in text
    for key in ("a", "b", "c"):
        assert f'data-key="{key}"' in answer.text, "what was removed is drawn too"
    assert 'class="del"' in answer.text and 'class="ins"' in answer.text and "Alpha → Beta" in text
    assert "1 of 4 ended, 25.0%" in text and "0 of 1 ended, 0.0%" in text
    back = words(client.get(f"/flows/{flow_id}/versions/diff?from=3&to=1").text)
    assert "1 block added, 1 block removed, 1 block changed, 1 edge added" in back
    assert "Both are drawn alike" in client.get(f"/flows/{flow_id}/versions/diff?from=2&to=2").text


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("?from=1", 200), ("?from=a&to=1", 422), ("?from=1&to=9", 404), ("?from=0&to=1", 422),
     ("?from=1&to=99999999999", 422)],
)  # fmt: skip
def test_versions_that_can_and_cannot_be_compared(client, flow_id, query, status):
    assert client.get(f"/flows/{flow_id}/versions/diff{query}").status_code == status


def test_restoring_makes_a_new_version_and_keeps_what_the_flow_says_of_itself(client, flow_id, owner_engine):
    with owner_engine.begin() as connection:
        connection.execute(sa.update(Agentflow).values(name="Renamed", tags=["kept"]))
    answer = client.post(f"/flows/{flow_id}/versions/1/restore", data={"base_version": 3})
    assert answer.status_code == 303 and "/versions/4?done=restored" in answer.location
    assert "Restored: version 4" in client.get(answer.location).text
    with Session(owner_engine) as session:
        flow = session.get(Agentflow, flow_id)
        last = session.scalars(sa.select(AgentflowVersion).filter_by(version=4)).one()
        event = session.scalars(sa.select(Event).order_by(Event.sequence.desc())).first()
    assert (flow.version, flow.name, flow.tags, last.kind, last.note) == (
        4, "Renamed", ["kept"], "restore", "As version 1 was.",
    )  # fmt: skip
    assert [b["key"] for b in last.graph["blocks"]] == ["a", "b"]
    assert event.payload["before"]["version"] == 3 and event.payload["after"]["version"] == 4


def test_restoring_over_a_version_one_has_not_seen_is_refused(client, flow_id, owner_engine):
    answer = client.post(f"/flows/{flow_id}/versions/1/restore", data={"base_version": 2})
    assert answer.status_code == 409 and "Version 3 was saved after this page was opened" in answer.text
    assert client.post(f"/flows/{flow_id}/versions/3/restore", data={"base_version": 3}).status_code == 409
    assert client.post(f"/flows/{flow_id}/versions/1/restore", data={}).status_code == 422
    assert len(rows_of(client, flow_id)) == 3


def test_restoring_what_is_drawn_already_makes_no_version(client, save, flow_id):
    save(flow_id, TWO, 3, 3)
    answer = client.post(f"/flows/{flow_id}/versions/2/restore", data={"base_version": 4})
    assert "done=same" in answer.location and len(rows_of(client, flow_id)) == 4


def test_a_version_gets_a_name_and_the_event_no_words_of_the_note(client, flow_id, owner_engine):
    data = {"name": "한 <b>first</b>", "note": "secret reason\r\nsecond line"}
    answer = client.post(f"/flows/{flow_id}/versions/1/name", data=data)
    assert answer.status_code == 303
    page = client.get(f"/flows/{flow_id}/versions").text
    assert "한 &lt;b&gt;first&lt;/b&gt;" in page and "<b>first" not in page
    with Session(owner_engine) as session:
        row = session.scalars(sa.select(AgentflowVersion).filter_by(version=1)).one()
        payload = session.scalar(sa.select(Event.payload).where(Event.event_type == "agentflow.version_named"))
    assert row.note == "secret reason\nsecond line" and "secret" not in str(payload)
    assert client.post(f"/flows/{flow_id}/versions/1/name", data={"name": "a\nb"}).status_code == 422
    assert client.post(f"/flows/{flow_id}/versions/9/name", data={"name": "x"}).status_code == 404


def test_the_list_is_searched_and_filtered(client, flow_id):
    for query, wanted in (
        ("?q=second", ["2"]), ("?q=because", ["2"]), ("?q=alice", ["3", "2", "1"]), ("?q=v3", ["3"]), ("?q=3", ["3"]),
        ("?q=%25", []), ("?kind=created", ["1"]), ("?kind=restore", []), ("?q=nothing", []),
        ("?q=%00", ["3", "2", "1"]),
    ):  # fmt: skip
        assert [row["version"] for row in rows_of(client, flow_id, query)] == wanted, query
    assert "No version matches" in client.get(f"/flows/{flow_id}/versions?q=nothing").text
    assert client.get(f"/flows/{flow_id}/versions?kind=motor").status_code == 422


def test_pages_go_back_and_forth_without_losing_a_version(client, save):
    flow_id = save(None, ONE, 0, 0)
    for number in range(1, 45):
        save(flow_id, replace(ONE, blocks=(*ONE.blocks, block(f"n{number}"))), number, number / 10)
    base, seen = f"/flows/{flow_id}/versions", []

    def numbers(html):
        return [int(n.split('"')[0]) for n in html.split(f'class="main" href="{base}/')[1:]]

    def follow(html, rel):
        found = html.split(f'rel="{rel}" href="')
        return client.get(found[1].split('"')[0].replace("&amp;", "&")).text if len(found) > 1 else None

    page, pages = client.get(base).text, []
    while page:
        pages.append(numbers(page))
        seen += pages[-1]
        page, last = follow(page, "next"), page
    assert seen == list(range(45, 0, -1)) and [len(p) for p in pages] == [20, 20, 5]
    back = []
    while last:
        back.insert(0, numbers(last))
        last = follow(last, "prev")
    assert back == pages
    assert client.get(f"{base}?cursor=x").status_code == 422


def test_a_part_is_the_list_alone(client, flow_id):
    answer = client.get(
        f"/flows/{flow_id}/versions", headers={"HX-Request": "true", "HX-Target": "section#version-list"}
    )
    assert answer.text.lstrip().startswith('<section class="sec" id="version-list"') and "<html" not in answer.text


def test_a_seen_flow_lists_the_versions_of_its_service(client, organization):
    flow = make_agentflow(organization_id=organization.id, name="seen", source="discovered")
    at = datetime.now(UTC) - timedelta(minutes=5)
    make_block_rollup_dirty(organization_id=organization.id, bucket=at.replace(minute=0, second=0, microsecond=0))
    for version, status in (("1.0", "completed"), ("1.1", "failed")):
        make_flow_execution(
            organization_id=organization.id, agentflow_id=flow.id, status=status, service_version=version,
            started_at=at,
        )  # fmt: skip
    text = words(client.get(f"/flows/{flow.id}/versions").text)
    assert "No versions yet" in text and "1.0" in text and "1.1" in text and "Versions of the service" in text


def test_strangers_and_viewers(client_as, bob, charlie, flow_id):
    stranger, viewer = client_as(charlie), client_as(bob)
    base = f"/flows/{flow_id}/versions"
    for path in ("", "/1", "/diff?from=1&to=2", "/export.csv"):
        assert stranger.get(base + path).status_code == 404
        page = viewer.get(base + path)
        assert page.status_code == 200 and "/restore" not in page.text and "/name" not in page.text
    for path, data in (("/1/restore", {"base_version": 3}), ("/1/name", {"name": "x"})):
        assert stranger.post(base + path, data=data).status_code == 404
        assert viewer.post(base + path, data=data).status_code == 403


def test_a_deleted_flow_is_read_and_not_changed(client, flow_id, owner_engine):
    with owner_engine.begin() as connection:
        connection.execute(sa.update(Agentflow).values(deleted_at=sa.func.now()))
    page = client.get(f"/flows/{flow_id}/versions/1")
    assert page.status_code == 200 and "/restore" not in page.text.replace(f"/flows/{flow_id}/restore", "")
    assert client.post(f"/flows/{flow_id}/versions/1/restore", data={"base_version": 3}).status_code == 404
    assert client.post(f"/flows/{flow_id}/versions/1/name", data={"name": "x"}).status_code == 404


def test_a_private_flow_is_not_there_for_a_colleague(client_as, save, dora):  # noqa: F811
    flow_id = save(None, ONE, 0, 0, visibility="private")
    for path in ("", "/1", "/diff?from=1&to=1", "/export.csv"):
        assert client_as(dora).get(f"/flows/{flow_id}/versions{path}").status_code == 404


@pytest.mark.parametrize("count", [1, 18])
def test_the_pages_ask_as_often_for_one_version_as_for_many(client, save, count_queries, count):
    flow_id = save(None, ONE, 0, 0)
    for number in range(1, count):
        save(flow_id, replace(ONE, blocks=(*ONE.blocks, block(f"n{number}"))), number, number / 10)
    for path, most in (("", 6), ("/1", 6), ("/diff?from=1&to=1", 7)):
        with count_queries() as statements:
            assert client.get(f"/flows/{flow_id}/versions{path}").status_code == 200
        assert len(statements) == most, f"{path}\n{statements}"
