"""The drawing as somebody arranged it on a canvas: places are kept, ways are drawn straight from block to block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.domain.flow_graph import GraphBlock
from webapp.domain.flow_layout_part import Box, Point, Way

BELOW = 48.0
SIDE = 24.0


@dataclass(slots=True)
class Placed:
    """Corners by key, one way for each link, and the size of all."""

    corners: dict[str, Point]
    ways: list[Way]
    width: float
    height: float


def has_places(block: GraphBlock) -> bool:
    """Whether somebody placed the block."""
    return block.x is not None and block.y is not None


def lay_out_by_hand(
    blocks: Sequence[GraphBlock], boxes: Mapping[str, Box], links: Sequence[tuple[str, str, Any, str, bool]]
) -> Placed:
    """Blocks where they were placed, from (0, 0) on; those nobody placed in a row below them. Points on the border of
    a container stand at its left and right."""
    corners: dict[str, Point] = {
        block.key: (float(block.x or 0), float(block.y or 0)) for block in blocks if has_places(block)
    }
    left, top = min(x for x, _ in corners.values()), min(y for _, y in corners.values())
    inset = 2 * SIDE if any(box.border for box in boxes.values()) else 0.0
    corners = {key: (float(round(x - left + inset)), float(round(y - top))) for key, (x, y) in corners.items()}
    x, y = inset, max(cy + boxes[key].height for key, (_, cy) in corners.items()) + BELOW
    for block in blocks:
        if not has_places(block):
            corners[block.key] = (x, y)
            x += boxes[block.key].width + SIDE
    width = max(cx + boxes[key].width for key, (cx, _) in corners.items()) + inset
    height = max(cy + boxes[key].height for key, (_, cy) in corners.items())
    for key, box in boxes.items():
        if box.border:
            corners[key] = (0.0 if box.border == "left" else width, _border_height(key, corners, boxes, links))
    ways = [_way(boxes, corners, source, target, kind) for source, target, _, kind, _ in links]
    overhang = min([0.0, *(y for way in ways for _, y in way.points)])
    if overhang:
        corners = {key: (cx, cy - overhang) for key, (cx, cy) in corners.items()}
        ways = [_way(boxes, corners, source, target, kind) for source, target, _, kind, _ in links]
    bottom = max([height - overhang, *(y for way in ways for _, y in way.points)])
    return Placed(corners, ways, width, bottom)


def _border_height(
    key: str, corners: Mapping[str, Point], boxes: Mapping[str, Box], links: Sequence[tuple[str, str, Any, str, bool]]
) -> float:
    """The middle of what a point on the border is connected with."""
    near = [target if source == key else source for source, target, *_ in links if key in (source, target)]
    heights = [corners[other][1] + boxes[other].port for other in near if other in corners]
    return round(sum(heights) / len(heights)) if heights else 0.0


def _way(boxes: Mapping[str, Box], corners: Mapping[str, Point], source: str, target: str, kind: str) -> Way:
    """A curve where the target is further right, else around: out on the right, over both, in on the left."""
    box, (x, y) = boxes[source], corners[source]
    start = (x + box.width, y + box.port + (18.0 if kind == "error" and box.width else 0.0))
    to, (tx, ty) = boxes[target], corners[target]
    end = (tx, ty + to.port)
    if source != target and end[0] >= start[0]:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        return Way((start, end), is_lane=False, label_at=middle, anchor="middle", is_back=False)
    over = min(y, ty) - 14
    out, into = start[0] + 14, tx - 18
    points = (start, (out, start[1]), (out, over), (into, over), (into, end[1]), end)
    return Way(points, is_lane=True, label_at=((out + into) / 2, over), anchor="middle", is_back=kind == "back")
