"""The collector: one line for each node and edge, whatever a format throws at it."""

from __future__ import annotations

from tests.importers.conservation import assert_consistent
from webapp.domain.flow_graph import CredentialSlot, EdgeKind
from webapp.importers.build import Collector, End


def finish(flow: Collector):
    found = flow.finish(name="Flow", source_key="", document={}, secrets=())
    assert_consistent(found)
    return found


def test_edges_may_come_before_their_nodes():
    flow = Collector("test")
    flow.edge("a", "b", source_handle="true", label=" yes ")
    flow.block("a", "condition", "A")
    flow.block("b", "action", "")
    (edge,) = finish(flow).graph.edges
    assert (edge.source, edge.target, edge.source_handle, edge.label) == ("a", "b", "true", "yes")


def test_each_edge_is_imported_merged_or_refused():
    flow = Collector("test")
    flow.block("a", "agent", "A")
    flow.note("n", "text")
    flow.edge("a", "a")
    flow.edge("a", "a", label="again")
    flow.edge("a", "n")
    flow.edge("a", "gone")
    flow.edge("", "a")
    flow.edge("a", "a", source_handle="x", refusal="because")
    flow.odd_edge("edges[6]", reason="this entry is no object")
    found = finish(flow)
    results = [(item.result, item.reason) for item in found.items if item.subject == "edge"]
    assert [result for result, _ in results] == ["imported", "merged", *["refused"] * 5]
    assert results[2][1] == "a note has no connections"
    assert results[3][1] == "it ends at a node that is not in the file: gone"
    assert results[4][1] == "it starts at a node that is not in the file: no id"
    assert found.edges_seen == 7


def test_edges_of_markers_go_to_their_containers():
    flow = Collector("test")
    flow.block("loop", "loop", "L")
    flow.block("child", "agent", "C", parent="loop")
    flow.marker("begin", reason="begins", leaving=End("loop", "body"))
    flow.unfolded("end", reason="ends", arriving=End("loop", "in", EdgeKind.LOOP_BACK))
    flow.marker("lone", reason="stands alone")
    flow.edge("begin", "child")
    flow.edge("child", "end")
    flow.edge("child", "lone")
    found = finish(flow)
    assert {(e.source, e.source_handle, e.target, e.kind) for e in found.graph.edges} == {
        ("loop", "body", "child", "flow"),
        ("child", "out", "loop", "loop_back"),
    }
    assert found.count("edge", "refused") == 1
    assert found.nodes_seen == 5


def test_ids_that_repeat_are_missing_or_odd_become_different_keys():
    flow = Collector("test")
    keys = [flow.block(source, "agent", "A") for source in ["a", "a", "a~2", "", "", "ä b/c", "x" * 300]]
    assert len(set(keys)) == 7
    assert keys[0] == "a"
    flow.edge("a", "ä b/c")
    assert finish(flow).graph.edges[0].source == "a"


def test_a_block_is_never_inside_itself():
    flow = Collector("test")
    for source, parent in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "d"), ("e", "gone"), ("f", "a")):
        flow.block(source, "loop", source, parent=parent)
    parents = {block.key: block.parent_key for block in finish(flow).graph.blocks}
    assert parents == {"a": "b", "b": "c", "c": None, "d": None, "e": None, "f": "a"}


def test_what_we_make_is_told_and_not_counted():
    flow = Collector("test")
    flow.block("a", "agent", "A", credentials=(CredentialSlot("openai", "Key"),))
    flow.block("made", "trigger", "Chat", is_made=True)
    flow.edge("made", "a", is_made=True)
    flow.edge("made", "a", is_made=True)
    flow.edge("made", "gone", is_made=True)
    found = finish(flow)
    assert (found.nodes_seen, found.edges_seen, len(found.graph.blocks), len(found.graph.edges)) == (1, 0, 2, 1)
    assert [(one.kind, one.name, one.detail) for one in found.requirements] == [("credential", "Key", "openai")]


def test_long_handles_stay_different():
    flow = Collector("test")
    flow.block("a", "condition", "A")
    for ending in ("1", "2"):
        flow.edge("a", "a", source_handle="case:" + "x" * 200 + ending)
    assert len(finish(flow).graph.edges) == 2
