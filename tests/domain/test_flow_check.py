"""What is wrong with a graph: each finding once, at its place, and nothing where nothing is wrong."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings

from tests.domain.graphs import block, edge, graph, graphs
from webapp.domain.flow_check import check_graph, declared_handles
from webapp.domain.flow_graph import CredentialSlot, FlowGraph, GraphEdge


def found(of: FlowGraph, **kwargs) -> list[tuple[str, str, str | None]]:
    return [(p.code, p.severity, p.block_key) for p in check_graph(of, **kwargs)]


def test_a_sound_flow_has_no_problem():
    of = graph(
        [block("t", "trigger"), block("c", "condition"), block("a", "agent", config={"model": "m"}), block("b")],
        ["t -> c", "c.true -> a", "c.false -> b"],
    )
    assert found(of) == []


@pytest.mark.parametrize(
    ("of", "problem"),
    [
        (graph("", []), ("no_blocks", "error", None)),
        (graph("a", []), ("no_trigger", "warning", None)),
        (graph("a b", ["a -> b", "b -> a"]), ("no_entry", "error", None)),
        (graph("t:trigger a b", ["t -> a"]), ("unreachable", "warning", "b")),
        (graph("t:trigger a m", ["t -> a", "m => b.attach:model", "b -> m"]), ("edge_to_nowhere", "error", None)),
        (graph("t:trigger a:magic", ["t -> a"]), ("unknown_type", "error", "a")),
        (graph("t:trigger a:agent", ["t -> a"]), ("missing_agent", "error", "a")),
        (graph("t:trigger c:condition a", ["t -> c", "c.true -> a"]), ("branch_without_edge", "warning", "c")),
        (graph("t:trigger c:condition a", ["t -> c", "c.approved -> a"]), ("branch_without_edge", "warning", "c")),
        (graph("t:trigger l:loop a", ["t -> l", "l.done -> a"]), ("branch_without_edge", "warning", "l")),
        (graph("t:trigger a b", ["t -> a", "a -> b", "b -> a"]), ("loop_without_exit", "error", "a")),
        (graph("t:trigger a b", ["t -> a", "a -> b", "b -> a"]), ("no_path_to_end", "warning", "t")),
        (graph("t:trigger l:loop a", ["t -> l", "l.body -> a", "a -> l"]), ("loop_without_exit", "warning", "l")),
        (graph([block("t", "trigger", needs_review=True)], []), ("needs_review", "warning", "t")),
        (graph([block("t", "trigger"), block("t")], []), ("duplicate_key", "error", "t")),
        (graph([block("t", "trigger"), block("a", parent_key="x")], ["t -> a"]), ("parent_missing", "error", "a")),
        (graph([block("t", "trigger"), block("a", parent_key="t")], []), ("parent_no_loop", "warning", "a")),
    ],
)
def test_each_problem_is_found_at_its_place(of, problem):
    assert problem in found(of)


def test_a_slot_for_a_credential_is_empty_until_it_is_filled():
    slots = (CredentialSlot("slack", "Slack account"), CredentialSlot("api", "Key", is_filled=True))
    of = graph([block("t", "trigger", credentials=slots)], [])
    assert [p.message for p in check_graph(of)] == ["t needs a credential: Slack account."]


def test_an_agent_needs_a_model_or_an_agent_that_exists():
    ways = ["t -> a"]
    assert found(graph("t:trigger a:agent m", [*ways, "m => a.attach:model"])) == []
    for config in ({"model": {"name": "x"}}, {"inputs": {"agentModel": "x"}}, {"llm": "y"}):
        assert found(graph([block("t", "trigger"), block("a", "agent", config=config)], ways)) == []
    linked = graph([block("t", "trigger"), block("a", "agent", agent="7")], ways)
    assert found(linked) == []
    assert found(linked, agents=["7"]) == []
    assert found(linked, agents=["8"]) == [("missing_agent", "error", "a")]


def test_an_agent_may_use_the_model_of_its_trigger_or_of_its_supervisor():
    ways = ["t -> a", "a -> b"]
    default = graph("t:trigger a:agent b:agent m", [*ways, "m => t.attach:model"])
    assert found(default) == []
    led = [block("t", "trigger"), block("a", "agent", name="Supervisor"), block("b", "agent"), block("m")]
    assert found(graph(led, [*ways, "m => a.attach:model"])) == []
    assert found(graph("t:trigger a:agent b:agent m", [*ways, "m => a.attach:model"])) == [
        ("missing_agent", "error", "b")
    ]


def test_declared_ways_out_need_an_edge_each():
    cases = {"cases": [{"key": "refund"}, "claim"], "handles": ["else"]}
    of = graph(
        [block("t", "trigger"), block("c", "condition", config=cases), block("a")], ["t -> c", "c.case:claim -> a"]
    )
    assert set(declared_handles(of.blocks[1])) == {"case:refund", "case:claim", "else"}
    assert {p.edge.source_handle for p in check_graph(of)} == {"case:refund", "else"}


def test_a_loop_with_a_way_out_a_limit_or_its_own_items_ends():
    ways = ["t -> a", "a -> b", "b -> a"]
    assert "loop_without_exit" not in str(found(graph("t:trigger a b c", [*ways, "b.error -> c"])))
    limited = [block("t", "trigger"), block("a"), block("b", config={"max_iterations": 3})]
    assert found(graph(limited, ways)) == []
    container = [block("t", "trigger"), block("l", "loop"), block("a", parent_key="l")]
    assert found(graph(container, ["t -> l", "l.body -> a", "a -> l"])) == []


def test_children_of_a_loop_are_reached_without_an_edge_to_the_first():
    of = graph(
        [block("t", "trigger"), block("l", "loop"), block("a", parent_key="l"), block("b", parent_key="l")],
        ["t -> l", "a -> b"],
    )
    assert found(of) == []


def test_helpers_of_helpers_are_reached_through_the_agent_they_serve():
    of = graph(
        "t:trigger a:agent m store split",
        ["t -> a", "m => a.attach:model", "store => a.attach:tool", "split => store.attach:other"],
    )
    assert found(of) == []
    cut = graph("t:trigger a m", ["m => a.attach:model"])
    assert {key for code, _, key in found(cut) if code == "unreachable"} == {"a", "m"}


def test_errors_come_first_and_messages_name_the_block():
    problems = check_graph(graph([block("a", "agent", name="Judge", needs_review=True)], []))
    assert [p.is_error for p in problems] == sorted((p.is_error for p in problems), reverse=True)
    assert all("Judge" in p.message for p in problems if p.block_key)


@settings(deadline=None)
@given(graphs())
def test_any_graph_is_checked_and_findings_name_what_is_there(of):
    keys = {b.key for b in of.blocks}
    for problem in check_graph(of):
        assert problem.block_key is None or problem.block_key in keys
        assert problem.message.endswith(".")
        assert set(problem.to_document()) == {"code", "severity", "message", "block_key", "edge"}


def hostile(name: str, n: int = 10_000) -> FlowGraph:
    chain = [edge("t -> n0")] + [GraphEdge(f"n{i}", f"n{i + 1}") for i in range(n - 1)]
    blocks = [block("t", "trigger")] + [block(f"n{i}") for i in range(n)]
    if name == "ring":
        chain.append(GraphEdge(f"n{n - 1}", "n0"))
    if name == "nested":
        chain += [GraphEdge(f"n{n - 1 - i}", f"n{i}", "case:1") for i in range(n // 2)] + [
            GraphEdge(f"n{i}", "t", "x") for i in range(n)
        ]
    if name == "inside":
        blocks = [block("t", "trigger")] + [
            block(f"n{i}", "loop", parent_key=f"n{i - 1}" if i else None) for i in range(n)
        ]
    return graph(blocks, chain)


@pytest.mark.parametrize("name", ["chain", "ring", "nested", "inside"])
def test_ten_thousand_blocks_take_well_under_two_seconds(name):
    of = hostile(name)
    begun = time.process_time()
    check_graph(of)
    assert time.process_time() - begun < 1.5
