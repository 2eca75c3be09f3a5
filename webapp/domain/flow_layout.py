"""Where everything of a flow's drawing goes: from left to right, loops drawn back, helpers under the block they serve.

Our own layered layout. It knows sizes but no colours and no pages, and gives the same drawing for the same graph.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from webapp.domain.flow_graph import FlowGraph, GraphEdge
from webapp.domain.flow_layout_manual import has_places, lay_out_by_hand
from webapp.domain.flow_layout_part import Box, Link, Part, Way, lay_out_part
from webapp.domain.flow_shape import BODY, Shape, parents_of, read_shape
from webapp.domain.text_width import clip_text, text_width

CARD_WIDTH, CARD_HEIGHT = 184.0, 56.0
CHIP_HEIGHT, CHIP_GAP, CHIP_INDENT = 22.0, 3.0, 10.0
DEEPEST_INDENT = 4
INSIDE, INSIDE_BOTTOM = 18.0, 18.0
MARGIN, PART_GAP = 28.0, 44.0
SHELF = 1_200.0
"""Small parts stand side by side up to this width or that of the widest part."""
LABEL_SIZE, WIDEST_LABEL = 11.0, 96.0


@dataclass(frozen=True, slots=True)
class Card:
    """The place of a block. The card of a container is the head of its frame."""

    key: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chip:
    """A helper under the card that it serves, in the slot ``model``, ``tool`` and so on. ``is_reference`` is a further
    showing of a block that is drawn elsewhere; ``depth`` tells that it serves another chip."""

    key: str
    card: str
    slot: str
    depth: int
    is_reference: bool
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Route:
    """The way of one edge, or of several of one kind between the same two blocks. ``kind`` is flow, error or back.

    ``points`` are corners: of right angles where ``is_lane``, else of curves that are level at each point.
    """

    edges: tuple[GraphEdge, ...]
    kind: str
    points: tuple[tuple[float, float], ...]
    is_lane: bool
    label: str
    label_x: float
    label_y: float
    label_anchor: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole drawing. ``cards`` come in the order of reading: by column, each from the top. ``containers`` are the
    frames around what a loop contains."""

    cards: Mapping[str, Card]
    chips: Sequence[Chip]
    containers: Mapping[str, Card]
    routes: Sequence[Route]
    width: float
    height: float


def edge_label(edge: GraphEdge) -> str:
    """What stands at an edge: its own label, else its handle in words where that says something."""
    if edge.label:
        return edge.label
    if edge.source_handle == "error":
        return "on error"
    if edge.source_handle in ("out", BODY):
        return ""
    return edge.source_handle.removeprefix("case:")


def layout_graph(
    graph: FlowGraph, *, is_manual: bool = False, label_of: Callable[[GraphEdge], str] = edge_label
) -> Layout:
    """Lay a graph out. With ``is_manual`` blocks stand where somebody placed them and the others below."""
    drawing = _Drawing(read_shape(graph), label_of, is_manual)
    for scope in drawing.scopes_inside_out():
        drawing.lay_out(scope)
    return drawing.composed()


_Link = tuple[str, str, list[GraphEdge], str, bool]
"""From where, to where, which edges, of which kind, and whether it is to run back."""


@dataclass(slots=True)
class _Scope:
    """What lies directly in a container, or in the drawing as a whole: places relative to the scope's own corner."""

    keys: list[str]
    links: list[_Link] = field(default_factory=list)
    corners: dict[str, tuple[float, float]] = field(default_factory=dict)
    ways: list[tuple[Way, list[GraphEdge], str]] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0
    left: float = INSIDE
    right: float = INSIDE
    """Kept free at the sides; nothing where edges begin or end at the border."""

    def take(self, part: Part, dx: float, dy: float, names: Sequence[str], links: Sequence[_Link]) -> None:
        """Put a part that is laid out to its place."""
        for key, (x, y) in zip(names, part.corners, strict=True):
            self.corners[key] = (x + dx, y + dy)
        for way, link in zip(part.ways, links, strict=True):
            self.ways.append((_moved(way, dx, dy), link[2], link[3]))


_LEFT, _RIGHT = "\0left", "\0right"


class _Drawing:
    def __init__(self, shape: Shape, label_of: Callable[[GraphEdge], str], is_manual: bool) -> None:
        self.shape, self.label_of, self.is_manual = shape, label_of, is_manual
        self.chips = _place_chips(shape)
        hidden = {chip.key for chips in self.chips.values() for chip in chips if not chip.is_reference}
        parents = parents_of(shape.children)
        self.parents = {key: parents.get(key) for key in shape.blocks if key not in hidden}
        self.depth = _depths(self.parents)
        self.scopes: dict[str | None, _Scope] = {None: _Scope([])}
        for key, parent in self.parents.items():
            self.scopes.setdefault(parent, _Scope([])).keys.append(key)
        self._sort_edges()

    def scopes_inside_out(self) -> list[str | None]:
        inner = sorted((k for k in self.scopes if k is not None), key=self.depth.__getitem__, reverse=True)
        return [*inner, None]

    def _sort_edges(self) -> None:
        """Give each edge to the innermost scope that holds both of its ends, ends inside of a container standing for
        it, and edges of one kind between the same two blocks to one link."""
        found: dict[tuple[str, str, str], _Link] = {}
        marked = [(edge, False) for edge in self.shape.forward] + [(edge, True) for edge in self.shape.back]
        for edge, is_back in marked:
            if edge.source not in self.parents or edge.target not in self.parents:
                continue
            kind = "back" if is_back else "error" if edge.source_handle == "error" else "flow"
            link = found.get((edge.source, edge.target, kind))
            if link is not None:
                link[2].append(edge)
                continue
            scope, source, target = self._lifted(edge.source, edge.target)
            link = (source, target, [edge], kind, is_back and target != _RIGHT)
            found[edge.source, edge.target, kind] = link
            self.scopes[scope].links.append(link)

    def _lifted(self, source: str, target: str) -> tuple[str | None, str, str]:
        parents, depth = self.parents, self.depth
        if parents[source] == parents[target]:
            return parents[source], source, target
        at, to = source, target
        while depth[at] > depth[to]:
            if parents[at] == to:
                return to, at, _RIGHT
            at = parents[at] or at
        while depth[to] > depth[at]:
            if parents[to] == at:
                return at, _LEFT, to
            to = parents[to] or to
        while parents[at] != parents[to]:
            at, to = parents[at] or at, parents[to] or to
        return parents[at], at, to

    def size(self, key: str) -> tuple[float, float]:
        """Of a card with its frame and its chips."""
        width, height = self.frame_size(key)
        return width, height + len(self.chips.get(key, ())) * (CHIP_HEIGHT + CHIP_GAP)

    def frame_size(self, key: str) -> tuple[float, float]:
        inside = self.scopes.get(key)
        if inside is None:
            return CARD_WIDTH, CARD_HEIGHT
        return max(
            CARD_WIDTH, inside.left + inside.width + inside.right
        ), CARD_HEIGHT + INSIDE + inside.height + INSIDE_BOTTOM

    def lay_out(self, key: str | None) -> None:
        """Place what a scope holds; the scopes inside of it are done."""
        scope = self.scopes[key]
        boxes: dict[str, Box] = {k: Box(*self.size(k)) for k in scope.keys}
        ends = {end for link in scope.links for end in link[:2]}
        scope.left, scope.right = (0.0 if side in ends else INSIDE for side in (_LEFT, _RIGHT))
        boxes.update({k: Box(0, 0, 0, side) for k, side in ((_LEFT, "left"), (_RIGHT, "right")) if k in ends})
        blocks = self.shape.blocks
        if self.is_manual and any(has_places(blocks[k]) for k in scope.keys):
            placed = lay_out_by_hand([blocks[k] for k in scope.keys], boxes, scope.links)
            scope.corners, scope.width, scope.height = placed.corners, placed.width, placed.height
            scope.ways = [(way, link[2], link[3]) for way, link in zip(placed.ways, scope.links, strict=True)]
            return
        names = _parts(boxes, scope.links)
        numbers = {k: (at, number) for at, part in enumerate(names) for number, k in enumerate(part)}
        links: list[list[_Link]] = [[] for _ in names]
        for link in scope.links:
            links[numbers[link[0]][0]].append(link)
        parts = []
        for part_names, part_links in zip(names, links, strict=True):
            numbered = [self._link(link, numbers) for link in part_links]
            parts.append(lay_out_part([boxes[k] for k in part_names], numbered))
        places, scope.width, scope.height = _on_shelves(parts, is_stacked=_LEFT in ends or _RIGHT in ends)
        for part, (x, y), part_names, part_links in zip(parts, places, names, links, strict=True):
            inset = 0.0 if _LEFT in part_names else INSIDE - scope.left
            outset = 0.0 if _RIGHT in part_names else INSIDE - scope.right
            scope.width = max(scope.width, inset + part.width + outset)
            scope.take(part, x + inset, y, part_names, part_links)

    def _link(self, link: _Link, numbers: Mapping[str, tuple[int, int]]) -> Link:
        source, target, edges, kind, is_back = link
        label = clip_text(self._label(edges, kind), LABEL_SIZE, WIDEST_LABEL)
        width = text_width(label, LABEL_SIZE) if label and not is_back else 0.0
        return Link(numbers[source][1], numbers[target][1], is_back, kind == "error", width)

    def _label(self, edges: Sequence[GraphEdge], kind: str) -> str:
        return ", ".join(dict.fromkeys(filter(None, map(self.label_of, edges)))) or ("loop" if kind == "back" else "")

    def composed(self) -> Layout:
        """Everything in its place in the whole drawing, from the outside in."""
        top = self.scopes[None]
        cards: dict[str, Card] = {}
        frames: dict[str, Card] = {}
        chips: list[Chip] = []
        routes: list[Route] = []
        waiting: list[tuple[str | None, float, float]] = [(None, MARGIN, MARGIN)]
        while waiting:
            key, x, y = waiting.pop()
            scope = self.scopes[key]
            routes += [self._route(way, edges, kind, x, y) for way, edges, kind in scope.ways]
            for inner in scope.keys:
                dx, dy = scope.corners[inner]
                width, height = self.frame_size(inner)
                cards[inner] = Card(inner, x + dx, y + dy, width, CARD_HEIGHT)
                if inner in self.scopes:
                    frames[inner] = Card(inner, x + dx, y + dy, width, height)
                    waiting.append((inner, x + dx + self.scopes[inner].left, y + dy + CARD_HEIGHT + INSIDE))
                chips += _chips_at(self.chips.get(inner, ()), cards[inner], y + dy + height)
        read = sorted(cards.values(), key=lambda card: (card.x, card.y))
        ordered = {card.key: card for card in read}
        width, height = top.width + 2 * MARGIN, top.height + 2 * MARGIN
        return Layout(ordered, chips, frames, routes, width, height)

    def _route(self, way: Way, edges: list[GraphEdge], kind: str, x: float, y: float) -> Route:
        points = tuple([(px + x, py + y) for px, py in way.points])
        label = self._label(edges, kind)
        shown = clip_text(label, LABEL_SIZE, WIDEST_LABEL) if label and (way.is_lane or kind != "back") else ""
        return Route(
            tuple(edges), kind, points, way.is_lane, shown, way.label_at[0] + x, way.label_at[1] + y, way.anchor
        )


def _place_chips(shape: Shape) -> dict[str, list[Chip]]:
    """Helpers by the card under which they are shown, where they are not placed yet. A helper is shown once with its
    own helpers under the first block that it serves, and again as a reference under each other one."""
    serving: dict[str, list[GraphEdge]] = defaultdict(list)
    for edge in shape.attached:
        serving[edge.target].append(edge)
    shown: set[str] = set()
    chips: dict[str, list[Chip]] = {}
    roots = [key for key in shape.blocks if key not in shape.helpers]
    for root in [*roots, *(key for key in shape.blocks if key in shape.helpers)]:
        if root in shown or root not in serving:
            continue
        is_card = root not in shape.helpers
        found: list[Chip] = []
        if not is_card:
            shown.add(root)
        waiting = [(edge, 0) for edge in reversed(serving[root])]
        while waiting:
            edge, depth = waiting.pop()
            is_new = edge.source in shape.helpers and edge.source not in shown
            slot = edge.target_handle.removeprefix("attach:")
            found.append(Chip(edge.source, root, slot, depth, not is_new, 0, 0, 0, 0))
            if is_new:
                shown.add(edge.source)
                waiting += [(inner, depth + 1) for inner in reversed(serving.get(edge.source, ()))]
        chips[root] = found
    return chips


def _chips_at(chips: Sequence[Chip], card: Card, bottom: float) -> list[Chip]:
    placed: list[Chip] = []
    for at, chip in enumerate(chips):
        indent = CHIP_INDENT * (1 + min(chip.depth, DEEPEST_INDENT))
        y = bottom + CHIP_GAP + at * (CHIP_HEIGHT + CHIP_GAP)
        box = (card.x + indent, y, CARD_WIDTH - indent, CHIP_HEIGHT)
        placed.append(Chip(chip.key, chip.card, chip.slot, chip.depth, chip.is_reference, *box))
    return placed


def _depths(parents: Mapping[str, str | None]) -> dict[str, int]:
    depth: dict[str, int] = {}
    for key in parents:
        line = [key]
        while line[-1] not in depth and parents[line[-1]] is not None:
            line.append(parents[line[-1]] or "")
        first = depth.get(line[-1], 0)
        depth.update((inner, first + at) for at, inner in enumerate(reversed(line)))
    return depth


def _parts(keys: Mapping[str, Box], links: Sequence[_Link]) -> list[list[str]]:
    """Keys by the connected part that they belong to, in order."""
    near: dict[str, list[str]] = {key: [] for key in keys}
    for source, target, *_ in links:
        near[source].append(target)
        near[target].append(source)
    part: dict[str, int] = {}
    parts: list[list[str]] = []
    for root in keys:
        if root not in part:
            part[root] = len(parts)
            parts.append([])
            waiting = [root]
            while waiting:
                for key in near[waiting.pop()]:
                    if key not in part:
                        part[key] = part[root]
                        waiting.append(key)
        parts[part[root]].append(root)
    return parts


def _on_shelves(parts: Sequence[Part], *, is_stacked: bool) -> tuple[list[tuple[float, float]], float, float]:
    """Corners of the parts: below each other, and small ones side by side; and the size of all."""
    if not parts:
        return [], 0.0, 0.0
    widest = max(part.width for part in parts)
    limit = widest if is_stacked else max(widest, SHELF)
    corners: list[tuple[float, float]] = []
    x = y = row = width = 0.0
    for part in parts:
        if x and x + part.width > limit:
            x, y, row = 0.0, y + row + PART_GAP, 0.0
        corners.append((x, y))
        width = max(width, x + part.width)
        row = max(row, part.height)
        x += part.width + PART_GAP
        if is_stacked:
            x, y, row = 0.0, y + row + PART_GAP, 0.0
    return corners, width, y + row if row else max(0.0, y - PART_GAP)


def _moved(way: Way, dx: float, dy: float) -> Way:
    points = tuple([(x + dx, y + dy) for x, y in way.points])
    return Way(points, way.is_lane, (way.label_at[0] + dx, way.label_at[1] + dy), way.anchor, way.is_back)
