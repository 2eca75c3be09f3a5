"""Real n8n workflows: what each one must become was written down from the file, node by node."""

from __future__ import annotations

import time

import pytest

from tests.importers.conservation import shared_files
from tests.importers.flow_files import blocks, edges, read_one, real_file, results


def test_a_loop_with_a_branch_back_and_an_agent_with_helpers():
    flow = read_one(real_file("n8n", "ai_youtube_trend_finder_based_on_niche.json"))
    assert blocks(flow) == {
        "AI Agent": "agent",
        "chat_message_received": "trigger",
        "youtube_search": "action",
        "openai_llm": "action",
        "window_buffer_memory": "action",
        "find_video_data1": "action",
        "get_videos1": "action",
        "response1": "transform",
        "group_data1": "transform",
        "save_data_to_memory1": "transform",
        "retrieve_data_from_memory1": "transform",
        "loop_over_items1": "loop",
        "if_longer_than_3_": "condition",
    }
    assert edges(flow) == {
        ("chat_message_received", "out", "AI Agent", "in", "flow"),
        ("openai_llm", "out", "AI Agent", "attach:model", "attach"),
        ("youtube_search", "out", "AI Agent", "attach:tool", "attach"),
        ("window_buffer_memory", "out", "AI Agent", "attach:memory", "attach"),
        ("get_videos1", "out", "loop_over_items1", "in", "flow"),
        ("loop_over_items1", "done", "retrieve_data_from_memory1", "in", "flow"),
        ("loop_over_items1", "body", "find_video_data1", "in", "flow"),
        ("find_video_data1", "out", "if_longer_than_3_", "in", "flow"),
        ("if_longer_than_3_", "true", "group_data1", "in", "flow"),
        ("if_longer_than_3_", "false", "loop_over_items1", "in", "loop_back"),
        ("group_data1", "out", "save_data_to_memory1", "in", "flow"),
        ("save_data_to_memory1", "out", "loop_over_items1", "in", "loop_back"),
        ("retrieve_data_from_memory1", "out", "response1", "in", "flow"),
    }
    assert [(need.kind, need.name) for need in flow.requirements] == [
        ("flow", "Youtube Search Workflow"),
        ("credential", "YouTube account"),
    ]
    assert [note.text.partition("\n")[0] for note in flow.graph.notes][0] == "Main Workflow"


def test_a_switch_with_a_fallback_an_error_output_and_empty_slots():
    flow = read_one(real_file("n8n", "deepseek_ai_agent_telegram_long_term_memory.json"))
    assert edges(flow) == {
        ("Merge", "out", "AI Agent", "in", "flow"),
        ("AI Agent", "out", "Telegram Response", "in", "flow"),
        ("AI Agent", "error", "Response Error message", "in", "flow"),
        ("Validation", "out", "Check User & Chat ID", "in", "flow"),
        ("Message Router", "case:text", "Merge", "in", "flow"),
        ("Message Router", "case:text", "Retrieve Long Term Memories", "in", "flow"),
        ("Message Router", "else", "Error message", "in", "flow"),
        ("DeepSeek-V3 Chat", "out", "AI Agent", "attach:model", "attach"),
        ("Check User & Chat ID", "true", "Message Router", "in", "flow"),
        ("Check User & Chat ID", "false", "Error message", "in", "flow"),
        ("Save Long Term Memories", "out", "AI Agent", "attach:tool", "attach"),
        ("Listen for Telegram Events", "out", "Validation", "in", "flow"),
        ("Retrieve Long Term Memories", "out", "Merge", "in", "flow"),
    }
    by_name = {block.name: block for block in flow.graph.blocks}
    assert by_name["When chat message received"].config["is_disabled"] is True
    assert by_name["Message Router"].config["handles"] == ["case:audio", "case:text", "case:image", "else"]
    assert (by_name["DeepSeek-V3 Chat"].block_type, by_name["DeepSeek-R1 Reasoning"].block_type) == ("action", "agent")
    assert len(flow.graph.notes) == 8


def test_a_retriever_behind_a_retriever_and_two_error_outputs():
    flow = read_one(real_file("n8n", "zie__1689_stopanderror_telegram_automation_triggered.json"))
    assert edges(flow) == {
        ("Telegram Trigger", "out", "Check If is a document", "in", "flow"),
        ("Check If is a document", "true", "Telegram get File", "in", "flow"),
        ("Check If is a document", "false", "Question and Answer Chain", "in", "flow"),
        ("Telegram get File", "out", "Change to application/pdf", "in", "flow"),
        ("Change to application/pdf", "out", "Pinecone Vector Store", "in", "flow"),
        ("Pinecone Vector Store", "out", "Limit to 1", "in", "flow"),
        ("Limit to 1", "out", "Telegram Response about Database", "in", "flow"),
        ("Telegram Response about Database", "error", "Stop and Error1", "in", "flow"),
        ("Question and Answer Chain", "out", "Telegram Response", "in", "flow"),
        ("Telegram Response", "error", "Stop and Error", "in", "flow"),
        ("Embeddings OpenAI", "out", "Pinecone Vector Store", "attach:embedding", "attach"),
        ("Default Data Loader", "out", "Pinecone Vector Store", "attach:document", "attach"),
        ("Recursive Character Text Splitter", "out", "Default Data Loader", "attach:other", "attach"),
        ("Embeddings", "out", "Pinecone Vector Store1", "attach:embedding", "attach"),
        ("Pinecone Vector Store1", "out", "Vector Store Retriever", "attach:retriever", "attach"),
        ("Vector Store Retriever", "out", "Question and Answer Chain", "attach:retriever", "attach"),
        ("Groq Chat Model", "out", "Question and Answer Chain", "attach:model", "attach"),
    }
    roles = {block.name: block.config.get("role") for block in flow.graph.blocks}
    assert (roles["Pinecone Vector Store1"], roles["Pinecone Vector Store"]) == ("retriever", None)


def test_two_triggers_that_enter_a_loop_without_an_exit():
    flow = read_one(real_file("n8n", "zie__1835_manual_slack_automation_triggered.json"))
    assert edges(flow) == {
        ("Click to Test Flow", "out", "Get emails from Gmail with certain subject", "in", "flow"),
        ("Get emails from Gmail with certain subject", "out", "Loop Over Items", "in", "flow"),
        ("Receive certain keyword Gmail Trigger", "out", "Loop Over Items", "in", "flow"),
        ("Loop Over Items", "body", "Extract Price, Shop, Date, TIme", "in", "flow"),
        ("Extract Price, Shop, Date, TIme", "out", "Send to Slack with Block", "in", "flow"),
        ("Send to Slack with Block", "out", "Loop Over Items", "in", "loop_back"),
    }


def test_a_cascade_ends_at_the_error_output_of_its_last_alert():
    flow = read_one(real_file("n8n", "disk_space_watchdog.json"))
    assert edges(flow) == {
        ("Schedule Trigger", "out", "Check Disk Usage (SSH)", "in", "flow"),
        ("Check Disk Usage (SSH)", "out", "Parse & Evaluate", "in", "flow"),
        ("Parse & Evaluate", "out", "Any alerts?", "in", "flow"),
        ("Any alerts?", "true", "Send Telegram Alert", "in", "flow"),
        ("Send Telegram Alert", "error", "Send Email Fallback", "in", "flow"),
    }


def test_credentials_that_are_mere_text_and_a_file_without_a_name():
    flow = read_one(real_file("n8n", "zie__0998_gitlab_automate_triggered.json"))
    (block,) = flow.graph.blocks
    assert block.block_type == "trigger"
    assert [(slot.kind, slot.name) for slot in block.credentials] == [("gitlabApi", "gitlab_creds")]
    assert flow.graph.name == "zie__0998_gitlab_automate_triggered"


def test_rewritten_files_import_with_each_connection_refused_for_its_reason():
    flow = read_one(real_file("n8n", "zie_mutated__1311_respondtowebhook_stickynote_automation_webhook.json"))
    refused = results(flow, "edge", "refused")
    assert (len(flow.graph.edges), flow.count("edge", "refused"), flow.edges_seen) == (0, 19, 19)
    assert {reason.partition(";")[0] for reason in refused.values()} == {"it starts at an id"}
    assert blocks(flow) == {"Webhook": "trigger", "OpenAI": "action", "Respond to Webhook": "action"}
    flow = read_one(real_file("n8n", "zie_mutated__0534_executecommand_localfile_process_triggered.json"))
    assert (len(flow.graph.blocks), len(flow.graph.notes)) == (11, 6)
    assert list(results(flow, "edge", "refused").values()) == [
        "it starts at an id; connections go by name, and this is the id of Local File Trigger"
    ]


def test_each_file_is_read_in_a_fifth_of_a_second():
    files = shared_files("n8n")
    if not files:
        pytest.skip("real flows not found; set SHARED_DIR")
    for path in files:
        started = time.process_time()
        read_one(path)
        assert time.process_time() - started < 0.2, path.name
