"""What a Langflow flow becomes, on small flows of our own."""

from __future__ import annotations

import copy
import hashlib
import json

import pytest

from tests.importers.conservation import FIXTURES
from tests.importers.flow_files import blocks, edges, load, read_one, read_value, results
from webapp.importers import NotAFlow, langflow, read_flows

SUPPORT, OLD = FIXTURES / "langflow_support.json", FIXTURES / "langflow_before_1_0.json"
TEXT = ["Message"]


def node(name: str, kind: str, template: dict | None = None, outputs: list | None = None, **more):
    inside = {"display_name": name, "template": template or {}, "outputs": outputs or [], **more}
    return {
        "id": name,
        "type": "genericNode",
        "position": {"x": 0, "y": 0},
        "data": {"id": name, "type": kind, "node": inside},
    }


def edge(source: str, target: str, field: str = "input_value", types=TEXT, accepted=TEXT, output: str = "out", **more):
    return {
        "source": source,
        "target": target,
        "data": {
            "sourceHandle": {"id": source, "name": output, "output_types": types},
            "targetHandle": {"id": target, "fieldName": field, "inputTypes": accepted, "type": "other", **more},
        },
    }


def flow_of(nodes, edges_, **more):
    return {"name": "F", "last_tested_version": "1.5.0", "data": {"nodes": nodes, "edges": edges_}, **more}


def test_blocks_of_a_flow():
    flow = read_one(SUPPORT)
    assert (flow.format, flow.format_version) == ("langflow", "1.6.0")
    assert blocks(flow) == {
        "Chat Input": "trigger",
        "If-Else": "condition",
        "Loop": "loop",
        "Agent": "agent",
        "Search": "action",
        "Message History": "action",
        "Manner": "action",
        "Own step": "action",
        "Wording": "transform",
        "Writer": "agent",
        "Chat Output": "action",
        "Nameless": "action",
    }
    assert [(note.text, note.x, note.width) for note in flow.graph.notes] == [("Hours\nMon to Fri", 0, 300)]
    assert (flow.graph.description, flow.graph.config) == ("Answers tickets.", {"endpoint": "desk"})


def test_edges_of_a_flow():
    assert edges(read_one(SUPPORT)) == {
        ("Chat Input", "out", "If-Else", "in", "flow"),
        ("If-Else", "true", "Wording", "in", "flow"),
        ("If-Else", "false", "Own step", "in", "flow"),
        ("Own step", "out", "Loop", "in", "flow"),
        ("Loop", "body", "Agent", "in", "flow"),
        ("Agent", "out", "Loop", "in", "loop_back"),
        ("Search", "out", "Agent", "attach:tool", "attach"),
        ("Message History", "out", "Manner", "attach:memory", "attach"),
        ("Manner", "out", "Agent", "attach:other", "attach"),
        ("Loop", "done", "Chat Output", "in", "flow"),
        ("Wording", "out", "Writer", "in", "flow"),
        ("Writer", "out", "Chat Output", "in", "flow"),
    }


def test_a_group_is_unfolded_to_the_nodes_behind_its_fields_and_outputs():
    flow = read_one(SUPPORT)
    assert results(flow, "node", "unfolded") == {"Group-1": "a group; its 2 nodes are taken one by one"}
    assert (flow.nodes_seen, flow.edges_seen) == (14, 15)
    wording, writer = (flow.graph.block(key) for key in ("Prompt-in", "Model-in"))
    assert (wording.x, wording.y, writer.x) == (600, 0, 900), (
        "the corner of the group's inside lies where the group lay"
    )
    assert writer.config["fields"]["temperature"] == 0.9, "what the group sets counts more than the inside's own value"
    assert wording.inputs == {"x": {"from": "Router-1", "output": "true_result"}}


def test_refused_and_merged_connections_say_why():
    flow = read_one(SUPPORT)
    assert results(flow, "edge", "refused") == {
        "ChatInput-1 -> note-1.input_value": "a note has no connections",
        "ChatInput-1 -> Gone-1.input_value": "it ends at a node that is not in the file: Gone-1",
    }
    assert list(results(flow, "edge", "merged")) == ["Group-1 -> ChatOutput-1.sender_name"]
    output = flow.graph.block("ChatOutput-1")
    assert output.inputs["sender_name"] == {"from": "Model-in", "output": "text_output"}
    assert [one["from"] for one in output.inputs["input_value"]] == ["Loop-1", "Model-in"]


def test_code_is_dropped_for_its_hash_and_own_code_is_marked():
    flow = read_one(SUPPORT)
    digest = hashlib.sha256(b"class CustomComponent:\n    pass\n").hexdigest()
    own = flow.graph.block("Own-1")
    assert (own.config["code_sha256"], own.config["is_edited"], own.needs_review) == (digest, True, True)
    assert [block.name for block in flow.graph.blocks if block.needs_review] == ["Own step", "Nameless"]
    assert "class " not in repr(flow.graph)
    assert b"class CustomComponent" not in flow.raw
    assert ("plugin", "Own step") in {(need.kind, need.name) for need in flow.requirements}


def test_settings_roles_and_credentials():
    flow = read_one(SUPPORT)
    agent, search = flow.graph.block("Agent-1"), flow.graph.block("Search-1")
    assert agent.config["fields"] == {"model_name": "gpt-4o", "system_prompt": "Be kind.", "max_tokens": 256}
    assert [(slot.kind, slot.name, slot.is_filled) for slot in agent.credentials] == [
        ("api_key", "Agent: OpenAI API Key", False)
    ]
    assert [slot.name for slot in search.credentials] == ["SEARCH_KEY"]
    assert (search.config["role"], search.config["is_tool"]) == ("tool", True)
    assert {(need.kind, need.name) for need in flow.requirements if need.kind in ("variable", "model")} == {
        ("variable", "REGION"),
        ("model", "gpt-4o"),
        ("model", "gpt-4o-mini"),
    }
    assert flow.graph.block("Loop-1").config["handles"] == ["body", "done"]
    assert flow.graph.block("Router-1").config["handles"] == ["true", "false"]


def test_a_flow_from_before_1_0():
    flow = read_one(OLD)
    assert blocks(flow) == {
        "ChatOpenAI": "action",
        "ConversationBufferMemory": "action",
        "PromptTemplate": "transform",
        "ConversationChain": "agent",
        "PythonFunctionTool": "action",
        "ZeroShotAgent": "agent",
        "Calculator": "action",
    }
    assert edges(flow) == {
        ("ChatOpenAI", "out", "ConversationChain", "attach:model", "attach"),
        ("ConversationBufferMemory", "out", "ConversationChain", "attach:memory", "attach"),
        ("PromptTemplate", "out", "ConversationChain", "in", "flow"),
        ("ConversationChain", "out", "ZeroShotAgent", "attach:other", "attach"),
        ("PythonFunctionTool", "out", "ZeroShotAgent", "attach:tool", "attach"),
        ("Calculator", "out", "ZeroShotAgent", "attach:tool", "attach"),
    }
    assert flow.count("edge", "merged") == 1
    assert [block.name for block in flow.graph.blocks if block.needs_review] == ["PythonFunctionTool", "Calculator"]


def test_the_flows_of_a_project():
    flows = read_flows((FIXTURES / "langflow_project.json").read_bytes(), "project.json")
    assert [(flow.graph.name, flow.source_key, len(flow.graph.edges)) for flow in flows] == [
        ("First", "f1", 1),
        ("Second", "f2", 1),
    ]
    document = load("langflow_project.json")
    document["flows"][1] = {"name": "no flow"}
    with pytest.raises(NotAFlow, match=r"flows\[1\]"):
        read_value(document)


@pytest.mark.parametrize(
    ("types", "accepted", "field", "handle"),
    [
        (["LanguageModel"], ["LanguageModel"], "agent_llm", "attach:model"),
        (["Embeddings"], ["Embeddings"], "embedding_model", "attach:embedding"),
        (["Retriever"], ["Retriever"], "retriever", "attach:retriever"),
        (["Tool"], ["Tool"], "anything", "attach:tool"),
        (["OutputParser"], ["OutputParser"], "output_parser", "attach:parser"),
        (["Data"], ["Data", "DataFrame"], "memory", "in"),
        (["Message"], ["Message"], "tools", "in"),
        ([], [], "tools", "attach:tool"),
        ([], [], "input_value", "in"),
        (["Message", "Tool"], ["Tool"], "x", "attach:tool"),
    ],
)
def test_types_say_what_is_attached_and_names_where_there_are_none(types, accepted, field, handle):
    nodes = [node("A", "Thing"), node("B", "Other"), node("C", "ChatInput")]
    flow = read_value(flow_of(nodes, [edge("C", "A"), edge("A", "B", field, types, accepted)]))
    assert [e.target_handle for e in flow.graph.edges if e.source == "A"] == [handle]


def test_a_router_branches_by_its_outputs():
    outputs = [
        {"name": "category_1_result", "display_name": "Sales"},
        {"name": "default_result", "display_name": "Else"},
    ]
    nodes = [node("R", "SmartRouter", outputs=outputs), node("A", "X"), node("B", "X")]
    flow = read_value(
        flow_of(nodes, [edge("R", "A", output="category_1_result"), edge("R", "B", output="default_result")])
    )
    assert [(e.source_handle, e.label) for e in flow.graph.edges] == [
        ("case:category_1_result", "Sales"),
        ("else", "Else"),
    ]
    assert flow.graph.blocks[0].config["handles"] == ["case:category_1_result", "else"]


def test_handles_are_read_from_text_where_they_are_not_parsed():
    row = edge("R", "A", output="true_result")
    said = row.pop("data")
    row |= {name: json.dumps(value).replace('"', "œ") for name, value in said.items()}
    nodes = [node("R", "ConditionalRouter"), node("A", "X")]
    assert [e.source_handle for e in read_value(flow_of(nodes, [row])).graph.edges] == ["true"]
    row["sourceHandle"] = "{œname"
    assert [e.source_handle for e in read_value(flow_of(nodes, [row])).graph.edges] == ["out"]


def test_a_cycle_of_plain_connections_is_told_by_its_way_back():
    nodes = [node("In", "ChatInput"), node("A", "X"), node("R", "ConditionalRouter")]
    rows = [edge("In", "A"), edge("A", "R"), edge("R", "A", output="false_result")]
    flow = read_value(flow_of(nodes, rows))
    assert [(e.source, e.source_handle, e.kind) for e in flow.graph.edges][-1] == ("R", "false", "loop_back")


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("WebhookComponent", {}, "trigger"),
        ("TextInput", {}, "trigger"),
        ("AnthropicModel", {}, "agent"),
        ("EmbeddingModel", {}, "action"),
        ("ToolCallingAgent", {}, "agent"),
        ("Anything", {"base_classes": ["BaseLanguageModel"]}, "agent"),
        ("Anything", {"base_classes": ["BasePromptTemplate"]}, "transform"),
        ("RecursiveCharacterTextSplitter", {}, "transform"),
        ("TypeConverterComponent", {}, "transform"),
        ("GuardrailsComponent", {}, "condition"),
        ("Chroma", {}, "action"),
        ("Whatever", {}, "action"),
    ],
)
def test_types_that_stand_alone(kind, more, expected):
    flow = read_value(flow_of([node("A", kind, **more)], []))
    assert blocks(flow) == {"A": expected}
    assert not flow.graph.blocks[0].needs_review


def test_a_text_that_something_enters_is_no_trigger():
    flow = read_value(flow_of([node("In", "ChatInput"), node("T", "TextInput")], [edge("In", "T")]))
    assert blocks(flow) == {"In": "trigger", "T": "action"}


def test_groups_in_groups_are_unfolded_and_shared_ids_stay_apart():
    def group(name, inside, fields, outputs=()):
        made = node(name, "GroupNode", {key: {"proxy": {"id": to, "field": f}} for key, to, f in fields})
        made["data"]["node"]["outputs"] = [{"name": n, "proxy": {"id": to, "name": o}} for n, to, o in outputs]
        made["data"]["node"]["flow"] = {"data": inside}
        return made

    core = {"nodes": [node("A", "X", {"q": {"value": ""}})], "edges": []}
    middle = group("G2", core, [("q_A", "A", "q")], [("A_out", "A", "out")])
    outer = group(
        "G1", {"nodes": [middle, node("B", "X")], "edges": [edge("G2", "B", output="A_out")]}, [("q_A_G2", "G2", "q_A")]
    )
    nodes = [node("A", "ChatInput"), outer, node("Z", "X")]
    rows = [edge("A", "G1", "q_A_G2", proxy={"id": "G2", "field": "q_A"}), edge("G1", "Z")]
    flow = read_value(flow_of(nodes, rows))
    assert flow.count("node", "unfolded") == 2
    assert {(e.source, e.target) for e in flow.graph.edges} == {
        ("A", "G2-A-" + hashlib.sha256(b"G2/A").hexdigest()[:10]),
        ("G2-A-" + hashlib.sha256(b"G2/A").hexdigest()[:10], "B"),
        ("B", "Z"),
    }
    assert {block.source_id for block in flow.graph.blocks} == {"A", "G2/A", "B", "Z"}
    broken = copy.deepcopy(nodes)
    broken[1]["data"]["node"]["flow"]["data"]["nodes"][0]["data"]["node"]["template"] = {}
    refused = results(read_value(flow_of(broken, rows)), "edge", "refused")
    assert refused == {"A -> G1.q_A_G2": "it leads to a group, and the group does not say to which node inside"}


def test_nodes_and_edges_of_any_shape_are_accounted_for():
    nodes = [
        node("A", "X"),
        5,
        None,
        "text",
        {},
        {"id": "B", "data": None},
        {"id": "C", "data": {"node": [1]}},
        node("A", "Y"),
    ]
    rows = [edge("A", "B"), None, [], {}, {"source": "A", "target": ["B"]}, {"source": "B", "target": "C", "data": 5}]
    flow = read_value(flow_of(nodes, rows))
    assert (flow.nodes_seen, len(flow.graph.blocks)) == (8, 8)
    assert (flow.edges_seen, flow.count("edge", "imported")) == (6, 2)
    assert sum(block.needs_review for block in flow.graph.blocks) == 6


def test_a_component_from_elsewhere_is_a_plugin_to_look_at():
    own = node("A", "X", metadata={"module": "lfx.components.data.x.X"})
    foreign = node("B", "Y", metadata={"module": "acme_components.y.Y"})
    flow = read_value(flow_of([own, foreign], []))
    assert [block.needs_review for block in flow.graph.blocks] == [False, True]
    assert [(need.kind, need.name) for need in flow.requirements] == [("plugin", "acme_components.y.Y")]


def test_the_kept_file_reads_the_same_again():
    for path in (SUPPORT, OLD):
        flow = read_one(path)
        again = read_flows(flow.raw, path.name)[0]
        assert (again.graph, again.secrets, again.requirements) == (flow.graph, (), flow.requirements)


SECRET = "sk-proj-Zx81kQm4TgV7wL2pRb9NsY3d"
ODD = "correct-horse-battery-42"
"""No pattern of a key; only its place tells that it is one."""


def planted() -> dict:
    """The fixture with a secret in each place where people put them."""
    document = load("langflow_support.json")
    nodes = {one["id"]: one for one in document["data"]["nodes"]}
    agent = nodes["Agent-1"]["data"]["node"]["template"]
    agent["api_key"]["value"] = ODD
    agent["code"]["value"] += f"KEY = '{SECRET}'\n"
    agent["openai_api_key"] = {"type": "str", "value": ODD, "name": "openai_api_key"}
    agent["headers"] = {"type": "table", "value": [{"key": "Authorization", "value": f"Bearer {ODD}-12345678"}]}
    agent["input_value"] = {"type": "str", "value": f"my key is {SECRET}"}
    agent["url"] = {"type": "str", "value": f"https://me:{ODD}@example.org"}
    nodes["Search-1"]["data"]["node"]["template"]["region"]["value"] = SECRET
    nodes["note-1"]["data"]["node"]["description"] = f"Key: {SECRET}"
    group = nodes["Group-1"]["data"]["node"]
    group["template"]["api_key_Model-in"] = {
        "password": True,
        "value": ODD,
        "type": "str",
        "proxy": {"id": "Model-in", "field": "api_key"},
    }
    group["template"]["code_Model-in"] = {
        "type": "code",
        "value": f"KEY = '{ODD}'",
        "proxy": {"id": "Model-in", "field": "code"},
    }
    inner = group["flow"]["data"]["nodes"][1]["data"]["node"]["template"]
    inner["api_key"] = {"password": True, "value": ODD, "type": "str"}
    inner["code"]["value"] = f"PASSWORD = '{ODD}'"
    document["user_id"] = ODD
    document["description"] = f"with {SECRET}"
    document["tags"] = [SECRET]
    return document


def test_planted_secrets_are_gone():
    flow = read_value(planted())
    for secret in (SECRET, ODD):
        assert secret not in flow.raw.decode()
        assert secret not in repr(flow.graph)
        assert secret not in repr((flow.items, flow.requirements, flow.secrets))
    assert len(flow.secrets) >= 12
    assert [slot.kind for slot in flow.graph.block("Model-in").credentials] == ["api_key"]


def test_other_formats_are_not_taken_for_langflow():
    assert not langflow.looks_like({"nodes": [{"type": "customNode"}], "edges": []})
    assert not langflow.looks_like({"nodes": [], "connections": {}})
    assert not langflow.looks_like({"data": {"nodes": [{"type": "custom"}]}})
    assert not langflow.looks_like({"flows": [{"name": "x"}]})


def test_too_many_nodes_are_refused_also_inside_groups():
    inside = {"nodes": [node(f"N{at}", "X") for at in range(2_000)], "edges": []}
    group = node("G", "GroupNode")
    group["data"]["node"]["flow"] = {"data": inside}
    with pytest.raises(NotAFlow, match="2,001 nodes; at most 2,000"):
        read_value(flow_of([group], []))


def test_reading_leaves_the_document_alone():
    document = load("langflow_support.json")
    before = copy.deepcopy(document)
    langflow.read(document, "x")
    assert document == before
