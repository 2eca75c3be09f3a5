"""A flow's drawing made ready for ``components/graph.html``: texts, classes and paths; the places come from the layout.

On a page::

    {% from "components/graph.html" import flow_graph, heat_key %}
    {{ flow_graph(view) }}    and once, anywhere on the page:
    <script src="{{ asset('js/graph.js') }}" type="module"></script>

Without the script the drawing scrolls and its blocks are links; with it there are zoom, drag, and arrow keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from webapp.domain.flow_graph import FlowGraph, GraphBlock, GraphEdge
from webapp.domain.flow_layout import LABEL_SIZE, WIDEST_LABEL, Card, Chip, Layout, Route, edge_label, layout_graph
from webapp.domain.text_width import clip_text, text_width
from webapp.web.formats import count, lang, percent

Identity = tuple[str, str, str, str, str]
HEAT = (0.01, 0.075, 0.15)
"""From these failure rates on a block is warmer: h1, h2, h3."""
ICONS = {
    "agent": "agent",
    "trigger": "play",
    "action": "tool",
    "condition": "branch",
    "loop": "retry",
    "transform": "code",
}
SLOT_ICONS = {
    "model": "llm",
    "tool": "tool",
    "memory": "bookmark",
    "retriever": "retrieval",
    "embedding": "embedding",
    "parser": "code",
    "document": "file",
}
KIND_ICONS = {"model_call": "llm", "retrieval": "retrieval", "embedding": "embedding", "tool": "tool", "step": "step"}
NAME_SIZE, SMALL_SIZE = 12.5, 11.0
MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class BlockHeat:
    """What a block did in the chosen period. ``detail`` is said in its title only, such as ``p95 10.0 s``."""

    executions: int
    failed: int = 0
    failure_rate: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class BlockMark:
    """What is to be said of a block beside its figures. ``change`` is added, removed or changed, between versions;
    then it is all that the card says. ``problem`` is a sentence of the check."""

    is_undrawn: bool = False
    never_ran: bool = False
    change: str = ""
    problem: str = ""

    @property
    def words(self) -> list[str]:
        """The marks that stand on the card."""
        if self.change:
            return [self.change]
        return [*(["not drawn"] if self.is_undrawn else []), *(["never ran"] if self.never_ran else [])]

    @property
    def css(self) -> str:
        """Classes of the card's outline."""
        return (
            f"{' undrawn' if self.is_undrawn or self.change == 'removed' else ''}{' unran' if self.never_ran else ''}"
        )


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block as a link. ``following`` are the places of its successors among all blocks, ``css`` is for its box."""

    key: str
    href: str
    following: str
    is_current: bool
    x: int
    y: int
    title: str
    name: str
    name_lang: str
    icon: str
    width: int
    css: str
    heat: str
    left: str
    right: str
    is_bad: bool
    is_flagged: bool
    is_chip: bool


@dataclass(frozen=True, slots=True)
class RouteView:
    """An edge: its path, class, arrow, label and where that stands."""

    path: str
    css: str
    marker: str
    label: str
    label_lang: str
    x: int
    y: int
    anchor: str


@dataclass(frozen=True, slots=True)
class GraphView:
    """Everything that the macro ``flow_graph`` draws."""

    name: str
    width: int
    height: int
    frames: Sequence[Card]
    routes: Sequence[RouteView]
    blocks: Sequence[BlockView]
    layout: Layout = field(repr=False)

    @property
    def summary(self) -> str:
        """The drawing in a sentence, for readers who do not see it."""
        blocks = len({chip.key for chip in self.layout.chips} | set(self.layout.cards))
        edges = sum(len(route.edges) for route in self.layout.routes)
        loops = sum(len(route.edges) for route in self.layout.routes if route.kind == "back")
        back = f", {loops} of them back" if loops else ""
        return f"{self.name}: {blocks} {_plural(blocks, 'block')}, {edges} {_plural(edges, 'edge')}{back}"


def draw_graph(
    graph: FlowGraph,
    *,
    heats: Mapping[str, BlockHeat],
    href: Callable[[str], str],
    current: str | None,
    edge_shares: Mapping[Identity, float] | None = None,
    marks: Mapping[str, BlockMark] | None = None,
    undrawn_edges: Collection[Identity] = (),
    is_manual: bool = False,
) -> GraphView:
    """Draw a graph with the figures of its blocks by key. ``edge_shares`` are the parts of a block's executions that
    went along an edge; ``undrawn_edges`` were seen in executions and are not in the definition."""
    shares = edge_shares or {}
    layout = layout_graph(graph, is_manual=is_manual, label_of=lambda edge: _edge_text(edge, shares))
    painter = _Painter(graph, layout, heats, href, current, marks or {})
    unseen = frozenset(undrawn_edges)
    return GraphView(
        name=graph.name,
        width=int(layout.width),
        height=int(layout.height),
        frames=list(layout.containers.values()),
        routes=[_route(route, unseen) for route in layout.routes],
        blocks=painter.blocks(),
        layout=layout,
    )


def heat_step(rate: float | None) -> str:
    """The class of a failure rate, h0 to h3; of an unknown one h0."""
    return f"h{sum(rate >= step for step in HEAT) if rate is not None else 0}"


def icon_of(block: GraphBlock) -> str:
    """The symbol of a block, by what it was seen to do or else by its type."""
    return KIND_ICONS.get(block.source_type or "") or ICONS.get(block.block_type, "warn")


class _Painter:
    def __init__(
        self,
        graph: FlowGraph,
        layout: Layout,
        heats: Mapping[str, BlockHeat],
        href: Callable[[str], str],
        current: str | None,
        marks: Mapping[str, BlockMark],
    ) -> None:
        self.known = {block.key: block for block in graph.blocks}
        self.layout, self.heats, self.href, self.current, self.marks = layout, heats, href, current, marks
        self.chips: dict[str, list[Chip]] = defaultdict(list)
        for chip in layout.chips:
            self.chips[chip.card].append(chip)
        drawn = [part for card in layout.cards.values() for part in (card, *self.chips.get(card.key, ()))]
        self.drawn: list[Card | Chip] = drawn
        self.number = {part.key: at for at, part in reversed(list(enumerate(drawn)))}
        self.leaving: dict[str, list[GraphEdge]] = defaultdict(list)
        for route in layout.routes:
            for edge in route.edges:
                self.leaving[edge.source].append(edge)

    def blocks(self) -> list[BlockView]:
        """Cards in the order of reading, each followed by its helpers."""
        return [self._chip(part) if isinstance(part, Chip) else self._card(part) for part in self.drawn]

    def _card(self, card: Card) -> BlockView:
        block, heat, mark = self.known[card.key], self.heats.get(card.key), self.marks.get(card.key, _NO_MARK)
        flags = ["needs review"] if block.needs_review else []
        words = [_runs(heat), *mark.words] if heat else [*mark.words, *flags[:1]][:2]
        is_flagged = bool(flags or mark.problem)
        room = card.width - 45 - (18 if is_flagged else 0)
        targets = self.leaving.get(card.key, ())
        problem = [mark.problem.rstrip(".")] if mark.problem else []
        title = ". ".join([_said(block, heat, mark), *flags, *problem, *_ways(targets, self.known)])
        numbers = dict.fromkeys(str(self.number[edge.target]) for edge in targets)
        return BlockView(
            key=card.key,
            href=self.href(card.key),
            following=" ".join(numbers),
            is_current=card.key == self.current,
            x=int(card.x),
            y=int(card.y),
            title=title,
            name=clip_text(block.name, NAME_SIZE, room),
            name_lang=lang(block.name),
            icon=icon_of(block),
            width=int(card.width),
            css=mark.css,
            heat=heat_step(heat.failure_rate) if heat else "none",
            left=clip_text(", ".join(words) or block.block_type, SMALL_SIZE, card.width - (80 if heat else 26)),
            right=_failed(heat) if heat and heat.executions else "",
            is_bad=bool(heat and heat_step(heat.failure_rate) == "h3"),
            is_flagged=is_flagged,
            is_chip=False,
        )

    def _chip(self, chip: Chip) -> BlockView:
        block, heat, mark = self.known[chip.key], self.heats.get(chip.key), self.marks.get(chip.key, _NO_MARK)
        right = ""
        if heat and heat.executions:
            right = _failed(heat) if heat.failed else count(heat.executions)
        role = f"{chip.slot if chip.slot in SLOT_ICONS else 'helper'} of {self.known[chip.card].name}"
        is_flagged = block.needs_review or bool(mark.problem)
        again = ", shown again" if chip.is_reference else ""
        return BlockView(
            key=chip.key,
            href=self.href(chip.key),
            following=str(self.number[chip.card]),
            is_current=chip.key == self.current,
            x=int(chip.x),
            y=int(chip.y),
            title=". ".join(filter(None, [f"{_said(block, heat, mark)}: {role}{again}", mark.problem])),
            name=clip_text(block.name, SMALL_SIZE, chip.width - 34 - (38 if right else 0) - (18 if is_flagged else 0)),
            name_lang=lang(block.name),
            icon=SLOT_ICONS.get(chip.slot) or icon_of(block),
            width=int(chip.width),
            css=f"{mark.css}{' again' if chip.is_reference else ''}",
            heat="none",
            left="",
            right=right,
            is_bad=bool(heat and heat_step(heat.failure_rate) == "h3"),
            is_flagged=is_flagged,
            is_chip=True,
        )


_NO_MARK = BlockMark()


def _runs(heat: BlockHeat) -> str:
    return f"{count(heat.executions)} {_plural(heat.executions, 'run')}"


def _failed(heat: BlockHeat) -> str:
    """The failure rate; none at all without a decimal."""
    return "0%" if heat.failure_rate == 0 else percent(heat.failure_rate)


def _plural(number: int, word: str) -> str:
    return word if number == 1 else f"{word}s"


def _said(block: GraphBlock, heat: BlockHeat | None, mark: BlockMark) -> str:
    """A block in words: its whole name, its type, and what it did."""
    parts = [block.block_type]
    if heat:
        parts.append(_runs(heat))
        if heat.executions:
            parts.append(f"{_failed(heat)} failed")
        if heat.detail:
            parts.append(heat.detail)
    return f"{block.name}: {', '.join([*parts, *mark.words])}"


def _ways(edges: Sequence[GraphEdge], known: Mapping[str, GraphBlock]) -> list[str]:
    """Where the edges of a block lead, in words."""
    if not edges:
        return []
    named = [f"{known[e.target].name}{f' ({edge_label(e)})' if edge_label(e) else ''}" for e in edges[:MOST_NAMED]]
    more = f" and {len(edges) - MOST_NAMED} more" if len(edges) > MOST_NAMED else ""
    return [f"Goes to {', '.join(named)}{more}"]


def _edge_text(edge: GraphEdge, shares: Mapping[Identity, float]) -> str:
    """An edge's label and the share of executions that took it."""
    share = shares.get(edge.identity)
    if share is None:
        return edge_label(edge)
    text = "<1%" if 0 < share < 0.01 else f"{share:.0%}"
    label = clip_text(edge_label(edge), LABEL_SIZE, WIDEST_LABEL - text_width(f" {text}", LABEL_SIZE))
    return f"{label} {text}".strip()


def _route(route: Route, undrawn: frozenset[Identity]) -> RouteView:
    is_undrawn = bool(undrawn) and all(edge.identity in undrawn for edge in route.edges)
    kind = {"error": " err", "back": " back"}.get(route.kind, "")
    return RouteView(
        path=_lane(route.points) if route.is_lane else _curve(route.points),
        css=f"edge{kind}{' undrawn' if is_undrawn else ''}",
        marker="ar-err" if route.kind == "error" else "ar",
        label=route.label,
        label_lang=lang(route.label),
        x=int(route.label_x),
        y=int(route.label_y) + 4,
        anchor=route.label_anchor,
    )


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Through the points from left to right, level at each of them."""
    (x, y), *others = points
    parts = [f"M{x:.0f} {y:.0f}"]
    for to_x, to_y in others:
        if to_y == y:
            parts.append(f"H{to_x:.0f}")
        else:
            bend = (x + to_x) / 2
            parts.append(f"C{bend:.0f} {y:.0f} {bend:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}")
        x, y = to_x, to_y
    return "".join(parts)


def _lane(points: Sequence[tuple[float, float]]) -> str:
    """Along right angles, with round corners as far as there is room."""
    parts = [f"M{points[0][0]:.0f} {points[0][1]:.0f}"]
    for (x0, y0), (x1, y1), (x2, y2) in zip(points, points[1:], points[2:], strict=False):
        before, after = abs(x1 - x0) + abs(y1 - y0), abs(x2 - x1) + abs(y2 - y1)
        radius = min(8.0, before / 2, after / 2)
        if radius < 1:
            parts.append(f"L{x1:.0f} {y1:.0f}")
            continue
        ax, ay = x1 - (x1 - x0) / before * radius, y1 - (y1 - y0) / before * radius
        bx, by = x1 + (x2 - x1) / after * radius, y1 + (y2 - y1) / after * radius
        parts.append(f"L{ax:.0f} {ay:.0f}Q{x1:.0f} {y1:.0f} {bx:.0f} {by:.0f}")
    parts.append(f"L{points[-1][0]:.0f} {points[-1][1]:.0f}")
    return "".join(parts)
