"""After a merge each conflict ends as it was decided, and only that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.domain.graphs import block, edge, graph
from webapp.domain.flow_graph import GraphNote, from_document, to_document
from webapp.domain.flow_merge import merge_graphs
from webapp.domain.flow_resolve import resolve

BASE = graph([block("a", config={"x.y": 1, "keep": 1}), block("b"), block("c")], ["a -> b", "b -> c"])


def decide(mine, theirs, choice, base=BASE):
    merge = merge_graphs(base, mine, theirs)
    assert merge.conflicts
    graph_ = resolve(merge, theirs, [choice] * len(merge.conflicts))
    assert from_document(to_document(graph_)) == graph_
    return graph_


def with_block(key, **changes):
    return replace(BASE, blocks=tuple(replace(b, **changes) if b.key == key else b for b in BASE.blocks))


@pytest.mark.parametrize(("choice", "value", "name"), [("mine", 2, "mine"), ("theirs", 3, "theirs")])
def test_a_field_is_taken_from_whom_was_chosen(choice, value, name):
    mine = with_block("a", config={"x.y": 2, "keep": 1, "new": "m"}, name="mine")
    theirs = with_block("a", config={"x.y": 3, "keep": 1}, name="theirs")
    block_ = decide(mine, theirs, choice).block("a")
    assert block_.config == {"x.y": value, "keep": 1, "new": "m"} and block_.name == name


def test_a_field_that_they_took_away_goes():
    mine, theirs = with_block("a", config={"x.y": 2, "keep": 1}), with_block("a", config={"keep": 1})
    assert decide(mine, theirs, "theirs").block("a").config == {"keep": 1}
    assert decide(mine, theirs, "mine").block("a").config == {"x.y": 2, "keep": 1}


@pytest.mark.parametrize(("choice", "keys"), [("mine", "ac"), ("theirs", "abc")])
def test_what_i_removed_and_they_changed(choice, keys):
    mine = replace(BASE, blocks=(BASE.blocks[0], BASE.blocks[2]), edges=())
    decided = decide(mine, with_block("b", name="theirs"), choice)
    assert sorted(b.key for b in decided.blocks) == list(keys)


@pytest.mark.parametrize(("choice", "keys"), [("mine", "abc"), ("theirs", "ac")])
def test_what_they_removed_and_i_changed(choice, keys):
    theirs = replace(BASE, blocks=(BASE.blocks[0], BASE.blocks[2]), edges=())
    decided = decide(with_block("b", name="mine"), theirs, choice)
    assert sorted(b.key for b in decided.blocks) == list(keys)
    assert all("b" not in (e.source, e.target) for e in decided.edges) or choice == "mine"


@pytest.mark.parametrize(("choice", "label"), [("mine", "mine"), ("theirs", "theirs")])
def test_a_label_of_an_edge(choice, label):
    sides = [replace(BASE, edges=(edge("a -> b", label=text), BASE.edges[1])) for text in ("mine", "theirs")]
    assert decide(*sides, choice).edges[0].label == label


@pytest.mark.parametrize("choice", ["mine", "theirs"])
def test_the_flow_itself_and_its_notes(choice):
    base = replace(BASE, notes=(GraphNote("n", "old"),))
    sides = [replace(base, description=text, notes=(GraphNote("n", text),)) for text in ("mine", "theirs")]
    decided = decide(*sides, choice, base)
    assert decided.description == choice and decided.notes[0].text == choice


def test_what_nobody_decided_stays_mine():
    merge = merge_graphs(BASE, with_block("a", name="mine"), with_block("a", name="theirs"))
    assert resolve(merge, BASE, []).block("a").name == "mine"
