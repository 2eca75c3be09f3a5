"""A new flow: empty or a copy, with one of the ten patterns, and straight on to the editor."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from tests.factories.flows import make_agentflow_version
from tests.features.flows.conftest import row_of
from webapp.domain.flow_graph import FlowGraph, GraphBlock, GraphEdge, to_document
from webapp.domain.orchestration_patterns import PATTERNS
from webapp.models import Agentflow

GRAPH = FlowGraph(
    name="Triage", description="Sorts", pattern="Sequential", tags=("a",),
    blocks=(GraphBlock("start", "trigger", "Start"), GraphBlock("sort", "transform", "Sort")),
    edges=(GraphEdge("start", "sort"),),
)  # fmt: skip


@pytest.fixture
def drawn(make_flow):
    """A flow with a drawing, as saving leaves it."""

    def draw(name="Triage", **values):
        document = to_document(GRAPH)
        shown = {"description": GRAPH.description, "tags": list(GRAPH.tags)}
        drawing = {"graph_definition": document, "block_count": 2, "version": 1, "source": "manual"}
        flow = make_flow(name, **shown, **drawing, **values)
        make_agentflow_version(agentflow_id=flow.id, version=1, graph=document)
        return flow

    return draw


def made_flow(answer):
    assert answer.status_code == 303, answer.text
    return row_of(Agentflow, UUID(re.fullmatch(r"/flows/([0-9a-f-]{36})/edit", answer.headers["Location"])[1]))


def test_the_page_explains_all_ten_patterns(as_mia):
    text = as_mia.get("/flows/new").text
    assert (
        len(PATTERNS) == 10
        and text.count('type="radio" name="pattern"') + text.count('name="pattern" type="radio"') == 11
    )
    for pattern in PATTERNS.values():
        assert pattern.name in text and pattern.sentence.replace("'", "&#39;") in text and pattern.demand[1:] in text
    assert 'href="/flows/import"' in text and "Nothing is drawn yet" in text


def test_an_empty_one_begins_with_a_start(as_mia, mia):
    flow = made_flow(as_mia.post("/flows/new", data={"name": " 환불 검토 ", "pattern": "Adaptive", "start": "empty"}))
    assert (flow.name, flow.orchestration_pattern, flow.version, flow.source) == ("환불 검토", "Adaptive", 1, "manual")
    assert flow.user_id == mia.id and flow.block_count == 1 and not flow.is_template
    assert [block["block_type"] for block in flow.graph_definition["blocks"]] == ["trigger"]
    assert f'href="/flows/{flow.id}"' in as_mia.get("/flows?mine=1").text


def test_a_copy_has_the_drawing_and_its_own_name(as_mia, drawn):
    template = drawn(is_template=True, config={"layout": "manual"})
    page = as_mia.get(f"/flows/new?copy_of={template.id}").text
    assert f'selected value="{template.id}"' in page and '<optgroup label="Templates">' in page
    data = {"name": "Mine", "pattern": "", "start": "copy", "copy_of": str(template.id)}
    flow = made_flow(as_mia.post("/flows/new", data=data))
    assert (flow.name, flow.description, flow.orchestration_pattern) == ("Mine", "Sorts", "Sequential")
    assert flow.block_count == 2 and flow.tags == ["a"] and not flow.is_template
    assert flow.graph_definition["edges"] == row_of(Agentflow, template.id).graph_definition["edges"]


def test_what_one_may_not_see_is_not_there_to_copy(as_mia, as_charlie, alice, drawn, make_flow):
    from datetime import UTC, datetime

    private = drawn("private plan", visibility="private", user_id=alice.id)
    gone = drawn("gone plan", deleted_at=datetime.now(UTC))
    page = as_mia.get("/flows/new").text
    assert "private plan" not in page and "gone plan" not in page
    for browser, flow in ((as_mia, private), (as_mia, gone), (as_charlie, drawn("open plan"))):
        data = {"name": "x", "pattern": "", "start": "copy", "copy_of": str(flow.id)}
        assert browser.post("/flows/new", data=data).status_code == 404
    seen = make_flow("only seen")
    data = {"name": "x", "pattern": "", "start": "copy", "copy_of": str(seen.id)}
    assert as_mia.post("/flows/new", data=data).status_code == 409


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": ""}, "Name the flow."), ({"name": "  "}, "Name the flow."), ({"name": "x" * 256}, "longer than 255"),
        ({"name": "x", "pattern": "Chaos"}, "Not a valid choice"),
        ({"name": "x", "start": "copy"}, "Choose what to copy"), ({"name": "a\nb"}, "Line breaks"),
    ],
)  # fmt: skip
def test_wrong_input_keeps_the_form(as_mia, data, words):
    answer = as_mia.post("/flows/new", data={"pattern": "", "start": "empty", "description": "kept"} | data)
    assert answer.status_code == 422 and words in answer.text and "kept" in answer.text
    assert "No flows yet" in as_mia.get("/flows").text


@pytest.mark.parametrize("size", [1, 30])
def test_statements_do_not_grow_with_flows(as_mia, drawn, count_queries, size):
    for number in range(size):
        drawn(f"flow {number}")
    with count_queries() as seen:
        as_mia.get("/flows/new")
    assert len(seen) == 3, seen
