"""What an importer hands over: the graph, and what became of every node, edge and secret of the file."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.domain.flow_graph import FlowGraph

NODE_RESULTS = ("block", "note", "marker", "unfolded")
EDGE_RESULTS = ("imported", "merged", "refused")
MADE = "made"
"""The result of a block or edge that the file says in other words, such as the way back of a loop. It belongs to no
node or edge of the file, so it is not counted in ``nodes_seen`` and ``edges_seen``."""
REQUIREMENT_KINDS = ("plugin", "credential", "model", "knowledge_base", "flow", "variable")


class NotAFlow(ValueError):
    """The content is no flow that can be read. ``reason`` is a sentence for the person who brought it and names the
    place; it never holds a secret of the file."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ReportItem:
    """What became of one node or edge.

    ``source`` is its id in the file (an edge: ``from -> to``), ``source_type`` what the file calls it. ``target_key``
    is the block or note (an edge: ``from -> to`` by keys) and ``target_type`` the block's type or the edge's kind.
    """

    subject: str
    source: str
    source_type: str
    result: str
    target_key: str | None = None
    target_type: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RemovedSecret:
    """Where a secret was cut out, as a path into the file, and what kind it was. Never the secret."""

    place: str
    kind: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the flow needs and the file does not bring: plugin, credential, model, knowledge_base, flow, variable."""

    kind: str
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ImportedFlow:
    """One flow of a file. ``source_key`` names the same flow in a later export; ``raw`` is the flow's part of the file
    as JSON after secrets were cut, which the importers can read again."""

    format: str
    format_version: str
    source_key: str
    graph: FlowGraph
    nodes_seen: int
    edges_seen: int
    items: tuple[ReportItem, ...]
    secrets: tuple[RemovedSecret, ...]
    requirements: tuple[Requirement, ...]
    raw: bytes

    def count(self, subject: str, result: str) -> int:
        """How many nodes or edges ended in this result."""
        return sum(item.subject == subject and item.result == result for item in self.items)
