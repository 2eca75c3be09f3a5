"""What is wrong with a flow's graph, said before it is saved: dead blocks, open branches, endless loops, missing parts.

An error means that the flow cannot be run as it is drawn; a warning that it can, but perhaps not as meant.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from webapp.domain.flow_graph import OUT, BlockType, FlowGraph, GraphBlock, GraphEdge
from webapp.domain.flow_problem import ERROR, WARNING, Problem
from webapp.domain.flow_shape import BODY, DONE, Shape, cycles, parents_of, reach, read_shape, reversed_keys
from webapp.domain.orchestration_patterns import check_pattern, is_supervisor

__all__ = ["ERROR", "WARNING", "Problem", "check_graph", "check_shape", "declared_handles", "missing_handles"]

DEEPEST_NESTING = 50
_TWO_WAYS = frozenset({"true", "false"})
_NAMED_WAYS = frozenset({"true", "false", "else", "approved", "rejected"})
_MODEL_FIELD = re.compile(r"model|llm|assistant|engine", re.IGNORECASE)
_LIMIT_FIELD = re.compile(
    r"max_?(iterations?|loops?|loop_?count|rounds?)|loop_?count|iterations?|break_conditions|limit|items", re.IGNORECASE
)


def check_graph(graph: FlowGraph, *, agents: Collection[str] | None = None) -> list[Problem]:
    """Every problem of a graph, errors first. ``agents`` are the ids of agents that exist; None does not look."""
    return check_shape(graph, read_shape(graph), agents=agents)


def check_shape(graph: FlowGraph, shape: Shape, *, agents: Collection[str] | None = None) -> list[Problem]:
    """The same for a graph whose shape is known already."""
    problems = [
        *_references(graph, shape),
        *_entries(shape),
        *_reachability(shape),
        *_endings(shape),
        *(problem for block in shape.blocks.values() for problem in _block(block)),
        *_missing_agents(shape, agents),
        *_open_branches(shape),
        *check_pattern(graph),
    ]
    return sorted(problems, key=lambda problem: not problem.is_error)


def declared_handles(block: GraphBlock) -> tuple[str, ...]:
    """The ways out that a block says it has: ``config.handles`` (handles), ``config.cases`` (keys of cases) and keys of
    ``outputs`` that are handles."""
    found: dict[str, None] = {}
    for value in _entries_of(block.config.get("handles")):
        found[value] = None
    for value in _entries_of(block.config.get("cases")):
        found[value if value in _NAMED_WAYS or value.startswith("case:") else f"case:{value}"] = None
    for name in block.outputs:
        if name in _NAMED_WAYS or name.startswith("case:"):
            found[name] = None
    return tuple(found)


def _entries_of(value: Any) -> Iterator[str]:
    """Names in a list of texts or of objects with one of the usual fields."""
    for item in value if isinstance(value, list | tuple) else ():
        if isinstance(item, Mapping):
            item = next((item[name] for name in ("handle", "key", "case_id", "id", "name") if item.get(name)), None)
        if isinstance(item, str | int) and not isinstance(item, bool) and str(item):
            yield str(item)


def missing_handles(block: GraphBlock, used: Collection[str]) -> list[str]:
    """The ways out of a condition or loop that no edge takes. ``used`` are the handles of its outgoing edges."""
    if block.block_type == BlockType.CONDITION:
        expected = list(declared_handles(block))
        if not expected and (not used or not _TWO_WAYS.isdisjoint(used)):
            expected = ["true", "false"]
        elif not expected and not {"approved", "rejected"}.isdisjoint(used):
            expected = ["approved", "rejected"]
        return [handle for handle in expected if handle not in used]
    return []


def _references(graph: FlowGraph, shape: Shape) -> Iterator[Problem]:
    seen: set[str] = set()
    for block in graph.blocks:
        if block.key in seen:
            yield Problem("duplicate_key", ERROR, f"Two blocks have the key {block.key}.", block.key)
        seen.add(block.key)
    for edge in shape.dangling:
        missing = edge.target if edge.source in shape.blocks else edge.source
        yield Problem("edge_to_nowhere", ERROR, f"An edge leads to or from {missing}, which is not there.", None, edge)
    parents = parents_of(shape.children)
    for key, block in shape.blocks.items():
        if block.parent_key is None:
            continue
        parent = shape.blocks.get(block.parent_key)
        if parent is None or key not in parents:
            message = f"{block.name} is said to be inside {block.parent_key}, which cannot contain it."
            yield Problem("parent_missing", ERROR, message, key)
        elif parent.block_type != BlockType.LOOP:
            yield Problem("parent_no_loop", WARNING, f"{block.name} is inside {parent.name}, which is no loop.", key)
    too_deep = next((key for key, depth in _nesting(shape).items() if depth > DEEPEST_NESTING), None)
    if too_deep is not None:
        yield Problem("nested_too_deep", ERROR, f"Loops lie more than {DEEPEST_NESTING} deep in each other.", too_deep)


def _nesting(shape: Shape) -> dict[str, int]:
    """How many containers are around each block."""
    parents = parents_of(shape.children)
    nesting: dict[str, int] = {}
    for key in shape.blocks:
        line = [key]
        while line[-1] not in nesting and line[-1] in parents:
            line.append(parents[line[-1]])
        outermost = nesting.get(line[-1], 0)
        nesting.update((inner, outermost + at) for at, inner in enumerate(reversed(line)))
    return nesting


def _entries(shape: Shape) -> Iterator[Problem]:
    if not shape.blocks:
        yield Problem("no_blocks", ERROR, "There is no block yet.")
    elif not shape.entries:
        yield Problem("no_entry", ERROR, "Every block waits for another one, so nothing can begin.")
    elif not shape.triggers:
        yield Problem(
            "no_trigger", WARNING, "There is no trigger, so the flow begins with the blocks nothing leads to."
        )


def _reachability(shape: Shape) -> Iterator[Problem]:
    reached = reachable(shape)
    for key, block in shape.blocks.items():
        if key in reached or not shape.entries:
            continue
        if key in shape.helpers:
            message = f"{block.name} is attached only to blocks that never run."
        else:
            message = (
                f"{block.name} never runs: no way leads to it from {'a trigger' if shape.triggers else 'a start'}."
            )
        yield Problem("unreachable", WARNING, message, key)


def reachable(shape: Shape) -> set[str]:
    """Keys of the blocks that can take part: on a way from an entry, or attached to one that is."""
    following = {key: list(targets) for key, targets in shape.next_keys().items()}
    for edge in shape.attached:
        following[edge.target].append(edge.source)
    return reach(following, shape.entries)


def _endings(shape: Shape) -> Iterator[Problem]:
    """Loops that nothing leaves, and the blocks that lead into such loops only."""
    following = shape.next_keys()
    leaving = shape.edges_from()
    endless: set[str] = set()
    for loop in cycles(following):
        members = set(loop)
        if any(_is_left(key, members, shape, leaving) for key in loop):
            continue
        named = next((key for key in loop if shape.blocks[key].block_type == BlockType.LOOP), None)
        key = named or loop[0]
        if not any(_is_bounded(shape, member) for member in loop):
            severity = WARNING if named else ERROR
            message = f"The loop around {shape.blocks[key].name} has no way out and no limit."
            yield Problem("loop_without_exit", severity, message, key)
            endless |= members
    working = [key for key in shape.blocks if key not in shape.helpers]
    preceding = reversed_keys(following)
    ends = [key for key in working if key not in endless]
    closed = {key for key in ends if not following[key] or _is_left(key, {key}, shape, leaving, only_open=True)}
    loops = {key for loop in cycles(following) for key in loop if key not in endless}
    finishing = reach(preceding, closed | loops)
    for key in ends:
        if endless and key not in finishing:
            yield Problem(
                "no_path_to_end", WARNING, f"{shape.blocks[key].name} leads only into a loop without end.", key
            )


def _is_left(
    key: str,
    members: set[str],
    shape: Shape,
    leaving: Mapping[str, list[GraphEdge]],
    *,
    only_open: bool = False,
) -> bool:
    """Whether the work can leave a loop at a block: by an edge, or by a way out that no edge takes."""
    edges = leaving.get(key, [])
    if not only_open and any(edge.target not in members for edge in edges):
        return True
    return bool(missing_handles(shape.blocks[key], {edge.source_handle for edge in edges}))


def _is_bounded(shape: Shape, key: str) -> bool:
    """Whether a block limits how often it is repeated: a loop over the blocks it contains ends with its items."""
    block = shape.blocks[key]
    if block.block_type == BlockType.LOOP and shape.children.get(key):
        return True
    return any(_LIMIT_FIELD.fullmatch(name) and value not in (None, "", [], {}) for name, value in block.config.items())


def _block(block: GraphBlock) -> Iterator[Problem]:
    if block.block_type not in set(BlockType):
        message = f"{block.name} is of the type {block.block_type!r}, which nothing here can run."
        yield Problem("unknown_type", ERROR, message, block.key)
    for slot in block.credentials:
        if not slot.is_filled:
            name = slot.name or slot.kind
            yield Problem("empty_credential", WARNING, f"{block.name} needs a credential: {name}.", block.key)
    if block.needs_review:
        yield Problem("needs_review", WARNING, f"{block.name} could not be translated and needs a look.", block.key)


def _missing_agents(shape: Shape, agents: Collection[str] | None) -> Iterator[Problem]:
    """Agents without an agent and without a model: their own, one attached to them or to what is attached to them, the
    default at a trigger, or that of the supervisor who leads them."""
    served: dict[str, list[GraphEdge]] = defaultdict(list)
    for edge in shape.attached:
        served[edge.target].append(edge)
    with_model = {key for key, block in shape.blocks.items() if names_model(block.config)}
    with_model |= {key for key, edges in served.items() if any(e.target_handle == "attach:model" for e in edges)}
    has_default = any(key in with_model for key in shape.triggers)
    led = {e.target for e in shape.forward if e.source in with_model and is_supervisor(shape.blocks[e.source])}
    for key, block in shape.blocks.items():
        if block.block_type != BlockType.AGENT:
            continue
        if block.agent is not None:
            if agents is not None and block.agent not in agents:
                yield Problem("missing_agent", ERROR, f"{block.name} uses an agent that is not there any more.", key)
        elif key not in with_model | led and not has_default and not any(e.source in with_model for e in served[key]):
            yield Problem("missing_agent", ERROR, f"{block.name} has neither an agent nor a model.", key)


def names_model(config: Mapping[str, Any]) -> bool:
    """Whether settings name a model, at the top or one level down, under any of the names that products use."""
    for name, value in config.items():
        if value in (None, "", [], {}, False):
            continue
        if _MODEL_FIELD.search(name):
            return True
        if isinstance(value, Mapping) and any(_MODEL_FIELD.search(str(n)) and v for n, v in value.items()):
            return True
    return False


def _open_branches(shape: Shape) -> Iterator[Problem]:
    used: dict[str, set[str]] = defaultdict(set)
    returning = {edge.source for edge in shape.back}
    for edge in [*shape.forward, *shape.back]:
        used[edge.source].add(edge.source_handle)
    for key, block in shape.blocks.items():
        if key in shape.helpers:
            continue
        for handle in missing_handles(block, used[key]):
            way = GraphEdge(key, key, handle)
            message = f"{block.name} has no edge for {say_handle(handle)}: the work ends there."
            yield Problem("branch_without_edge", WARNING, message, key, way)
        is_bare = block.block_type == BlockType.LOOP and not shape.children.get(key) and key not in returning
        if is_bare and BODY not in used[key] and (DONE in used[key] or OUT not in used[key]):
            yield Problem("branch_without_edge", WARNING, f"{block.name} repeats nothing: its body is empty.", key)


def say_handle(handle: str) -> str:
    """A handle in words, the way edges are labelled: ``case:refund`` is refund."""
    return handle.removeprefix("case:")
