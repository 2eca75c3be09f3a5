"""A compiled graph says in which order, on which ways and around which loops its blocks work."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings

from tests.domain.graphs import block, graph, graphs, large
from tests.domain.test_flow_check import hostile
from webapp.domain.flow_check import reachable
from webapp.domain.flow_compile import _compiled, compile_graph
from webapp.domain.flow_shape import read_shape


def test_branches_join_and_helpers():
    of = graph(
        [block("t", "trigger"), block("c", "condition"), block("a", "agent"), block("b"), block("j"), block("m")],
        ["t -> c", "c.true -> a", "c.false -> b", "a -> j", "b -> j", "m => a.attach:model"],
    )
    assert compile_graph(of).compiled == {
        "version": 1,
        "entries": ["t"],
        "order": ["t", "c", "a", "b", "j"],
        "levels": [["t"], ["c"], ["a", "b"], ["j"]],
        "branches": {
            "t": {"out": ["c"]},
            "c": {"true": ["a"], "false": ["b"]},
            "a": {"out": ["j"]},
            "b": {"out": ["j"]},
        },
        "loops": {},
        "attachments": {"a": {"model": ["m"]}},
    }


def test_a_container_runs_its_children_before_what_follows_it():
    of = graph(
        [block("t", "trigger"), block("l", "loop"), block("x", parent_key="l"), block("y", parent_key="l"), block("z")],
        ["t -> l", "x -> y", "l.done -> z"],
    )
    compiled = compile_graph(of).compiled
    assert compiled["order"] == ["t", "l", "x", "y", "z"]
    assert compiled["loops"] == {"l": {"body": ["x", "y"], "exits": ["z"]}}
    assert compiled["branches"]["l"] == {"done": ["z"], "body": ["x"]}
    assert compiled["branches"]["y"] == {"out": ["l"]}


def test_a_drawn_loop_and_one_inside_it():
    of = graph(
        "t:trigger a b c:condition d:condition e",
        ["t -> a", "a -> b", "b -> c", "c.true -> d", "c.false -> b", "d.true -> e", "d.false -> a"],
    )
    assert compile_graph(of).compiled["loops"] == {
        "a": {"body": ["b", "d"], "exits": ["e"]},
        "b": {"body": ["c"], "exits": ["d"]},
    }


def test_a_loop_around_plain_blocks_is_done_before_what_follows():
    of = graph("t:trigger l:loop a b z", ["t -> l", "l.done -> z", "l.body -> a", "a -> b", "b -> l"])
    assert compile_graph(of).compiled["levels"] == [["t"], ["l"], ["a"], ["b"], ["z"]]


def test_a_drawn_loop_inside_of_a_container_keeps_its_own_body():
    inside = [block(key, "condition" if key == "y" else "action", parent_key="l") for key in "xyz"]
    of = graph(
        [block("t", "trigger"), block("l", "loop"), *inside], ["t -> l", "x -> y", "y.true -> z", "y.false -> x"]
    )
    assert compile_graph(of).compiled["loops"] == {
        "l": {"body": ["x", "z"], "exits": []},
        "x": {"body": ["y"], "exits": ["z"]},
    }


def test_the_first_block_of_a_container_is_where_its_own_edge_leads():
    inside = [block(key, "condition" if key == "y" else "action", parent_key="l") for key in "xyz"]
    ways = ["x -> y", "y.false -> x", "y.true -> z", "t -> l", "l.body -> y"]
    compiled = compile_graph(graph([block("t", "trigger"), block("l", "loop"), *inside], ways)).compiled
    assert compiled["branches"]["l"] == {"body": ["y"]}
    assert compiled["loops"]["y"] == {"body": ["x"], "exits": ["z"]}


def test_a_way_from_what_follows_a_container_into_it_still_compiles():
    blocks = [block("t", "trigger"), block("l", "loop"), block("x", parent_key="l"), block("y", parent_key="l")]
    of = graph([*blocks, block("z"), block("o")], ["t -> l", "l.done -> z", "z -> y", "y -> o"])
    assert compile_graph(of).compiled["levels"] == [["t"], ["l"], ["x", "z"], ["y"], ["o"]]


def test_loops_of_any_handle_are_found():
    of = graph("t:trigger x y z", ["t -> x", "x.done -> y", "y.done -> x", "y -> z"])
    assert compile_graph(of).compiled["order"] == ["t", "x", "y", "z"]


def test_what_cannot_run_is_refused_with_reasons_and_dead_blocks_are_left_out():
    refused = compile_graph(graph("t:trigger a:agent", ["t -> a"]))
    assert refused.compiled is None
    assert [p.code for p in refused.problems] == ["missing_agent"]
    assert compile_graph(graph("t:trigger a dead", ["t -> a"])).compiled["order"] == ["t", "a"]


@settings(deadline=None)
@given(graphs())
def test_any_graph_that_compiles_is_complete_and_in_order(of):
    shape = read_shape(of)
    if not shape.entries:
        return
    compiled = _compiled(shape)
    assert compiled == json.loads(json.dumps(compiled))
    place = {key: at for at, key in enumerate(compiled["order"])}
    assert place.keys() == reachable(shape) - shape.helpers
    assert len(place) == len(compiled["order"]) == sum(map(len, compiled["levels"]))
    level = {key: at for at, keys in enumerate(compiled["levels"]) for key in keys}
    for way in shape.forward:
        if way.source in place:
            assert level[way.source] < level[way.target]
    for key, ways in compiled["branches"].items():
        assert key in place
        assert all(target in place for targets in ways.values() for target in targets)
    inside = [key for loop in compiled["loops"].values() for key in loop["body"]]
    assert len(inside) == len(set(inside))
    for loop in compiled["loops"].values():
        assert set(loop["body"]).isdisjoint(loop["exits"])


@pytest.mark.parametrize("name", ["chain", "ring", "nested", "inside"])
def test_ten_thousand_blocks_compile_in_linear_time(name):
    begun = time.process_time()
    _compiled(read_shape(hostile(name)))
    assert time.process_time() - begun < 1.5


def test_the_large_flow_compiles():
    result = compile_graph(large())
    assert {p.code for p in result.problems if p.is_error} == {"missing_agent"}
