"""Changes to a flow's graph, one at a time, as the editor's forms and the mouse make them.

Each answers a new graph, a sentence for the person who did it, and the block to look at next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from webapp.domain.block_presets import Preset
from webapp.domain.block_settings import ways_out
from webapp.domain.errors import Invalid, NotFound
from webapp.domain.flow_graph import IN, OUT, BlockType, EdgeKind, FlowGraph, GraphBlock, GraphEdge, GraphNote
from webapp.domain.flow_shape import reach, read_shape

MOST_BLOCKS, MOST_EDGES, MOST_NOTES = 5_000, 20_000, 500
SLOTS = ("model", "tool", "memory", "retriever", "parser", "embedding", "document", "other")
STEP_X, STEP_Y = 260.0, 110.0
"""How far from the block before it a new one is put on a canvas that somebody arranged."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A changed graph. ``said`` is a sentence without its full stop, such as ``Added Classify``."""

    graph: FlowGraph
    said: str
    block_key: str | None = None


def new_key(name: str, token: str) -> str:
    """A key that can be read; the random ``token`` keeps what two people add at the same time apart."""
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    return f"{readable or 'block'}-{token}"


def get_block(graph: FlowGraph, key: str) -> GraphBlock:
    """Raises:
    NotFound: there is no such block any more.
    """
    block = graph.block(key)
    if block is None:
        raise NotFound("This block is not in the draft any more.")
    return block


def add_block(
    graph: FlowGraph,
    preset: Preset,
    *,
    token: str,
    name: str = "",
    after: str | None = None,
    handle: str = "",
    place: tuple[float, float] | None = None,
) -> Edit:
    """Add a block, behind ``after`` where that is given: by ``handle``, else by its first way out that is free."""
    if len(graph.blocks) >= MOST_BLOCKS:
        raise Invalid(f"A flow has at most {MOST_BLOCKS:,} blocks.")
    label = name or _free_name(graph, preset.label)
    before = get_block(graph, after) if after else None
    is_manual = graph.config.get("layout") == "manual"
    x, y = place or (_place(graph, before) if is_manual else (None, None))
    block = GraphBlock(
        key=new_key(label, token),
        block_type=preset.block_type,
        name=label,
        x=x,
        y=y,
        config=dict(preset.config),
        credentials=preset.credentials,
        parent_key=before.parent_key if before else None,
    )
    edited = replace(graph, blocks=(*graph.blocks, block))
    if before is None or block.block_type == BlockType.TRIGGER:
        return Edit(edited, f"Added {label}", block.key)
    connected = connect(edited, before.key, block.key, source_handle=handle or _free_way(graph, before))
    return Edit(connected.graph, f"Added {label} after {before.name}", block.key)


def _free_name(graph: FlowGraph, label: str) -> str:
    names = {block.name for block in graph.blocks}
    return next(name for n in range(1, len(names) + 2) if (name := label if n == 1 else f"{label} {n}") not in names)


def _free_way(graph: FlowGraph, block: GraphBlock) -> str:
    used = {edge.source_handle for edge in graph.edges if edge.source == block.key}
    ways = [way for way in ways_out(block) if way != "error"]
    return next((way for way in ways if way not in used), ways[-1])


def _place(graph: FlowGraph, before: GraphBlock | None) -> tuple[float, float]:
    """Beside the block before it, below what is there already; else below everything."""
    placed = [(block.x, block.y) for block in graph.blocks if block.x is not None and block.y is not None]
    if before is not None and before.x is not None and before.y is not None:
        x, y = before.x + STEP_X, before.y
        while any(abs(x - other_x) < STEP_X - 40 and abs(y - other_y) < STEP_Y - 30 for other_x, other_y in placed):
            y += STEP_Y
        return x, y
    return min((x for x, _ in placed), default=0.0), max((y for _, y in placed), default=-STEP_Y) + STEP_Y


def change_block(graph: FlowGraph, block: GraphBlock) -> Edit:
    """Put the block in the place of the one of its key. Edges from ways out that it no longer has go with them."""
    before = get_block(graph, block.key)
    if block == before:
        return Edit(graph, "Nothing was different", block.key)
    if block.parent_key is not None and block.parent_key in _within(graph, block.key):
        raise Invalid("A loop cannot lie inside itself.", field="parent_key")
    blocks = tuple(block if each.key == block.key else each for each in graph.blocks)
    lost = set(ways_out(before)) - set(ways_out(block))
    edges = tuple(e for e in graph.edges if not (e.source == block.key and e.source_handle in lost and _is_work(e)))
    gone = len(graph.edges) - len(edges)
    said = f"Renamed {before.name} to {block.name}" if before.name != block.name else f"Changed {block.name}"
    if gone:
        said += f"; {_count(gone, 'connection')} of ways out that it no longer has went with them"
    return Edit(replace(graph, blocks=blocks, edges=edges), said, block.key)


def _is_work(edge: GraphEdge) -> bool:
    return edge.kind != EdgeKind.ATTACH


def _within(graph: FlowGraph, key: str) -> set[str]:
    """The block and all that lies inside it."""
    children: dict[str, list[str]] = {}
    for block in graph.blocks:
        if block.parent_key:
            children.setdefault(block.parent_key, []).append(block.key)
    return reach(children, [key])


def removal(graph: FlowGraph, key: str) -> str:
    """What goes when a block is removed, as a sentence to agree to."""
    block, edges = get_block(graph, key), sum(key in (edge.source, edge.target) for edge in graph.edges)
    inside = sum(each.parent_key == key for each in graph.blocks)
    said = f"{block.name} goes" + (f" with {_count(edges, 'connection')}." if edges else "; it has no connections.")
    return said + (f" {_count(inside, 'block')} inside it stay{'s' if inside == 1 else ''}." if inside else "")


def remove_block(graph: FlowGraph, key: str) -> Edit:
    """Take a block out, with its edges. What lay inside it moves to where it was."""
    block = get_block(graph, key)
    edges = tuple(edge for edge in graph.edges if key not in (edge.source, edge.target))
    blocks = tuple(
        replace(each, parent_key=block.parent_key) if each.parent_key == key else each
        for each in graph.blocks
        if each.key != key
    )
    gone = len(graph.edges) - len(edges)
    said = f"Removed {block.name}" + (f" and {_count(gone, 'connection')}" if gone else "")
    return Edit(replace(graph, blocks=blocks, edges=edges), said)


def connect(
    graph: FlowGraph, source: str, target: str, *, source_handle: str = "", slot: str = "", label: str = ""
) -> Edit:
    """Lead from one block to another, or attach the first to the second where a ``slot`` is named.

    An edge that closes a circle is marked as the way back.
    """
    start, end = get_block(graph, source), get_block(graph, target)
    if source == target:
        raise Invalid("A block cannot lead to itself.", field="target")
    if len(graph.edges) >= MOST_EDGES:
        raise Invalid(f"A flow has at most {MOST_EDGES:,} connections.")
    if slot:
        if slot not in SLOTS:
            raise Invalid("Choose what it is attached as.", field="slot")
        edge = GraphEdge(source, target, OUT, f"attach:{slot}", EdgeKind.ATTACH, label)
        said = f"Attached {start.name} to {end.name} as {slot}"
    else:
        edge = GraphEdge(source, target, source_handle or _free_way(graph, start), IN, EdgeKind.FLOW, label)
        if source in reach(read_shape(graph).next_keys(), [target]):
            edge = replace(edge, kind=EdgeKind.LOOP_BACK)
        said = f"Connected {start.name} to {end.name}"
    same = edge.identity[:4]
    if any(each.identity[:4] == same for each in graph.edges):
        raise Invalid(f"{start.name} leads to {end.name} in this way already.", field="target")
    return Edit(replace(graph, edges=(*graph.edges, edge)), said, source)


def disconnect(graph: FlowGraph, identity: tuple[str, ...]) -> Edit:
    """Take an edge away."""
    found = next((edge for edge in graph.edges if edge.identity == identity), None)
    if found is None:
        raise NotFound("This connection is not in the draft any more.")
    edges = tuple(edge for edge in graph.edges if edge.identity != identity)
    start, end = graph.block(found.source), graph.block(found.target)
    said = f"Disconnected {start.name if start else found.source} from {end.name if end else found.target}"
    return Edit(replace(graph, edges=edges), said, found.source)


def move_block(graph: FlowGraph, key: str, x: float, y: float, positions: Mapping[str, tuple[float, float]]) -> Edit:
    """Put a block where somebody dragged it, on the canvas on which all blocks are drawn at ``positions``.

    From then on every block stays where it is drawn.
    """
    block = get_block(graph, key)
    if not (abs(x) < 1e6 and abs(y) < 1e6):
        raise Invalid("That is too far away.")
    places = {**positions, key: (float(round(x)), float(round(y)))}
    blocks = []
    for each in graph.blocks:
        left, top = places.get(each.key, (each.x, each.y))
        blocks.append(replace(each, x=left, y=top))
    config = {**graph.config, "layout": "manual"}
    return Edit(replace(graph, blocks=tuple(blocks), config=config), f"Moved {block.name}", key)


def adopt_seen(graph: FlowGraph, seen: FlowGraph) -> Edit:
    """Begin an empty drawing with what traces show of the flow."""
    if graph.blocks:
        raise Invalid("Something is drawn already. Discard it first, or save it and compare.")
    if not seen.blocks:
        raise Invalid("No execution of the last 30 days shows what this flow does. Add the first block by hand.")
    return Edit(replace(graph, blocks=seen.blocks, edges=seen.edges), "Drew what was seen")


def arrange(graph: FlowGraph) -> Edit:
    """Leave the places of all blocks to the automatic layout again."""
    blocks = tuple(replace(block, x=None, y=None) for block in graph.blocks)
    return Edit(replace(graph, blocks=blocks, config={**graph.config, "layout": "auto"}), "Arranged automatically")


def change_flow(graph: FlowGraph, *, name: str, description: str, pattern: str | None, tags: Iterable[str]) -> Edit:
    """What the flow says of itself."""
    edited = replace(graph, name=name, description=description, pattern=pattern, tags=tuple(dict.fromkeys(tags)))
    return Edit(edited, "Changed the flow" if edited != graph else "Nothing was different")


def change_note(graph: FlowGraph, key: str, text: str, *, token: str) -> Edit:
    """Write a note, a new one where no key is given. An empty text takes it away."""
    if not key:
        if len(graph.notes) >= MOST_NOTES:
            raise Invalid(f"A flow has at most {MOST_NOTES} notes.")
        if not text:
            raise Invalid("Write something into the note.", field="text")
        return Edit(replace(graph, notes=(*graph.notes, GraphNote(f"note-{token}", text))), "Added a note")
    if all(note.key != key for note in graph.notes):
        raise NotFound("This note is not in the draft any more.")
    notes = (replace(note, text=text) if note.key == key else note for note in graph.notes)
    return Edit(replace(graph, notes=tuple(n for n in notes if n.text)), "Changed a note" if text else "Removed a note")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
