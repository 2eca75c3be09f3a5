"""What a report's page shows of a report that may list thousands of nodes: what needs a look first, and how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.features.flow_imports.queries import ReportDetail

MOST_ROWS = 300
FORMAT_NAMES = {
    "dify": "Dify",
    "flowise": "Flowise",
    "langflow": "Langflow",
    "n8n": "n8n",
    "agenticbuilder": "AgenticBuilder",
}
RESULTS = {
    "block": "Block",
    "note": "Note",
    "marker": "Start or end of a loop",
    "unfolded": "Group, unfolded",
    "made": "Made by the import",
    "imported": "Imported",
    "merged": "Merged with an equal one",
    "refused": "Refused",
}
NODE_WORDS = {
    "block": ("block", "blocks"),
    "note": ("note", "notes"),
    "marker": ("loop marker", "loop markers"),
    "unfolded": ("unfolded group", "unfolded groups"),
}
REQUIREMENTS = {
    "plugin": "Plugin",
    "credential": "Credential",
    "model": "Model",
    "knowledge_base": "Knowledge base",
    "flow": "Other flow",
    "variable": "Variable",
}
CSV_COLUMNS = ("subject", "source", "source_type", "name", "result", "target_key", "target_type", "reason")


@dataclass(frozen=True, slots=True)
class Section:
    """Nodes or edges of the file. ``rows`` are at most 300, those with a reason first; ``total`` counts all."""

    rows: Sequence[Mapping[str, Any]]
    total: int
    counts: Mapping[str, int]

    def count(self, result: str) -> int:
        """How many ended that way."""
        return self.counts.get(result, 0)

    @property
    def rest(self) -> int:
        """How many are not shown."""
        return self.total - len(self.rows)


@dataclass(frozen=True, slots=True)
class ReportPage:
    """Both halves of a report, for the template. A tile is a label, a number and a sentence below it."""

    nodes: Section
    edges: Section
    tiles: Sequence[tuple[str, int, str]]


def report_page(report: ReportDetail) -> ReportPage:
    """Sort what became of the file's nodes and edges."""
    nodes, edges = _section(report.items, "node"), _section(report.items, "edge")
    return ReportPage(nodes, edges, _tiles(report, nodes, edges))


def _tiles(report: ReportDetail, nodes: Section, edges: Section) -> list[tuple[str, int, str]]:
    parts = [(name, nodes.count(name)) for name in NODE_WORDS]
    became = [f"{count:,} {NODE_WORDS[name][count != 1]}" for name, count in parts if count]
    fates = [f"{edges.count(name):,} {name}" for name in ("imported", "merged", "refused") if edges.count(name)]
    return [
        ("Nodes in the file", report.row.nodes_seen, ", ".join(became) or "none"),
        ("Edges in the file", report.row.edges_seen, ", ".join(fates) or "none"),
        (
            "Secrets and names cut out",
            len(report.secrets),
            "places are listed below" if report.secrets else "none were found",
        ),
        ("Still needed", len(report.requirements), "before it can run" if report.requirements else "nothing"),
    ]


def csv_rows(report: ReportDetail) -> Iterable[list[Any]]:
    """All items in the order of the file, under :data:`CSV_COLUMNS`."""
    return [[item.get(name) for name in CSV_COLUMNS] for item in report.items]


def _section(items: Sequence[Mapping[str, Any]], subject: str) -> Section:
    mine = [item for item in items if item.get("subject") == subject]
    first = sorted(mine, key=lambda item: (item.get("result") != "refused", not item.get("reason")))
    return Section(first[:MOST_ROWS], len(mine), Counter(str(item.get("result")) for item in mine))
