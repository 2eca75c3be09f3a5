"""How the blocks of a graph hang together: who follows whom, which edges run back, what is contained, what only helps.

Checks, compilation, patterns and layout all read the same shape, so that they agree on what a loop is. Every walk is
iterative and linear, whatever a file holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from webapp.domain.flow_graph import IN, OUT, BlockType, EdgeKind, FlowGraph, GraphBlock, GraphEdge

BODY, DONE = "body", "done"


@dataclass(frozen=True, slots=True)
class Shape:
    """A graph made ready to walk. Keys keep the order in which the blocks were made.

    ``forward`` and ``back`` are the flow edges by direction: an edge runs back when it says so or when it closes a
    cycle. ``implied`` edges are nowhere drawn: a container starts its first children, and its last children return to
    it. ``helpers`` are blocks that take no part in the order of work, such as a model that is attached to an agent.
    """

    blocks: Mapping[str, GraphBlock]
    forward: Sequence[GraphEdge]
    back: Sequence[GraphEdge]
    attached: Sequence[GraphEdge]
    implied: Sequence[GraphEdge]
    dangling: Sequence[GraphEdge]
    children: Mapping[str, Sequence[str]]
    helpers: frozenset[str]
    triggers: Sequence[str]
    entries: Sequence[str]

    def edges_from(self) -> dict[str, list[GraphEdge]]:
        """Edges of the order of work by source, in both directions, implied ones last."""
        return _by_source([*self.forward, *self.back, *self.implied])

    def next_keys(self, *, is_acyclic: bool = False) -> dict[str, list[str]]:
        """Successors by key; with ``is_acyclic`` without the edges that run back."""
        edges = [*self.forward, *(() if is_acyclic else self.back), *self.implied]
        if is_acyclic:
            edges = [edge for edge in edges if edge.kind != EdgeKind.LOOP_BACK]
        following: dict[str, list[str]] = {key: [] for key in self.blocks}
        for edge in edges:
            following[edge.source].append(edge.target)
        return following


def read_shape(graph: FlowGraph) -> Shape:
    """The shape of a graph, also of one with edges to nowhere or parents that are not there."""
    blocks = {block.key: block for block in graph.blocks}
    dangling = [edge for edge in graph.edges if edge.source not in blocks or edge.target not in blocks]
    whole = [edge for edge in graph.edges if edge.source in blocks and edge.target in blocks]
    attached = [edge for edge in whole if edge.kind == EdgeKind.ATTACH]
    work = [edge for edge in whole if edge.kind != EdgeKind.ATTACH]
    children = contained(blocks)
    working = {edge.source for edge in work} | {edge.target for edge in work}
    helpers = frozenset(edge.source for edge in attached if edge.source not in working and edge.source not in children)
    implied = _implied(children, helpers, work)
    starts = [key for key, block in blocks.items() if block.block_type == BlockType.TRIGGER and key not in helpers]
    entered = {edge.target for edge in [*work, *implied] if edge.kind != EdgeKind.LOOP_BACK}
    sources = [key for key in blocks if key not in entered and key not in helpers]
    closing = back_edges(_by_source([*work, *implied]), [*starts, *sources, *blocks])
    back = [edge for edge in work if edge.identity in closing]
    forward = [edge for edge in work if edge.identity not in closing]
    return Shape(
        blocks=blocks,
        forward=forward,
        back=back,
        attached=attached,
        implied=[e for e in implied if e.kind == EdgeKind.LOOP_BACK or e.identity not in closing],
        dangling=dangling,
        children=children,
        helpers=helpers,
        triggers=starts,
        entries=starts or sources,
    )


def contained(blocks: Mapping[str, GraphBlock]) -> dict[str, list[str]]:
    """The direct children of each containing block. A block whose line of parents leads back to itself has none."""
    parents = {key: b.parent_key for key, b in blocks.items() if b.parent_key in blocks and b.parent_key != key}
    rooted: dict[str, bool] = {}
    for key in blocks:
        path: list[str] = []
        at: str | None = key
        on_path: set[str] = set()
        while at is not None and at not in rooted and at not in on_path:
            path.append(at)
            on_path.add(at)
            at = parents.get(at)
        verdict = rooted.get(at, False) if at is not None else True
        rooted.update(dict.fromkeys(path, verdict))
    children: dict[str, list[str]] = defaultdict(list)
    for key, parent in parents.items():
        if rooted[key]:
            children[parent].append(key)
    return dict(children)


def parents_of(children: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The container of each contained block."""
    return {child: parent for parent, inside in children.items() for child in inside}


def _implied(
    children: Mapping[str, Sequence[str]], helpers: frozenset[str], work: Sequence[GraphEdge]
) -> list[GraphEdge]:
    if not children:
        return []
    targets = {edge.target for edge in work}
    back = back_edges(_by_source(work), sorted((edge.source for edge in work), key=targets.__contains__))
    entered = {edge.target for edge in work if edge.identity not in back}
    left = {edge.source for edge in work if edge.source != edge.target}
    implied: list[GraphEdge] = []
    for parent, inside in children.items():
        steps = [key for key in inside if key not in helpers]
        implied += [GraphEdge(parent, key, BODY, IN) for key in steps if key not in entered]
        implied += [GraphEdge(key, parent, OUT, IN, EdgeKind.LOOP_BACK) for key in steps if key not in left]
    return implied


def _by_source(edges: Iterable[GraphEdge]) -> dict[str, list[GraphEdge]]:
    leaving: dict[str, list[GraphEdge]] = defaultdict(list)
    for edge in edges:
        leaving[edge.source].append(edge)
    return leaving


def back_edges(leaving: Mapping[str, Sequence[GraphEdge]], roots: Iterable[str]) -> set[tuple[str, ...]]:
    """Identities of the edges that run back: those marked so, and those that close a cycle of the others, found depth
    first from the roots in their order."""
    found: set[tuple[str, ...]] = set()
    open_, done = set[str](), set[str]()
    for root in roots:
        if root in done:
            continue
        open_.add(root)
        stack = [(root, iter(leaving.get(root, ())))]
        while stack:
            key, edges = stack[-1]
            for edge in edges:
                if edge.kind == EdgeKind.LOOP_BACK or edge.target in open_:
                    found.add(edge.identity)
                elif edge.target not in done:
                    open_.add(edge.target)
                    stack.append((edge.target, iter(leaving.get(edge.target, ()))))
                    break
            else:
                stack.pop()
                open_.discard(key)
                done.add(key)
    return found


def reach(following: Mapping[str, Sequence[str]], roots: Iterable[str]) -> set[str]:
    """Every key that can be reached from the roots, they themselves included."""
    seen = set(roots)
    waiting = list(seen)
    while waiting:
        for key in following.get(waiting.pop(), ()):
            if key not in seen:
                seen.add(key)
                waiting.append(key)
    return seen


def reversed_keys(following: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Predecessors for successors."""
    preceding: dict[str, list[str]] = {key: [] for key in following}
    for key, targets in following.items():
        for target in targets:
            preceding.setdefault(target, []).append(key)
    return preceding


def depths(following: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The longest way to each key from a key that nothing leads to, in an order in which the work can be done.

    Keys on a cycle are left out; a shape's acyclic successors have none.
    """
    missing = dict.fromkeys(following, 0)
    for targets in following.values():
        for target in targets:
            missing[target] += 1
    depth = {key: 0 for key, count in missing.items() if count == 0}
    order = list(depth)
    for key in order:
        for target in following[key]:
            depth[target] = max(depth.get(target, 0), depth[key] + 1)
            missing[target] -= 1
            if missing[target] == 0:
                order.append(target)
    return {key: depth[key] for key in order}


def cycles(following: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Groups of keys that can all reach each other; a single key only when it leads to itself."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    trail: list[str] = []
    on_trail: set[str] = set()
    groups: list[list[str]] = []
    for root in following:
        if root in index:
            continue
        stack = [(root, iter(following[root]))]
        index[root] = low[root] = len(index)
        trail.append(root)
        on_trail.add(root)
        while stack:
            key, targets = stack[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    trail.append(target)
                    on_trail.add(target)
                    stack.append((target, iter(following.get(target, ()))))
                    break
                if target in on_trail:
                    low[key] = min(low[key], index[target])
            else:
                stack.pop()
                if stack:
                    low[stack[-1][0]] = min(low[stack[-1][0]], low[key])
                if low[key] == index[key]:
                    group = _cut(trail, on_trail, key)
                    if len(group) > 1 or key in following.get(key, ()):
                        groups.append(group)
    return groups


def _cut(trail: list[str], on_trail: set[str], key: str) -> list[str]:
    """The end of the trail from a key on, taken off it."""
    group: list[str] = []
    while not group or group[-1] != key:
        group.append(trail.pop())
        on_trail.discard(group[-1])
    return group[::-1]
