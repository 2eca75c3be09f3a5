"""One connected part of a drawing: its columns, the places of its boxes and the ways of its edges, from (0, 0) on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from webapp.domain.flow_layout_layers import Layers, assign_layers, build_layers, find_back, reduce_crossings
from webapp.domain.flow_layout_places import place_nodes

PORT = 28.0
"""How far below its top a box's edges come and go."""
ROW_GAP = 30.0
COLUMN_GAP, BORDER_GAP, WIDEST_GAP = 56.0, 40.0, 132.0
LANE_SPACE = 6.0
"""Kept free on both sides of an edge that runs along boxes."""
NEAR_LANE, FAR_LANE, MOST_LANES_TRIED = 8, 40, 60
"""A way back looks for a gap between the rows of all columns up to the first number, of the columns at its ends up to
the second; over more columns than that it goes around everything."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """Something to place. A box without width is a point on the border of a container: first or last column."""

    width: float
    height: float
    port: float = PORT
    border: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An edge between two boxes by number. ``is_low`` lets it leave from the lower part of the box."""

    source: int
    target: int
    is_back: bool = False
    is_low: bool = False
    label_width: float = 0.0


@dataclass(frozen=True, slots=True)
class Way:
    """The way of an edge: corners of a curve, or of a lane, which has right angles; where its label is and which end
    of the label that is: ``end`` or ``middle``."""

    points: tuple[Point, ...]
    is_lane: bool
    label_at: Point
    anchor: str
    is_back: bool


@dataclass(slots=True)
class Part:
    """Top left corners of the boxes and ways of the links, by number."""

    corners: list[Point]
    ways: list[Way]
    width: float
    height: float


@dataclass(slots=True)
class _Frame:
    """Columns in pixels, and what is taken in each of them: from top to bottom, and from where to where in all."""

    layer: list[int]
    y: list[float]
    left: list[float]
    right: list[float]
    tops: list[list[float]] = field(default_factory=list)
    bottoms: list[list[float]] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    labels: set[tuple[int, int]] = field(default_factory=set)
    turns: dict[tuple[str, int], int] = field(default_factory=dict)


def lay_out_part(boxes: Sequence[Box], links: Sequence[Link]) -> Part:
    """Lay out boxes that hang together. Same input, same drawing."""
    count = len(boxes)
    pairs = [(link.source, link.target) for link in links]
    back = find_back(count, pairs, [link.is_back for link in links])
    ahead = [at for at, is_back in enumerate(back) if not is_back]
    forward = [pairs[at] for at in ahead]
    layer = _with_borders(boxes, assign_layers(count, forward))
    layers = build_layers(count, forward, layer)
    reduce_crossings(layers)
    y = place_nodes(layers, count, [b.port for b in boxes], [b.height - b.port for b in boxes], ROW_GAP)
    frame = _frame(boxes, layers, y, links, ahead)
    ways: list[Way | None] = [None] * len(links)
    for at, chain in zip(ahead, layers.chains, strict=True):
        if chain is not None:
            ways[at] = _curve(frame, boxes, links[at], chain)
    around = [at for at, way in enumerate(ways) if way is None]
    around.sort(key=lambda at: (abs(layer[pairs[at][0]] - layer[pairs[at][1]]), at))
    for at in around:
        ways[at] = _lane(frame, boxes, links[at], is_back=back[at])
    corners = [(frame.left[layer[n]], y[n] - boxes[n].port) for n in range(count)]
    return _from_origin(boxes, corners, [way for way in ways if way is not None])


def _with_borders(boxes: Sequence[Box], layer: list[int]) -> list[int]:
    """The first column for the points where work enters a container, the last for those where it leaves, and no column
    that is empty."""
    inner = [at for at, box in zip(layer, boxes, strict=True) if not box.border]
    shift = 1 if any(box.border == "left" for box in boxes) and min(inner, default=1) == 0 else 0
    borders = {"left": 0, "right": max(inner, default=0) + shift + 1}
    layer = [borders.get(box.border, at + shift) for at, box in zip(layer, boxes, strict=True)]
    dense = {at: number for number, at in enumerate(sorted(set(layer)))}
    return [dense[at] for at in layer]


def _frame(boxes: Sequence[Box], layers: Layers, y: list[float], links: Sequence[Link], ahead: list[int]) -> _Frame:
    count, layer, columns = len(boxes), layers.layer, layers.columns
    gaps = [COLUMN_GAP] * len(columns)
    borders = {box.border for box in boxes}
    if "left" in borders:
        gaps[0] = BORDER_GAP
    if "right" in borders:
        gaps[-2:] = [BORDER_GAP] * len(gaps[-2:])
    for at, chain in zip(ahead, layers.chains, strict=True):
        link = links[at]
        gap = layer[link.source]
        following = link.target if not chain else chain[0]
        steep = 36 + 0.07 * abs(y[following] - y[link.source])
        gaps[gap] = max(gaps[gap], min(WIDEST_GAP, steep), link.label_width + 34 if link.label_width else 0)
    left, right, at_x = [], [], 0.0
    for column, gap in zip(columns, gaps, strict=True):
        left.append(at_x)
        at_x += max([boxes[node].width for node in column if node < count], default=0.0)
        right.append(at_x)
        at_x += gap
    frame = _Frame(layer, y, left, right)
    for column in columns:
        frame.tops.append([y[n] - (boxes[n].port if n < count else LANE_SPACE) for n in column])
        frame.bottoms.append([y[n] + (boxes[n].height - boxes[n].port if n < count else LANE_SPACE) for n in column])
    frame.high = [min(tops, default=0.0) for tops in frame.tops]
    frame.low = [max(bottoms, default=0.0) for bottoms in frame.bottoms]
    return frame


def _start(frame: _Frame, boxes: Sequence[Box], link: Link, shift: float = 0.0) -> Point:
    box = boxes[link.source]
    low = min(18.0, box.port * 0.64) if link.is_low else shift if box.width else 0.0
    return (frame.left[frame.layer[link.source]] + box.width, frame.y[link.source] + low)


def _curve(frame: _Frame, boxes: Sequence[Box], link: Link, chain: list[int]) -> Way:
    """From column to column through the knots of the edge, level inside of the columns."""
    x, y = _start(frame, boxes, link)
    points = [(x, y)]
    edge_of_column = frame.right[frame.layer[link.source]]
    if edge_of_column > x:
        points.append((edge_of_column, y))
    for node in [*chain, link.target]:
        column = frame.layer[node]
        points.append((frame.left[column], frame.y[node]))
        if node != link.target and frame.right[column] > frame.left[column]:
            points.append((frame.right[column], frame.y[node]))
    first = chain[0] if chain else link.target
    at, anchor = _label(frame, frame.layer[link.source] + 1, frame.y[first], y, link)
    return Way(tuple(points), is_lane=False, label_at=at, anchor=anchor, is_back=False)


def _label(frame: _Frame, column: int, y: float, y_before: float, link: Link) -> tuple[Point, str]:
    """Where an edge's label goes: at the end of the first gap that it crosses, else where the gap has room."""
    x = frame.left[column] - 11
    if not link.label_width:
        return (x, y), "end"
    taken = frame.labels
    x_before = frame.right[column - 1]
    tries = [(x, y, "end")]
    middle = (x + x_before) / 2
    for part in (0.5, 0.7, 0.3, 0.85):
        tries.append((middle, y_before + (y - y_before) * part, "middle"))
    tries += [(x, y + sign * 13 * step, "end") for step in (1, 2, 3) for sign in (-1, 1)]
    for x_at, y_at, anchor in tries:
        slots = {(column, int(y_at // 7) + step) for step in (0, 1)}
        if taken.isdisjoint(slots):
            taken |= slots
            return (x_at, y_at), anchor
    return (x, y), "end"


def _lane(frame: _Frame, boxes: Sequence[Box], link: Link, *, is_back: bool) -> Way:
    """Around the boxes: out on the right, along a free lane above or below, in on the left."""
    source, target = frame.layer[link.source], frame.layer[link.target]
    span = range(target, source + 1) if target <= source else range(source + 1, target)
    start, end = frame.y[link.source], frame.y[link.target]
    lane = _free_lane(frame, span, start, end)
    _take(frame, span, lane)
    shift = (14.0 if lane > start else -14.0) if is_back else 0.0
    x, y = _start(frame, boxes, link, shift)
    x_out = max(x, frame.right[source]) + 9 + _turn(frame, "out", source)
    x_in = frame.left[target] - 16 - _turn(frame, "in", target)
    y_in = end + ((14.0 if lane > end else -14.0) if is_back and boxes[link.target].width else 0.0)
    points = ((x, y), (x_out, y), (x_out, lane), (x_in, lane), (x_in, y_in), (frame.left[target], y_in))
    return Way(points, is_lane=True, label_at=((x_out + x_in) / 2, lane), anchor="middle", is_back=is_back)


def _take(frame: _Frame, span: range, lane: float) -> None:
    """Keep further lanes off this one. Lanes come by length: after a far one only others outside of all rows."""
    here = slice(span.start, span.stop)
    frame.high[here] = [min(lane - LANE_SPACE, high) for high in frame.high[here]]
    frame.low[here] = [max(lane + LANE_SPACE, low) for low in frame.low[here]]
    if len(span) <= FAR_LANE:
        for tops, bottoms in zip(frame.tops[here], frame.bottoms[here], strict=True):
            at = bisect_right(tops, lane)
            tops.insert(at, lane - LANE_SPACE)
            bottoms.insert(at, lane + LANE_SPACE)


def _turn(frame: _Frame, side: str, column: int) -> float:
    """A step to the side for each further lane that turns in the same gap."""
    number = frame.turns.get((side, column), 0)
    frame.turns[side, column] = number + 1
    return 4.0 * (number % 5)


def _free_lane(frame: _Frame, span: range, start: float, end: float) -> float:
    """The height nearest to both ends at which nothing is in the way in any column of the span."""
    if not span:
        return (start + end) / 2
    here = slice(span.start, span.stop)
    over, under = min(frame.high[here]) - LANE_SPACE - 5, max(frame.low[here]) + LANE_SPACE + 5

    def detour(lane: float) -> float:
        return abs(lane - start) + abs(lane - end)

    best = over if detour(over) <= detour(under) else under
    if len(span) > FAR_LANE:
        return best
    tops, bottoms = frame.tops[here], frame.bottoms[here]
    near = range(len(span)) if len(span) <= NEAR_LANE else (0, len(span) - 1)
    step = LANE_SPACE + 5
    beside = {top - step for at in near for top in tops[at]} | {bottom + step for at in near for bottom in bottoms[at]}
    margin = (detour(best) - abs(start - end)) / 2
    low, high = min(start, end) - margin, max(start, end) + margin
    for _, lane in sorted([(detour(lane), lane) for lane in beside if low < lane < high])[:MOST_LANES_TRIED]:
        if all(_is_free(top, bottom, lane) for top, bottom in zip(tops, bottoms, strict=True)):
            return lane
    return best


def _is_free(tops: list[float], bottoms: list[float], lane: float) -> bool:
    at = bisect_right(tops, lane + LANE_SPACE - 0.01) - 1
    return at < 0 or bottoms[at] <= lane - LANE_SPACE + 0.01


def _from_origin(boxes: Sequence[Box], corners: list[Point], ways: list[Way]) -> Part:
    """The part moved so that it begins at (0, 0), in whole pixels."""
    xs = [x for way in ways for x, _ in way.points if way.is_lane]
    ys = [y for way in ways for _, y in way.points if way.is_lane]
    left = min([x for x, _ in corners] + xs, default=0.0)
    top = min([y for _, y in corners] + ys, default=0.0)
    right = max([x + box.width for (x, _), box in zip(corners, boxes, strict=True)] + xs, default=0.0)
    bottom = max([y + box.height for (_, y), box in zip(corners, boxes, strict=True)] + ys, default=0.0)
    moved = [
        Way(
            tuple([(round(x - left), round(y - top)) for x, y in way.points]),
            way.is_lane,
            (round(way.label_at[0] - left), round(way.label_at[1] - top)),
            way.anchor,
            way.is_back,
        )
        for way in ways
    ]
    placed = [(float(round(x - left)), float(round(y - top))) for x, y in corners]
    return Part(placed, moved, float(round(right - left)), float(round(bottom - top)))
