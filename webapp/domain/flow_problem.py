"""What is wrong with a flow's graph: one finding, its place and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webapp.domain.flow_graph import GraphEdge

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """An ``error`` keeps the flow from being compiled; a ``warning`` does not. The message is a sentence for people."""

    code: str
    severity: str
    message: str
    block_key: str | None = None
    edge: GraphEdge | None = None

    @property
    def is_error(self) -> bool:
        """Whether the flow cannot run because of it."""
        return self.severity == ERROR

    def to_document(self) -> dict[str, Any]:
        """The finding as plain JSON values, the way flows store it."""
        edge = None if self.edge is None else list(self.edge.identity)
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "block_key": self.block_key,
            "edge": edge,
        }
