"""Flowise: what is attached and what follows, unwritten ways back, outputs by index, the export of everything."""

from __future__ import annotations

import json

import pytest

from tests.importers.conservation import FIXTURES
from webapp.domain.flow_graph import BlockType, EdgeKind
from webapp.importers import NotAFlow, read_flows


def read(name: str):
    (flow,) = read_flows((FIXTURES / name).read_bytes(), name)
    return flow


def edges(flow, source: str) -> set[tuple[str, str, str, str]]:
    found = [edge for edge in flow.graph.edges if edge.source == source]
    return {(edge.source_handle, edge.target, edge.target_handle, edge.kind) for edge in found}


def test_helpers_are_attached_and_steps_follow():
    flow = read("flowise_sequential.json")
    assert (flow.format, flow.format_version, flow.source_key) == ("flowise", "v1", "flowise_sequential")
    assert edges(flow, "chatOpenAI_0") == {("out", "seqStart_0", "attach:model", "attach")}
    assert edges(flow, "agentMemory_0") == {("out", "seqStart_0", "attach:memory", "attach")}
    assert edges(flow, "serper_0") == {("out", "seqAgent_0", "attach:tool", "attach")}
    assert edges(flow, "seqStart_0") == {("out", "seqAgent_0", "in", "flow")}
    assert edges(flow, "seqConditionAgent_0") == {
        ("case:yes", "seqEnd_0", "in", "flow"),
        ("case:no", "seqLoop_0", "in", "flow"),
    }
    assert flow.graph.block("seqConditionAgent_0").config["handles"] == ["case:yes", "case:no"]


def test_a_loop_goes_back_to_the_node_that_it_names_in_other_letters():
    flow = read("flowise_sequential.json")
    assert flow.graph.block("seqLoop_0").block_type == BlockType.LOOP
    assert edges(flow, "seqLoop_0") == {("out", "seqAgent_0", "in", EdgeKind.LOOP_BACK)}
    assert (flow.count("edge", "made"), flow.edges_seen) == (1, 9)


def test_settings_lose_the_wiring_and_blocks_get_the_names_that_people_gave():
    flow = read("flowise_sequential.json")
    agent = flow.graph.block("seqAgent_0")
    assert (agent.name, agent.config) == (
        "Researcher",
        {"agentName": "Researcher", "systemMessagePrompt": "Search first."},
    )
    assert "data.instance" not in str(flow.graph)
    assert [slot.kind for slot in flow.graph.block("chatOpenAI_0").credentials] == ["openAIApi"]
    unknown = flow.graph.block("crystalBall_0")
    assert (unknown.block_type, unknown.needs_review, unknown.config) == (BlockType.ACTION, True, {"depth": 3})


def test_a_chatflow_gets_the_trigger_that_it_does_not_draw_without_counting_it():
    flow = read("flowise_chatflow.json")
    (trigger,) = [block for block in flow.graph.blocks if block.block_type == BlockType.TRIGGER]
    assert edges(flow, trigger.key) == {("out", "promptTemplate_0", "in", "flow")}
    assert edges(flow, "promptTemplate_0") == {("out", "llmChain_0", "in", "flow")}
    assert trigger.source_id is None
    assert (flow.nodes_seen, flow.count("node", "block"), flow.count("node", "made")) == (3, 3, 1)


def test_outputs_by_index_become_branches():
    flow = read("flowise_agentflow.json")
    assert flow.format_version == "v2"
    assert edges(flow, "conditionAgentflow_0") == {
        ("case:0", "humanInputAgentflow_0", "in", "flow"),
        ("case:1", "humanInputAgentflow_0", "in", "flow"),
        ("else", "loopAgentflow_0", "in", "flow"),
    }
    labels = {edge.source_handle: edge.label for edge in flow.graph.edges if edge.source == "conditionAgentflow_0"}
    assert labels == {"case:0": "{{ $flow.state.count }} larger 3", "case:1": "at once", "else": ""}
    assert {handle for handle, *_ in edges(flow, "humanInputAgentflow_0")} == {"approved", "rejected"}


def test_one_condition_is_true_or_false():
    document = json.loads((FIXTURES / "flowise_agentflow.json").read_bytes())
    node = next(node for node in document["nodes"] if node["id"] == "conditionAgentflow_0")
    node["data"]["inputs"]["conditions"] = node["data"]["inputs"]["conditions"][:1]
    (flow,) = read_flows(json.dumps(document).encode())
    assert {handle for handle, *_ in edges(flow, "conditionAgentflow_0")} == {"true", "false", "case:2"}
    assert flow.graph.block("conditionAgentflow_0").config["handles"] == ["true", "false"]


def test_the_way_back_of_a_loop_is_made_and_a_lost_one_is_told():
    flow = read("flowise_agentflow.json")
    assert edges(flow, "loopAgentflow_0") == {("out", "llmAgentflow_0", "in", EdgeKind.LOOP_BACK)}
    (back,) = [edge for edge in flow.graph.edges if edge.source == "loopAgentflow_0"]
    assert back.label == "at most 5 times"
    lost = flow.graph.block("loopAgentflow_1")
    assert lost.needs_review and edges(flow, lost.key) == set()


def test_an_iteration_begins_with_the_child_that_nothing_leads_to():
    flow = read("flowise_agentflow.json")
    assert ("body", "agentAgentflow_0", "in", "flow") in edges(flow, "iterationAgentflow_0")
    assert ("done", "conditionAgentflow_0", "in", "flow") in edges(flow, "iterationAgentflow_0")
    assert edges(flow, "customFunctionAgentflow_0") == {("out", "iterationAgentflow_0", "in", EdgeKind.LOOP_BACK)}
    inner = flow.graph.block("customFunctionAgentflow_0")
    assert (inner.parent_key, inner.x, inner.y) == ("iterationAgentflow_0", 780, 90)


def test_texts_of_the_editor_become_plain():
    flow = read("flowise_agentflow.json")
    message = flow.graph.block("llmAgentflow_0").config["llmMessages"][0]["content"]
    assert message == "Plan <steps> for {{ question }}\n- think\n\n- write"
    assert flow.graph.notes[0].text == "First\nsecond"
    assert {(one.kind, one.name) for one in flow.requirements if one.kind not in ("credential", "model")} == {
        ("plugin", "arxiv"),
        ("knowledge_base", "papers"),
    }


def test_an_export_of_everything_gives_each_flow_under_its_own_id():
    flows = read_flows((FIXTURES / "flowise_everything.json").read_bytes(), "all.json")
    assert [flow.graph.name for flow in flows] == ["Plain chat", "Sequential helper", "Research"]
    assert [flow.source_key[-2:] for flow in flows] == ["03", "01", "02"]
    assert flows[0].graph.tags == ("support", "beta")
    assert b"apikeyid" not in flows[0].raw


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"ChatFlow": [{"id": "1", "flowData": "{"}]}, "ChatFlow[0].flowData"),
        ({"ChatFlow": [{"id": "1", "flowData": 3}]}, "ChatFlow[0].flowData"),
        ({"ChatFlow": [{"id": "1", "flowData": "[]"}]}, "ChatFlow[0].flowData"),
        ({"AgentFlowV2": [{"id": "1", "flowData": "{}"}]}, "nodes"),
        ({"nodes": {"a": 1}, "edges": [{"type": "buttonedge"}]}, "nodes"),
        ({"nodes": [{"type": "customNode"}], "edges": "none"}, "edges"),
    ],
)
def test_a_broken_flow_is_refused_with_the_place(content, place):
    with pytest.raises(NotAFlow) as refusal:
        read_flows(json.dumps(content).encode())
    assert place in refusal.value.reason
