"""The rules of mapping, one by one, on traces that no capture has."""

from dataclasses import replace

import orjson
import pytest

from tests.ingest.build import ERROR, START_NS, Trace, chat
from webapp.ingest.trace import map_trace

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "Ann"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look_up"}


def step_of(mapped, name):
    (found,) = [step for step in mapped.steps if step.name == name]
    return found


def test_no_span_is_no_trace():
    with pytest.raises(ValueError):
        map_trace([])


def test_an_unknown_mixture_of_conventions_lands_complete():
    """Words that nobody knows, old and new names on one span, missing attributes, a failing span with only a name."""
    trace = Trace(**{"deployment.environment": "staging", "service.version": "7"})
    root = trace.span("Quarterly report", at=(0, 100), attributes={"zeta.kind": "saga", "zeta.input": "x"})
    agent = trace.span("agent_run [planner]", root, at=(1, 90), attributes={"gen_ai.operation.name": "plan_ahead"})
    trace.span(
        "ask",
        agent,
        at=(2, 30),
        attributes={
            "openinference.span.kind": "llm",
            "gen_ai.request.model": "m-1",
            "gen_ai.usage.prompt_tokens": "40",
            "gen_ai.usage.input_tokens": 40,
            "llm.token_count.prompt": 40,
            "llm.token_count.completion": 4,
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "How much?",
            "ai.response.text": "12 EUR",
            "zeta.nested": {"a": [1, {"b": None}]},
        },
    )
    trace.span("execute_tool book", agent, at=(31, 40), status=ERROR)
    trace.span("call_llm", agent, at=(41, 60), attributes={"llm.token_count.total": 9})
    trace.span("mystery", agent, at=(61, 89), attributes={"openinference.span.kind": 5, "gen_ai.operation.name": []})
    mapped = trace.mapped()
    assert (mapped.flow_name, mapped.status, mapped.environment) == ("Quarterly report", "completed", "staging")
    assert (mapped.service_name, mapped.service_version) == ("shop", "7")
    assert (mapped.input_tokens, mapped.output_tokens, mapped.cached_input_tokens) == (40, 4, None)
    assert (mapped.model_call_count, mapped.tools, mapped.models) == (2, ("book",), ("m-1",))
    assert len(mapped.steps) == 6
    ask = step_of(mapped, "ask")
    assert ask.input == [{"role": "user", "content": "How much?"}] and ask.output == "12 EUR"
    assert (mapped.question, mapped.answer) == ("How much?", "12 EUR")


def test_wrapper_and_inner_span_are_one_call_with_the_fields_of_both():
    trace = Trace()
    root = trace.span("flow", at=(0, 100))
    outer = trace.span("lm", root, at=(1, 50), attributes={"openinference.span.kind": "LLM", "input.value": "hello"})
    between = trace.span("retry", outer, at=(2, 49))
    trace.span("http", between, at=(3, 48), attributes=chat(gen_ai__response__id="r1", output="hi"))
    mapped = trace.mapped()
    assert (mapped.model_call_count, mapped.input_tokens, mapped.output_tokens) == (1, 10, 2)
    call, inner = step_of(mapped, "lm"), step_of(mapped, "http")
    assert (call.kind, call.model_requested, call.input, call.output) == ("model_call", "m-1", "hello", "hi")
    assert (inner.kind, inner.usage_of, inner.input_tokens, inner.is_billable) == ("step", call.span_id, None, False)


def test_one_response_id_is_one_call_side_by_side_and_other_ids_are_other_calls():
    trace = Trace()
    root = trace.span("flow", at=(0, 100))
    for number, response in enumerate(["r1", "r1", "r2"]):
        at = (number * 10, number * 10 + 5)
        trace.span(f"chat {number}", root, at=at, attributes=chat(gen_ai__response__id=response))
    mapped = trace.mapped()
    assert (mapped.model_call_count, mapped.input_tokens) == (2, 20)


def test_an_agent_or_tool_between_makes_it_another_call():
    trace = Trace()
    outer = trace.span("chat 1", at=(0, 100), attributes=chat())
    tool = trace.span("t", outer, at=(1, 90), attributes=TOOL)
    trace.span("chat 2", tool, at=(2, 80), attributes=chat())
    assert trace.mapped().input_tokens == 20


def test_a_wrapper_without_tokens_over_several_calls_is_no_call():
    trace = Trace()
    outer = trace.span("with retries", at=(0, 100), attributes={"openinference.span.kind": "LLM"})
    trace.span("a", outer, at=(1, 20), attributes=chat())
    trace.span("b", outer, at=(21, 40), attributes=chat())
    mapped = trace.mapped()
    assert (mapped.model_call_count, mapped.input_tokens) == (2, 20)
    assert step_of(mapped, "with retries").kind == "step"


def test_agent_totals_count_only_where_no_call_tells_tokens():
    usage = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 9, "gen_ai.request.model": "m-2"}
    trace = Trace()
    root = trace.span("Ann", at=(0, 100), attributes={**AGENT, **usage})
    inner = {**AGENT, "gen_ai.agent.name": "Bob", **usage}
    trace.span("Bob", root, at=(1, 90), attributes=inner)
    mapped = trace.mapped()
    assert (mapped.input_tokens, mapped.output_tokens, mapped.models) == (100, 9, ("m-2",))
    trace.span("chat", root, at=(2, 10), attributes=chat())
    assert trace.mapped().input_tokens == 10


def test_zeros_beside_an_answer_are_unknown_and_zeros_alone_are_zero():
    zero = {"gen_ai__usage__input_tokens": 0, "gen_ai__usage__output_tokens": 0}
    trace = Trace()
    root = trace.span("flow", at=(0, 100))
    trace.span("chat", root, attributes=chat(**zero, output="words"))
    assert trace.mapped().input_tokens is None
    trace.span("chat", root, attributes=chat(**zero))
    assert trace.mapped().input_tokens == 0


def test_absurd_counts_and_costs_are_unknown():
    trace = Trace()
    trace.span(
        "chat",
        attributes=chat(
            gen_ai__usage__input_tokens=-4,
            gen_ai__usage__output_tokens=float("inf"),
            operation__cost="1e999999",
            gen_ai__server__time_to_first_token=1e300,
        ),
    )
    (step,) = trace.mapped().steps
    assert (step.input_tokens, step.output_tokens, step.reported_cost_usd, step.time_to_first_token_ms) == (None,) * 4


def test_a_failed_tool_that_the_agent_coped_with_is_completed_but_shown():
    trace = Trace()
    agent = trace.span("Ann", at=(0, 100), attributes=AGENT)
    trace.span("t", agent, at=(1, 20), attributes=TOOL, status=ERROR, exception=("a.LedgerError", "no order", "stack"))
    trace.span("chat", agent, at=(21, 90), attributes=chat())
    mapped = trace.mapped()
    assert (mapped.status, mapped.error) == ("completed", None)
    tool = step_of(mapped, "look_up")
    assert (tool.status, tool.error_type, tool.error_message, tool.error_stack) == (
        "failed",
        "a.LedgerError",
        "no order",
        "stack",
    )


def test_a_failed_tool_that_ended_last_says_nothing_of_its_agent():
    trace = Trace()
    agent = trace.span("Ann", at=(0, 100), attributes=AGENT)
    trace.span("t", agent, at=(1, 99), attributes=TOOL, status=ERROR)
    assert trace.mapped().status == "completed"


def test_the_deepest_cause_is_the_error_and_what_the_caller_got_is_kept():
    trace = Trace()
    root = trace.span("flow", at=(0, 100), status=ERROR, exception=("PipelineError", "step failed", "outer"))
    step = trace.span("load", root, at=(1, 95), status=ERROR, exception=("StepError", "load failed", "middle"))
    tool = trace.span("t", step, at=(2, 90), attributes=TOOL, status=ERROR, exception=("LedgerError", "no", "inner"))
    error = trace.mapped().error
    assert (error.type, error.message, error.stack, error.span_id) == ("LedgerError", "no", "inner", tool.span_id)
    assert (error.raised_type, error.raised_message) == ("PipelineError", "step failed")
    assert [s.name for s in trace.mapped().steps if s.is_error_origin] == ["look_up"]


def test_a_root_that_ended_well_over_a_failed_agent_failed():
    trace = Trace()
    root = trace.span("flow", at=(0, 100), status=1)
    trace.span("Ann", root, at=(1, 99), attributes=AGENT, status=ERROR, message="Error in run: {'error': 'no order'}")
    mapped = trace.mapped()
    assert (mapped.status, mapped.error.type, mapped.error.message) == ("failed", None, "no order")


@pytest.mark.parametrize(
    "message, expected",
    [
        ("LedgerError: order: 42", ("LedgerError", "order: 42", None)),
        ("HTTP 500: oops", (None, "HTTP 500: oops", None)),
        (
            "E('x')Traceback (most recent call last):\n  File",
            (None, "E('x')", "Traceback (most recent call last):\n  File"),
        ),
        ("Error: {'error': {'code': 1}}", ("Error", "{'error': {'code': 1}}", None)),
        ("run: {'error': __import__('os')}", (None, "run: {'error': __import__('os')}", None)),
        ("", (None, None, None)),
    ],
)
def test_status_messages_are_taken_apart(message, expected):
    trace = Trace()
    trace.span("flow", status=ERROR, message=message)
    (step,) = trace.mapped().steps
    assert (step.error_type, step.error_message, step.error_stack) == expected


def test_cancelled_is_what_the_caller_got_not_what_a_sibling_got():
    trace = Trace()
    root = trace.span("flow", at=(0, 100), status=ERROR, exception=("asyncio.exceptions.CancelledError", "", ""))
    assert trace.mapped().status == "cancelled"
    trace = Trace()
    root = trace.span("flow", at=(0, 100), status=ERROR, exception=("LedgerError", "no", "s"))
    trace.span("a", root, at=(1, 50), status=ERROR, exception=("LedgerError", "no", "s"))
    trace.span("b", root, at=(1, 90), status=ERROR, exception=("CancelledError", "", ""))
    mapped = trace.mapped()
    assert (mapped.status, mapped.error.type) == ("failed", "LedgerError")
    assert step_of(mapped, "b").status == "cancelled"


def test_orphans_stand_in_for_their_parent_together():
    """The last of them says how it went, so a failure that a later step made good is none."""
    trace = Trace()
    trace.span("Step 1", b"absent!!", at=(0, 10), status=ERROR)
    trace.span("Step 2", b"absent!!", at=(11, 20))
    assert trace.mapped().status == "running"
    assert trace.mapped(settled=True).status == "completed"
    trace.span("Step 3", b"absent!!", at=(21, 30), status=ERROR, exception=("E", "m"))
    mapped = trace.mapped(settled=True)
    assert (mapped.status, mapped.error.type, mapped.flow_name, mapped.trigger_type) == ("failed", "E", "shop", "otel")


def test_parents_in_a_circle_and_own_parents_still_have_a_place():
    trace = Trace()
    a = trace.span("a", b"bbbbbbbb", at=(0, 9), span_id=b"aaaaaaaa")
    trace.span("b", a, at=(1, 8), span_id=b"bbbbbbbb")
    trace.span("c", b"cccccccc", at=(2, 3), span_id=b"cccccccc")
    mapped = trace.mapped(settled=True)
    assert [step.name for step in mapped.steps] == ["c", "a", "b"]
    assert [step.depth for step in mapped.steps] == [0, 0, 1]


def test_of_two_copies_the_later_end_wins_in_either_order():
    trace = Trace()
    trace.span("flow", at=(0, 10), span_id=b"aaaaaaaa")
    trace.span("flow, ended later", at=(0, 20), span_id=b"aaaaaaaa")
    spans = trace.spans()
    assert map_trace(spans) == map_trace(spans[::-1])
    assert map_trace(spans).execution_time_ms == 20
    early, late = sorted(
        (replace(spans[0], content_hash=bytes([n]) * 16, name=str(n)) for n in (1, 2)), key=lambda s: s.name
    )
    assert map_trace([late, early]).steps[0].name == map_trace([early, late]).steps[0].name == "2"


def test_sessions_and_users_of_the_entry_win_and_any_span_may_tell_them():
    trace = Trace()
    root = trace.span("flow", at=(0, 100))
    inner = trace.span("a", root, at=(1, 9), attributes={"gen_ai.conversation.id": "inner", "user.id": "u1"})
    mapped = trace.mapped()
    assert (mapped.session_id, mapped.user_ref) == ("inner", "u1")
    trace = Trace()
    root = trace.span("flow", at=(0, 100), attributes={"metadata": '{"thread_id": 17, "user_id": "u2"}'})
    trace.span("a", root, at=(-5, 9), attributes={"session.id": "inner", **AGENT})
    mapped = trace.mapped()
    assert (mapped.session_id, mapped.user_ref) == ("17", "u2")
    assert inner is not None


@pytest.mark.parametrize(
    "kind, attributes, trigger",
    [
        (1, {}, "manual"),
        (2, {"http.route": "/chat"}, "api"),
        (2, {"http.route": "/webhooks/mail"}, "webhook"),
        (5, {}, "event"),
        (1, {"faas.trigger": "timer"}, "schedule"),
    ],
)
def test_triggers(kind, attributes, trigger):
    trace = Trace()
    trace.span("root", kind=kind, attributes=attributes)
    assert trace.mapped().trigger_type == trigger


@pytest.mark.parametrize(
    "name, kind, attributes, flow",
    [
        ("run", 1, {"gen_ai.workflow.name": "Named"}, "Named"),
        ("invoke_agent x", 1, AGENT, "Ann"),
        ("nightly.workflow", 1, {}, "nightly"),
        ("POST /chat", 2, {}, "Ann"),
        ("order 8f14e45f-ceea-467f-a8cc-1f0a2b3c4d5e", 1, {}, "order #"),
        ("job-8f14e45fceea", 1, {}, "job-#"),
        ("invoice 1234567", 1, {}, "invoice #"),
        ("chat gpt-4o-mini v2", 1, {}, "chat gpt-4o-mini v2"),
        ("", 1, {}, "(unnamed)"),
    ],
)
def test_flow_names(name, kind, attributes, flow):
    trace = Trace()
    root = trace.span(name, at=(0, 100), kind=kind, attributes=attributes)
    if kind == 2:
        trace.span("invoke_agent", root, at=(1, 9), attributes=AGENT)
    assert trace.mapped().flow_name == flow


def test_ids_in_names_make_no_new_blocks():
    trace = Trace()
    root = trace.span("flow", at=(0, 100))
    for number in (1, 2):
        trace.span(f"Step {number}", root)
        trace.span(f"GET /orders/{number}/lines", root)
        trace.span(f"branch_{number}", root)
        trace.span(f"task 550e8400-e29b-41d4-a716-44665544000{number}", root)
        trace.span(f"span_0xdeadbeef{number}", root)
        trace.span(f"execute_tool t{number}", root, attributes={"gen_ai.tool.name": f"top_{number}", "ok": True})
    blocks = {step.block_name for step in trace.mapped().steps if step.depth}
    assert blocks == {
        "Step #",
        "GET /orders/#/lines",
        "branch_#",
        "task #",
        "span_#",
        "top_1",
        "top_2",
    }


def test_two_senders_of_one_tool_or_agent_run_count_once_and_delegation_counts_twice():
    trace = Trace()
    outer = trace.span("Ann", at=(0, 100), attributes=AGENT)
    again = trace.span("Ann.workflow", outer, at=(1, 99), attributes=AGENT)
    client = trace.span("tools/call look_up", again, at=(2, 50), attributes=TOOL, kind=3)
    trace.span("tools/call look_up", client, at=(3, 49), attributes=TOOL, kind=2)
    other = trace.span("delegate", again, at=(51, 90), attributes={**TOOL, "gen_ai.tool.name": "transfer_to_bob"})
    trace.span("Bob", other, at=(52, 89), attributes={**AGENT, "gen_ai.agent.name": "Bob"})
    mapped = trace.mapped()
    assert (mapped.agents, mapped.agent_count) == (("Ann", "Bob"), 2)
    assert (mapped.tools, mapped.tool_call_count) == (("look_up",), 1)
    assert [step.name for step in mapped.steps if step.is_helper] == ["transfer_to_bob"]
    assert {step.agent_name for step in mapped.steps} == {"Ann", "Bob"}


@pytest.mark.parametrize("name, operation", [("create_agent x", "create_agent"), ("graph.build", "")])
def test_traces_of_things_being_made_are_no_executions(name, operation):
    trace = Trace()
    root = trace.span(name, attributes={"gen_ai.operation.name": operation} if operation else {})
    assert trace.mapped().is_ignored
    trace.span("chat", root, attributes=chat())
    assert not trace.mapped().is_ignored


def test_an_end_in_a_call_without_an_answer_is_marked():
    trace = Trace()
    root = trace.span("flow", at=(0, 100))
    trace.span("chat", root, at=(1, 9), attributes=chat())
    assert trace.mapped().tags == {}
    trace.span("chat", root, at=(10, 99), attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1"})
    mapped = trace.mapped()
    assert (mapped.status, mapped.tags) == ("completed", {"ended_without_answer": True})


def test_chunks_of_a_stream_are_dropped_and_the_first_times_the_answer():
    trace = Trace()
    span = trace.span("chat", at=(0, 900), attributes=chat())
    for number in range(500):
        span.events.add(name="gen_ai.content.completion.chunk", time_unix_nano=START_NS + 40_000_000 + number)
    (read,) = trace.spans()
    assert len(read.events) == 1 and read.raw.count(b"completion.chunk") == 500
    assert trace.mapped().steps[0].time_to_first_token_ms == 40


def test_events_of_old_conventions_hold_the_messages():
    trace = Trace()
    span = trace.span("chat", attributes=chat())
    for name, attributes in (
        ("gen_ai.system.message", '{"content": "Be kind."}'),
        ("gen_ai.user.message", '{"content": "Hi?"}'),
        ("gen_ai.choice", '{"message": {"role": "assistant", "content": "Hello."}, "index": 0}'),
    ):
        event = span.events.add(name=name)
        for key, value in orjson.loads(attributes).items():
            event.attributes.add(key=key).value.string_value = value if isinstance(value, str) else orjson.dumps(value)
    mapped = trace.mapped()
    assert (mapped.question, mapped.answer) == ("Hi?", "Hello.")


def test_a_steps_hash_changes_with_its_place_and_its_further_spans():
    """A stored step is left alone while its hash is the same, so whatever arrives must change it where it changes."""
    trace = Trace()
    call = trace.span("lm", b"absent!!", at=(1, 50), attributes={"openinference.span.kind": "LLM"})
    alone = trace.mapped()
    trace.span("http", call, at=(3, 48), attributes=chat())
    merged = trace.mapped()
    trace.span("flow", at=(0, 100), span_id=b"absent!!")
    placed = trace.mapped()
    hashes = [step_of(mapped, "lm").content_hash for mapped in (alone, merged, placed)]
    assert len(set(hashes)) == 3
    assert step_of(trace.mapped(), "lm").content_hash == hashes[2]
