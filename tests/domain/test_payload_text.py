"""Values from outside: JSON in pieces that lose nothing, and chat messages of several shapes as a transcript."""

from __future__ import annotations

import json

import pytest

from webapp.domain.payload_text import ChatMessage, json_pieces, read_messages, transcript

CALL = ("get_weather", '{"city": "Paris"}')


def test_pieces_are_the_text():
    value = {'a"b': [1, -2.5e3, True, None, "x: {}"], "empty": [], "deep": {"k": "한"}}
    text = json.dumps(value, indent=4, ensure_ascii=False)
    pieces = list(json_pieces(text))
    assert json.loads("".join(part for _, part in pieces)) == value
    assert ("k", '"a\\"b"') in pieces and ("n", "-2500.0") in pieces and ("b", "true") in pieces
    assert ("s", '"x: {}"') in pieces


@pytest.mark.parametrize("cut", range(1, 60, 3))
def test_a_cut_text_is_still_shown_whole(cut):
    text = json.dumps({"key": "value <script>", "number": 12})[:cut]
    assert "".join(part for _, part in json_pieces(text)) == text


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "parts": [{"type": "tool_call", "name": CALL[0], "arguments": CALL[1]}]},
        {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": CALL[0], "arguments": CALL[1]}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"toolName": CALL[0], "input": CALL[1]}]},
        {"role": "assistant", "content": [{"type": "tool-call", "toolName": CALL[0], "input": {"city": "Paris"}}]},
    ],
)
def test_tool_calls_of_each_convention(message):
    assert read_messages(json.dumps([message])) == [ChatMessage("assistant", "", [CALL])]


@pytest.mark.parametrize(
    "content", ["Hi", [{"type": "text", "text": "Hi"}], [{"type": "text", "content": "Hi"}], ["Hi"]]
)
def test_texts_of_each_convention(content):
    assert read_messages(json.dumps({"role": "user", "content": content})) == [ChatMessage("user", "Hi", [])]


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '"x"', '{"a": 1}', '[{"role": 1}]', '[{"role": "user"}, 2]'])
def test_anything_else_is_no_list_of_messages(text):
    assert read_messages(text) is None


def test_a_transcript_names_who_spoke():
    messages = [ChatMessage("user", "Hi"), ChatMessage("assistant", "", [("f", "{}")])]
    assert transcript(messages) == "[user]\nHi\n\n[assistant]\n-> f({})\n"
