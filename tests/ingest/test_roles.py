"""What a span is when conventions agree, differ or only hint, and what its place in the trace adds."""

import pytest

from tests.ingest.build import ERROR, Trace, chat
from webapp.ingest.conventions import role_of

CHAIN = {"openinference.span.kind": "CHAIN"}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "Ann"}


@pytest.mark.parametrize(
    "attributes, name, role",
    [
        ({"openinference.span.kind": "LLM", "gen_ai.operation.name": "chat"}, "x", "model_call"),
        ({**CHAIN, "gen_ai.operation.name": "chat"}, "x", "model_call"),
        ({"gen_ai.operation.name": "chat", "traceloop.span.kind": "task"}, "x", "model_call"),
        ({**CHAIN, "traceloop.span.kind": "tool"}, "x", "tool"),
        ({"traceloop.span.kind": "workflow", **AGENT}, "Ann.workflow", "flow"),
        ({"traceloop.span.kind": "agent"}, "x", "agent"),
        ({"llm.request.type": "chat"}, "x", "model_call"),
        ({"ai.operationId": "ai.generateText"}, "x", "flow"),
        ({"ai.operationId": "ai.streamText.doStream", "gen_ai.request.model": "m"}, "x", "model_call"),
        ({"ai.operationId": "ai.embedMany.doEmbed"}, "x", "embedding"),
        ({"ai.operationId": "ai.toolCall"}, "x", "tool"),
        ({"openinference.span.kind": "RETRIEVER"}, "x", "retrieval"),
        ({"openinference.span.kind": "GUARDRAIL"}, "x", "step"),
        ({"openinference.span.kind": "NEW KIND", "gen_ai.request.model": "m"}, "x", "step"),
        ({"gen_ai.operation.name": "plan", "gen_ai.request.model": "m"}, "x", "step"),
        ({"gen_ai.request.model": "m"}, "x", "model_call"),
        ({**CHAIN, "metadata": '{"lc_agent_name": "Ann"}'}, "Ann", "agent"),
        ({**CHAIN, "metadata": '{"lc_agent_name":"Ann"}'}, "model", "step"),
        ({}, "execute_tool book", "tool"),
        ({}, "call_llm", "model_call"),
        ({}, "GET /", "step"),
    ],
)
def test_roles(attributes, name, role):
    assert role_of(attributes, name) == role


def test_a_nameless_agent_over_named_ones_is_the_flow_and_alone_it_is_the_agent():
    trace = Trace()
    root = trace.span("support", at=(0, 100), attributes={"openinference.span.kind": "AGENT"})
    mapped = trace.mapped()
    assert (mapped.flow_name, mapped.agents) == ("support", ("support",))
    trace.span("x", root, attributes={"openinference.span.kind": "AGENT", "agent.name": "Ann"})
    mapped = trace.mapped()
    assert (mapped.flow_name, mapped.agents) == ("support", ("Ann",))


def test_of_orphans_the_one_that_ended_last_says_how_it_went():
    trace = Trace()
    trace.span("long", b"absent!!", at=(0, 50))
    trace.span("short", b"absent!!", at=(10, 20), status=ERROR)
    assert trace.mapped(settled=True).status == "completed"


def test_a_cancelled_inside_of_a_failure_is_a_failure():
    trace = Trace()
    root = trace.span("flow", at=(0, 100), status=ERROR, exception=("TimeoutError", "too slow"))
    trace.span("wait", root, at=(1, 99), status=ERROR, exception=("asyncio.CancelledError", ""))
    mapped = trace.mapped()
    assert (mapped.status, mapped.error.raised_type) == ("failed", "TimeoutError")


def test_the_roots_session_wins_over_an_orphan_that_started_before():
    trace = Trace()
    trace.span("early", b"absent!!", at=(-50, 9), attributes={"session.id": "other"})
    trace.span("flow", at=(0, 100), attributes={"gen_ai.conversation.id": "mine"})
    assert trace.mapped().session_id == "mine"


def test_an_answer_that_only_a_further_span_holds_changes_the_calls_hash():
    trace = Trace()
    call = trace.span("lm", at=(1, 50), attributes=chat())
    trace.span("http", call, at=(3, 48), attributes=chat())
    before = trace.mapped().steps[0]
    inner = trace.scope_spans.spans[1]
    pair = inner.attributes.add(key="output")
    pair.value.string_value = "words"
    after = trace.mapped().steps[0]
    assert (before.output, after.output) == (None, "words")
    assert before.content_hash != after.content_hash
