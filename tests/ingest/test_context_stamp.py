"""What an execution ran with is read from what real senders carry, and is the same for the same thing."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Any

import pytest

from tests.ingest.build import Trace, chat
from tests.ingest.captures_table import spans_in
from tests.ingest.truth import CAPTURES, FIXTURES, NO_CAPTURES, Capture, captures
from webapp.ingest.context_stamp import DIMENSIONS, Context, stamp
from webapp.ingest.trace import map_trace

# How many of the 102 captures tell each dimension; a figure that sinks is a sender that is no longer understood.
KNOWN = {
    "model": 92, "model_answered": 58, "model_settings": 30, "provider": 92, "prompt": 73, "tools": 70, "agent": 66,
    "service_version": 0, "flow_version": 9, "plugin": 2, "library": 101,
}  # fmt: skip


def contexts(capture: Capture) -> list[Context]:
    traces = defaultdict(list)
    for span in spans_in(capture.bodies):
        traces[span.trace_id].append(span)
    return [stamp(map_trace(group, True), group) for group in traces.values()]


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=NO_CAPTURES)
def test_share_of_captures_that_tell_each_dimension():
    found = Counter(
        dimension for capture in captures() for dimension in {name for one in contexts(capture) for name in one}
    )
    total = len(captures())
    print()
    for dimension in DIMENSIONS:
        print(f"{dimension:16} known in {found[dimension]:3} of {total} captures ({found[dimension] / total:4.0%})")
    assert total == 102
    assert {dimension: found[dimension] for dimension in DIMENSIONS if found[dimension] < KNOWN[dimension]} == {}
    assert set(found) <= set(DIMENSIONS)


@pytest.mark.parametrize("capture", captures(FIXTURES / "otlp"), ids=lambda capture: capture.name)
def test_order_changes_nothing(capture):
    spans = spans_in(capture.bodies)
    by_trace = defaultdict(list)
    for span in spans:
        by_trace[span.trace_id].append(span)
    for group in by_trace.values():
        mapped = map_trace(group, True)
        expected = stamp(mapped, group)
        shuffled = random.Random(3).sample(group, len(group))
        assert stamp(mapped, shuffled) == expected
        assert list(stamp(mapped, shuffled).values()) == list(expected.values())


def stamped(attributes: dict[str, Any], **resource: Any) -> Context:
    trace = Trace(**resource)
    root = trace.span("flow", attributes={"gen_ai.operation.name": "invoke_workflow"})
    trace.span("chat", parent=root, attributes=chat() | attributes)
    return stamp(trace.mapped(), trace.spans())


def labels(context: Context, dimension: str) -> list[str]:
    return [value.label for value in context.get(dimension, ())]


SYSTEM = "You are a weather assistant."
TOOL = '{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}'


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.system_instructions": SYSTEM},
        {"gen_ai.system_instructions": f'[{{"type": "text", "content": "{SYSTEM}"}}]'},
        {"gen_ai.input.messages": f'[{{"role": "system", "parts": [{{"type": "text", "content": "{SYSTEM}"}}]}}]'},
        {"llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": SYSTEM},
        {"gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": SYSTEM, "gen_ai.prompt.1.role": "user"},
        {"ai.prompt.messages": f'[{{"role": "system", "content": "{SYSTEM}"}}, {{"role": "user", "content": "q"}}]'},
        {"input.value": f'{{"messages": [{{"role": "system", "content": "{SYSTEM}"}}]}}'},
    ],
)
def test_every_convention_tells_the_same_prompt(attributes):
    [prompt] = stamped(attributes)["prompt"]
    [other] = stamped({"gen_ai.system_instructions": SYSTEM})["prompt"]
    assert (prompt.content, prompt.hash) == (SYSTEM, other.hash)


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.tool.definitions": f"[{TOOL}]"},
        {"llm.tools.0.tool.json_schema": TOOL},
        {"ai.prompt.tools": [TOOL]},
        {"llm.request.functions.0.name": "get_weather", "llm.request.functions.0.description": "d",
         "llm.request.functions.0.parameters": "{}"},
    ],
)  # fmt: skip
def test_every_convention_tells_its_tools(attributes):
    assert labels(stamped(attributes), "tools") == ["get_weather"]


def test_order_of_tools_and_of_keys_makes_no_other_value():
    one = stamped({"gen_ai.tool.definitions": '[{"name": "a", "type": "f"}, {"name": "b"}]'})
    two = stamped({"gen_ai.tool.definitions": '[{"name": "b"}, {"type": "f", "name": "a"}]'})
    assert one["tools"] == two["tools"]


def test_settings_leave_out_what_differs_with_each_call():
    given = '{"temperature": 0.2, "seed": 7, "messages": [1], "api_key": "sk-1", "headers": {"x": "1"}}'
    assert labels(stamped({"llm.invocation_parameters": given}), "model_settings") == ["temperature 0.2"]


def test_versions_of_services_agents_flows_plugins_and_libraries():
    context = stamped(
        {"gen_ai.workflow.version": "7", "mcp.server.name": "files", "mcp.server.version": "1.2"},
        **{"service.version": "1.4", "telemetry.sdk.name": "opentelemetry", "telemetry.sdk.version": "1.45.2"},
    )
    assert labels(context, "service_version") == ["shop 1.4"]
    assert labels(context, "flow_version") == ["7"]
    assert labels(context, "plugin") == ["files 1.2"]
    assert labels(context, "library") == ["opentelemetry 1.45.2"]


def test_a_model_that_was_tried_after_a_failure_is_no_value():
    """A fallback would be seen in failed executions only, and look like their cause."""
    trace = Trace()
    root = trace.span("flow", at=(0, 100), status=2)
    trace.span("chat m-1", parent=root, at=(1, 10), status=2, attributes=chat())
    trace.span("chat m-2", parent=root, at=(12, 20), status=2, attributes=chat(gen_ai__request__model="m-2"))
    assert labels(stamp(trace.mapped(), trace.spans()), "model") == ["m-1"]


def test_values_are_bounded():
    trace = Trace()
    root = trace.span("flow", at=(0, 100))
    for number in range(30):
        trace.span("chat", parent=root, at=(number, 50), attributes=chat(gen_ai__request__model=f"m-{number}"))
    assert len(stamp(trace.mapped(), trace.spans())["model"]) == 8
    [prompt] = stamped({"gen_ai.system_instructions": "x" * 100_000})["prompt"]
    assert len(prompt.content) == 20_000
