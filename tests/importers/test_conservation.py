"""Nothing of a file is lost: nodes in it = blocks + notes + container markers + unfolded group shells, edges in it =
imported + merged + refused with a reason, counted by checkers that read the raw file. With -s it prints the table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.importers.conservation import FIXTURES, RAW, SHARED, assert_kept, own_files, shared_files
from webapp.importers import ImportedFlow, read_flows

COLUMNS = ("nodes", "blocks", "notes", "markers", "unfolded", "edges", "imported", "merged", "refused")


def account(flows: list[ImportedFlow]) -> list[int]:
    """The figures of a file's reports, in the order of ``COLUMNS``."""
    results = [("node", "block"), ("node", "note"), ("node", "marker"), ("node", "unfolded")]
    ends = [("edge", "imported"), ("edge", "merged"), ("edge", "refused")]
    count = [sum(flow.count(*one) for flow in flows) for one in (*results, *ends)]
    return [sum(f.nodes_seen for f in flows), *count[:4], sum(f.edges_seen for f in flows), *count[4:]]


@pytest.mark.parametrize("format_name", sorted(RAW))
def test_every_node_and_edge_of_every_file_is_accounted_for(format_name):
    files = [path for path in own_files() if path.name.startswith(f"{format_name}_")] + shared_files(format_name)
    assert files
    print(f"\n{format_name:58}" + "".join(f"{word:>9}" for word in COLUMNS))
    total = [0] * len(COLUMNS)
    for path in files:
        raw = path.read_bytes()
        flows = read_flows(raw, path.name)
        assert {flow.format for flow in flows} == {format_name}
        figures = account(flows)
        print(f"{path.name[:57]:58}" + "".join(f"{figure:>9,}" for figure in figures))
        nodes, edges = RAW[format_name].count_nodes(raw), RAW[format_name].count_edges(raw)
        nodes.pop("nested", None)
        assert figures[0] == sum(nodes.values()) == sum(figures[1:5]), path.name
        assert figures[5] == sum(edges.values()) == sum(figures[6:]), path.name
        assert_kept(raw, flows)
        total = [before + figure for before, figure in zip(total, figures, strict=True)]
    print(f"{'all':58}" + "".join(f"{figure:>9,}" for figure in total))


def test_the_real_files_come_to_what_their_source_list_says():
    """The list of sources was counted when the files were gathered; nodes inside groups are not in it."""
    listed = SHARED / "SOURCES.md"
    if not listed.is_file():
        pytest.skip(f"real flows not found at {SHARED}; set SHARED_DIR")
    rows = [line.split("|") for line in listed.read_text().splitlines() if line.count("|") >= 8 and "/" in line]
    assert len(rows) >= 80
    for row in rows:
        name, nodes, edges, notes = row[1].strip(), int(row[4]), int(row[5]), int(row[6])
        (flow,) = read_flows((SHARED / name).read_bytes(), name)
        within = {"langflow/grouped_chat.json": (2, 1), "langflow/vector_store_grouped.json": (5, 3)}.get(name, (0, 0))
        assert (flow.nodes_seen, flow.edges_seen) == (nodes + within[0], edges + within[1]), name
        assert len(flow.graph.notes) == notes, name


@pytest.mark.parametrize("lost", ["node", "edge"])
def test_a_report_that_forgets_something_is_found_out(lost):
    """The checkers bite: a flow with one line less in its report does not pass."""
    path = FIXTURES / "n8n_support.json"
    raw = path.read_bytes()
    (flow,) = read_flows(raw, path.name)
    at = next(at for at, item in enumerate(flow.items) if item.subject == lost and item.result in ("block", "refused"))
    seen = {"nodes_seen": flow.nodes_seen - (lost == "node"), "edges_seen": flow.edges_seen - (lost == "edge")}
    forgetful = replace(flow, items=flow.items[:at] + flow.items[at + 1 :], **seen)
    with pytest.raises(AssertionError):
        assert_kept(raw, [forgetful])
