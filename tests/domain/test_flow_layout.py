"""The drawing keeps its promises for any graph: nothing overlaps, forward is forward, each edge is drawn once."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings

from tests.domain.graphs import block, edge, graph, graphs, large
from webapp.domain.flow_graph import FlowGraph, GraphEdge
from webapp.domain.flow_layout import Layout, layout_graph
from webapp.domain.flow_shape import contained, parents_of, read_shape


def boxes(layout: Layout) -> list[tuple[float, float, float, float]]:
    """Everything that must not overlap: frames count as their heads, chips as they are."""
    parts = [*layout.cards.values(), *layout.chips]
    return [(p.x, p.y, p.x + p.width, p.y + p.height) for p in parts]


def overlaps(layout: Layout) -> list[tuple]:
    """Pairs of boxes that overlap, found by a sweep from left to right."""
    found, open_ = [], []
    for box in sorted(boxes(layout)):
        open_ = [other for other in open_ if other[2] > box[0]]
        found += [(other, box) for other in open_ if other[1] < box[3] and box[1] < other[3]]
        open_.append(box)
    return found


def lines(of: FlowGraph) -> dict[str, set[str]]:
    """All containers around each block."""
    parents = parents_of(contained({b.key: b for b in of.blocks}))
    around: dict[str, set[str]] = {}
    for b in of.blocks:
        around[b.key], at = set(), b.key
        while at in parents:
            at = parents[at]
            around[b.key].add(at)
    return around


def assert_sound(of: FlowGraph, layout: Layout) -> None:
    shape, around = read_shape(of), lines(of)
    assert overlaps(layout) == []
    chips = {chip.key for chip in layout.chips if not chip.is_reference}
    assert set(layout.cards) | chips == {b.key for b in of.blocks}
    assert set(layout.cards).isdisjoint(chips)
    for left, top, right, bottom in boxes(layout):
        assert left >= 0 and top >= 0 and right <= layout.width and bottom <= layout.height
    for key, frame in layout.containers.items():
        for other, parents in around.items():
            inner = layout.cards.get(other)
            if inner and key in parents:
                assert frame.x < inner.x and frame.x + frame.width > inner.x + inner.width
                assert frame.y + 56 < inner.y and frame.y + frame.height > inner.y + inner.height
            elif inner and other != key and key not in parents and other not in around[key]:
                beside = inner.x >= frame.x + frame.width or inner.x + inner.width <= frame.x
                assert beside or inner.y >= frame.y + frame.height or inner.y + inner.height <= frame.y
    drawn = Counter(e.identity for route in layout.routes for e in route.edges)
    assert drawn == Counter(e.identity for e in [*shape.forward, *shape.back])
    for route in layout.routes:
        assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in route.points)


def assert_forward(of: FlowGraph, layout: Layout) -> None:
    """Each edge that does not run back and does not cross a frame ends right of where it began."""
    around = lines(of)
    for way in read_shape(of).forward:
        if around[way.source] == around[way.target]:
            source = layout.containers.get(way.source) or layout.cards[way.source]
            assert layout.cards[way.target].x >= source.x + source.width, way


def assert_lanes_are_free(layout: Layout) -> None:
    """The level and upright lines of ways around boxes go through no card and no chip."""
    parts = [*layout.cards.values(), *layout.chips]
    for route in layout.routes:
        if not route.is_lane:
            continue
        for (x1, y1), (x2, y2) in zip(route.points, route.points[1:], strict=False):
            for p in parts:
                is_through = min(x1, x2) < p.x + p.width - 1 and max(x1, x2) > p.x + 1
                assert not (is_through and min(y1, y2) < p.y + p.height - 1 and max(y1, y2) > p.y + 1), (route, p)


@settings(deadline=None)
@given(graphs())
def test_any_graph_is_drawn_soundly(of):
    assert_sound(of, layout_graph(of))


@settings(deadline=None)
@given(graphs(most=9))
def test_forward_edges_of_any_graph_without_containers_go_forward_and_lanes_are_free(of):
    flat = replace(of, blocks=tuple(replace(b, parent_key=None) for b in of.blocks))
    layout = layout_graph(flat)
    assert_forward(flat, layout)
    assert_lanes_are_free(layout)


@settings(deadline=None)
@given(graphs())
def test_the_same_graph_gives_the_same_drawing(of):
    assert layout_graph(of) == layout_graph(of)


@settings(deadline=None)
@given(graphs())
def test_places_given_by_hand_are_kept(of):
    layout = layout_graph(of, is_manual=True)
    chips = {chip.key for chip in layout.chips if not chip.is_reference}
    assert set(layout.cards) | chips == {b.key for b in of.blocks}
    placed = [b for b in of.blocks if b.x is not None and b.key in layout.cards and not lines(of)[b.key]]
    for one, other in zip(placed, placed[1:], strict=False):
        assert layout.cards[one.key].x - layout.cards[other.key].x == pytest.approx(one.x - other.x)
        assert layout.cards[one.key].y - layout.cards[other.key].y == pytest.approx(one.y - other.y)
    for route in layout.routes:
        assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in route.points)


def test_a_line_stands_on_one_line_and_branches_around_it():
    layout = layout_graph(
        graph("t:trigger a c:condition x y z", ["t -> a", "a -> c", "c.true -> x", "c.false -> y", "x -> z", "y -> z"])
    )
    cards = layout.cards
    assert cards["t"].y == cards["a"].y == cards["c"].y == cards["z"].y
    assert cards["x"].y < cards["c"].y < cards["y"].y
    assert list(cards) == ["t", "a", "c", "x", "y", "z"]
    assert {r.label for r in layout.routes} == {"", "true", "false"}


def test_a_loop_runs_back_around_the_boxes_with_a_label():
    layout = layout_graph(graph("t:trigger a c:condition z", ["t -> a", "a -> c", "c.false -> a", "c.true -> z"]))
    (back,) = [r for r in layout.routes if r.kind == "back"]
    assert back.is_lane and back.label == "false"
    assert back.points[0][0] > back.points[-1][0]
    assert_lanes_are_free(layout)
    plain = layout_graph(graph("a b", ["a -> b", "a <- b"]))
    assert [r.label for r in plain.routes if r.kind == "back"] == ["loop"]


def test_helpers_stand_under_the_block_they_serve_and_again_as_a_reference():
    layout = layout_graph(
        graph(
            "t:trigger a:agent b:agent m store split",
            [
                "t -> a",
                "a -> b",
                "m => a.attach:model",
                "m => b.attach:model",
                "store => b.attach:tool",
                "split => store",
            ],
        )
    )
    shown = [(c.key, c.card, c.slot, c.depth, c.is_reference) for c in layout.chips]
    assert sorted(shown) == [
        ("m", "a", "model", 0, False),
        ("m", "b", "model", 0, True),
        ("split", "b", "in", 1, False),
        ("store", "b", "tool", 0, False),
    ]
    for chip in layout.chips:
        card = layout.cards[chip.card]
        assert chip.y >= card.y + card.height and card.x < chip.x < card.x + card.width


def test_helpers_in_a_circle_are_drawn_too():
    of = graph("a b", ["a => b.attach:tool", "b => a.attach:tool"])
    assert_sound(of, layout_graph(of))


def test_a_container_holds_its_children_and_its_edges_begin_at_its_border():
    of = graph(
        [block("t", "trigger"), block("l", "loop"), block("x", parent_key="l"), block("y", parent_key="l"), block("z")],
        ["t -> l", "l.body -> x", "x -> y", "l <- y", "l.done -> z"],
    )
    layout = layout_graph(of)
    assert_sound(of, layout)
    frame = layout.containers["l"]
    ways = {(r.edges[0].source, r.edges[0].target): r for r in layout.routes}
    assert ways["l", "x"].points[0][0] >= frame.x
    assert ways["l", "x"].points[-1][0] == layout.cards["x"].x
    assert ways["y", "l"].points[-1][0] <= frame.x + frame.width
    assert layout.cards["z"].x >= frame.x + frame.width


@pytest.mark.parametrize("ways", [["l.body -> x"], ["l.body -> x", "l <- y"], ["l <- x"], ["l.body -> x", "y -> x"]])
def test_children_keep_off_the_frame_also_where_edges_touch_it(ways):
    of = graph([block("l", "loop"), block("x", parent_key="l"), block("y", parent_key="l")], ways)
    assert_sound(of, layout_graph(of))


def test_parts_without_connection_stand_below_or_beside_each_other():
    of = graph("a b c d e", ["a -> b"])
    layout = layout_graph(of)
    assert_sound(of, layout)
    assert layout.width < 1400


def test_edges_of_every_handle_between_two_blocks_are_one_way_and_its_labels():
    of = graph("a:condition b", ["a.true -> b", "a.case:x -> b", "a.error -> b", "a <- b"])
    layout = layout_graph(of)
    assert sorted((r.kind, r.label) for r in layout.routes) == [
        ("back", "loop"),
        ("error", "on error"),
        ("flow", "true, x"),
    ]


def test_an_empty_graph_has_an_empty_drawing():
    layout = layout_graph(graph("", []))
    assert (layout.cards, list(layout.routes)) == ({}, [])


def chain(n: int) -> FlowGraph:
    return graph([block(f"n{i}") for i in range(n)], [GraphEdge(f"n{i}", f"n{i + 1}") for i in range(n - 1)])


def nested(n: int) -> FlowGraph:
    return graph([block(f"n{i}", "loop", parent_key=f"n{i - 1}" if i else None) for i in range(n)], [])


def tangled(n: int) -> FlowGraph:
    of = chain(n)
    more = [GraphEdge(f"n{i}", f"n{(i * 7919) % n}", "case:x") for i in range(n)]
    return replace(of, edges=(*of.edges, *more))


def self_edges(n: int) -> FlowGraph:
    return graph([block(f"n{i}") for i in range(n)], [GraphEdge(f"n{i}", f"n{i}") for i in range(n)])


def star(n: int) -> FlowGraph:
    return graph([block(f"n{i}") for i in range(n)], [GraphEdge("n0", f"n{i}") for i in range(1, n)])


@pytest.mark.parametrize("make", [chain, nested, tangled, self_edges, star])
def test_two_thousand_blocks_of_any_form_are_drawn_soundly_and_soon(make):
    of = make(2000 if make is not nested else 300)
    begun = time.process_time()
    layout = layout_graph(of)
    assert time.process_time() - begun < 1.5
    assert overlaps(layout) == []
    if make is not nested:
        assert_forward(of, layout)


def test_the_large_flow_is_drawn_soundly_and_in_less_than_a_tenth_of_a_second():
    of = large()
    took = []
    for _ in range(5):
        begun = time.process_time()
        layout = layout_graph(of)
        took.append(time.process_time() - begun)
    assert_sound(of, layout)
    assert_forward(of, layout)
    assert_lanes_are_free(layout)
    assert min(took) < 0.1, f"{min(took) * 1000:.0f} ms"


@settings(max_examples=20, deadline=None)
@given(graphs(most=40))
def test_larger_random_graphs_too(of):
    assert_sound(of, layout_graph(of))


def test_labels_are_clipped_and_never_lost():
    of = graph(
        "a:condition b c", [edge("a.case:x -> b", label="a very long label that nobody can read"), "a.else -> c"]
    )
    labels = [r.label for r in layout_graph(of).routes]
    assert labels[0].endswith("…") and labels[1] == "else"
