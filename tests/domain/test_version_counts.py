"""Counts of two lists of blocks say the same as the whole diff."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from tests.domain.graphs import block, graphs
from webapp.domain.flow_diff import diff_graphs
from webapp.domain.flow_graph import FlowGraph, to_document
from webapp.domain.version_counts import BlockCounts, count_changes


def counted(before, after):
    return count_changes(to_document(before)["blocks"], to_document(after)["blocks"])


@given(graphs(), graphs())
def test_counts_are_those_of_the_diff(before, after):
    diff = diff_graphs(before, after)
    assert counted(before, after) == BlockCounts(
        len(diff.blocks_added), len(diff.blocks_removed), len(diff.blocks_changed)
    )


def test_a_block_that_only_moved_did_not_change():
    one = FlowGraph("f", blocks=(block("a", x=1.0, y=1.0),))
    assert counted(one, replace(one, blocks=(block("a", x=2.0),))) == BlockCounts()
