"""Flowise's second generation: edges are steps, models and tools are settings of their block."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from webapp.domain.flow_graph import OUT, BlockType, CredentialSlot, EdgeKind
from webapp.importers import bounds
from webapp.importers.build import Collector, node_id
from webapp.importers.canvas import Containers, absolute, rows_by_id
from webapp.importers.flowise_parts import NOTES, plain, settings, slots

BLOCK_TYPES = {
    "startAgentflow": BlockType.TRIGGER,
    "llmAgentflow": BlockType.AGENT,
    "agentAgentflow": BlockType.AGENT,
    "conditionAgentflow": BlockType.CONDITION,
    "conditionAgentAgentflow": BlockType.CONDITION,
    "humanInputAgentflow": BlockType.CONDITION,
    "loopAgentflow": BlockType.LOOP,
    "iterationAgentflow": BlockType.LOOP,
    "customFunctionAgentflow": BlockType.TRANSFORM,
    "toolAgentflow": BlockType.ACTION,
    "httpAgentflow": BlockType.ACTION,
    "retrieverAgentflow": BlockType.ACTION,
    "directReplyAgentflow": BlockType.ACTION,
    "executeFlowAgentflow": BlockType.ACTION,
}
CONTAINER = "iterationAgentflow"
_MODEL = re.compile(r"(llm|agent|conditionAgent|humanInput)Model")
_TOOL = re.compile(r"(?:agentSelectedTool|toolAgentflowSelectedTool)")
_STORE = re.compile(r"documentStore|vectorStore")


def collect(nodes: list[Any], edges: list[Any]) -> Collector:
    """All nodes and edges of one flow."""
    canvas = _Canvas(nodes)
    for at, node in enumerate(nodes):
        canvas.take(node, f"nodes[{at}]")
    for at, edge in enumerate(edges):
        canvas.connect(edge, f"edges[{at}]")
    canvas.containers.close(canvas.flow, lambda container: "", canvas.handle_onwards)
    return canvas.flow


class _Canvas:
    def __init__(self, nodes: list[Any]):
        self.flow = Collector("flowise", "v2")
        self.rows = rows_by_id(nodes)
        self.containers = Containers()

    def data(self, source: str) -> dict[str, Any]:
        return bounds.mapping(self.rows.get(source, {}).get("data"))

    def around(self, node: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The iteration around a node."""
        container = self.rows.get(bounds.text(node.get("parentNode") or node.get("parentId"), 500))
        is_iteration = container is not None and bounds.mapping(container.get("data")).get("name") == CONTAINER
        return container if is_iteration and container is not node else None

    def take(self, node: Any, place: str) -> None:
        """Take one node as whatever it is."""
        if not isinstance(node, dict):
            self.flow.odd_node(place, node, reason="this entry is no object")
            return
        source, data = node_id(node, place), bounds.mapping(node.get("data"))
        inputs = bounds.mapping(data.get("inputs"))
        x, y = absolute(node, self.around)
        if node.get("type") == "stickyNote" or data.get("name") in NOTES:
            text = plain(bounds.text(inputs.get("note"), 20_000))
            size = {"width": node.get("width"), "height": node.get("height")}
            self.flow.note(source, text, source_type=bounds.text(data.get("name")), x=x, y=y, **size)
            return
        around = self.around(node)
        parent = None if around is None else bounds.text(node.get("parentNode") or node.get("parentId"), 500)
        if parent is not None:
            self.containers.put(parent, source)
        self.block(source, data, inputs, x, y, parent)

    def block(
        self, source: str, data: Mapping[str, Any], inputs: dict[str, Any], x: Any, y: Any, parent: str | None
    ) -> None:
        name = bounds.text(data.get("name"))
        known = BLOCK_TYPES.get(name)
        reason = "" if known else f"the type {name[:80]} is unknown here" if name else "the node has no type"
        config = settings(inputs)
        ways = branches(data)
        if ways:
            config["handles"] = [handle for handle, _ in ways]
        if name == "loopAgentflow":
            reason = self.loop_back(source, inputs)
        self.flow.block(
            source,
            known or BlockType.ACTION,
            bounds.text(data.get("label")),
            source_type=name,
            x=x,
            y=y,
            config=config or ({} if data else {"content": self.rows.get(source, {}).get("data")}),
            parent=parent,
            credentials=(*slots(data), *_slots_within(inputs)),
            needs_review=bool(reason),
            reason=reason,
        )
        self.require(inputs)

    def loop_back(self, source: str, inputs: Mapping[str, Any]) -> str:
        """Make the edge that a loop says by ``<id>-<label>``; answers why it could not be made."""
        said = bounds.text(inputs.get("loopBackToNode"), 700)
        ends = [len(said), *(at for at in range(len(said) - 1, 0, -1) if said[at] == "-")]
        target = next((said[:end] for end in ends if said[:end] in self.rows), None)
        if target is None:
            return (
                "the node that it goes back to is not in the file" if said else "it does not say where it goes back to"
            )
        count = bounds.text(inputs.get("maxLoopCount"), 20)
        label = f"at most {count} times" if count else ""
        self.flow.edge(source, target, kind=EdgeKind.LOOP_BACK, label=label, is_made=True)
        return ""

    def require(self, inputs: Mapping[str, Any]) -> None:
        """Models, tools, knowledge and flows that the settings name."""
        for row in _rows_within(inputs):
            for name, value in row.items():
                said = bounds.text(value, 200)
                if _MODEL.fullmatch(name) and said and (row is inputs or f"{name}Config" in row):
                    config = bounds.mapping(row.get(f"{name}Config"))
                    self.flow.require("model", bounds.text(config.get("modelName"), 200) or said, said)
                elif _TOOL.fullmatch(name) and said and f"{name}Config" in row:
                    self.flow.require("plugin", said, "tool")
                elif _STORE.fullmatch(name) and said:
                    self.flow.require("knowledge_base", said.rpartition(":")[2] or said, name)
                elif name == "executeFlowSelectedFlow" and said:
                    self.flow.require("flow", said, "called by its id in the source")

    def connect(self, edge: Any, place: str) -> None:
        """Take one edge."""
        if not isinstance(edge, dict):
            self.flow.odd_edge(place, reason="this entry is no object")
            return
        source, target = bounds.text(edge.get("source"), 500), bounds.text(edge.get("target"), 500)
        if source in self.rows and target in self.rows:
            self.containers.note_edge(source, target)
        said = bounds.text(edge.get("sourceHandle"), 700)
        handle, label = self.way(source, said.removeprefix(f"{source}-output-"))
        own_label = bounds.text(bounds.mapping(edge.get("data")).get("edgeLabel"), 200)
        if own_label and not own_label.isdigit() and handle not in ("approved", "rejected"):
            label = plain(own_label)
        self.flow.edge(source, target, source_handle=handle, label=label, source_type=said)

    def way(self, source: str, output: str) -> tuple[str, str]:
        """Our handle and label for an output by its index or name."""
        data = self.data(source)
        ways = branches(data)
        if output.isdigit() and len(output) < 6:
            return ways[int(output)] if int(output) < len(ways) else (f"case:{output}", "")
        return ("done" if data.get("name") == CONTAINER else OUT), ""

    def handle_onwards(self, source: str) -> str:
        return self.way(source, "")[0]


def branches(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(handle, label) of a condition's outputs in their order; of other nodes none."""
    name, inputs = data.get("name"), bounds.mapping(data.get("inputs"))
    if name == "humanInputAgentflow":
        return [("approved", ""), ("rejected", "")]
    if name == "conditionAgentAgentflow":
        said = [
            plain(bounds.text(row.get("scenario"), 2_000)) for row in bounds.rows(inputs.get("conditionAgentScenarios"))
        ]
        return [(f"case:{at}", _short(one)) for at, one in enumerate(said)]
    if name != "conditionAgentflow":
        return []
    said = [_condition(row) for row in bounds.rows(inputs.get("conditions"))]
    if len(said) == 1:
        return [("true", said[0]), ("false", "")]
    return [*((f"case:{at}", one) for at, one in enumerate(said)), ("else", "")]


def _condition(row: Mapping[str, Any]) -> str:
    words = [plain(bounds.text(row.get(name), 500)) for name in ("value1", "operation", "value2")]
    return _short(" ".join(word for word in words if word))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def _rows_within(inputs: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The settings, and the rows of tables and the nested forms in them."""
    found: list[Mapping[str, Any]] = [inputs]
    for value in inputs.values():
        found += bounds.rows(value) if isinstance(value, list) else [value] if isinstance(value, dict) else []
    return found


def _slots_within(inputs: Mapping[str, Any]) -> tuple[CredentialSlot, ...]:
    """A slot for each model and each tool whose form asks for a credential."""
    found = {}
    for row in _rows_within(inputs):
        for name, value in row.items():
            config = row.get(f"{name}Config")
            said = bounds.text(value, 100)
            if said and isinstance(config, dict) and (_MODEL.fullmatch(name) or "credential" in config):
                found[said] = CredentialSlot(said, said)
    return tuple(found.values())
