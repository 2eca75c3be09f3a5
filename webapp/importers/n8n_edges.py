"""The connections of an n8n workflow, which name nodes by their names, as edges between the nodes' ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from webapp.domain.flow_graph import OUT, EdgeKind, GraphEdge
from webapp.importers import bounds
from webapp.importers.loops import leading_back
from webapp.importers.n8n_types import SLOTS, Output, outputs_of


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the file that can be read. ``id`` is unique in the file, ``name`` is what connections say."""

    id: str
    name: str
    type_name: str
    version: float
    is_note: bool
    row: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The whole type; empty where the file does not say it."""
        return bounds.text(self.row.get("type")) if isinstance(self.row.get("type"), str) else ""

    @property
    def parameters(self) -> dict[str, Any]:
        return bounds.mapping(self.row.get("parameters"))


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the connections. With a ``refusal`` it is no edge; ``slot`` is set for a helper that is attached."""

    name: str
    source: str = ""
    target: str = ""
    handle: str = OUT
    label: str = ""
    slot: str = ""
    kind: str = EdgeKind.FLOW
    connection: str = "main"
    refusal: str = ""


def read_links(connections: Any, nodes: Sequence[Node]) -> list[Link]:
    """All entries, in the file's order, each with its ends or with the reason why it has none."""
    if not isinstance(connections, dict):
        return [Link("connections", refusal="the connections are no object")] if connections else []
    names = {node.name: node for node in nodes if node.name}
    ids = {node.id: node for node in nodes}
    links: list[Link] = []
    for source_name, kinds in connections.items():
        if not isinstance(kinds, dict):
            links.append(Link(source_name, refusal="the connections of this node are no object"))
            continue
        source = names.get(source_name)
        for kind, slots in kinds.items():
            outputs = _outputs(source, slots) if source is not None and kind == "main" else []
            for at, entry in _entries(slots):
                link = _link(source_name, source, names.get(_target_name(entry)), kind, at, entry, outputs)
                links.append(_explain(link, source_name, _target_name(entry), names, ids))
    return links


def _entries(slots: Any) -> list[tuple[int, Any]]:
    """Entries with the index of their output. An empty or null slot holds none; anything odd counts as one entry."""
    found: list[tuple[int, Any]] = []
    for at, slot in enumerate(slots if isinstance(slots, list) else [slots]):
        if isinstance(slot, list):
            found += [(at, entry) for entry in slot]
        elif slot is not None:
            found.append((at, slot))
    return found


def _target_name(entry: Any) -> str:
    return bounds.text(bounds.mapping(entry).get("node"), 2_000)


def _outputs(source: Node, slots: Any) -> list[Output]:
    """The source's main outputs, with the one for errors where it asks for one: the last index."""
    outputs = outputs_of(source.type_name, source.version, source.parameters)
    if source.row.get("onError") == "continueErrorOutput":
        count = len(slots) if isinstance(slots, list) else 0
        outputs += [Output(f"case:{at}", f"Output {at + 1}") for at in range(len(outputs), min(count, 100) - 1)]
        outputs.append(Output("error", "Error"))
    return outputs


def _link(
    source_name: str, source: Node | None, target: Node | None, kind: str, at: int, entry: Any, outputs: list[Output]
) -> Link:
    said = f"{source_name}{f' [{at}]' if at else ''} -> {_target_name(entry) or '?'}"
    link = Link(said, source.id if source else "", target.id if target else "", connection=kind)
    if kind.startswith("ai_"):
        return replace(link, slot=SLOTS.get(kind, "other"), kind=EdgeKind.ATTACH)
    if kind == "error":
        return replace(link, handle="error", label="Error")
    if kind != "main":
        return replace(link, refusal=f"connections of the kind {kind[:60]} are unknown")
    output = outputs[at] if at < len(outputs) else Output(OUT if at == 0 else f"case:{at}", f"Output {at + 1}")
    index = bounds.mapping(entry).get("index")
    is_further = isinstance(index, int) and not isinstance(index, bool) and index > 0
    label = output.label or (f"Input {index + 1}" if is_further else "")
    return replace(link, handle=output.handle, label=label)


def _explain(
    link: Link, source_name: str, target_name: str, names: Mapping[str, Node], ids: Mapping[str, Node]
) -> Link:
    """The link, refused with the reason where one of its ends is no node."""
    if link.refusal:
        return link
    for word, name, end in (("starts", source_name, link.source), ("ends", target_name, link.target)):
        if end:
            continue
        if not name:
            return replace(link, refusal="it names no node")
        if name in ids:
            other = ids[name].name[:60]
            return replace(link, refusal=f"it {word} at an id; connections go by name, and this is the id of {other}")
        return replace(link, refusal=f"it {word} at a node that is not in the file: {name[:100]}")
    for node in (names[source_name], names[target_name]):
        if node.is_note:
            return replace(link, refusal="a note has no connections")
    return link


def mark_loops(links: Sequence[Link], types: Mapping[str, str]) -> list[Link]:
    """The links, with those marked that lead back: loops are plain cycles of main connections in the file."""
    edges = [
        GraphEdge(link.source, link.target, link.handle) if not link.refusal and link.kind == EdgeKind.FLOW else None
        for link in links
    ]
    return [
        replace(link, kind=EdgeKind.LOOP_BACK) if is_back else link
        for link, is_back in zip(links, leading_back(edges, types), strict=True)
    ]


def roles(links: Sequence[Link]) -> dict[str, str]:
    """The slot of each node that only lends itself to others, by its id."""
    working = {end for link in links if not link.refusal and not link.slot for end in (link.source, link.target)}
    found: dict[str, str] = {}
    for link in links:
        if link.slot and not link.refusal and link.source not in working:
            found.setdefault(link.source, link.slot)
    return found
