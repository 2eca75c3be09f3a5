"""Executions of an imagined support flow as OTLP, with the attributes that real senders put on their spans.

A convention carries only what its captures carry: a sender that tells no prompt tells none here either.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.ingest.build import ERROR, put

MS = 1_000_000


@dataclass(frozen=True)
class Setup:
    """What an execution runs with. None is what the sender does not tell."""

    convention: str = "otel"
    model: str = "gpt-4o-mini"
    answered: str | None = "gpt-4o-mini-2024-07-18"
    provider: str = "openai"
    temperature: float | None = 0.2
    max_tokens: int = 800
    prompt: str = "You are a support agent. Answer from the manual."
    tools: tuple[tuple[str, str], ...] = (("find_order", "order_id"), ("refund", "order_id, amount"))
    agent_version: str | None = None
    service_version: str | None = "1.4.0"
    flow_version: str | None = None
    plugin_version: str | None = None
    library_version: str = "2.68.0"
    environment: str = "prod"


@dataclass(frozen=True)
class Outcome:
    """How an execution ends: ``at`` is the step that fails (model, tool, late), None when nothing does."""

    at: str | None = None
    type: str = ""
    message: str = ""
    falls_back_to: str | None = None


FINE = Outcome()


@dataclass(frozen=True)
class Run:
    """One execution to come."""

    at: datetime
    setup: Setup
    outcome: Outcome = FINE
    flow: str = "support"


@dataclass
class _Trace:
    run: Run
    rng: Random
    scopes: Any
    trace_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.trace_id = self.rng.randbytes(16)

    def span(
        self, name: str, parent: bytes | None, at: tuple[int, int], attributes: dict, error: Outcome | None = None
    ):
        start = int(self.run.at.timestamp() * 1000) * MS
        span = self.scopes.spans.add(name=name, kind=1, trace_id=self.trace_id, span_id=self.rng.randbytes(8))
        span.parent_span_id = parent or b""
        span.start_time_unix_nano, span.end_time_unix_nano = start + at[0] * MS, start + at[1] * MS
        put(span.attributes, attributes)
        if error is not None:
            span.status.code = ERROR
            event = span.events.add(name="exception", time_unix_nano=span.end_time_unix_nano)
            put(event.attributes, {"exception.type": error.type, "exception.message": error.message})
        return span.span_id


def body_of(runs: list[Run], rng: Random, service: str = "support-api") -> bytes:
    """Return an export with these executions."""
    request = ExportTraceServiceRequest()
    for run in runs:
        spans = request.resource_spans.add()
        resource = {"service.name": service, "deployment.environment.name": run.setup.environment}
        if run.setup.service_version:
            resource["service.version"] = run.setup.service_version
        put(spans.resource.attributes, resource)
        scopes = spans.scope_spans.add()
        scopes.scope.name, scopes.scope.version = _scope(run.setup)
        _write(_Trace(run, rng, scopes))
    return request.SerializeToString()


def _scope(setup: Setup) -> tuple[str, str]:
    names = {
        "otel": "pydantic-ai",
        "openinference": "openinference.instrumentation.openai_agents",
        "traceloop": "opentelemetry.instrumentation.openai.v1",
        "silent": "opentelemetry.instrumentation.openai_v2",
        "plain": "billing.pipeline",
        "mcp": "mcp-python-sdk",
    }
    if setup.convention in ("vercel", "silent", "mcp"):
        return names.get(setup.convention, "ai"), ""
    return names[setup.convention], setup.library_version


def _write(trace: _Trace) -> None:
    """Root, agent, model call, tool call, model call, as far as the execution gets."""
    run = trace.run
    outcome, setup = run.outcome, run.setup
    failed = None if outcome.at is None else outcome
    end = {None: 100, "late": 100, "model": 30, "tool": 60}[outcome.at]
    top = trace.span(run.flow, None, (0, end), _root(run), failed)
    agent = top
    if setup.convention in ("otel", "openinference"):
        agent = trace.span("invoke_agent clerk", top, (1, end - 1), _agent(setup), failed)
    is_first_bad = outcome.at == "model"
    first = _unanswered(_call(setup, 0)) if is_first_bad else _call(setup, 0)
    trace.span(f"chat {setup.model}", agent, (5, 25), first, failed if is_first_bad else None)
    if is_first_bad:
        if outcome.falls_back_to:
            other = Setup(**{**setup.__dict__, "model": outcome.falls_back_to, "answered": None})
            trace.span(f"chat {other.model}", agent, (26, 28), _unanswered(_call(other, 0)), failed)
        return
    tool = setup.tools[0][0]
    trace.span(f"execute_tool {tool}", agent, (30, 55), _tool(setup, tool), failed if outcome.at == "tool" else None)
    if outcome.at != "tool":
        trace.span(f"chat {setup.model}", agent, (60, 95), _call(setup, 1))


def _unanswered(attributes: dict[str, Any]) -> dict[str, Any]:
    """A call that failed tells no model that answered and no tokens."""
    return {name: value for name, value in attributes.items() if ".response." not in name and ".usage." not in name}


def _root(run: Run) -> dict[str, Any]:
    setup = run.setup
    match setup.convention:
        case "openinference":
            return {"openinference.span.kind": "CHAIN", "input.value": "where is my order"}
        case "traceloop":
            return {
                "traceloop.span.kind": "workflow",
                "traceloop.entity.name": run.flow,
                "traceloop.workflow.name": run.flow,
            }
        case "vercel":
            return {"ai.operationId": "ai.generateText", "operation.name": f"ai.generateText {run.flow}",
                    "ai.telemetry.functionId": run.flow, "ai.model.id": setup.model}  # fmt: skip
        case "plain" | "silent":
            return {}
    more = {"gen_ai.workflow.version": setup.flow_version} if setup.flow_version else {}
    return {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": run.flow} | more


def _agent(setup: Setup) -> dict[str, Any]:
    if setup.convention == "openinference":
        return {"openinference.span.kind": "AGENT", "agent.name": "clerk"}
    more = {"gen_ai.agent.version": setup.agent_version} if setup.agent_version else {}
    return {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "clerk"} | more


def _call(setup: Setup, turn: int) -> dict[str, Any]:
    asked = "where is my order" if turn == 0 else "tool says: shipped"
    definitions = [
        {"type": "function", "name": name, "description": f"{name} by {given}",
         "parameters": {"type": "object", "properties": {part: {"type": "string"} for part in given.split(", ")}}}
        for name, given in setup.tools
    ]  # fmt: skip
    counts = {"gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 9}
    match setup.convention:
        case "plain":
            return {"http.request.method": "POST", "url.full": "https://api.example.com/v1/chat"}
        case "mcp":
            return {}
        case "openinference":
            return _openinference(setup, asked, definitions)
        case "traceloop":
            return counts | _traceloop(setup, asked, definitions)
        case "vercel":
            return counts | _vercel(setup, asked, definitions)
    known = counts | {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": setup.provider, "gen_ai.request.model": setup.model,
        "gen_ai.response.model": setup.answered, "gen_ai.request.max_tokens": setup.max_tokens,
        "gen_ai.request.temperature": setup.temperature,
    }  # fmt: skip
    if setup.convention == "otel":
        known |= {
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": setup.prompt}]),
            "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": asked}]}]),
            "gen_ai.tool.definitions": json.dumps(definitions),
        }
    return {name: value for name, value in known.items() if value is not None}


def _openinference(setup: Setup, asked: str, definitions: list[dict]) -> dict[str, Any]:
    given = {"temperature": setup.temperature, "max_tokens": setup.max_tokens, "model": setup.model}
    found: dict[str, Any] = {
        "openinference.span.kind": "LLM", "llm.model_name": setup.model, "llm.system": setup.provider,
        "llm.invocation_parameters": json.dumps(given), "llm.token_count.prompt": 40, "llm.token_count.completion": 9,
        "llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": setup.prompt,
        "llm.input_messages.1.message.role": "user", "llm.input_messages.1.message.content": asked,
    }  # fmt: skip
    for number, one in enumerate(definitions):
        found[f"llm.tools.{number}.tool.json_schema"] = json.dumps({"type": "function", "function": one})
    return found


def _traceloop(setup: Setup, asked: str, definitions: list[dict]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "llm.request.type": "chat", "gen_ai.system": setup.provider, "gen_ai.request.model": setup.model,
        "gen_ai.response.model": setup.answered or setup.model, "gen_ai.request.temperature": setup.temperature,
        "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": setup.prompt,
        "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": asked,
    }  # fmt: skip
    for number, one in enumerate(definitions):
        found |= {
            f"llm.request.functions.{number}.name": one["name"],
            f"llm.request.functions.{number}.description": one["description"],
            f"llm.request.functions.{number}.parameters": json.dumps(one["parameters"]),
        }
    return found


def _vercel(setup: Setup, asked: str, definitions: list[dict]) -> dict[str, Any]:
    messages = [{"role": "system", "content": setup.prompt}, {"role": "user", "content": asked}]
    return {
        "ai.operationId": "ai.generateText.doGenerate", "gen_ai.system": f"{setup.provider}.chat",
        "ai.model.id": setup.model, "gen_ai.request.model": setup.model,
        "gen_ai.response.model": setup.answered or setup.model, "ai.settings.maxRetries": 2,
        "ai.prompt.messages": json.dumps(messages), "ai.prompt.tools": [json.dumps(one) for one in definitions],
        "ai.request.headers.user-agent": f"ai/{setup.library_version}",
    }  # fmt: skip


def _tool(setup: Setup, name: str) -> dict[str, Any]:
    match setup.convention:
        case "openinference":
            return {"openinference.span.kind": "TOOL", "tool.name": name}
        case "traceloop":
            return {"traceloop.span.kind": "tool", "traceloop.entity.name": name}
        case "vercel":
            return {"ai.operationId": "ai.toolCall", "ai.toolCall.name": name}
        case "plain":
            return {"db.system": "postgresql"}
    found = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
    if setup.plugin_version:
        found |= {"mcp.method.name": "tools/call", "mcp.protocol.version": setup.plugin_version}
    return found
