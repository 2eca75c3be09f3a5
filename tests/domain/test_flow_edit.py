"""Each change of the editor gives a whole graph, says what it did, and touches nothing else."""

from __future__ import annotations

import pytest

from tests.domain.graphs import block, graph
from webapp.domain import flow_edit
from webapp.domain.block_presets import PRESETS, grouped
from webapp.domain.block_settings import settings_for
from webapp.domain.errors import Invalid, NotFound
from webapp.domain.flow_check import check_graph
from webapp.domain.flow_graph import EdgeKind, GraphEdge, from_document, to_document

LINE = graph("start:trigger work:action end:action", ["start -> work", "work -> end"])


def sound(edited):
    """The edit's graph, after it went through our format and came back the same."""
    assert from_document(to_document(edited.graph)) == edited.graph
    return edited.graph


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_added_behind_a_block_and_configured(name):
    edited = flow_edit.add_block(LINE, PRESETS[name], token="1a2b", after="end")
    added = sound(edited).blocks[-1]
    assert added.key == edited.block_key and added.key.endswith("-1a2b") and added.name == PRESETS[name].label
    assert settings_for(added) or name == "action"
    is_behind = any(e.source == "end" and e.target == added.key for e in edited.graph.edges)
    assert is_behind is (added.block_type != "trigger")
    assert not [p for p in check_graph(edited.graph) if p.code in ("unknown_type", "duplicate_key", "edge_to_nowhere")]


def test_all_six_types_are_offered():
    assert [type_ for type_, presets in grouped() if presets] == [
        "agent", "trigger", "action", "condition", "loop", "transform",
    ]  # fmt: skip


def test_names_are_made_apart_and_two_people_never_take_one_key():
    one = flow_edit.add_block(LINE, PRESETS["http"], token="aa")
    two = flow_edit.add_block(one.graph, PRESETS["http"], token="bb")
    assert [b.name for b in two.graph.blocks[-2:]] == ["HTTP request", "HTTP request 2"]
    assert one.block_key != flow_edit.add_block(LINE, PRESETS["http"], token="cc").block_key


def test_what_follows_a_condition_takes_its_next_free_way():
    now = graph("c:condition", [])
    for token in ("a", "b"):
        now = flow_edit.add_block(now, PRESETS["http"], token=token, after="c").graph
    assert [e.source_handle for e in now.edges] == ["true", "false"]


def test_a_new_block_beside_arranged_ones_lies_on_none_of_them():
    placed = graph([block("a", x=0.0, y=0.0), block("b", x=260.0, y=0.0)], [], config={"layout": "manual"})
    for number in range(6):
        placed = flow_edit.add_block(placed, PRESETS["http"], token=f"{number}", after="a").graph
    spots = [(b.x, b.y) for b in placed.blocks]
    assert all(
        abs(x - u) >= 166 or abs(y - v) >= 56
        for at, (x, y) in enumerate(spots) for u, v in spots[:at]
    ), spots  # fmt: skip
    assert flow_edit.add_block(placed, PRESETS["http"], token="last").graph.blocks[-1].y > max(y for _, y in spots)


def test_removing_says_and_takes_what_hangs_on_it():
    inside = graph([block("loop", "loop"), block("a", parent_key="loop")], ["loop.body -> a"])
    assert flow_edit.removal(inside, "loop") == "loop goes with 1 connection. 1 block inside it stays."
    left = sound(flow_edit.remove_block(inside, "loop"))
    assert [(b.key, b.parent_key) for b in left.blocks] == [("a", None)] and left.edges == ()
    assert flow_edit.remove_block(LINE, "work").said == "Removed work and 2 connections"
    with pytest.raises(NotFound):
        flow_edit.remove_block(LINE, "nobody")


def test_an_edge_that_closes_a_circle_is_the_way_back():
    back = flow_edit.connect(LINE, "end", "work")
    assert sound(back).edges[-1] == GraphEdge("end", "work", "out", "in", EdgeKind.LOOP_BACK)
    assert flow_edit.connect(LINE, "start", "end").graph.edges[-1].kind == EdgeKind.FLOW


def test_a_helper_is_attached_and_both_can_be_taken_apart_again():
    with_model = graph("a:agent m:action", [])
    attached = flow_edit.connect(with_model, "m", "a", slot="model")
    assert sound(attached).edges == (GraphEdge("m", "a", "out", "attach:model", EdgeKind.ATTACH),)
    assert flow_edit.disconnect(attached.graph, attached.graph.edges[0].identity).graph == with_model
    with pytest.raises(NotFound):
        flow_edit.disconnect(with_model, attached.graph.edges[0].identity)


@pytest.mark.parametrize(
    ("source", "target", "more", "error"),
    [("work", "work", {}, Invalid), ("work", "end", {}, None), ("work", "nobody", {}, NotFound),
     ("start", "work", {"source_handle": "out"}, Invalid), ("start", "end", {"slot": "motor"}, Invalid)],
)  # fmt: skip
def test_connections_that_cannot_be(source, target, more, error):
    if error is None:
        with pytest.raises(Invalid, match="already"):
            flow_edit.connect(LINE, source, target, source_handle="out", **more)
        return
    with pytest.raises(error):
        flow_edit.connect(LINE, source, target, **more)


def test_a_branch_that_goes_takes_its_edge_along():
    cases = block("c", "condition", config={"cases": [{"key": "a"}, {"key": "b"}]})
    now = graph([cases, block("x"), block("y")], ["c.case:a -> x", "c.case:b -> y", "c.else -> y", "c.error -> x"])
    edited = flow_edit.change_block(now, block("c", "condition", config={"cases": [{"key": "b"}]}))
    assert [e.source_handle for e in sound(edited).edges] == ["case:b", "else", "error"]
    assert "1 connection" in edited.said


def test_a_loop_cannot_lie_inside_itself():
    nested = graph([block("outer", "loop"), block("inner", "loop", parent_key="outer")], [])
    with pytest.raises(Invalid, match="inside itself"):
        flow_edit.change_block(nested, block("outer", "loop", parent_key="inner"))


def test_the_first_drag_keeps_every_other_block_where_it_is_drawn():
    imported = graph([block("a", x=900.0, y=900.0), block("b")], [])
    moved = flow_edit.move_block(imported, "b", 10.4, -3.6, {"a": (0.0, 0.0), "b": (200.0, 0.0)})
    assert sound(moved).config["layout"] == "manual"
    assert [(b.x, b.y) for b in moved.graph.blocks] == [(0.0, 0.0), (10.0, -4.0)]
    again = flow_edit.move_block(moved.graph, "a", 5, 5, {"a": (0.0, 4.0), "b": (10.0, 0.0)})
    assert [(b.x, b.y) for b in again.graph.blocks] == [(5.0, 5.0), (10.0, 0.0)]
    back = flow_edit.arrange(again.graph)
    assert back.graph.config["layout"] == "auto" and {b.x for b in back.graph.blocks} == {None}
    for far in (float("nan"), float("inf"), 1e9):
        with pytest.raises(Invalid):
            flow_edit.move_block(imported, "b", far, 0, {})


def test_notes_are_written_changed_and_taken_away():
    noted = flow_edit.change_note(LINE, "", "look here", token="t")
    assert sound(noted).notes[0].text == "look here"
    assert flow_edit.change_note(noted.graph, "note-t", "there", token="u").graph.notes[0].text == "there"
    assert flow_edit.change_note(noted.graph, "note-t", "", token="u").graph.notes == ()
    with pytest.raises(Invalid):
        flow_edit.change_note(LINE, "", "", token="t")


def test_what_the_flow_says_of_itself():
    edited = flow_edit.change_flow(LINE, name="한빛", description="d", pattern="Parallel", tags=["a", "a", "b"])
    assert (sound(edited).name, edited.graph.pattern, edited.graph.tags) == ("한빛", "Parallel", ("a", "b"))
    assert edited.graph.blocks == LINE.blocks
