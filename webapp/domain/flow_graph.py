"""A flow's graph in one neutral shape: what importers make, versions keep, the layout draws and export writes.

Keys name blocks inside one graph and stay the same from version to version, so that a diff can tell a changed block
from a new one. Ids of the database play no part here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

FORMAT = "agenticbuilder/flow"
FORMAT_VERSION = 1
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
OUT, IN = "out", "in"
"""The handles of an ordinary edge. Others: true, false, case:<key>, else, approved, rejected, body, done, error, and at
the target of an attachment attach:model, attach:tool, attach:memory, attach:retriever, attach:parser, attach:embedding,
attach:document, attach:other."""


class BlockType(StrEnum):
    """The specification's block types. A column may hold other words; such a block is flagged as of unknown type."""

    AGENT = "agent"
    TRIGGER = "trigger"
    ACTION = "action"
    CONDITION = "condition"
    LOOP = "loop"
    TRANSFORM = "transform"


class EdgeKind(StrEnum):
    """What an edge means: order of work, something attached to a block, or the way back of a loop."""

    FLOW = "flow"
    ATTACH = "attach"
    LOOP_BACK = "loop_back"


@dataclass(frozen=True, slots=True)
class CredentialSlot:
    """A secret that a block needs; never the secret. ``is_filled`` tells whether somebody has linked one here."""

    kind: str
    name: str = ""
    is_filled: bool = False


@dataclass(frozen=True, slots=True)
class GraphBlock:
    """One block. ``parent_key`` is the loop block that contains it; ``agent`` an agent's id as text or None.

    ``source_id`` and ``source_type`` are what the foreign file called it. ``needs_review`` marks what an importer could
    not translate. ``x`` and ``y`` are canvas pixels, None where nobody placed it.
    """

    key: str
    block_type: str
    name: str
    description: str = ""
    x: float | None = None
    y: float | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    parent_key: str | None = None
    agent: str | None = None
    credentials: tuple[CredentialSlot, ...] = ()
    needs_review: bool = False
    source_id: str | None = None
    source_type: str | None = None


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """One connection between two blocks, by their keys."""

    source: str
    target: str
    source_handle: str = OUT
    target_handle: str = IN
    kind: str = EdgeKind.FLOW
    label: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What makes two edges the same edge; the label does not."""
        return (self.source, self.source_handle, self.target, self.target_handle, self.kind)


@dataclass(frozen=True, slots=True)
class GraphNote:
    """A note on the canvas: text without markup."""

    key: str
    text: str
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None


@dataclass(frozen=True, slots=True)
class FlowGraph:
    """Blocks, edges and notes in the order in which they were made, and what the flow as a whole says of itself."""

    name: str
    description: str = ""
    pattern: str | None = None
    tags: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[GraphBlock, ...] = ()
    edges: tuple[GraphEdge, ...] = ()
    notes: tuple[GraphNote, ...] = ()

    def block(self, key: str) -> GraphBlock | None:
        """The block of a key. Cost: linear."""
        return next((block for block in self.blocks if block.key == key), None)


class GraphInvalid(ValueError):
    """A document is no flow of ours. The text names the place, such as ``blocks[3].key``, and what is wrong there."""


def make_key(source_id: str, taken: Collection[str]) -> str:
    """A key for a foreign id that is the same each time the id comes: the id itself where it can be one, else a short
    readable part and a hash. A second block of the same id gets ``~2`` in the hash."""
    for attempt in range(1, len(taken) + 2):
        text = source_id if attempt == 1 else f"{source_id}~{attempt}"
        if KEY.fullmatch(text):
            key = text
        else:
            readable = re.sub(r"[^A-Za-z0-9]+", "-", source_id).strip("-")[:40]
            key = f"{readable or 'block'}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"
        if key not in taken:
            return key
    raise AssertionError("one of so many keys is free")


def to_document(graph: FlowGraph) -> dict[str, Any]:
    """The graph as our own export format (``docs/flow-format.md``), plain JSON values only; defaults are left out."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": graph.name,
        "description": graph.description,
        "orchestration_pattern": graph.pattern,
        "tags": list(graph.tags),
        "config": dict(graph.config),
        "blocks": [_sparse(block) for block in graph.blocks],
        "edges": [_sparse(edge) for edge in graph.edges],
        "notes": [_sparse(note) for note in graph.notes],
    }


def _sparse(row: GraphBlock | GraphEdge | GraphNote) -> dict[str, Any]:
    """Fields that differ from their default; the first ones, which have none, always.

    Settings are not copied deeply: a graph is never changed, and that took most of the time of a save.
    """
    values = {name: getattr(row, name) for name in _DEFAULTS[type(row)]}
    return {
        name: [asdict(slot) for slot in value] if isinstance(value, tuple) else value
        for name, value in values.items()
        if value not in (_DEFAULTS[type(row)][name], (), {}, None)
    }


_DEFAULTS = {
    kind: {field_.name: field_.default for field_ in fields(kind)} for kind in (GraphBlock, GraphEdge, GraphNote)
}


def from_document(document: Any) -> FlowGraph:
    """The graph of a document in our format; unknown fields are ignored.

    Raises:
        GraphInvalid: it is not of our format or version, a field has the wrong type, a key is unusable or comes twice,
            or an edge or parent names a block that is not there.
    """
    top = _object(document, "document")
    if top.get("format") != FORMAT:
        raise GraphInvalid(f"format: expected {FORMAT}")
    version = top.get("format_version")
    if version != FORMAT_VERSION:
        raise GraphInvalid(
            f"format_version: this version of the product reads {FORMAT_VERSION}, the file says {version!r}"
        )
    blocks = tuple(_block(row, f"blocks[{at}]") for at, row in enumerate(_list(top, "blocks", "")))
    edges = tuple(_edge(row, f"edges[{at}]") for at, row in enumerate(_list(top, "edges", "")))
    notes = tuple(_note(row, f"notes[{at}]") for at, row in enumerate(_list(top, "notes", "")))
    graph = FlowGraph(
        name=_text(top, "name", ""),
        description=_text(top, "description", "", default=""),
        pattern=_text(top, "orchestration_pattern", "", default="") or None,
        tags=tuple(str(tag)[:50] for tag in _list(top, "tags", "")),
        config=_mapping(top, "config", ""),
        blocks=blocks,
        edges=edges,
        notes=notes,
    )
    _check_references(graph)
    return graph


def _check_references(graph: FlowGraph) -> None:
    keys: set[str] = set()
    for at, block in enumerate(graph.blocks):
        if block.key in keys:
            raise GraphInvalid(f"blocks[{at}].key: {block.key!r} comes twice")
        keys.add(block.key)
    for at, block in enumerate(graph.blocks):
        if block.parent_key is not None and (block.parent_key not in keys or block.parent_key == block.key):
            raise GraphInvalid(f"blocks[{at}].parent_key: there is no such other block")
    for at, edge in enumerate(graph.edges):
        for end, key in (("source", edge.source), ("target", edge.target)):
            if key not in keys:
                raise GraphInvalid(f"edges[{at}].{end}: there is no block {key!r}")


def _block(value: Any, place: str) -> GraphBlock:
    row = _object(value, place)
    credentials = tuple(
        CredentialSlot(
            kind=_text(_object(slot, f"{place}.credentials[{at}]"), "kind", f"{place}.credentials[{at}]."),
            name=_text(slot, "name", f"{place}.credentials[{at}].", default=""),
            is_filled=slot.get("is_filled") is True,
        )
        for at, slot in enumerate(_list(row, "credentials", f"{place}."))
    )
    return GraphBlock(
        key=_key(row, place),
        block_type=_text(row, "block_type", f"{place}.")[:100],
        name=_text(row, "name", f"{place}.")[:255],
        description=_text(row, "description", f"{place}.", default=""),
        x=_number(row, "x", place),
        y=_number(row, "y", place),
        config=_mapping(row, "config", f"{place}."),
        inputs=_mapping(row, "inputs", f"{place}."),
        outputs=_mapping(row, "outputs", f"{place}."),
        parent_key=_text(row, "parent_key", f"{place}.", default="") or None,
        agent=_text(row, "agent", f"{place}.", default="") or None,
        credentials=credentials,
        needs_review=row.get("needs_review") is True,
        source_id=_text(row, "source_id", f"{place}.", default="")[:255] or None,
        source_type=_text(row, "source_type", f"{place}.", default="")[:255] or None,
    )


def _edge(value: Any, place: str) -> GraphEdge:
    row = _object(value, place)
    kind = _text(row, "kind", f"{place}.", default=EdgeKind.FLOW)
    if kind not in set(EdgeKind):
        raise GraphInvalid(f"{place}.kind: {kind!r} is none of {', '.join(EdgeKind)}")
    return GraphEdge(
        source=_text(row, "source", f"{place}."),
        target=_text(row, "target", f"{place}."),
        source_handle=_text(row, "source_handle", f"{place}.", default=OUT)[:100],
        target_handle=_text(row, "target_handle", f"{place}.", default=IN)[:100],
        kind=kind,
        label=_text(row, "label", f"{place}.", default="")[:255],
    )


def _note(value: Any, place: str) -> GraphNote:
    row = _object(value, place)
    sizes = {name: _number(row, name, place) for name in ("x", "y", "width", "height")}
    return GraphNote(key=_key(row, place), text=_text(row, "text", f"{place}.", default=""), **sizes)


def _key(row: Mapping[str, Any], place: str) -> str:
    key = _text(row, "key", f"{place}.")
    if not KEY.fullmatch(key):
        raise GraphInvalid(f"{place}.key: use up to 100 letters, digits and _ . : - beginning with a letter or digit")
    return key


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise GraphInvalid(f"{place}: expected an object")
    return value


def _list(row: Mapping[str, Any], name: str, place: str) -> list[Any]:
    value = row.get(name)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise GraphInvalid(f"{place}{name}: expected a list")
    return list(value)


def _mapping(row: Mapping[str, Any], name: str, place: str) -> Mapping[str, Any]:
    value = row.get(name)
    return {} if value is None else _object(value, f"{place}{name}")


def _text(row: Mapping[str, Any], name: str, place: str, *, default: str | None = None) -> str:
    value = row.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or (default is None and not value):
        raise GraphInvalid(f"{place}{name}: expected a text")
    return value


def _number(row: Mapping[str, Any], name: str, place: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e7:
        raise GraphInvalid(f"{place}.{name}: expected a number below ten million")
    return float(value)


def without_positions(graph: FlowGraph) -> FlowGraph:
    """The graph as if nobody had placed a block, for the automatic layout."""
    return replace(graph, blocks=tuple(replace(block, x=None, y=None) for block in graph.blocks))
