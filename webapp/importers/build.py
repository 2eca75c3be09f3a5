"""Collects what an importer finds, so that each node and each edge of a file gets exactly one line in the report.

A format says what it sees, in the file's own ids and in any order; keys, parents and ends of edges are settled by
``finish``. Whatever cannot be settled is refused with a reason, never lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from webapp.domain.flow_graph import IN, OUT, CredentialSlot, EdgeKind, FlowGraph, GraphBlock, GraphEdge, GraphNote
from webapp.domain.flow_graph import make_key as make_flow_key
from webapp.importers import bounds
from webapp.importers.imported import MADE, ImportedFlow, RemovedSecret, ReportItem, Requirement

LONGEST_NAME, LONGEST_HANDLE, LONGEST_REASON = 255, 100, 300
TAGS = 20


@dataclass(frozen=True, slots=True)
class End:
    """Where an edge really ends that touches a node which became no block: another node's id, and the handle there.

    ``kind`` replaces the edge's own kind, where given.
    """

    source: str
    handle: str
    kind: str | None = None


@dataclass(slots=True)
class _Edge:
    source: str
    target: str
    source_handle: str
    target_handle: str
    kind: str
    label: str
    name: str
    source_type: str
    refusal: str
    is_made: bool


@dataclass(slots=True)
class Collector:
    """One flow in the making."""

    format: str
    format_version: str = ""
    _blocks: list[GraphBlock] = field(default_factory=list)
    _parents: dict[str, str] = field(default_factory=dict)
    _notes: list[GraphNote] = field(default_factory=list)
    _edges: list[_Edge] = field(default_factory=list)
    _items: list[ReportItem] = field(default_factory=list)
    _keys: dict[str, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _times: dict[str, int] = field(default_factory=dict)
    _gone: dict[str, str] = field(default_factory=dict)
    _leaving: dict[str, End] = field(default_factory=dict)
    _arriving: dict[str, End] = field(default_factory=dict)
    _requirements: dict[tuple[str, str], Requirement] = field(default_factory=dict)

    def block(
        self,
        source: str,
        block_type: str,
        name: str,
        *,
        source_type: str = "",
        description: str = "",
        x: Any = None,
        y: Any = None,
        config: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        parent: str | None = None,
        credentials: tuple[CredentialSlot, ...] = (),
        needs_review: bool = False,
        reason: str = "",
        is_made: bool = False,
    ) -> str:
        """Take a node as a block and answer the block's key.

        ``parent`` is the id of the containing node. A second node of the same id becomes a block of its own; edges go
        to the first. With ``is_made`` the block stands for no node of the file.
        """
        key = self._key(source)
        if parent is not None:
            self._parents[key] = parent
        self._blocks.append(
            GraphBlock(
                key=key,
                block_type=str(block_type),
                name=(name.strip() or source_type or source or key)[:LONGEST_NAME],
                description=description,
                x=bounds.number(x),
                y=bounds.number(y),
                config=dict(config or {}),
                inputs=dict(inputs or {}),
                outputs=dict(outputs or {}),
                credentials=credentials,
                needs_review=needs_review,
                source_id=None if is_made else source[:LONGEST_NAME] or None,
                source_type=source_type[:LONGEST_NAME] or None,
            )
        )
        self._item(source, source_type, MADE if is_made else "block", key, str(block_type), reason)
        for slot in credentials:
            self.require("credential", slot.name or slot.kind, slot.kind)
        return key

    def note(
        self,
        source: str,
        text: str,
        *,
        source_type: str = "",
        x: Any = None,
        y: Any = None,
        width: Any = None,
        height: Any = None,
        reason: str = "",
    ) -> str:
        """Take a node as a note on the canvas and answer the note's key."""
        key = self._key(source)
        sizes = {"x": x, "y": y, "width": width, "height": height}
        self._notes.append(GraphNote(key, text, **{name: bounds.number(value) for name, value in sizes.items()}))
        self._gone.setdefault(source, "a note has no connections")
        self._item(source, source_type, "note", key, None, reason)
        return key

    def marker(
        self,
        source: str,
        *,
        source_type: str = "",
        reason: str = "",
        leaving: End | None = None,
        arriving: End | None = None,
    ) -> None:
        """Take a node as a mere mark of where a container begins or ends; its edges go to ``leaving``/``arriving``."""
        self._stand_in("marker", source, source_type, reason, leaving, arriving)

    def unfolded(
        self,
        source: str,
        *,
        source_type: str = "",
        reason: str = "",
        leaving: End | None = None,
        arriving: End | None = None,
    ) -> None:
        """Take a node as the shell of a group whose inner nodes are taken one by one."""
        self._stand_in("unfolded", source, source_type, reason, leaving, arriving)

    def odd_node(self, source: str, value: Any, *, reason: str, name: str = "") -> str:
        """Keep an entry among the nodes that cannot be read as one, as a block to be reviewed."""
        return self.block(source, "action", name or source, config={"content": value}, needs_review=True, reason=reason)

    def edge(
        self,
        source: str,
        target: str,
        *,
        source_handle: str = OUT,
        target_handle: str = IN,
        kind: str = EdgeKind.FLOW,
        label: str = "",
        name: str = "",
        source_type: str = "",
        refusal: str = "",
        is_made: bool = False,
    ) -> None:
        """Take an edge between two nodes of the file, by their ids. ``name`` is how the report calls it, when
        ``source -> target`` will not do; ``refusal`` refuses it for this reason; ``is_made`` as for blocks."""
        self._edges.append(
            _Edge(
                source,
                target,
                fit_handle(source_handle),
                fit_handle(target_handle),
                str(kind),
                label.strip()[:LONGEST_NAME],
                name or f"{source} -> {target}",
                source_type,
                refusal,
                is_made,
            )
        )

    def odd_edge(self, name: str, *, reason: str, source_type: str = "") -> None:
        """Refuse an entry among the edges that cannot be read as one."""
        self.edge("", "", name=name, source_type=source_type, refusal=reason)

    def require(self, kind: str, name: str, detail: str = "") -> None:
        """Note what the flow needs and the file does not bring; the same thing is noted once."""
        if name.strip():
            requirement = Requirement(kind, name.strip()[:LONGEST_NAME], detail[:LONGEST_NAME])
            self._requirements.setdefault((kind, requirement.name), requirement)

    def knows(self, source: str) -> bool:
        """Whether a node of this id was taken, as whatever."""
        return source in self._times

    def key_of(self, source: str) -> str | None:
        """The key of the block that the first node of an id became, so far."""
        return self._keys.get(source)

    def finish(
        self,
        *,
        name: str,
        source_key: str,
        document: Any,
        secrets: tuple[RemovedSecret, ...],
        description: str = "",
        tags: tuple[str, ...] = (),
        config: Mapping[str, Any] | None = None,
        pattern: str | None = None,
    ) -> ImportedFlow:
        """The flow with every edge settled. ``document`` is its part of the file after secrets were cut."""
        parents = self._settle_parents()
        blocks = tuple(replace(block, parent_key=parents.get(block.key)) for block in self._blocks)
        types = {block.key: block.block_type for block in blocks}
        edges = self._settle_edges(types)
        nodes_seen = sum(item.subject == "node" and item.result != MADE for item in self._items)
        edges_seen = sum(item.subject == "edge" and item.result != MADE for item in self._items)
        graph = FlowGraph(
            name=name.strip()[:LONGEST_NAME] or "Imported flow",
            description=description,
            pattern=pattern,
            tags=tuple(dict.fromkeys(tag.strip()[:50] for tag in tags if tag.strip()))[:TAGS],
            config=dict(config or {}),
            blocks=blocks,
            edges=edges,
            notes=tuple(self._notes),
        )
        return ImportedFlow(
            format=self.format,
            format_version=self.format_version[:50],
            source_key=source_key[:LONGEST_NAME] or graph.name,
            graph=graph,
            nodes_seen=nodes_seen,
            edges_seen=edges_seen,
            items=tuple(self._items),
            secrets=secrets,
            requirements=tuple(self._requirements.values()),
            raw=orjson.dumps(document),
        )

    def _key(self, source: str) -> str:
        times = self._times[source] = self._times.get(source, 0) + 1
        if not source:
            name = f"node-{times}"
        else:
            name = source if times == 1 else f"{source}~{times}"
        key = make_flow_key(name, self._taken)
        self._taken.add(key)
        return key

    def _item(self, source: str, kind: str, result: str, key: str | None, block_type: str | None, reason: str) -> None:
        if result in ("block", MADE) and key is not None:
            self._keys.setdefault(source, key)
        self._items.append(_line("node", source, kind, result, key, block_type, reason))

    def _stand_in(
        self, result: str, source: str, kind: str, reason: str, leaving: End | None, arriving: End | None
    ) -> None:
        self._times[source] = self._times.get(source, 0) + 1
        self._gone.setdefault(source, "it ends at a node that is no block")
        if leaving is not None:
            self._leaving.setdefault(source, leaving)
        if arriving is not None:
            self._arriving.setdefault(source, arriving)
        self._items.append(_line("node", source, kind, result, None, None, reason))

    def _settle_parents(self) -> dict[str, str]:
        """Parent keys by block key: only blocks that are there, and no block inside itself by whatever detour."""
        wanted = {key: self._keys[parent] for key, parent in self._parents.items() if parent in self._keys}
        settled: dict[str, str] = {}
        for key, parent in wanted.items():
            above: str | None = parent
            while above is not None and above != key:
                above = settled.get(above)
            if above is None:
                settled[key] = parent
        return settled

    def _settle_edges(self, types: Mapping[str, str]) -> tuple[GraphEdge, ...]:
        found: dict[tuple[str, str, str, str, str], GraphEdge] = {}
        for row in self._edges:
            edge = row.refusal or self._resolve(row)
            kind = row.source_type
            if isinstance(edge, str):
                if not row.is_made:
                    self._items.append(_line("edge", row.name, kind, "refused", None, None, edge))
                continue
            ends = f"{edge.source} -> {edge.target}"
            if edge.identity in found:
                if not row.is_made:
                    reason = "the same connection is there already"
                    self._items.append(_line("edge", row.name, kind, "merged", ends, edge.kind, reason))
                continue
            found[edge.identity] = edge
            result = MADE if row.is_made else "imported"
            self._items.append(_line("edge", row.name, kind, result, ends, edge.kind, ""))
        return tuple(found.values())

    def _resolve(self, row: _Edge) -> GraphEdge | str:
        """The edge by keys, or why there can be none."""
        source, source_handle, kind = self._follow(self._leaving, row.source, row.source_handle, row.kind)
        target, target_handle, kind = self._follow(self._arriving, row.target, row.target_handle, kind)
        for word, end in (("starts", source), ("ends", target)):
            if end not in self._keys:
                return self._gone.get(end) or f"it {word} at a node that is not in the file: {end[:100] or 'no id'}"
        return GraphEdge(
            self._keys[source],
            self._keys[target],
            fit_handle(source_handle),
            fit_handle(target_handle),
            kind,
            row.label,
        )

    def _follow(self, ends: Mapping[str, End], source: str, handle: str, kind: str) -> tuple[str, str, str]:
        for _ in range(bounds.DEPTH):
            end = ends.get(source)
            if end is None or source in self._keys:
                break
            source, handle, kind = end.source, end.handle, end.kind or kind
        return source, handle, kind


def _line(
    subject: str, source: str, kind: str, result: str, key: str | None, target_type: str | None, reason: str
) -> ReportItem:
    return ReportItem(
        subject, source[:LONGEST_NAME], kind[:LONGEST_NAME], result, key, target_type, reason[:LONGEST_REASON]
    )


def fit_handle(handle: str) -> str:
    """A handle that fits its column; a longer one keeps its beginning and stays different from others by a hash."""
    if len(handle) <= LONGEST_HANDLE:
        return handle
    return f"{handle[: LONGEST_HANDLE - 11]}-{hashlib.sha256(handle.encode('utf-8', 'replace')).hexdigest()[:10]}"


def node_id(node: Mapping[str, Any], place: str, name: str = "id") -> str:
    """A node's id as text; its place in the file where it has none, so that the same file gives the same keys."""
    return bounds.text(node.get(name), 500) or place
