"""Prompts, tools and settings of model calls, read from the attributes that senders really use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from typing import Any

import orjson

from webapp.domain.fingerprints_prompt import normalised
from webapp.ingest.payloads import parsed

# Prompts and lists of tools are the same from call to call: what was read once is looked up by the hash of its text.
_MOST_REMEMBERED = 512
_MOST_TOOLS = 200
_LONGEST_PROMPT = 20_000
_SYSTEM_ROLES = ("system", "developer")
_TEMPLATES = ("llm.prompt_template.template", "traceloop.prompt.template")
_SETTINGS = (
    "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens", "frequency_penalty",
    "presence_penalty", "stop", "stop_sequences", "reasoning_effort", "reasoning", "thinking", "tool_choice",
    "parallel_tool_calls", "response_format", "n", "service_tier", "verbosity",
)  # fmt: skip
_OWN_SETTINGS = {f"gen_ai.request.{name}": name for name in _SETTINGS} | {
    "gen_ai.openai.request.response_format": "response_format",
    "gen_ai.openai.request.service_tier": "service_tier",
    "gen_ai.output.type": "output_type",
    "ai.prompt.toolChoice": "tool_choice",
    "ai.settings.temperature": "temperature",
    "ai.settings.maxOutputTokens": "max_output_tokens",
    "ai.settings.maxRetries": "max_retries",
    "ai.settings.topP": "top_p",
    "llm.top_k": "top_k",
}
_remembered: dict[bytes, Any] = {}


@dataclass(frozen=True, slots=True)
class Told:
    """A text with a short name; ``normalised`` is without what differs from one run to the next."""

    label: str
    text: str
    normalised: str | None = None


def prompt_of(attributes: Mapping[str, Any], given: Any) -> Told | None:
    """Return the prompt that a person wrote: its template, else the system's part of what went in."""
    for name in _TEMPLATES:
        if isinstance(attributes.get(name), str):
            return _prompt(attributes[name])
    text = _text(parsed(attributes.get("gen_ai.system_instructions")))
    if not text and given is not None:
        text = _system_text(given)
    return _prompt(text) if text else None


def _prompt(text: str) -> Told:
    key = b"p" + blake2b(text.encode(errors="replace"), digest_size=16).digest()
    found = _remembered.get(key)
    if found is None:
        shown = text[:_LONGEST_PROMPT]
        label = next((line.strip() for line in shown.splitlines() if line.strip()), "")[:120]
        # What is longer than we read still tells two prompts apart by its length.
        tail = f"\n{len(text) // 100}" if len(text) > _LONGEST_PROMPT else ""
        found = _remember(key, Told(label, shown, normalised(shown) + tail))
    return found


def _system_text(given: Any) -> str:
    """Return what messages say before anybody asked."""
    if isinstance(given, dict):
        config = given.get("config")
        if isinstance(config, dict) and config.get("system_instruction"):
            return _text(config["system_instruction"])
        said = given.get("system") or given.get("instructions")
        return _text(said) if said else _system_text(given.get("messages"))
    if not isinstance(given, list):
        return ""
    texts = []
    for message in given:
        if not isinstance(message, dict) or message.get("role") not in _SYSTEM_ROLES:
            break
        texts.append(_text(message.get("content") or message.get("parts") or message.get("contents")))
    return "\n".join(text for text in texts if text)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return _text(content.get("text") or content.get("content") or content.get("parts"))
    return "\n".join(filter(None, map(_text, content))) if isinstance(content, list) else ""


def tools_of(attributes: Mapping[str, Any]) -> Told | None:
    """Return the tools that a model may call, with their definitions, in the order of their names."""
    for name in ("gen_ai.tool.definitions", "ai.prompt.tools"):
        if attributes.get(name):
            return _tools(attributes[name])
    if "llm.tools.0.tool.json_schema" in attributes:
        return _tools(list(_numbered(attributes, "llm.tools.{}.tool.json_schema")))
    if "llm.request.functions.0.name" in attributes:
        parts = ("name", "description", "parameters")
        lists = [list(_numbered(attributes, f"llm.request.functions.{{}}.{part}")) for part in parts]
        return _tools([dict(zip(parts, one, strict=True)) for one in zip(*lists, strict=False)])
    return None


def _numbered(attributes: Mapping[str, Any], pattern: str) -> Any:
    for number in count():
        found = attributes.get(pattern.format(number))
        if found is None or number > _MOST_TOOLS:
            return
        yield found


def _tools(raw: Any) -> Told | None:
    text = raw if isinstance(raw, str) else orjson.dumps(raw, default=str).decode()
    key = b"t" + blake2b(text.encode(errors="replace"), digest_size=16).digest()
    if key in _remembered:
        return _remembered[key]
    items = parsed(raw)
    tools = [(_tool_name(tool), tool) for tool in map(parsed, items if isinstance(items, list) else [items])]
    tools.sort(key=lambda pair: (pair[0], str(pair[1])))
    told = None
    if tools:
        shown = "\n".join(orjson.dumps(tool, option=_READABLE, default=str).decode() for _, tool in tools)
        told = Told(", ".join(name for name, _ in tools), shown)
    return _remember(key, told)


_READABLE = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS


def _tool_name(tool: Any) -> str:
    if not isinstance(tool, dict):
        return str(tool)[:60]
    inner = tool.get("function")
    return str(tool.get("name") or (inner.get("name") if isinstance(inner, dict) else None) or "tool")[:60]


def settings_of(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return how a model was asked to answer; seeds, streams and what differs with each call are left out."""
    told = sorted(attributes.keys() & _OWN_SETTINGS.keys())
    found = {_OWN_SETTINGS[name]: _short(attributes[name]) for name in told if attributes[name] is not None}
    text = attributes.get("llm.invocation_parameters")
    if isinstance(text, str) and len(text) < _LONGEST_PROMPT:
        given = parsed(text)
        if isinstance(given, dict):
            found |= {name: _short(given[name]) for name in _SETTINGS if given.get(name) is not None}
    return found


def _short(setting: Any) -> str:
    text = setting if isinstance(setting, str) else orjson.dumps(setting, option=orjson.OPT_SORT_KEYS).decode()
    return text[:200]


def _remember(key: bytes, told: Any) -> Any:
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    _remembered[key] = told
    return told
