"""Real Langflow flows: what each one must become was written down from the file, node by node."""

from __future__ import annotations

import json
import time

import pytest

from tests.importers.conservation import shared_files
from tests.importers.flow_files import blocks, edges, read_one, real_file, results


def test_a_loop_with_its_way_back_to_an_output():
    flow = read_one(real_file("langflow", "looptest.json"))
    assert blocks(flow) == {
        "C MyZipper": "action",
        "C SequenceMaker": "action",
        "Loop": "loop",
        "Message to Data": "transform",
        "Data to Message": "transform",
        "Chat Output": "action",
    }
    assert edges(flow) == {
        ("C SequenceMaker", "out", "Loop", "in", "flow"),
        ("C SequenceMaker", "out", "C MyZipper", "in", "flow"),
        ("Loop", "body", "Data to Message", "in", "flow"),
        ("Data to Message", "out", "Message to Data", "in", "flow"),
        ("Message to Data", "out", "Loop", "in", "loop_back"),
        ("Loop", "done", "C MyZipper", "in", "flow"),
        ("C MyZipper", "out", "Chat Output", "in", "flow"),
    }
    assert [block.name for block in flow.graph.blocks if block.needs_review] == ["C MyZipper", "C SequenceMaker"]


def test_a_loop_around_a_language_model():
    flow = read_one(real_file("langflow", "research_translation_loop.json"))
    assert edges(flow) == {
        ("Chat Input", "out", "arXiv", "in", "flow"),
        ("arXiv", "out", "Loop", "in", "flow"),
        ("Loop", "body", "Parser", "in", "flow"),
        ("Parser", "out", "Language Model", "in", "flow"),
        ("Language Model", "out", "Loop", "in", "loop_back"),
        ("Loop", "done", "Chat Output", "in", "flow"),
    }
    assert flow.format_version == "1.7.0"
    assert ("model", "gpt-5.1") in [(need.kind, need.name) for need in flow.requirements]


def test_groups_within_a_group():
    flow = read_one(real_file("langflow", "vector_store_grouped.json"))
    assert blocks(flow) == {
        "VectorStoreAgent": "agent",
        "VectorStoreInfo": "action",
        "ChatOpenAI": "action",
        "OpenAIEmbeddings": "action",
        "Chroma": "action",
        "RecursiveCharacterTextSplitter": "transform",
        "WebBaseLoader": "action",
    }
    assert edges(flow) == {
        ("VectorStoreInfo", "out", "VectorStoreAgent", "attach:retriever", "attach"),
        ("ChatOpenAI", "out", "VectorStoreAgent", "attach:model", "attach"),
        ("Chroma", "out", "VectorStoreInfo", "attach:retriever", "attach"),
        ("OpenAIEmbeddings", "out", "Chroma", "attach:embedding", "attach"),
        ("RecursiveCharacterTextSplitter", "out", "Chroma", "in", "flow"),
        ("WebBaseLoader", "out", "RecursiveCharacterTextSplitter", "in", "flow"),
    }
    assert list(results(flow, "node", "unfolded")) == ["Chroma-JRSb8", "RecursiveCharacterTextSplitter-SjLCC"]
    assert (flow.nodes_seen, flow.edges_seen) == (9, 6)


def test_a_group_whose_fields_are_connected():
    flow = read_one(real_file("langflow", "grouped_chat.json"))
    assert edges(flow) == {
        ("PromptTemplate", "out", "LLMChain", "in", "flow"),
        ("ChatOpenAI", "out", "LLMChain", "attach:model", "attach"),
        ("ConversationBufferMemory", "out", "LLMChain", "attach:memory", "attach"),
    }


def test_handles_from_before_1_0():
    flow = read_one(real_file("langflow", "complex_example.json"))
    keys = {(e.source, e.target, e.target_handle) for e in flow.graph.edges}
    assert keys == {
        ("Tool-Ssk4g", "ZeroShotAgent-4Yl9Q", "attach:tool"),
        ("ZeroShotAgent-UQytQ", "Tool-Ssk4g", "attach:other"),
        ("PythonFunctionTool-qSfC8", "ZeroShotAgent-UQytQ", "attach:tool"),
        ("ZeroShotPrompt-KeA26", "LLMChain-5pPr3", "in"),
        ("OpenAI-YKFjJ", "LLMChain-5pPr3", "attach:model"),
        ("LLMChain-5pPr3", "ZeroShotAgent-4Yl9Q", "attach:other"),
        ("LLMChain-5pPr3", "ZeroShotAgent-UQytQ", "attach:other"),
    }
    assert {block.key for block in flow.graph.blocks if block.block_type == "agent"} == {
        "ZeroShotAgent-UQytQ",
        "ZeroShotAgent-4Yl9Q",
        "LLMChain-5pPr3",
    }


def test_an_agent_with_two_tools():
    flow = read_one(real_file("langflow", "simple_agent.json"))
    assert edges(flow) == {
        ("Chat Input", "out", "Agent", "in", "flow"),
        ("Calculator", "out", "Agent", "attach:tool", "attach"),
        ("URL", "out", "Agent", "attach:tool", "attach"),
        ("Agent", "out", "Chat Output", "in", "flow"),
    }
    assert len(flow.graph.notes) == 2


def test_a_prompt_with_memory_is_lent_to_the_model():
    flow = read_one(real_file("langflow", "memory_chatbot.json"))
    assert edges(flow) == {
        ("Chat Input", "out", "Language Model", "in", "flow"),
        ("Language Model", "out", "Chat Output", "in", "flow"),
        ("Prompt", "out", "Language Model", "attach:other", "attach"),
        ("Message History", "out", "Prompt", "attach:memory", "attach"),
    }


def test_a_variable_is_named_and_no_component_source_is_kept():
    path = real_file("langflow", "hybrid_search_rag.json")
    flow = read_one(path)
    slots = [slot.name for block in flow.graph.blocks for slot in block.credentials]
    assert slots == ["ASTRA_DB_APPLICATION_TOKEN", "Structured Output: API Key"]
    sources = [
        node["data"]["node"]["template"]["code"]["value"]
        for node in json.loads(path.read_bytes())["data"]["nodes"]
        if "code" in node["data"]["node"].get("template", {})
    ]
    assert len(sources) == 6
    assert not any(source[:200] in flow.raw.decode() or source[:200] in repr(flow.graph) for source in sources)
    assert len(flow.raw) < path.stat().st_size / 2


def test_each_file_is_read_in_a_fifth_of_a_second():
    files = shared_files("langflow")
    if not files:
        pytest.skip("real flows not found; set SHARED_DIR")
    for path in files:
        started = time.process_time()
        read_one(path)
        assert time.process_time() - started < 0.2, path.name
