"""Dify apps: branches, containers, notes, knowledge bases, and files that people saved in another wrapping."""

from __future__ import annotations

import json

import pytest

from tests.importers.conservation import FIXTURES
from webapp.domain.flow_graph import BlockType, EdgeKind
from webapp.importers import NotAFlow, read_flows


def read(name: str):
    (flow,) = read_flows((FIXTURES / name).read_bytes(), name)
    return flow


def edges(flow, source: str) -> set[tuple[str, str, str]]:
    return {(e.source_handle, e.target, e.kind) for e in flow.graph.edges if e.source == source}


def test_what_the_app_says_of_itself():
    flow = read("dify_support.yml")
    assert (flow.format, flow.format_version, flow.source_key) == ("dify", "0.3.1", "Support desk")
    assert (flow.graph.name, flow.graph.config["mode"]) == ("Support desk", "advanced-chat")
    types = {block.key: block.block_type for block in flow.graph.blocks}
    assert types == {
        "1001": BlockType.TRIGGER,
        "1002": BlockType.CONDITION,
        "1003": BlockType.ACTION,
        "1004": BlockType.ACTION,
        "1005": BlockType.CONDITION,
        "1006": BlockType.LOOP,
        "1007": BlockType.TRANSFORM,
        "1008": BlockType.AGENT,
        "1010": BlockType.ACTION,
        "1011": BlockType.ACTION,
    }


def test_branches_keep_their_cases_and_say_what_they_mean():
    flow = read("dify_support.yml")
    assert edges(flow, "1002") == {("case:1", "1003", "flow"), ("case:1720796069925", "1004", "flow")}
    uuid = "5969c8b0-0d1e-4057-8652-f62622663435"
    assert edges(flow, "1005") == {
        ("true", "1006", "flow"),
        (f"case:{uuid}", "1004", "flow"),
        ("else", "1010", "flow"),
    }
    assert edges(flow, "1004") == {("error", "1010", "flow"), ("out", "1006", "flow")}
    labels = {edge.source_handle: edge.label for edge in flow.graph.edges if edge.source in ("1002", "1005")}
    assert labels["case:1"] == "Billing"
    assert labels[f"case:{uuid}"] == "question contains order"
    assert flow.graph.block("1005").config["handles"] == ["true", f"case:{uuid}", "else"]


def test_an_iteration_holds_its_children_and_the_start_marker_becomes_its_body():
    flow = read("dify_support.yml")
    assert {block.key for block in flow.graph.blocks if block.parent_key == "1006"} == {"1007", "1008"}
    assert edges(flow, "1006") == {("body", "1007", "flow"), ("done", "1010", "flow")}
    assert edges(flow, "1008") == {("out", "1006", EdgeKind.LOOP_BACK)}
    inner = flow.graph.block("1007")
    assert (inner.x, inner.y) == (1230 + 117, 200 + 85)
    (marker,) = [item for item in flow.items if item.result == "marker"]
    assert (marker.source, marker.target_key) == ("1006start", None)


def test_old_containers_without_a_start_node_get_their_unwritten_edges():
    flow = read("dify_old.yml")
    assert ("body", "3", "flow") in edges(flow, "2")
    assert edges(flow, "4") == {("out", "2", EdgeKind.LOOP_BACK)}
    assert ("body", "7", "flow") in edges(flow, "5")
    assert edges(flow, "7") == {("out", "5", EdgeKind.LOOP_BACK)}
    assert (flow.edges_seen, flow.count("edge", "made")) == (4, 4)
    assert flow.format_version == ""


def test_variables_stay_valid_because_keys_are_the_ids_of_the_file():
    flow = read("dify_support.yml")
    assert flow.graph.block("1007").inputs == {"hit": "{{#1006.item#}}"}
    assert "{{#1007.output#}}" in str(flow.graph.block("1008").config)
    assert flow.graph.block("1001").outputs["question"]["required"] is True


def test_a_note_becomes_plain_text_without_its_author():
    flow = read("dify_support.yml")
    (note,) = flow.graph.notes
    assert note.text == "Ask billing first\n- one\n- two"
    assert b"somebody@example.com" not in flow.raw
    assert "account name" in {secret.kind for secret in flow.secrets}


def test_what_has_to_be_linked_or_looked_at():
    flow = read("dify_support.yml")
    assert {block.key for block in flow.graph.blocks if block.needs_review} == {"1003", "1011"}
    assert flow.graph.block("1011").config == {"depth": 3}
    assert "dataset_ids" not in flow.graph.block("1003").config
    wanted = {(one.kind, one.name) for one in flow.requirements}
    assert wanted == {
        ("knowledge_base", "Look it up"),
        ("model", "gpt-4o-mini"),
        ("plugin", "langgenius/openai:0.0.23"),
        ("variable", "CRM_TOKEN"),
    }


def test_edges_that_repeat_or_lead_nowhere_are_told():
    results = {item.source: item.result for item in read("dify_support.yml").items if item.subject == "edge"}
    assert results["1006 -> 4711"] == "refused"
    reasons = [item.reason for item in read("dify_support.yml").items if item.result == "merged"]
    assert reasons == ["the same connection is there already"]


def test_a_chat_app_is_one_agent():
    flow = read("dify_chat.yml")
    (block,) = flow.graph.blocks
    assert (block.block_type, block.source_type, block.name) == (BlockType.AGENT, "agent-chat", "Handbook helper")
    assert {(one.kind, one.name) for one in flow.requirements} == {
        ("model", "gpt-4o"),
        ("plugin", "google"),
        ("knowledge_base", "Handbook helper"),
    }
    assert (flow.nodes_seen, flow.edges_seen) == (1, 0)


def test_the_answer_of_the_console_is_the_same_app():
    text = (FIXTURES / "dify_support.yml").read_text()
    (wrapped,) = read_flows(json.dumps({"data": text}).encode(), "saved.yml")
    assert wrapped.graph == read("dify_support.yml").graph


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"kind: app\napp: {mode: workflow}\nworkflow: {}", "workflow.graph"),
        (b"kind: app\napp: {mode: workflow}", "workflow"),
        (b"kind: app\napp: {}\nworkflow: {graph: {nodes: 3}}", "workflow.graph.nodes"),
        (b"kind: app\napp: {}\nworkflow: {graph: {nodes: [], edges: x}}", "workflow.graph.edges"),
        (b'{"data": "app: [\\nworkflow:"}', "data"),
        (b'{"data": "{\\"data\\": \\"app: workflow:\\"}"}', "data"),
    ],
)
def test_a_broken_app_is_refused_with_the_place(content, place):
    with pytest.raises(NotAFlow) as refusal:
        read_flows(content)
    assert place in refusal.value.reason
