"""Which step of a trace the failure belongs to; spans go through the mapping that ingest uses."""

from __future__ import annotations

import pytest

from tests.ingest.build import ERROR, Trace, chat
from tests.ingest.captures_table import map_spans, spans_in
from tests.ingest.truth import FIXTURES, captures
from webapp.domain.fingerprints import fingerprint
from webapp.domain.fingerprints_trace import failure_in

REFUSED = ("shop.LedgerError", "no entry 4711", "Traceback ...")
WRAPPED = ("frame.AgentRunError", "agent writer failed: no entry 4711")


def agent(name: str) -> dict:
    return {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}


def tool(name: str) -> dict:
    return {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}


def failing(*spans: tuple[str, dict, tuple | None], trace: Trace | None = None):
    """The failure in a trace whose spans hang below each other, each failed; None = says nothing itself."""
    trace = trace or Trace()
    parent = None
    for depth, (name, attributes, exception) in enumerate(spans):
        more = {"exception": exception} if exception else {}
        parent = trace.span(name, parent, at=(depth, 100 - depth), status=ERROR, attributes=attributes, **more)
    return failure_in(trace.mapped(), flow="flow-1")


def test_one_exception_through_nested_spans_is_one_failure_at_its_origin():
    alone = failing(("invoices", {}, None), ("look up", tool("lookup_order"), REFUSED))
    nested = failing(
        ("invoices", {}, WRAPPED),
        ("invoke_agent writer", agent("writer"), WRAPPED),
        ("turn", {}, REFUSED),
        ("look up", tool("lookup_order"), REFUSED),
        ("POST", {}, None),
    )
    assert (nested.step_kind, nested.tool_name, nested.agent_name) == ("tool", "lookup_order", "writer")
    assert (nested.error_type, nested.message) == REFUSED[:2]
    assert nested.raised_as == ("frame.AgentRunError",)
    assert fingerprint(nested).hash == fingerprint(alone).hash


def test_the_last_of_several_attempts_counts():
    trace = Trace()
    root = trace.span("invoices", at=(0, 100), status=ERROR, exception=REFUSED)
    for attempt in range(3):
        at = (attempt * 10, attempt * 10 + 5)
        said = ("shop.LedgerError", f"no entry 4711, attempt {attempt + 1}/3")
        trace.span("look up", root, at=at, status=ERROR, attributes=tool("lookup_order"), exception=said)
    failure = failure_in(trace.mapped(), flow="flow-1")
    assert failure.message == "no entry 4711, attempt 3/3"
    assert ("message", "no entry *, attempt *") in fingerprint(failure).parts


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([("invoices", {}, None), ("load rows 7", {}, REFUSED)], ("step", "load rows #", None)),
        ([("invoices", {}, None), ("load rows", {}, REFUSED), ("POST", {}, None)], ("step", "load rows", None)),
        (
            [("invoices", {}, None), ("invoke_agent writer", agent("writer"), REFUSED)],
            ("agent", "writer", "writer"),
        ),
        (
            [("invoices", {}, None), ("invoke_agent writer", agent("writer"), WRAPPED), ("tools", {}, REFUSED)],
            ("step", "tools", "writer"),
        ),
        (
            [("invoices", {}, None), ("chat m-1", chat(gen_ai__provider__name="openai"), None), ("POST", {}, REFUSED)],
            ("model_call", "chat m-1", None),
        ),
        (
            [
                ("invoices", {}, None),
                ("look up", tool("ask_writer"), WRAPPED),
                ("invoke_agent writer", agent("writer"), WRAPPED),
                ("turn", {}, REFUSED),
            ],
            ("step", "turn", "writer"),
        ),
    ],
)
def test_the_step_that_fails(spans, expected):
    failure = failing(*spans)
    assert (failure.step_kind, failure.step_name, failure.agent_name) == expected


def test_a_model_call_tells_its_provider_and_model():
    failure = failing(("invoices", {}, None), ("chat m-1", chat(gen_ai__provider__name="OpenAI"), REFUSED))
    assert (failure.provider, failure.model) == ("openai", "m-1")


def test_an_execution_that_did_not_fail_has_no_failure():
    trace = Trace()
    trace.span("invoices")
    with pytest.raises(ValueError):
        failure_in(trace.mapped(), flow="flow-1")


def test_real_traces_give_a_failure_wherever_they_failed():
    """The order of spans and their doubles do not matter, since mapped traces are equal then."""
    seen = 0
    for capture in captures(FIXTURES / "otlp"):
        for trace in map_spans(spans_in(capture.bodies)):
            if trace.error is not None:
                failure = failure_in(trace, flow=trace.flow_name)
                seen += 1
                assert failure.step_name
                assert any(
                    step.block_name == failure.step_name and step.kind == failure.step_kind for step in trace.steps
                )
    assert seen >= 2
