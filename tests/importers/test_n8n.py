"""What an n8n workflow becomes, on small workflows of our own."""

from __future__ import annotations

import copy
import json

import pytest

from tests.importers.conservation import FIXTURES
from tests.importers.flow_files import blocks, edges, load, read_one, read_value, results
from webapp.importers import NotAFlow, n8n, read_flows

SUPPORT = FIXTURES / "n8n_support.json"
BASE, CHAIN = "n8n-nodes-base.", "@n8n/n8n-nodes-langchain."


def node(name: str, kind: str, version: float = 1, **more):
    return {
        "id": name,
        "name": name,
        "type": kind,
        "typeVersion": version,
        "position": [0, 0],
        "parameters": {},
        **more,
    }


def chain(*slots, source="A", kind="main"):
    """Connections of one node: for each output the names of its targets."""
    return {source: {kind: [[{"node": name, "type": kind, "index": 0} for name in slot] for slot in slots]}}


def workflow(nodes, connections, **more):
    return {"name": "W", "nodes": nodes, "connections": connections, **more}


def handles(kind: str, version: float, parameters: dict, outputs: int, **more) -> list[str]:
    """The handle of each output of a node of this type."""
    nodes = [node("A", kind, version, **more) | {"parameters": parameters}]
    nodes += [node(f"T{at}", BASE + "noOp") for at in range(outputs)]
    flow = read_value(workflow(nodes, chain(*[[f"T{at}"] for at in range(outputs)])))
    by_target = {edge.target: edge.source_handle for edge in flow.graph.edges}
    return [by_target[f"T{at}"] for at in range(outputs)]


def test_blocks_of_a_workflow():
    flow = read_one(SUPPORT)
    assert flow.format == "n8n"
    assert blocks(flow) == {
        "On ticket": "trigger",
        "Route": "condition",
        "Answer": "agent",
        "Chat model": "action",
        "Memory": "action",
        "Find order": "action",
        "Reply": "action",
        "Report": "action",
        "Steps": "loop",
        "Try": "action",
        "Worked?": "condition",
        "Summary": "transform",
        "Join": "transform",
        "Close": "action",
        "Enrich": "action",
        "Twin": "action",
    }
    (note,) = flow.graph.notes
    assert (note.text, note.width) == ("Hours\nMon to Fri, see the list (https://example.org/hours)", 300)
    assert flow.graph.tags == ("support", "desk")


def test_edges_of_a_workflow():
    flow = read_one(SUPPORT)
    assert edges(flow) == {
        ("On ticket", "out", "Route", "in", "flow"),
        ("Route", "case:billing", "Answer", "in", "flow"),
        ("Route", "case:technical", "Steps", "in", "flow"),
        ("Route", "else", "Join", "in", "flow"),
        ("Answer", "out", "Reply", "in", "flow"),
        ("Answer", "error", "Report", "in", "flow"),
        ("Chat model", "out", "Answer", "attach:model", "attach"),
        ("Memory", "out", "Answer", "attach:memory", "attach"),
        ("Find order", "out", "Answer", "attach:tool", "attach"),
        ("Steps", "done", "Summary", "in", "flow"),
        ("Steps", "body", "Try", "in", "flow"),
        ("Try", "out", "Worked?", "in", "flow"),
        ("Worked?", "true", "Steps", "in", "loop_back"),
        ("Worked?", "false", "Try", "in", "loop_back"),
        ("Summary", "out", "Join", "in", "flow"),
        ("Reply", "out", "Join", "in", "flow"),
        ("Join", "out", "Close", "in", "flow"),
        ("Close", "out", "Enrich", "in", "flow"),
        ("Close", "out", "Twin", "in", "flow"),
        ("Twin", "error", "Join", "in", "loop_back"),
    }
    assert {(e.source_handle, e.label) for e in flow.graph.edges if e.source == "route"} == {
        ("case:billing", "billing"),
        ("case:technical", "technical"),
        ("else", "nobody"),
    }
    assert [edge.label for edge in flow.graph.edges if edge.source == "summary"] == ["Input 2"]


def test_refused_and_merged_connections_say_why():
    flow = read_one(SUPPORT)
    assert results(flow, "edge", "refused") == {
        "Close -> Nowhere": "it ends at a node that is not in the file: Nowhere",
        "Close -> enrich": "it ends at an id; connections go by name, and this is the id of Enrich",
        "Close -> Note": "a note has no connections",
        "Ghost -> Join": "it starts at a node that is not in the file: Ghost",
        "Twin -> Join": "connections of the kind side are unknown",
    }
    assert list(results(flow, "edge", "merged")) == ["Summary -> Join"]
    assert (flow.nodes_seen, flow.edges_seen) == (18, 26)


def test_connections_of_a_shared_name_go_to_the_last():
    flow = read_one(SUPPORT)
    assert [edge.target for edge in flow.graph.edges if edge.source == "close"] == ["enrich", "twin-2"]
    assert "more than one node" in results(flow, "node", "block")["twin-1"]


def test_helpers_carry_their_role_and_settings_are_kept():
    by_name = {block.name: block for block in read_one(SUPPORT).graph.blocks}
    roles = {name: block.config["role"] for name, block in by_name.items() if "role" in block.config}
    assert roles == {"Chat model": "model", "Memory": "memory", "Find order": "tool"}
    assert by_name["Report"].config["is_disabled"] is True
    assert by_name["Reply"].config["retry"] == {"tries": 2, "wait_ms": 1000}
    assert by_name["Answer"].config["on_error"] == "continueErrorOutput"
    assert by_name["Route"].config["handles"] == ["case:billing", "case:technical", "else"]
    assert by_name["Steps"].config["items"] == {"batch_size": 5}


def test_what_the_workflow_needs():
    flow = read_one(SUPPORT)
    assert {(need.kind, need.name) for need in flow.requirements} == {
        ("credential", "Team key"),
        ("credential", "Desk"),
        ("model", "gpt-4o-mini"),
        ("variable", "SUPPORT_ADDRESS"),
        ("flow", "Order search"),
        ("flow", "Close ticket"),
        ("flow", "w9"),
        ("plugin", "n8n-nodes-enricher"),
    }
    assert [block.name for block in flow.graph.blocks if block.needs_review] == ["Enrich"]
    close = next(block for block in flow.graph.blocks if block.name == "Close")
    assert close.config["sub_flow"] == {"name": "Close ticket", "blocks": ["Begin", "Mark"]}


def test_nothing_of_the_installation_is_kept():
    flow = read_one(SUPPORT)
    assert {secret.place for secret in flow.secrets} == {
        "pinData",
        "staticData",
        "meta.instanceId",
        "nodes[0].webhookId",
        "nodes[13].parameters.workflowJson.pinData",
    }
    assert b"person@example.org" not in flow.raw
    assert "person@example.org" not in repr(flow)
    assert "f00d" not in repr(flow)


@pytest.mark.parametrize(
    ("kind", "version", "parameters", "expected"),
    [
        ("if", 1, {}, ["true", "false"]),
        ("filter", 2, {}, ["true"]),
        ("splitInBatches", 1, {}, ["body"]),
        ("splitInBatches", 2, {}, ["body", "done"]),
        ("splitInBatches", 3, {}, ["done", "body"]),
        ("compareDatasets", 2, {}, ["case:a_only", "case:same", "case:different", "case:b_only"]),
        ("switch", 1, {"rules": {"rules": [{"output": 2, "value2": "late"}]}}, ["case:0", "case:1", "case:late"]),
        ("switch", 2, {"rules": {"rules": [{"outputKey": "x"}, {"outputKey": "x"}]}}, ["case:x", "case:1"]),
        ("switch", 3, {"mode": "expression", "numberOutputs": 2}, ["case:0", "case:1"]),
        (
            "switch",
            3.2,
            {"rules": {"values": [{"outputKey": "a"}, {}]}, "options": {"fallbackOutput": "extra"}},
            ["case:a", "case:1", "else"],
        ),
        ("set", 3, {}, ["out", "case:1"]),
    ],
)
def test_the_index_of_an_output_means_what_the_type_says(kind, version, parameters, expected):
    assert handles(BASE + kind, version, parameters, len(expected)) == expected


def test_classifiers_branch_by_their_words():
    categories = {"categories": {"categories": [{"category": "bug"}, {"category": "praise"}]}}
    other = {"options": {"fallback": "other"}}
    assert handles(CHAIN + "textClassifier", 1, {**categories, **other}, 3) == ["case:bug", "case:praise", "else"]
    assert handles(CHAIN + "sentimentAnalysis", 1, {}, 3) == ["case:Positive", "case:Neutral", "case:Negative"]


def test_the_error_output_is_the_last_one():
    failing = {"onError": "continueErrorOutput"}
    assert handles(BASE + "if", 2, {}, 3, **failing) == ["true", "false", "error"]
    assert handles(BASE + "httpRequest", 4, {}, 2, **failing) == ["out", "error"]
    assert handles(BASE + "unheardOf", 1, {}, 3, **failing) == ["out", "case:1", "error"]
    assert handles(BASE + "httpRequest", 4, {}, 1, **failing) == ["out"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (BASE + "scheduleTrigger", "trigger"),
        (BASE + "cron", "trigger"),
        (CHAIN + "chatTrigger", "trigger"),
        (BASE + "respondToWebhook", "action"),
        (BASE + "stopAndError", "action"),
        (BASE + "wait", "action"),
        (CHAIN + "informationExtractor", "agent"),
        (CHAIN + "lmChatOpenAi", "agent"),
        (CHAIN + "outputParserStructured", "transform"),
        (CHAIN + "vectorStoreQdrant", "action"),
        (BASE + "itemLists", "transform"),
        (CHAIN + "guardrails", "condition"),
    ],
)
def test_types_that_stand_alone(kind, expected):
    assert blocks(read_value(workflow([node("A", kind)], {}))) == {"A": expected}


def test_a_vendor_node_is_an_agent_only_when_a_model_answers():
    audio = node("A", CHAIN + "openAi", parameters={"resource": "audio"})
    text = node("B", CHAIN + "openAi", parameters={"resource": "text"})
    assert blocks(read_value(workflow([audio, text], {}))) == {"A": "action", "B": "agent"}


def test_a_helper_with_steps_of_its_own_has_no_role():
    nodes = [
        node("A", BASE + "set"),
        node("Store", CHAIN + "vectorStoreQdrant"),
        node("Embed", CHAIN + "embeddingsOpenAi"),
    ]
    connections = chain(["Store"]) | chain(["Store"], source="Embed", kind="ai_embedding")
    flow = read_value(workflow(nodes, connections))
    assert {block.name: block.config.get("role") for block in flow.graph.blocks} == {
        "A": None,
        "Store": None,
        "Embed": "embedding",
    }


@pytest.mark.parametrize("kind", ["", None, 7, ["x"]])
def test_a_node_without_a_usable_type_is_kept_for_review(kind):
    flow = read_value(workflow([node("A", kind), node("B", BASE + "set")], chain(["B"])))
    odd = flow.graph.blocks[0]
    assert (odd.block_type, odd.needs_review) == ("action", True)
    assert results(flow, "node", "block")["A"] == "it has no type"
    assert flow.count("edge", "imported") == 1


def test_nodes_and_connections_of_any_shape_are_accounted_for():
    nodes = [node("A", BASE + "set"), "text", None, {"name": "B", "type": BASE + "set"}, {}]
    connections = {
        "A": {"main": [None, [], [None, 5, {"node": "B"}, {"node": 3}], {"node": "B"}], 7: None},
        "B": "nothing",
        "C": {"main": "B"},
    }
    flow = read_value(workflow(nodes, connections))
    assert (flow.nodes_seen, len(flow.graph.blocks)) == (5, 5)
    assert flow.edges_seen == 7
    assert flow.count("edge", "imported") == 2
    assert all(reason for reason in results(flow, "edge", "refused").values())


def test_connections_that_are_no_object_are_refused():
    flow = read_value(workflow([node("A", BASE + "set")], [["A"]]))
    assert results(flow, "edge", "refused") == {"connections": "the connections are no object"}


def test_ids_that_come_twice_or_are_missing_still_tell_nodes_apart():
    nodes = [node("A", BASE + "set", id="1"), node("B", BASE + "set", id="1"), node("C", BASE + "set")]
    del nodes[2]["id"]
    flow = read_value(workflow(nodes, chain(["B"]) | chain(["C"], source="B")))
    assert {(e.source, e.target) for e in flow.graph.edges} == {("A", "B"), ("B", "C")}


def test_a_workflow_without_a_name_is_called_as_its_file():
    document = load("n8n_support.json")
    del document["name"]
    flow = read_value(document, "folder/ticket desk.json")
    assert (flow.graph.name, flow.source_key) == ("ticket desk", "ticket desk")
    assert read_value({**document, "id": "w7"}, "x.json").source_key == "w7"


def test_wrapped_workflows_are_read():
    document = load("n8n_support.json")
    template = {"id": 3, "name": "Template", "workflow": {"nodes": document["nodes"], "connections": {}}}
    assert read_value(template).graph.name == "Template"
    assert len(read_value({"data": document}).graph.blocks) == 17


def test_a_flow_that_calls_itself_needs_no_other():
    tool = node("A", CHAIN + "toolWorkflow", parameters={"workflowId": "={{ $workflow.id }}"})
    flow = read_value(workflow([tool], {}))
    assert flow.graph.blocks[0].config["sub_flow"] == {"name": "this flow itself"}
    assert not flow.requirements


def test_the_kept_file_reads_the_same_again():
    flow = read_one(SUPPORT)
    again = read_flows(flow.raw, SUPPORT.name)[0]
    assert (again.graph, again.secrets) == (flow.graph, ())


SECRET = "sk-proj-Zx81kQm4TgV7wL2pRb9NsY3d"
ODD = "correct-horse-battery-42"
"""No pattern of a key; only its place tells that it is one."""


def planted() -> dict:
    """The fixture with a secret in each place where people put them."""
    document = load("n8n_support.json")
    nodes = {one["name"]: one for one in document["nodes"]}
    nodes["Try"]["parameters"] = {
        "url": f"https://user:{ODD}@example.org/?api_key={ODD}",
        "headerParameters": {"parameters": [{"name": "Authorization", "value": f"Bearer {SECRET}"}]},
        "queryParameters": {"parameters": [{"name": "api_key", "value": ODD}]},
        "jsonHeaders": json.dumps({"X-Api-Key": ODD}),
        "password": ODD,
    }
    nodes["Summary"]["parameters"] = {
        "assignments": {"assignments": [{"name": "access_token", "type": "string", "value": ODD}]},
        "jsCode": f"const key = '{SECRET}'; const password = '{ODD}';",
    }
    nodes["Reply"]["credentials"] = {"gmailOAuth2": {"id": "9", "name": "Desk", "data": {"refresh": ODD}}}
    nodes["Report"]["notes"] = f"use {SECRET}"
    nodes["Note"]["parameters"]["content"] = f"Key: {SECRET}"
    nodes["Close"]["parameters"]["workflowJson"] = json.dumps(
        {
            "nodes": [
                {"name": SECRET, "type": BASE + "httpRequest", "parameters": {"password": ODD}, "webhookId": ODD},
                {"name": "x", "type": BASE + "gmail", "credentials": {"g": {"name": "n", "token": ODD}}},
            ],
            "connections": {},
            "pinData": {"x": [{"json": {"mail": ODD}}]},
        }
    )
    document["pinData"] = {"Try": [{"json": {"mail": ODD}}]}
    document["staticData"] = {"global": {"cursor": ODD}}
    document["shared"] = [{"project": {"name": ODD}}]
    document["meta"] = {"instanceId": ODD}
    document["settings"]["token"] = ODD
    document["tags"] = [SECRET]
    document["description"] = f"with {SECRET}"
    return document


def test_planted_secrets_are_gone():
    flow = read_value(planted())
    for secret in (SECRET, ODD):
        assert secret not in flow.raw.decode()
        assert secret not in repr(flow.graph)
        assert secret not in repr((flow.items, flow.requirements, flow.secrets, flow.source_key))
    assert len(flow.secrets) >= 20
    assert {need.name for need in flow.requirements if need.kind == "credential"} == {"Team key", "Desk"}


def test_a_document_is_named_by_an_id_that_is_no_secret():
    document = workflow([node("A", BASE + "googleSheets")], {})
    sheet = "1dR8xJpQ3vLz7KmWn2TbYc5GhUe9SfAoXi4BqMrVtNk6"
    document["nodes"][0]["parameters"] = {"documentId": {"__rl": True, "mode": "list", "value": sheet}}
    assert sheet in repr(read_value(document).graph)
    document["nodes"][0]["parameters"]["documentId"]["value"] = SECRET
    assert SECRET not in repr(read_value(document).graph)


def test_other_formats_are_not_taken_for_n8n():
    assert not n8n.looks_like({"nodes": [], "edges": []})
    assert not n8n.looks_like({"nodes": [{"type": "customNode", "position": {"x": 0}}]})
    assert not n8n.looks_like({"nodes": {}, "connections": {}})


def test_too_many_nodes_are_refused_with_the_bound():
    nodes = [node(f"N{at}", BASE + "noOp") for at in range(2_001)]
    with pytest.raises(NotAFlow, match="2,001 nodes; at most 2,000"):
        read_value(workflow(nodes, {}))


def test_a_ring_of_many_nodes_has_one_way_back():
    names = [f"N{at}" for at in range(1_500)]
    connections = {}
    for at, name in enumerate(names):
        connections |= chain([names[(at + 1) % len(names)]], source=name)
    nodes = [node("Start", BASE + "manualTrigger"), *[node(name, BASE + "noOp") for name in names]]
    flow = read_value(workflow(nodes, connections | chain(["N700"], source="Start")))
    assert [(e.source, e.target) for e in flow.graph.edges if e.kind == "loop_back"] == [("N699", "N700")]


def test_reading_leaves_the_document_alone():
    document = load("n8n_support.json")
    before = copy.deepcopy(document)
    n8n.read(document, "x")
    assert document == before
