"""Flowise's first generation: most edges hand a model, a tool or a memory to a block, few are steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from webapp.domain.flow_graph import IN, OUT, BlockType, EdgeKind
from webapp.importers import bounds
from webapp.importers.build import Collector, node_id
from webapp.importers.canvas import absolute, rows_by_id
from webapp.importers.flowise_parts import NOTES, settings, slots

BLOCK_TYPES = {
    "seqStart": BlockType.TRIGGER,
    "seqAgent": BlockType.AGENT,
    "seqLLMNode": BlockType.AGENT,
    "supervisor": BlockType.AGENT,
    "worker": BlockType.AGENT,
    "seqCondition": BlockType.CONDITION,
    "seqConditionAgent": BlockType.CONDITION,
    "ifElseFunction": BlockType.CONDITION,
    "seqLoop": BlockType.LOOP,
    "seqState": BlockType.TRANSFORM,
    "seqCustomFunction": BlockType.TRANSFORM,
    "customFunction": BlockType.TRANSFORM,
    "setVariable": BlockType.TRANSFORM,
    "getVariable": BlockType.TRANSFORM,
    "seqEnd": BlockType.ACTION,
    "seqToolNode": BlockType.ACTION,
    "seqExecuteFlow": BlockType.ACTION,
}
CATEGORIES = {
    "Agents": BlockType.AGENT,
    "Chains": BlockType.AGENT,
    "Engine": BlockType.AGENT,
    "Multi Agents": BlockType.AGENT,
    "Prompts": BlockType.TRANSFORM,
    "Output Parsers": BlockType.TRANSFORM,
    "Text Splitters": BlockType.TRANSFORM,
    "Response Synthesizer": BlockType.TRANSFORM,
}
_ACTIONS = re.compile(
    r"Tools(?: \(MCP\))?|Document Loaders|Vector Stores|Memory|Retrievers|Embeddings|Cache|Chat Models|LLMs|Graph"
    r"|Moderation|Record Manager|Utilities|SpeechToText|Analytic"
)
_OWN_NAMES = ("agentName", "llmNodeName", "conditionAgentName", "conditionName", "toolNodeName", "supervisorName") + (
    ("workerName", "chainName", "functionName", "ifElseName", "assistantName", "name", "toolName")
)
_STEP_PARAMS = frozenset(("sequentialNode", "supervisor", "llmNode", "promptValues", "prompt"))
_SLOTS = (
    ("embedding", re.compile(r"embedding", re.I)),
    ("memory", re.compile(r"memory|checkpoint", re.I)),
    ("parser", re.compile(r"parser", re.I)),
    ("retriever", re.compile(r"retriever|vector_?store", re.I)),
    ("tool", re.compile(r"tool|queryengine", re.I)),
    ("document", re.compile(r"document|loader", re.I)),
    ("model", re.compile(r"model|llm", re.I)),
)
LEFT = 320
"""How far the made trigger stands before the first block, in pixels of the canvas."""
_MODELS = frozenset(("Chat Models", "LLMs", "Embeddings"))


def collect(nodes: list[Any], edges: list[Any]) -> Collector:
    """All nodes and edges of one flow."""
    canvas = _Canvas(nodes)
    for at, node in enumerate(nodes):
        canvas.take(node, f"nodes[{at}]")
    for at, edge in enumerate(edges):
        canvas.connect(edge, f"edges[{at}]")
    canvas.loop_back()
    canvas.begin()
    return canvas.flow


class _Canvas:
    def __init__(self, nodes: list[Any]):
        self.flow = Collector("flowise", "v1")
        self.rows = rows_by_id(nodes)
        self.types: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.all_names = {one for row in self.rows.values() for one in _all_names(bounds.mapping(row.get("data")))}
        self.loops: list[tuple[str, str]] = []
        self.entered: set[str] = set()
        self.linked: set[str] = set()
        self.helpers: set[str] = set()

    def data(self, source: str) -> dict[str, Any]:
        return bounds.mapping(self.rows.get(source, {}).get("data"))

    def take(self, node: Any, place: str) -> None:
        """Take one node as whatever it is."""
        if not isinstance(node, dict):
            self.flow.odd_node(place, node, reason="this entry is no object")
            return
        source, data = node_id(node, place), bounds.mapping(node.get("data"))
        inputs = bounds.mapping(data.get("inputs"))
        kind = bounds.text(data.get("name"))
        x, y = absolute(node, lambda _: None)
        if node.get("type") == "stickyNote" or kind in NOTES:
            size = {"width": node.get("width"), "height": node.get("height")}
            text = bounds.text(inputs.get("note"), 20_000).strip()
            self.flow.note(source, text, source_type=kind, x=x, y=y, **size)
            return
        block_type, reason = _block_type(data)
        name = _name(data, inputs)
        self.types.setdefault(source, block_type)
        self.names.setdefault(name.casefold(), source)
        for word in (bounds.text(data.get("label")), source):
            self.labels.setdefault(word.casefold(), source)
        if kind == "seqLoop":
            reason = self.note_loop(source, bounds.text(inputs.get("loopToName"))) or reason
        self.flow.block(
            source,
            block_type,
            name,
            source_type=kind,
            x=x,
            y=y,
            config=_config(data, inputs) if data else {"content": node.get("data")},
            credentials=slots(data),
            needs_review=bool(reason),
            reason=reason,
        )
        self.require(data, inputs)

    def note_loop(self, source: str, target: str) -> str:
        """Remember where a loop goes back to; the names of later nodes are not known yet."""
        self.loops.append((source, target))
        if target.casefold() in self.all_names:
            return ""
        return f"no node is called {target[:80] or '(nothing)'}, where it goes back to"

    def loop_back(self) -> None:
        """Make the edges that loops say by a node's name."""
        for source, name in self.loops:
            target = self.names.get(name.casefold(), self.labels.get(name.casefold()))
            if target is not None:
                self.flow.edge(source, target, kind=EdgeKind.LOOP_BACK, is_made=True)

    def require(self, data: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
        """Models and other flows that a node names."""
        kind = bounds.text(data.get("name"))
        if data.get("category") in _MODELS:
            name = next((bounds.text(inputs.get(one)) for one in ("modelName", "model") if inputs.get(one)), "")
            self.flow.require("model", name or kind, kind)
        chosen = (("selectedChatflow", "flow"), ("selectedStore", "knowledge_base"), ("selectedTool", "plugin"))
        for name, word in chosen:
            said = bounds.text(inputs.get(name), 200)
            if said:
                self.flow.require(word, _name(data, inputs) or kind, f"{said} in the source")

    def connect(self, edge: Any, place: str) -> None:
        """Take one edge."""
        if not isinstance(edge, dict):
            self.flow.odd_edge(place, reason="this entry is no object")
            return
        source, target = bounds.text(edge.get("source"), 500), bounds.text(edge.get("target"), 500)
        output = bounds.text(edge.get("sourceHandle"), 700).removeprefix(f"{source}-output-")
        entry = bounds.text(edge.get("targetHandle"), 700).removeprefix(f"{target}-input-")
        param, _, param_class = entry.rpartition("-")
        param = param or entry
        label = bounds.text(bounds.mapping(edge.get("data")).get("label"), 200)
        both = source in self.types and target in self.types
        if param in _STEP_PARAMS:
            if both:
                self.entered.add(target)
                self.linked |= {source, target}
            handle = self.way(source, output.rpartition("-")[0] or output)
            self.flow.edge(source, target, source_handle=handle, label=label, source_type=param)
            return
        if both:
            self.helpers.add(source)
            self.linked |= {source, target}
        slot = next((name for name, words in _SLOTS if words.search(param)), None)
        slot = slot or next((name for name, words in _SLOTS if words.search(param_class)), "other")
        self.flow.edge(
            source,
            target,
            target_handle=f"attach:{slot}",
            kind=EdgeKind.ATTACH,
            label=label,
            source_type=param or "no handle",
        )

    def way(self, source: str, output: str) -> str:
        """Our handle for a block's output by its name."""
        if self.types.get(source) != BlockType.CONDITION:
            return OUT
        return {"returnTrue": "true", "returnFalse": "false"}.get(output, f"case:{output}" if output else OUT)

    def begin(self) -> None:
        """Make the trigger that a chatflow has without drawing it, before each block that nothing leads to."""
        if not self.types or BlockType.TRIGGER in self.types.values():
            return
        entries = [one for one in self.types if one not in self.entered and one not in self.helpers]
        if len(self.types) > 1:
            entries = [one for one in entries if one in self.linked] or entries
        made = "chat-message"
        while self.flow.knows(made):
            made += "-"
        reason = "a chatflow begins with a message without drawing it"
        first = self.rows.get(entries[0], {}) if entries else {}
        x, y = absolute(first, lambda _: None)
        left = None if x is None else x - LEFT
        self.flow.block(
            made, BlockType.TRIGGER, "Chat message", source_type="chat", is_made=True, reason=reason, x=left, y=y
        )
        for entry in entries:
            self.flow.edge(made, entry, source_handle=OUT, target_handle=IN, is_made=True)


def _block_type(data: Mapping[str, Any]) -> tuple[BlockType, str]:
    """The block type of a node, and why it has to be looked at."""
    name, category = bounds.text(data.get("name")), bounds.text(data.get("category"))
    known = BLOCK_TYPES.get(name) or CATEGORIES.get(category)
    if known is not None:
        return known, ""
    if name and _ACTIONS.fullmatch(category):
        return BlockType.ACTION, ""
    return BlockType.ACTION, f"the type {name[:80]} is unknown here" if name else "the node has no type"


def _all_names(data: Mapping[str, Any]) -> tuple[str, str]:
    label = bounds.text(data.get("label"))
    return _name(data, bounds.mapping(data.get("inputs"))).casefold(), label.casefold()


def _name(data: Mapping[str, Any], inputs: Mapping[str, Any]) -> str:
    """What the node is called in its form, else what its type is called."""
    own = (bounds.text(inputs.get(name)).strip() for name in _OWN_NAMES)
    return next((name for name in own if name), "") or bounds.text(data.get("label"))


def _config(data: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    config = settings(inputs)
    chosen = bounds.text(bounds.mapping(data.get("outputs")).get("output"))
    if chosen:
        config["output"] = chosen
    ways = [
        bounds.text(option.get("name"))
        for anchor in bounds.rows(data.get("outputAnchors"))
        for option in bounds.rows(anchor.get("options"))
        if option.get("isAnchor")
    ]
    if ways and _block_type(data)[0] == BlockType.CONDITION:
        config["handles"] = [f"case:{way}" for way in ways if way]
    return config
