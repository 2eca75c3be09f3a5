"""What the versions pages show: drawings with marks, figures beside them, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from webapp.domain.flow_diff import diff_graphs
from webapp.domain.flow_graph import FlowGraph
from webapp.features.flow_versions.queries import VersionFilter, VersionRow
from webapp.features.rollups.queries import Figures
from webapp.web.graph_diff import DiffView, diff_view
from webapp.web.graph_view import BlockMark, GraphView, draw_graph

CSV_COLUMNS = (
    "version", "name", "kind", "author", "created_at", "current_until", "note", "blocks", "blocks_added",
    "blocks_removed", "blocks_changed", "executions", "failed", "failure_rate", "cost_usd",
)  # fmt: skip


def failure_rate(figures: Figures | None) -> float | None:
    """Share of what ended that failed; None while nothing did."""
    return figures.failed / figures.ended if figures is not None and figures.ended else None


@dataclass(frozen=True, slots=True)
class Listing:
    """The list with its filter and addresses."""

    base: str
    wanted: VersionFilter

    def address(self, cursor: str = "", path: str = "") -> str:
        """The list of the same filter at another place."""
        values = {"q": self.wanted.q, "kind": self.wanted.kind, "cursor": cursor}
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{self.base}{path}?{query}" if query else f"{self.base}{path}"

    @property
    def is_filtered(self) -> bool:
        return bool(self.wanted.q or self.wanted.kind)


def csv_rows(rows: list[VersionRow]) -> list[list[Any]]:
    """The rows under :data:`CSV_COLUMNS`."""
    return [
        [
            row.version, row.name, row.kind, row.author, row.created_at, row.ended_at, row.note, row.block_count,
            row.counts.added, row.counts.removed, row.counts.changed, *_figures(row.figures),
        ]
        for row in rows
    ]  # fmt: skip


def _figures(figures: Figures | None) -> tuple[Any, ...]:
    if figures is None:
        return (None,) * 4
    rate = failure_rate(figures)
    return figures.executions, figures.failed, None if rate is None else round(rate, 6), figures.cost_usd


def draw_version(graph: FlowGraph, base: str, version: int) -> GraphView:
    """One version, to look at; its blocks lead to their settings below."""
    return draw_graph(
        graph,
        heats={},
        href=lambda key: f"{base}/{version}#block-{key}",
        current=None,
        is_manual=graph.config.get("layout") == "manual",
    )


@dataclass(frozen=True, slots=True)
class DiffPage:
    """Two versions side by side: one drawing of both with marks, and the list of what differs."""

    before: VersionRow
    after: VersionRow
    view: GraphView
    diff: DiffView


def diff_page(
    before: VersionRow, after: VersionRow, old: FlowGraph, new: FlowGraph, agents: Mapping[str, str]
) -> DiffPage:
    """The drawing is that of the later version, with what was removed still in it."""
    diff = diff_view(diff_graphs(old, new), old, new, agents)
    marks = {key: BlockMark(change=how, is_undrawn=how == "removed") for key, how in diff.marks.items()}
    both = union(old, new)
    view = draw_graph(
        both,
        heats={},
        href=lambda key: f"#part-{key}" if key in marks else "#parts",
        current=None,
        marks=marks,
        undrawn_edges={edge.identity for edge in old.edges} - {edge.identity for edge in new.edges},
        is_manual=new.config.get("layout") == "manual",
    )
    return DiffPage(before, after, view, diff)


def union(old: FlowGraph, new: FlowGraph) -> FlowGraph:
    """The new graph together with the blocks and edges that only the old one has."""
    keys, edges = {block.key for block in new.blocks}, {edge.identity for edge in new.edges}
    gone = tuple(block for block in old.blocks if block.key not in keys)
    cut = tuple(edge for edge in old.edges if edge.identity not in edges)
    return replace(new, blocks=(*new.blocks, *gone), edges=(*new.edges, *cut), notes=())


def base_of(agentflow_id: UUID) -> str:
    """Address of a flow's versions."""
    return f"/flows/{agentflow_id}/versions"
