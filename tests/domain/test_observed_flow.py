"""A graph from counted edges, and drawn blocks found again in what ran."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from webapp.domain.flow_graph import FlowGraph, GraphBlock, GraphEdge, from_document, to_document
from webapp.domain.observed_edges import ATTACH, FLOW, NIL
from webapp.domain.observed_flow import (
    START,
    ObservedBlock,
    drawn_never_ran,
    drawn_traversals,
    match_blocks,
    observed_graph,
    ran_not_drawn,
)

A, B, C, T = (UUID(int=n) for n in range(1, 5))
BLOCKS = [
    ObservedBlock(A, "Router", "agent", "agent", UUID(int=9)),
    ObservedBlock(B, "Resolver", "agent", "agent"),
    ObservedBlock(C, "router", "transform", "step"),
    ObservedBlock(T, "search", "action", "tool"),
]
COUNTS = Counter(
    {(NIL, A, FLOW): 10, (A, B, FLOW): 9, (B, A, FLOW): 3, (A, NIL, FLOW): 4, (B, NIL, FLOW): 6, (T, B, ATTACH): 20}
)


def graph():
    return observed_graph("flow", BLOCKS, COUNTS, Counter(dict.fromkeys(COUNTS, 2)))


def test_the_way_back_of_a_circle_is_told_from_the_way_there():
    kinds = {(e.edge.source, e.edge.target): (e.edge.kind, e.traversals, e.share) for e in graph().edges}
    assert kinds == {
        (START, str(A)): ("flow", 10, 1.0),
        (str(A), str(B)): ("flow", 9, 9 / 13),
        (str(B), str(A)): ("loop_back", 3, 3 / 9),
        (str(T), str(B)): ("attach", 20, None),
    }
    assert graph().ends == {str(A): 4, str(B): 6}


def test_a_block_that_follows_itself_is_a_circle():
    found = observed_graph("flow", BLOCKS, Counter({(NIL, A, FLOW): 1, (A, A, FLOW): 2}), Counter())
    assert [e.kind for e in found.graph.edges] == ["loop_back", "flow"]


def test_only_what_has_edges_is_drawn_and_it_can_be_exported():
    found = graph().graph
    assert [(b.key, b.name, b.source_type, b.agent) for b in found.blocks] == [
        (START, "Start", None, None),
        (str(B), "Resolver", "agent", None),
        (str(A), "Router", "agent", str(UUID(int=9))),
        (str(T), "search", "tool", None),
    ]
    assert from_document(to_document(found)) == found
    assert observed_graph("flow", [], COUNTS, Counter()).graph.blocks == ()


DRAWN = FlowGraph(
    "flow",
    blocks=(
        GraphBlock("in", "trigger", "When mail comes"),
        GraphBlock("r", "agent", " ROUTER "),
        GraphBlock("s", "action", "Search"),
        GraphBlock("w", "transform", "Router"),
        GraphBlock("x", "agent", "Writer"),
    ),
    edges=(GraphEdge("in", "r"), GraphEdge("r", "x"), GraphEdge("s", "r")),
)


def test_blocks_match_by_name_and_the_kind_that_suits_their_type():
    assert match_blocks(DRAWN, BLOCKS) == {"r": (A,), "s": (T,), "w": (C,)}
    assert match_blocks(DRAWN, BLOCKS, {"x": B, "r": UUID(int=77)}) == {"r": (A,), "s": (T,), "w": (C,), "x": (B,)}


def test_blocks_of_names_that_differ_in_case_only_are_one():
    twice = [ObservedBlock(A, "writer", "agent", "agent"), ObservedBlock(B, "Writer", "agent", "agent")]
    assert match_blocks(DRAWN, twice) == {"x": (A, B)}


def test_what_is_only_drawn_and_what_only_ran_is_named():
    matches = match_blocks(DRAWN, BLOCKS)
    assert ran_not_drawn(matches, [B, A, T]) == [B]
    assert drawn_never_ran(DRAWN, matches, {A, B}) == ["s", "w", "x"]


def test_drawn_edges_get_the_counts_of_what_ran_along_them():
    matches = match_blocks(DRAWN, BLOCKS, {"x": B})
    counts = drawn_traversals(DRAWN, matches, graph())
    assert [counts[edge.identity] for edge in DRAWN.edges] == [10, 9, 0]
