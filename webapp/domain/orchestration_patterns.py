"""The specification's ten orchestration patterns: what each means, what it demands of a graph, and whether it is met.

A demand that is not met is a warning: the blocks still run as they are drawn, only the name of the pattern misleads.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from webapp.domain.flow_graph import BlockType, EdgeKind, FlowGraph, GraphBlock, GraphEdge
from webapp.domain.flow_problem import WARNING, Problem
from webapp.domain.flow_shape import Shape, cycles, depths, read_shape

EVENT_KINDS = frozenset({"event", "webhook", "schedule"})
_KIND_FIELDS = ("kind", "trigger", "trigger_type", "type")
_OWN_TRIGGERS = re.compile(r"manual|chat|start|form|executeworkflow", re.IGNORECASE)
_EVENT_WORDS = re.compile(r"webhook|trigger|cron|schedule|interval|event|imap", re.IGNORECASE)
_SUPERVISOR = re.compile(r"supervisor|orchestrator|coordinator", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way to orchestrate blocks: what it means and what it asks of the graph, in one sentence each."""

    name: str
    sentence: str
    demand: str


PATTERNS: Mapping[str, Pattern] = {
    pattern.name: pattern
    for pattern in (
        Pattern(
            "Sequential",
            "Blocks work one after the other, each on what the one before made.",
            "No block starts two others at the same time.",
        ),
        Pattern(
            "Parallel",
            "Several blocks work at the same time on the same input.",
            "At least one block starts two or more others from one output, and each of these ways ends or meets again.",
        ),
        Pattern(
            "Hierarchical",
            "A supervising agent hands out work to other agents and judges what they bring.",
            "One agent leads to, or has attached to it, at least two other agents, directly or through one condition.",
        ),
        Pattern(
            "Adaptive",
            "The flow chooses its next step by what came before.",
            "At least one condition with two ways out, or a loop.",
        ),
        Pattern(
            "Consensus",
            "Several agents answer the same question and one block weighs their answers.",
            "At least two agents are started from one output and lead into one joining block.",
        ),
        Pattern(
            "DynamicRouting",
            "A condition sends each input to the agent that suits it.",
            "At least one condition with two or more branches that lead to agents.",
        ),
        Pattern(
            "SwarmIntelligence",
            "Many agents of equal rank work on one task and pass results among themselves.",
            "At least three agents side by side behind one output, or around one loop.",
        ),
        Pattern(
            "EventDriven",
            "The flow starts by itself when something happens.",
            "At least one trigger of kind event, webhook or schedule.",
        ),
        Pattern(
            "Reflection",
            "An agent's work comes back to it with a judgement, until it is good enough.",
            "At least one loop that leads back through an agent.",
        ),
        Pattern(
            "Neuromorphic",
            "Blocks gather signals of several others, fire, and feed back into the network.",
            "At least one block that two or more others lead into, and at least one way back.",
        ),
    )
}


def check_pattern(graph: FlowGraph) -> list[Problem]:
    """What the graph's own pattern demands and the graph does not have. No pattern, no demand."""
    if graph.pattern is None:
        return []
    pattern = PATTERNS.get(graph.pattern)
    if pattern is None:
        return [Problem("unknown_pattern", WARNING, f"There is no orchestration pattern {graph.pattern!r}.")]
    lacking = _CHECKS[pattern.name](_Facts(graph))
    if lacking is None:
        return []
    return [Problem("pattern_demand", WARNING, f"{pattern.name}: {pattern.demand} {lacking.reason}", lacking.block)]


def suggest_pattern(graph: FlowGraph) -> str:
    """The pattern that a graph looks like, for a person to confirm. Consensus, SwarmIntelligence, Adaptive and
    Neuromorphic are intentions that a drawing does not show, so they are never suggested."""
    facts = _Facts(graph)
    if facts.has_supervisor:
        return "Hierarchical"
    for name in ("DynamicRouting", "EventDriven", "Parallel", "Reflection"):
        if _CHECKS[name](facts) is None:
            return name
    return "Sequential"


def is_event_trigger(block: GraphBlock) -> bool:
    """Whether a trigger waits for something outside, by its configuration or else by its foreign type."""
    if block.block_type != BlockType.TRIGGER:
        return False
    for name in _KIND_FIELDS:
        kind = block.config.get(name)
        if isinstance(kind, str) and kind.lower() in {*EVENT_KINDS, "manual", "chat", "api"}:
            return kind.lower() in EVENT_KINDS
    source = (block.source_type or "").rpartition(".")[2]
    return bool(_EVENT_WORDS.search(source)) and not _OWN_TRIGGERS.match(source)


def is_supervisor(block: GraphBlock) -> bool:
    """Whether an agent is called one that leads others, by its name or its foreign type."""
    words = f"{block.name} {block.source_type or ''}"
    return block.block_type == BlockType.AGENT and bool(_SUPERVISOR.search(words))


@dataclass(frozen=True, slots=True)
class _Lacking:
    reason: str
    block: str | None = None


class _Facts:
    """What the demands ask about, each worked out once."""

    def __init__(self, graph: FlowGraph) -> None:
        self.shape: Shape = read_shape(graph)
        self.agents = [k for k, b in self.shape.blocks.items() if b.block_type == BlockType.AGENT]
        self.is_agent = frozenset(self.agents)

    def is_condition(self, key: str) -> bool:
        return self.shape.blocks[key].block_type == BlockType.CONDITION

    @cached_property
    def outputs(self) -> dict[tuple[str, str], list[str]]:
        """Different successors by (key, handle), forward only."""
        found: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        for edge in [*self.shape.forward, *self.shape.implied]:
            if edge.kind == EdgeKind.FLOW:
                found[edge.source, edge.source_handle][edge.target] = None
        return {output: list(targets) for output, targets in found.items()}

    @cached_property
    def forks(self) -> dict[tuple[str, str], list[str]]:
        return {output: targets for output, targets in self.outputs.items() if len(targets) > 1}

    @cached_property
    def loops(self) -> list[list[str]]:
        return cycles(self.shape.next_keys())

    @cached_property
    def reaches_agent(self) -> dict[str, bool]:
        """Whether a block is an agent or leads forward to one."""
        following = self.shape.next_keys(is_acyclic=True)
        reaches: dict[str, bool] = {}
        for key in reversed(list(depths(following))):
            reaches[key] = key in self.is_agent or any(reaches.get(target, False) for target in following[key])
        return reaches

    @cached_property
    def beginnings(self) -> dict[str, tuple[str, str]]:
        """The fork behind which a block works, for blocks that only one line of work leads to."""
        incoming: dict[str, list[GraphEdge]] = defaultdict(list)
        for edge in self.shape.forward:
            incoming[edge.target].append(edge)
        found: dict[str, tuple[str, str]] = {}
        for key in depths(self.shape.next_keys(is_acyclic=True)):
            if len(incoming[key]) != 1:
                continue
            edge = incoming[key][0]
            output = (edge.source, edge.source_handle)
            if output in self.forks:
                found[key] = output
            elif edge.source in found:
                found[key] = found[edge.source]
        return found

    @cached_property
    def attached_agents(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for edge in self.shape.attached:
            if edge.source in self.is_agent and edge.target in self.is_agent:
                found[edge.target].add(edge.source)
        return found

    @cached_property
    def has_supervisor(self) -> bool:
        if any(len(workers) > 1 for workers in self.attached_agents.values()):
            return True
        return len(self.agents) > 1 and any(is_supervisor(self.shape.blocks[key]) for key in self.agents)


def _sequential(facts: _Facts) -> _Lacking | None:
    for (key, _), targets in facts.forks.items():
        return _Lacking(f"{_name(facts, key)} starts {len(targets)} blocks at once.", key)
    return None


def _parallel(facts: _Facts) -> _Lacking | None:
    if not facts.forks:
        return _Lacking("Here every output leads to one block only.")
    ends = {key for key, targets in facts.shape.next_keys().items() if not targets}
    within = {key: at for at, loop in enumerate(facts.loops) for key in loop}
    endless = set(within.values())
    for key, targets in facts.shape.next_keys().items():
        if key in within and any(within.get(target) != within[key] for target in targets):
            endless.discard(within[key])
    for targets in facts.forks.values():
        if all(target in ends or within.get(target) not in endless for target in targets):
            return None
    key = next(iter(facts.forks))[0]
    return _Lacking(f"A way out of {_name(facts, key)} never ends.", key)


def _hierarchical(facts: _Facts) -> _Lacking | None:
    if len(facts.agents) < 3:
        return _Lacking(f"Here {_count(len(facts.agents), 'agent')}.")
    led: dict[str, list[str]] = defaultdict(list)
    for (key, _), targets in facts.outputs.items():
        led[key] += targets
    routed = {key: [t for t in led[key] if t in facts.is_agent][:3] for key in list(led) if facts.is_condition(key)}
    for key in facts.agents:
        workers = set(facts.attached_agents.get(key, ()))
        for target in led.get(key, ()):
            workers.update(routed.get(target, ()) if target not in facts.is_agent else (target,))
            if len(workers - {key}) > 1:
                break
        if len(workers - {key}) > 1:
            return None
    return _Lacking("No agent here has two others under it.")


def _adaptive(facts: _Facts) -> _Lacking | None:
    if facts.loops or any(b.block_type == BlockType.LOOP for b in facts.shape.blocks.values()):
        return None
    ways: dict[str, int] = defaultdict(int)
    for key, _ in facts.outputs:
        ways[key] += 1
    if any(count > 1 and facts.is_condition(key) for key, count in ways.items()):
        return None
    return _Lacking("Here the way is always the same.")


def _consensus(facts: _Facts) -> _Lacking | None:
    joined: dict[tuple[str, tuple[str, str]], set[str]] = defaultdict(set)
    for edge in facts.shape.forward:
        if edge.source in facts.is_agent and edge.source in facts.beginnings:
            joined[edge.target, facts.beginnings[edge.source]].add(edge.source)
    if any(len(agents) > 1 for agents in joined.values()):
        return None
    return _Lacking("No two agents here do so.")


def _routing(facts: _Facts) -> _Lacking | None:
    branches: dict[str, int] = defaultdict(int)
    for (key, _), targets in facts.outputs.items():
        if facts.is_condition(key) and any(facts.reaches_agent.get(target, False) for target in targets):
            branches[key] += 1
    if any(count > 1 for count in branches.values()):
        return None
    return _Lacking("No condition here does so.")


def _swarm(facts: _Facts) -> _Lacking | None:
    if len(facts.agents) < 3:
        return _Lacking(f"Here {_count(len(facts.agents), 'agent')}.")
    if any(sum(key in facts.is_agent for key in loop) > 2 for loop in facts.loops):
        return None
    for targets in facts.forks.values():
        if sum(facts.reaches_agent.get(target, False) for target in targets) > 2:
            return None
    return _Lacking("The agents here follow each other.")


def _event_driven(facts: _Facts) -> _Lacking | None:
    if any(is_event_trigger(facts.shape.blocks[key]) for key in facts.shape.triggers):
        return None
    return _Lacking("No trigger here waits for anything outside.")


def _reflection(facts: _Facts) -> _Lacking | None:
    if any(key in facts.is_agent for loop in facts.loops for key in loop):
        return None
    return _Lacking("No loop here does so.")


def _neuromorphic(facts: _Facts) -> _Lacking | None:
    incoming: dict[str, set[str]] = defaultdict(set)
    for edge in facts.shape.forward:
        incoming[edge.target].add(edge.source)
    if not any(len(sources) > 1 for sources in incoming.values()):
        return _Lacking("No two blocks here lead into the same one.")
    if not facts.loops:
        return _Lacking("Nothing here leads back.")
    return None


def _name(facts: _Facts, key: str) -> str:
    return facts.shape.blocks[key].name


def _count(number: int, word: str) -> str:
    return f"{'is' if number == 1 else 'are'} {number or 'no'} {word}{'' if number == 1 else 's'}"


_CHECKS: Mapping[str, Callable[[_Facts], _Lacking | None]] = {
    "Sequential": _sequential,
    "Parallel": _parallel,
    "Hierarchical": _hierarchical,
    "Adaptive": _adaptive,
    "Consensus": _consensus,
    "DynamicRouting": _routing,
    "SwarmIntelligence": _swarm,
    "EventDriven": _event_driven,
    "Reflection": _reflection,
    "Neuromorphic": _neuromorphic,
}
