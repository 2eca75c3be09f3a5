"""What followed what in one execution, read from the tree of its steps.

How nesting is flattened into one graph:

- A plain step that only groups is no node; its children stand in its place. It groups when an agent runs somewhere
  inside it, when it is the root and has children, or when it has plain steps inside and tells nothing that its parent
  does not: it has the same name, or it is the only one on its level.
- An agent at the root, or one with agents inside, is a node that leads into what is inside: the first of it follow the
  agent, and what comes after the agent follows the last of it.
- Every other agent and plain step is one node. Whatever runs inside serves it: an edge ``attach`` from the inner step
  to the step around it, and no order among them.
- Tool calls, model calls, retrievals and embeddings serve the agent or step around them in the same way. Right under
  the root or a grouping step they are nodes of the order. An agent inside a tool call that serves an agent (a hand-off,
  an agent used as a tool) is a node on that agent's level.

On one level a node follows all that had ended when it began and after which no other of the level lies entirely in
between. So parallel nodes follow the same predecessors and all lead to what comes after them. The first of a level
follow what their surroundings follow, in the end the start of the execution; nothing follows the last, they lead to its
end. The nil id stands for start and end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

NIL = UUID(int=0)
FLOW, ATTACH = "flow", "attach"
AGENT, STEP = "agent", "step"
HELPERS = frozenset({"tool", "model_call", "retrieval", "embedding"})
LARGEST_DEPTH = 100
"""What is nested deeper serves the step around it."""
Edges = Counter[tuple[UUID, UUID, str]]
Ends = Counter[UUID]


@dataclass(slots=True)
class Step:
    """One step. ``ended_at`` is None while it runs; ``block_id`` None makes it invisible, its children stay."""

    id: UUID
    parent_id: UUID | None
    block_id: UUID | None
    kind: str
    name: str
    started_at: datetime
    ended_at: datetime | None
    sequence: int = 0
    children: list[Step] = field(default_factory=list)
    depth: int = 0
    has_agent: bool = False
    is_only: bool = False


def observe(steps: Iterable[Step]) -> Edges:
    """Count the edges of one execution: ``(source, target, kind)`` by block ids."""
    edges: Edges = Counter()
    tops = _grow(list(steps))
    if tops:
        last = _level([_of_root(top) for top in tops], Counter({NIL: 1}), edges)
        for block_id, count in last.items():
            edges[(block_id, NIL, FLOW)] += count
    return edges


def _grow(steps: list[Step]) -> list[Step]:
    """Hang each step on its parent, in order of start; return those without one. Steps come depth first by sequence."""
    steps.sort(key=lambda step: step.sequence)
    by_id = {step.id: step for step in steps}
    tops = []
    for step in steps:
        step.children, step.depth = [], 0
    for step in steps:
        parent = by_id.get(step.parent_id) if step.parent_id else None
        is_above = parent is not None and parent.sequence < step.sequence
        if parent is None or not is_above:
            tops.append(step)
            continue
        step.depth = parent.depth + 1
        parent.children.append(step)
    for step in reversed(steps):
        step.has_agent = any(child.kind == AGENT or child.has_agent for child in step.children)
        inner = [child for child in step.children if child.kind not in HELPERS]
        for child in inner:
            child.is_only = len(inner) == 1
    return tops


@dataclass(slots=True)
class _Item:
    """A step on its level, with the steps that take its inside when it leads somewhere: None = a leaf."""

    step: Step
    inner: list[_Item] | None
    is_node: bool


def _of_root(step: Step) -> _Item:
    if step.kind == STEP and step.children:
        return _Item(step, _inside(step), is_node=False)
    if step.kind == AGENT:
        return _Item(step, _inside(step), is_node=True)
    return _item(step, None)


def _item(step: Step, parent: Step | None) -> _Item:
    """How a step on a level of the order is drawn."""
    if step.depth > LARGEST_DEPTH:
        return _Item(step, None, is_node=True)
    if step.kind == STEP and (step.has_agent or _only_repeats(step, parent)):
        return _Item(step, _inside(step), is_node=False)
    if step.has_agent:
        return _Item(step, _inside(step), is_node=True)
    return _Item(step, None, is_node=True)


def _only_repeats(step: Step, parent: Step | None) -> bool:
    """Whether a step with plain steps inside tells nothing that its parent does not."""
    has_steps = any(child.kind == STEP for child in step.children)
    return has_steps and (step.is_only or (parent is not None and parent.name == step.name))


def _inside(step: Step) -> list[_Item]:
    """The level inside a step that groups or leads in: without the helpers that serve an agent or a helper."""
    items = []
    for child in step.children:
        if child.kind in HELPERS and step.kind != STEP:
            items += [_item(agent, child) for agent in _agents_in(child)]
        else:
            items.append(_item(child, step))
    return items


def _agents_in(step: Step) -> list[Step]:
    """The outermost agents inside a helper."""
    found: list[Step] = []
    stack = list(reversed(step.children)) if step.has_agent else []
    while stack:
        child = stack.pop()
        if child.kind == AGENT:
            found.append(child)
        elif child.has_agent:
            stack += reversed(child.children)
    return found


def _level(items: list[_Item], before: Ends, edges: Edges) -> Ends:
    """Add the edges of one level that follows ``before``; return what the next thing follows."""
    items.sort(key=lambda item: (item.step.started_at, item.step.sequence))
    ended = sorted((item.step.ended_at, place) for place, item in enumerate(items) if item.step.ended_at is not None)
    ends = [end for end, _ in ended]
    exits: list[Ends] = []
    followed: set[int] = set()
    known: dict[tuple[int, int, int], Ends] = {}
    seen, newest = 0, -1
    for place, item in enumerate(items):
        start = item.step.started_at
        while seen < len(ended) and ends[seen] <= start and ended[seen][1] < place:
            newest = max(newest, ended[seen][1])
            seen += 1
        if not seen:
            exits.append(_enter(item, before, edges))
            continue
        # Those that ended after the newest of the ended began: nothing lies entirely between them and this one. One
        # without a duration ends when it begins, so the newest is named itself.
        key = (bisect_right(ends, items[newest].step.started_at, 0, seen), seen, newest)
        if key not in known:
            earlier = {other for _, other in ended[key[0] : seen]} | {newest}
            known[key] = _sum(exits[other] for other in earlier)
            followed |= earlier
        exits.append(_enter(item, known[key], edges))
    return _sum(left for place, left in enumerate(exits) if place not in followed) if items else before


def _enter(item: _Item, before: Ends, edges: Edges) -> Ends:
    """Lead into one item and return where it is left."""
    step = item.step
    if item.inner is None or item.is_node:
        _attach(step, edges, is_leaf=item.inner is None)
    ends = before
    if item.is_node and step.block_id is not None:
        for block_id, count in before.items():
            edges[(block_id, step.block_id, FLOW)] += count
        ends = Counter({step.block_id: 1})
    return _level(item.inner, ends, edges) if item.inner else ends


def _attach(step: Step, edges: Edges, *, is_leaf: bool) -> None:
    """Add what serves a step: all that is inside a leaf, the helpers of one that leads in."""
    stack = [(child, step) for child in step.children if is_leaf or child.kind in HELPERS]
    while stack:
        child, host = stack.pop()
        if child.kind == AGENT and not is_leaf:
            continue
        if child.block_id is not None and host.block_id is not None:
            edges[(child.block_id, host.block_id, ATTACH)] += 1
        stack += [(inner, child if child.block_id is not None else host) for inner in child.children]


def _sum(parts: Iterable[Ends]) -> Ends:
    total: Ends = Counter()
    for part in parts:
        total.update(part)
    return total
