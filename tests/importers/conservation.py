"""Holds a report to the file: every node and every edge of it is accounted for, once, and the graph fits the report."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from tests.importers import raw_dify, raw_flowise, raw_langflow, raw_n8n
from webapp.domain.flow_graph import from_document, to_document
from webapp.importers import ImportedFlow
from webapp.importers.imported import EDGE_RESULTS, MADE, NODE_RESULTS

FIXTURES = Path(__file__).parent / "fixtures"
SHARED = Path(os.environ.get("SHARED_DIR") or Path(__file__).resolve().parents[3] / "shared") / "flows"
RAW = {"dify": raw_dify, "flowise": raw_flowise, "langflow": raw_langflow, "n8n": raw_n8n}


def shared_files(format_name: str = "*") -> list[Path]:
    """The real exports, none where they are absent."""
    return sorted(path for path in SHARED.glob(f"{format_name}/*") if path.suffix in (".yml", ".json", ".zip"))


def own_files() -> list[Path]:
    """The small files that the project carries."""
    return sorted(path for path in FIXTURES.rglob("*") if path.suffix in (".yml", ".yaml", ".json", ".zip"))


def assert_kept(raw: bytes, flows: list[ImportedFlow]) -> None:
    """The reports of all flows of a file account for what the file's own counter counts."""
    counter = RAW[flows[0].format]
    nodes, edges = counter.count_nodes(raw), counter.count_edges(raw)
    nested = nodes.pop("nested", 0)
    results = Counter(item.result for flow in flows for item in flow.items if item.subject == "node")
    said = Counter(item.result for flow in flows for item in flow.items if item.subject == "edge")
    assert sum(flow.nodes_seen for flow in flows) == sum(nodes.values())
    assert sum(flow.edges_seen for flow in flows) == sum(edges.values())
    assert nested <= sum(nodes.values())
    assert results["note"] == nodes["notes"]
    assert results["marker"] == nodes["markers"]
    assert results["unfolded"] == nodes["unfolded"]
    assert results["block"] == nodes["others"]
    assert said["refused"] >= edges["dangling"]
    for flow in flows:
        assert_consistent(flow)


def assert_consistent(flow: ImportedFlow) -> None:
    """One flow's report agrees with its graph, and the graph can be written and read again."""
    nodes = [item for item in flow.items if item.subject == "node"]
    edges = [item for item in flow.items if item.subject == "edge"]
    assert len(nodes) + len(edges) == len(flow.items)
    assert {item.result for item in nodes} <= {*NODE_RESULTS, MADE}
    assert {item.result for item in edges} <= {*EDGE_RESULTS, MADE}
    assert flow.nodes_seen == sum(item.result != MADE for item in nodes)
    assert flow.edges_seen == sum(item.result != MADE for item in edges)
    keys = [block.key for block in flow.graph.blocks] + [note.key for note in flow.graph.notes]
    assert len(keys) == len(set(keys))
    assert sorted(item.target_key for item in nodes if item.target_key) == sorted(keys)
    assert len(flow.graph.edges) == sum(item.result in ("imported", MADE) for item in edges)
    assert len({edge.identity for edge in flow.graph.edges}) == len(flow.graph.edges)
    assert all(item.reason for item in edges if item.result in ("refused", "merged"))
    assert all(item.reason for item in nodes if item.result in ("marker", "unfolded"))
    assert from_document(to_document(flow.graph)) == flow.graph
