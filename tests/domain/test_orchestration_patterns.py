"""Ten patterns, each with a graph that meets its demand and one that does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.domain.graphs import block, graph, graphs
from webapp.domain.flow_graph import FlowGraph
from webapp.domain.orchestration_patterns import PATTERNS, check_pattern, is_event_trigger, suggest_pattern

LINE = ("t:trigger a:agent b", ["t -> a", "a -> b"])
WEBHOOK = [block("t", "trigger", config={"kind": "webhook"}), block("a")]
FORK = ["t -> a", "t -> b", "t -> c", "a -> j", "b -> j", "c -> j"]
AGENTS = "t:trigger a:agent b:agent c:agent j"
MET = {
    "Sequential": LINE,
    "Parallel": ("t:trigger a b j", ["t -> a", "t -> b", "a -> j", "b -> j"]),
    "Hierarchical": ("s:agent c:condition a:agent b:agent", ["s -> c", "c.case:a -> a", "c.case:b -> b", "a -> s"]),
    "Adaptive": ("t:trigger c:condition a b", ["t -> c", "c.true -> a", "c.false -> b"]),
    "Consensus": ("t:trigger a:agent x b:agent j", ["t -> x", "t -> b", "x -> a", "a -> j", "b -> j"]),
    "DynamicRouting": ("t:trigger c:condition a:agent x b:agent", ["t -> c", "c.true -> x", "x -> a", "c.false -> b"]),
    "SwarmIntelligence": (AGENTS, FORK),
    "EventDriven": (WEBHOOK, ["t -> a"]),
    "Reflection": ("t:trigger a:agent c:condition z", ["t -> a", "a -> c", "c.false -> a", "c.true -> z"]),
    "Neuromorphic": ("t:trigger a b j z", ["t -> a", "t -> b", "a -> j", "b -> j", "j -> a", "j.done -> z"]),
}
NOT_MET = {
    "Sequential": MET["Parallel"],
    "Parallel": LINE,
    "Hierarchical": (AGENTS, ["t -> a", "a -> b", "b -> c"]),
    "Adaptive": LINE,
    "Consensus": (
        "t:trigger c:condition a:agent b:agent j",
        ["t -> c", "c.true -> a", "c.false -> b", "a -> j", "b -> j"],
    ),
    "DynamicRouting": ("t:trigger c:condition a:agent b", ["t -> c", "c.true -> a", "c.false -> b"]),
    "SwarmIntelligence": (AGENTS, ["t -> a", "a -> b", "b -> c", "c -> j"]),
    "EventDriven": LINE,
    "Reflection": LINE,
    "Neuromorphic": MET["Parallel"],
}


def test_there_are_the_ten_of_the_specification():
    assert list(PATTERNS) == list(MET) == list(NOT_MET)
    assert all(p.sentence.endswith(".") and p.demand.endswith(".") for p in PATTERNS.values())


@pytest.mark.parametrize("name", PATTERNS)
def test_a_graph_that_meets_the_demand_has_no_problem(name):
    assert check_pattern(graph(*MET[name], pattern=name)) == []


@pytest.mark.parametrize("name", PATTERNS)
def test_a_graph_that_does_not_is_warned_with_the_demand_and_a_reason(name):
    (problem,) = check_pattern(graph(*NOT_MET[name], pattern=name))
    assert (problem.code, problem.is_error) == ("pattern_demand", False)
    assert PATTERNS[name].demand in problem.message
    assert len(problem.message) > len(name) + len(PATTERNS[name].demand) + 10


def test_no_pattern_demands_nothing_and_an_unknown_one_is_said():
    assert check_pattern(graph(*LINE)) == []
    assert [p.code for p in check_pattern(graph(*LINE, pattern="Fractal"))] == ["unknown_pattern"]


def test_parallel_ways_that_never_end_do_not_meet_the_demand():
    of = graph("t:trigger a b c", ["t -> a", "t -> b", "b -> c", "c -> b"], pattern="Parallel")
    assert "never ends" in check_pattern(of)[0].message


@pytest.mark.parametrize(
    ("name", "like"),
    [("Hierarchical", [block("s", "agent", name="Supervisor"), block("w", "agent")])]
    + [(name, MET[name]) for name in ("Sequential", "Parallel", "DynamicRouting", "EventDriven", "Reflection")],
)
def test_a_suggestion_is_what_the_drawing_shows(name, like):
    of = graph(*like) if isinstance(like, tuple) else graph(like, ["s -> w"])
    assert suggest_pattern(of) == name


@pytest.mark.parametrize(
    ("config", "source_type", "waits"),
    [
        ({"kind": "schedule"}, None, True),
        ({"kind": "manual"}, "n8n-nodes-base.webhook", False),
        ({}, "n8n-nodes-base.webhook", True),
        ({}, "n8n-nodes-base.gmailTrigger", True),
        ({}, "n8n-nodes-base.manualTrigger", False),
        ({}, "@n8n/n8n-nodes-langchain.chatTrigger", False),
        ({}, "trigger-schedule", True),
        ({}, "start", False),
        ({}, None, False),
    ],
)
def test_a_trigger_waits_for_the_outside_by_its_settings_or_its_foreign_type(config, source_type, waits):
    assert is_event_trigger(block("t", "trigger", config=config, source_type=source_type)) is waits


@settings(deadline=None)
@given(graphs())
def test_any_graph_can_be_held_to_any_pattern(of):
    assert suggest_pattern(of) in PATTERNS
    for name in PATTERNS:
        assert len(check_pattern(FlowGraph("x", blocks=of.blocks, edges=of.edges, pattern=name))) < 2
