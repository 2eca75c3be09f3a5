"""A flow drawn with its figures: what stands on a card, what is said of it, and that foreign text stays text."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.domain.graphs import block, edge, graph, graphs, large
from tests.domain.test_flow_layout import assert_forward, assert_lanes_are_free, assert_sound
from tests.web.graph_page import draw_page
from webapp.domain.flow_graph import FlowGraph
from webapp.importers import read_flows
from webapp.web.graph_view import BlockHeat, BlockMark, GraphView, draw_graph, heat_step

SHARED = Path(os.environ.get("SHARED_DIR") or Path(__file__).resolve().parents[3] / "shared") / "flows"
FILES = sorted(file for file in SHARED.glob("*/*") if file.suffix in (".json", ".yml"))


def drawn(of: FlowGraph, **options) -> GraphView:
    options = {"heats": {}, "href": "?block={}".format, "current": None} | options
    return draw_graph(of, **options)


def card(view: GraphView, key: str):
    return next(b for b in view.blocks if b.key == key)


LINE = graph("t:trigger c:condition a:agent b m", ["t -> c", "c.true -> a", "c.false -> b", "m => a.attach:model"])


def test_a_card_says_what_ran_and_what_failed_in_number_and_colour():
    heats = {"a": BlockHeat(530, 94, 94 / 530, "p95 10.0 s"), "b": BlockHeat(1, 0, 0.0), "t": BlockHeat(0)}
    view = drawn(LINE, heats=heats)
    a, b, t = card(view, "a"), card(view, "b"), card(view, "t")
    assert (a.left, a.right, a.heat, a.is_bad) == ("530 runs", "17.7%", "h3", True)
    assert (b.left, b.right, b.heat, b.is_bad) == ("1 run", "0%", "h0", False)
    assert (t.left, t.right) == ("0 runs", "")
    assert a.title == "a: agent, 530 runs, 17.7% failed, p95 10.0 s"
    assert (card(view, "c").left, card(view, "c").heat) == ("condition", "none")


@pytest.mark.parametrize(
    ("rate", "step"), [(None, "h0"), (0, "h0"), (0.0099, "h0"), (0.055, "h1"), (0.1, "h2"), (0.15, "h3"), (1, "h3")]
)
def test_heat_has_four_steps(rate, step):
    assert heat_step(rate) == step


def test_where_edges_lead_is_said_and_numbered_for_the_arrow_keys():
    view = drawn(LINE)
    assert [b.key for b in view.blocks] == ["t", "c", "a", "m", "b"]
    assert card(view, "c").following == "2 4"
    assert card(view, "c").title == "c: condition. Goes to a (true), b (false)"
    assert card(view, "m").following == "2"
    assert card(view, "m").title == "m: action: model of a"
    assert view.summary == "a flow: 5 blocks, 3 edges"


def test_many_ways_out_are_counted():
    of = graph([block(f"b{at}") for at in range(12)], [f"b0 -> b{at}" for at in range(1, 12)])
    assert card(drawn(of), "b0").title.endswith("b6 and 5 more")


def test_marks_are_said_on_the_card_and_in_its_title():
    marks = {
        "a": BlockMark(is_undrawn=True),
        "b": BlockMark(never_ran=True),
        "c": BlockMark(problem="c has no edge for else."),
        "t": BlockMark(change="added"),
    }
    view = drawn(LINE, marks=marks, heats={"a": BlockHeat(3, 0, 0.0)})
    assert card(view, "a").left == "3 runs, not drawn" and "undrawn" in card(view, "a").css
    assert card(view, "b").left == "never ran" and "unran" in card(view, "b").css
    assert card(view, "c").is_flagged and "c has no edge for else. Goes to" in card(view, "c").title
    assert card(view, "t").left == "added"
    review = drawn(graph([block("x", needs_review=True)], []))
    assert card(review, "x").left == "needs review" and card(review, "x").is_flagged


def test_the_open_block_is_marked_and_every_block_is_a_link():
    page = draw_page(drawn(LINE, current="a"))
    assert re.search(r'<a href="\?block=a" data-key="a"[^>]* aria-current="true"', page)
    assert page.count("<a href=") == page.count("aria-current") + 4 == 5


def test_shares_of_executions_stand_at_the_edges():
    ways = {e.identity: share for e, share in zip(LINE.edges, (1.0, 0.94, 0.004), strict=False)}
    assert [r.label for r in drawn(LINE, edge_shares=ways).routes] == ["100%", "true 94%", "false <1%"]
    long = graph("a:condition b", [edge("a.true -> b", label="a very long label of a branch")])
    (route,) = drawn(long, edge_shares={long.edges[0].identity: 0.5}).routes
    assert re.fullmatch(r"a very long.*… 50%", route.label)


def test_edges_that_ran_and_are_not_drawn_are_dashed():
    view = drawn(LINE, undrawn_edges={LINE.edges[0].identity})
    assert [("undrawn" in r.css) for r in view.routes] == [True, False, False]


def test_an_error_way_has_its_own_ink_and_a_loop_its_label():
    view = drawn(graph("a b c", ["a -> b", "a.error -> c", "a <- b"]))
    assert sorted((r.css, r.marker, r.label) for r in view.routes) == [
        ("edge", "ar", ""),
        ("edge back", "ar", "loop"),
        ("edge err", "ar-err", "on error"),
    ]


def test_foreign_text_is_escaped_and_korean_is_marked():
    bad = '"><script>alert(1)</script>'
    of = graph(
        [block("a", name=bad), block("b", name="각 문서를 하나씩 처리하는 아주 긴 이름의 블록")],
        [edge("a -> b", label=bad[:8])],
    )
    page = draw_page(drawn(of, href=lambda key: f'"{key}>'))
    assert "<script>alert" not in page and 'href="&#34;a&gt;"' in page
    korean = card(drawn(of), "b")
    assert korean.name.endswith("…") and korean.name_lang == ' lang="ko"' and "블록" in korean.title


def test_nothing_is_styled_inline():
    assert "style=" not in draw_page(drawn(large(200)))


@settings(deadline=None)
@given(graphs())
def test_any_graph_is_drawn(of):
    heats = {b.key: BlockHeat(at, at // 3, at / 9) for at, b in enumerate(of.blocks)}
    for is_manual in (False, True):
        view = drawn(of, heats=heats, is_manual=is_manual)
        assert len(view.blocks) >= len(of.blocks)
        for b in view.blocks:
            assert all(int(number) < len(view.blocks) for number in b.following.split())
    draw_page(view)


@pytest.mark.skipif(not FILES, reason=f"no flow exports at {SHARED}: set SHARED_DIR to the folder that holds flows/")
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_real_flow_is_drawn_soundly(file):
    for flow in read_flows(file.read_bytes(), file.name):
        view = drawn(flow.graph)
        assert_sound(flow.graph, view.layout)
        assert_forward(flow.graph, view.layout)
        assert_lanes_are_free(view.layout)
        by_hand = drawn(flow.graph, is_manual=True)
        assert len(by_hand.blocks) == len(view.blocks)
