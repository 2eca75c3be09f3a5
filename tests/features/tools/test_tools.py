"""Tools: list, schemas, failed calls, changes with their record, and for whom they are."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.factories.agents import make_agent, make_agent_tool
from tests.factories.executions import make_flow_execution, make_tool_execution
from tests.factories.flows import make_agentflow, make_block
from tests.factories.observability import make_rollup_dirty
from tests.factories.plugins import make_plugin, make_tool
from tests.features.agents.conftest import part
from tests.features.agents.test_detail import KEY, events, rows
from webapp.database.tenancy import organization_session
from webapp.domain.time_buckets import floor_quarter
from webapp.features.events.queries import get_first_broken
from webapp.models import Tool

ID = re.compile(r'class="main" href="/tools/([0-9a-f-]{36})"')
SCHEMA = """{
  "type": "object",
  "properties": {
    "order": {"type": "object", "description": "Which order", "properties": {"id": {"type": "integer"}},
              "required": ["id"]},
    "mode": {"enum": ["fast", "exact"], "default": "fast"}
  },
  "required": ["order"]
}"""
FORM = {
    "name": "lookup_order", "display_name": "", "description": "Finds an order", "category": "orders",
    "tool_type": "http", "execution_mode": "sync", "timeout_seconds": "20", "input_schema": SCHEMA,
    "output_schema": "", "config_schema": "", "base_version": "1",
}  # fmt: skip


@pytest.fixture
def make_called(organization):
    """``make_called("lookup", completed=3, failed=1)``: a discovered tool with calls in the last minutes."""

    def make(name, *, completed=1, failed=0, **values):
        tool = make_tool(organization_id=organization.id, name=name, source="discovered", **values)
        flow = make_agentflow(organization_id=organization.id, name=f"flow of {name}", source="discovered")
        block = make_block(
            organization_id=organization.id, agentflow_id=flow.id, name=name, block_type="action", step_kind="tool",
            source="discovered", tool_id=tool.id,
        )  # fmt: skip
        at = datetime.now(UTC) - timedelta(minutes=2)
        make_rollup_dirty(organization_id=organization.id, bucket=floor_quarter(at))
        for number in range(completed + failed):
            status = "failed" if number < failed else "completed"
            run = make_flow_execution(
                organization_id=organization.id, agentflow_id=flow.id, status="completed", started_at=at, tools=[name]
            )
            make_tool_execution(
                organization_id=organization.id, flow_execution_id=run.id, flow_created_at=run.created_at,
                tool_id=tool.id, block_id=block.id, name=name, agent_name="resolver", status=status, started_at=at,
                completed_at=at, execution_time_ms=100, error_type="Timeout" if number < failed else None,
                error_message=f"order {number} is gone" if number < failed else None,
            )  # fmt: skip
        return tool

    return make


def ids(html):
    return ID.findall(html)


def exported(answer):
    return list(csv.DictReader(io.StringIO(answer.text)))


def made_id(answer):
    assert answer.status_code == 303, answer.text[-3000:]
    return re.search(r"/tools/([0-9a-f-]{36})", answer.location)[1]


@pytest.fixture
def tool_id(as_alice):
    return made_id(as_alice.post("/tools", data=FORM))


def test_a_browser_gets_the_page_and_htmx_the_list(as_bob, make_called):
    tool = make_called("lookup")
    page, listed = as_bob.get("/tools").text, as_bob.get("/tools", headers=part("tool-list"))
    assert "<html" in page and ids(page) == [str(tool.id)]
    assert "<html" not in listed.text and 'id="tool-list"' in listed.text and ids(listed.text) == [str(tool.id)]


def test_the_worst_tool_comes_first_and_its_failed_calls_are_linked(as_bob, make_called):
    good, bad = make_called("alpha", completed=5), make_called("beta", completed=1, failed=3)
    text = as_bob.get("/tools").text
    assert ids(text) == [str(bad.id), str(good.id)] and "75.0%" in text and "3 of 4 failed" in text
    row = exported(as_bob.get("/tools/export.csv"))[0]
    assert (row["name"], row["executions"], row["failed"], row["failure_rate"]) == ("beta", "4", "3", "0.75")
    page = as_bob.get(f"/tools/{bad.id}").text
    assert page.count("<tr data-s") == 3 and "Timeout" in page and "order 1 is gone" in page
    assert "flow of beta" in page and len(re.findall(r'href="/executions/[0-9a-f-]{36}"', page)) == 3
    assert "No call failed" in as_bob.get(f"/tools/{good.id}").text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=ORD", ["lookup"]), ("category=orders", ["lookup"]), ("source=observed", ["seen"]),
        ("source=made", ["lookup"]), ("source=plugin", ["mailer"]), ("plugin=mail-kit", ["mailer"]),
        ("state=retired", ["old"]), ("sort=name", ["lookup", "mailer", "seen"]), ("category=x", []),
        ("sort=nonsense&state=nonsense", ["lookup", "mailer", "seen"]),
    ],
)  # fmt: skip
def test_filters_mean_what_they_say(as_bob, organization, query, names):
    own = {"organization_id": organization.id}
    plugin = make_plugin(name="mail-kit")
    made = {
        "lookup": make_tool(name="lookup", category="orders", **own),
        "seen": make_tool(name="seen", source="discovered", **own),
        "mailer": make_tool(name="mailer", plugin_id=plugin.id, **own),
        "old": make_tool(name="old", is_active=False, **own),
    }
    assert ids(as_bob.get(f"/tools?{query}").text) == [str(made[name].id) for name in names]
    assert [row["name"] for row in exported(as_bob.get(f"/tools/export.csv?{query}"))] == names


def test_an_empty_list_says_what_to_do(as_bob, organization):
    assert "No tools yet" in as_bob.get("/tools").text
    make_tool(organization_id=organization.id, name="lookup")
    assert "Remove search filter (1 tool)" in as_bob.get("/tools?q=zzz").text


def test_schemas_are_a_table_and_json(as_alice, as_bob, tool_id):
    text = as_bob.get(f"/tools/{tool_id}/schemas").text
    cells = re.findall(r"<code>(\w+)</code>", text)
    # PostgreSQL keeps the properties of an object in an order of its own.
    assert cells == ["mode", "order", "id"] and "Which order" in text
    assert "one of fast, exact; default fast" in text and "level 2: " in text and "integer" in text
    assert "&#34;additionalProperties&#34;" not in text and "&#34;properties&#34;" in text
    assert "Nobody said what it gives" in text


def test_a_schema_that_refers_to_itself_ends(as_bob, organization):
    schema = {
        "properties": {"node": {"$ref": "#/$defs/node"}, "far": {"$ref": "https://example.org/s.json"}},
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    }
    tool = make_tool(organization_id=organization.id, name="x", input_schema=schema, config_schema=[1, 2])
    text = as_bob.get(f"/tools/{tool.id}/schemas").text
    assert "see #/$defs/node" in text and "see https://example.org/s.json" in text


def test_saving_a_tool_is_recorded_before_and_after(as_alice, tool_id, owner_engine, app_engine, organization):
    changed = FORM | {"timeout_seconds": "", "input_schema": '{"type": "object"}'}
    assert as_alice.post(f"/tools/{tool_id}", data=changed).location.endswith("done=saved")
    assert as_alice.post(f"/tools/{tool_id}", data=changed | {"base_version": "2"}).location.endswith("done=same")
    (kind, payload) = events(owner_engine, "tool")[-1]
    assert kind == "tool.changed" and payload["changed"] == ["timeout_seconds", "input_schema"]
    assert (payload["version"], payload["previous_version"]) == (2, 1)
    assert payload["before"]["timeout_seconds"] == 20 and payload["after"]["timeout_seconds"] is None
    assert payload["before"]["input_schema"]["required"] == ["order"]
    assert len(events(owner_engine, "tool")) == 2
    history = as_alice.get(f"/tools/{tool_id}/history").text
    assert "Time limit (s)" in history and "Alice" in history
    with organization_session(app_engine, organization.id) as session:
        assert get_first_broken(session, organization.id) is None


def test_a_second_editor_loses_nothing(as_alice, as_dana, tool_id, owner_engine):
    as_dana.post(f"/tools/{tool_id}", data=FORM | {"description": "Dana's words", "input_schema": '{"type": "object"}'})
    answer = as_alice.post(f"/tools/{tool_id}", data=FORM | {"timeout_seconds": "99", "description": "Alice's words"})
    assert answer.status_code == 409 and "Version 2 was saved while you were editing" in answer.text
    assert "holds yours: Description" in answer.text and re.search(r'class="del">.*required', answer.text)
    assert 'value="99"' in answer.text and "Alice&#39;s words" in answer.text and 'name="base_version"' in answer.text
    assert rows(owner_engine, sa.select(Tool.timeout_seconds)) == [20]
    mine = FORM | {"timeout_seconds": "99", "input_schema": '{"type": "object"}', "base_version": "2"}
    assert as_alice.post(f"/tools/{tool_id}", data=mine).location.endswith("done=saved")
    assert as_alice.post(f"/tools/{tool_id}", data=mine | {"base_version": "0"}).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "Name the tool."),
        ({"timeout_seconds": "0"}, "Enter 1 to 86,400."),
        ({"input_schema": '{\n"type": "object",\n}'}, "Line "),
        ({"input_schema": '{"type": "objekt"}'}, "schema.type: “objekt” is none of"),
        ({"input_schema": '{"properties": {"a": {"type": "string"}}, "required": ["b"]}'}, "names “b”"),
        ({"input_schema": '{"properties": []}'}, "schema.properties must be an object"),
        ({"output_schema": "nonsense"}, "Line 1"),
        ({"config_schema": '{"properties": {"api_key": {"type": "string", "default": "hunter2hunter2"}}}'}, "api_key"),
        ({"config_schema": '{"properties": {"x": {"default": "' + KEY + '"}}}'}, "looks like a secret"),
        ({"description": f"use {KEY}"}, "looks like it holds a secret"),
    ],
)
def test_wrong_input_is_said_and_changes_nothing(as_alice, tool_id, owner_engine, wrong, words):
    for address in ("/tools", f"/tools/{tool_id}"):
        answer = as_alice.post(address, data=FORM | wrong)
        assert answer.status_code == 422 and words in answer.text
    assert len(rows(owner_engine, sa.select(Tool))) == 1 and len(events(owner_engine, "tool")) == 1
    assert KEY not in str(events(owner_engine, "tool"))


def test_a_secret_may_be_named_in_a_schema(as_alice, tool_id):
    schema = '{"properties": {"api_key": {"type": "string", "description": "Your key"}}, "required": ["api_key"]}'
    assert as_alice.post(f"/tools/{tool_id}", data=FORM | {"config_schema": schema}).status_code == 303


def test_names_are_taken_once_and_observed_ones_stay(as_alice, tool_id, organization, owner_engine):
    assert as_alice.post("/tools", data=FORM).status_code == 409
    seen = make_tool(organization_id=organization.id, name="seen", source="discovered")
    assert as_alice.post(f"/tools/{seen.id}", data=FORM | {"name": "renamed"}).status_code == 303
    assert set(rows(owner_engine, sa.select(Tool.name))) == {"lookup_order", "seen"}
    other = make_tool(organization_id=organization.id, name="other")
    answer = as_alice.post(f"/tools/{other.id}", data=FORM)
    assert answer.status_code == 409 and "There is a tool named" in answer.text


def test_a_tool_is_retired_said_where_it_is_used_and_restored(as_alice, tool_id, organization, owner_engine):
    agent = make_agent(organization_id=organization.id, name="Resolver")
    make_agent_tool(organization_id=organization.id, agent_id=agent.id, tool_id=tool_id)
    text = as_alice.get(f"/tools/{tool_id}").text
    assert "1 agent has it and keep it: Resolver" in text and f"/agents/{agent.id}" in text
    assert as_alice.post(f"/tools/{tool_id}/retire").status_code == 303
    assert as_alice.post(f"/tools/{tool_id}/retire").status_code == 409
    assert as_alice.post(f"/tools/{tool_id}", data=FORM | {"category": "x"}).status_code == 409
    assert tool_id not in as_alice.get("/tools").text and tool_id in as_alice.get("/tools?state=retired").text
    other = make_agent(organization_id=organization.id)
    assert as_alice.post(f"/agents/{other.id}/tools", data={"tool_id": tool_id}).status_code == 409
    assert as_alice.post(f"/tools/{tool_id}/restore").status_code == 303
    assert [kind for kind, _ in events(owner_engine, "tool")] == ["tool.created", "tool.retired", "tool.restored"]


def test_a_shipped_tool_is_seen_by_all_and_changed_by_nobody(as_alice, as_charlie):
    tool = make_tool(organization_id=None, name="calculator")
    assert "calculator" in as_charlie.get("/tools").text
    assert "Comes with the product" in as_alice.get(f"/tools/{tool.id}").text
    for action in ("", "/retire", "/restore"):
        assert as_alice.post(f"/tools/{tool.id}{action}", data=FORM).status_code == 403


def test_strangers_and_viewers_may_not(as_charlie, as_bob, tool_id):
    assert "lookup_order" not in as_charlie.get("/tools").text + as_charlie.get("/tools/export.csv").text
    for path in ("", "/edit", "/schemas", "/history"):
        assert as_charlie.get(f"/tools/{tool_id}{path}").status_code == 404
    for path in ("", "/retire", "/restore"):
        assert as_charlie.post(f"/tools/{tool_id}{path}", data=FORM).status_code == 404
        assert as_bob.post(f"/tools/{tool_id}{path}", data=FORM).status_code == 403
    assert as_bob.get("/tools/new").status_code == 403 and as_bob.post("/tools", data=FORM).status_code == 403
    text = as_bob.get(f"/tools/{tool_id}").text + as_bob.get("/tools").text
    assert "Retire tool" not in text and "Create tool" not in text and ">Edit<" not in text


def test_hostile_text_is_shown_and_not_run(as_bob, organization):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    schema = {"properties": {evil: {"type": evil, "description": evil, "enum": [evil], "$ref": 5}}}
    tool = make_tool(
        organization_id=organization.id, name=evil, description=evil, category=evil[:90], input_schema=schema
    )
    for address in ("/tools", f"/tools/{tool.id}", f"/tools/{tool.id}/schemas"):
        text = as_bob.get(address).text
        assert "<script>alert" not in text and "<img src=x" not in text


@pytest.mark.parametrize("size", [1, 30])
def test_statements_do_not_grow_with_rows(as_bob, make_called, count_queries, size, organization):
    tools = [make_called(f"tool {number}", failed=1) for number in range(size)]
    for _ in range(size):
        agent = make_agent(organization_id=organization.id)
        make_agent_tool(organization_id=organization.id, agent_id=agent.id, tool_id=tools[0].id)
    as_bob.get("/tools")
    counts = {}
    for path in ("", f"/{tools[0].id}", f"/{tools[0].id}/schemas", f"/{tools[0].id}/history"):
        with count_queries() as statements:
            assert as_bob.get(f"/tools{path}").status_code == 200
        counts[path.rpartition("/")[2][:9]] = len(statements)
    assert list(counts.values()) == [5, 7, 4, 5], counts


def test_pages_cover_all_tools_once(as_bob, organization):
    for number in range(60):
        make_tool(organization_id=organization.id, name=f"tool {number:02}")
    first = as_bob.get("/tools").text
    following = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = as_bob.get(following).text
    seen = ids(first) + ids(second)
    assert len(seen) == len(set(seen)) == 60
    assert [row["id"] for row in exported(as_bob.get("/tools/export.csv"))] == seen
