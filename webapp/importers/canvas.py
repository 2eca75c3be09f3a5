"""What editors on the same drawing library share: positions inside containers, and edges that are never written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from webapp.domain.flow_graph import OUT, EdgeKind
from webapp.importers import bounds
from webapp.importers.build import Collector, node_id

Row = Mapping[str, Any]


def rows_by_id(nodes: list[Any]) -> dict[str, Row]:
    """The nodes that are objects, by id; the first of an id that comes twice."""
    found: dict[str, Row] = {}
    for at, node in enumerate(nodes):
        if isinstance(node, dict):
            found.setdefault(node_id(node, f"nodes[{at}]"), node)
    return found


def absolute(node: Row, around: Callable[[Row], Row | None]) -> tuple[float | None, float | None]:
    """Where a node is on the whole canvas; its own position is relative to the container that ``around`` answers."""
    found = _place(node.get("positionAbsolute"))
    if found is not None:
        return found
    own = _place(node.get("position"))
    for _ in range(bounds.DEPTH):
        container = around(node)
        if own is None or container is None:
            break
        base = _place(container.get("positionAbsolute")) or _place(container.get("position")) or (0.0, 0.0)
        own = (own[0] + base[0], own[1] + base[1])
        if _place(container.get("positionAbsolute")) is not None:
            break
        node = container
    return own or (None, None)


def _place(value: Any) -> tuple[float, float] | None:
    row = bounds.mapping(value)
    x, y = bounds.number(row.get("x")), bounds.number(row.get("y"))
    return None if x is None or y is None else (x, y)


@dataclass(slots=True)
class Containers:
    """Which blocks are inside which loop, and which of them have an edge of the file that leaves or enters them."""

    children: dict[str, list[str]] = field(default_factory=dict)
    with_start: set[str] = field(default_factory=set)
    leaving: set[str] = field(default_factory=set)
    entered: set[str] = field(default_factory=set)

    def put(self, container: str, child: str) -> None:
        """A block is inside a container."""
        self.children.setdefault(container, []).append(child)

    def note_edge(self, source: str, target: str) -> None:
        """An edge of the file joins two nodes that are there."""
        self.leaving.add(source)
        self.entered.add(target)

    def close(self, flow: Collector, first: Callable[[str], str], handle: Callable[[str], str]) -> None:
        """Make the edges that are understood without being written: into a container that has no start node, where
        ``first`` may name the child, and back from each child that nothing follows, by its handle ``handle``."""
        for container, inside in self.children.items():
            if container not in self.with_start:
                named = first(container)
                heads = [named] if named in inside else [one for one in inside if one not in self.entered]
                for child in heads or inside[:1]:
                    flow.edge(container, child, source_handle="body", is_made=True)
            for child in inside:
                if child not in self.leaving:
                    flow.edge(
                        child, container, source_handle=handle(child) or OUT, kind=EdgeKind.LOOP_BACK, is_made=True
                    )
