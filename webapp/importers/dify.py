"""Reads Dify's app export (DSL 0.1.0 and later), also as the answer of Dify's console, which wraps the YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.domain.flow_graph import BlockType, EdgeKind
from webapp.importers import bounds, dify_nodes
from webapp.importers.build import Collector, End, node_id
from webapp.importers.canvas import Containers, absolute, rows_by_id
from webapp.importers.editor_text import editor_text
from webapp.importers.imported import ImportedFlow, NotAFlow
from webapp.importers.secrets import ID, cut_secrets
from webapp.importers.yaml_values import parse_yaml

CHAT_APPS = frozenset(("chat", "agent-chat", "completion"))
NOTE = "custom-note"
_IDS = frozenset(
    ("dataset_ids", "value_selector", "variable_selector", "case_id", "start_node_id", "iteration_id", "loop_id")
)


def looks_like(document: Mapping[str, Any]) -> bool:
    """Whether a file is an app of Dify."""
    wrapped = document.get("data")
    if isinstance(wrapped, str):
        return "app:" in wrapped and ("workflow:" in wrapped or "model_config:" in wrapped)
    has_parts = isinstance(document.get("workflow"), dict) or isinstance(document.get("model_config"), dict)
    return isinstance(document.get("app"), dict) and (document.get("kind") == "app" or has_parts)


def read(document: Mapping[str, Any], file_name: str) -> list[ImportedFlow]:
    """The one flow of a file.

    Raises:
        NotAFlow: a part that is needed is missing or of the wrong type.
    """
    if isinstance(document.get("data"), str):
        document = parse_yaml(document["data"], "data")
        bounds.check_value(document)
        if not isinstance(document, dict) or not looks_like(document) or isinstance(document.get("data"), str):
            raise NotAFlow("data: expected the YAML of a Dify app.")
    document, secrets = cut_secrets(document, _rule)
    app = bounds.mapping(document.get("app"))
    flow = Collector("dify", bounds.text(document.get("version"), 50))
    workflow = document.get("workflow")
    if isinstance(workflow, dict):
        _read_graph(flow, workflow)
    elif isinstance(document.get("model_config"), dict):
        _read_chat(flow, app, document["model_config"])
    else:
        raise NotAFlow("workflow: expected an object.")
    _require_plugins(flow, document)
    name = bounds.text(app.get("name")) or file_name
    return [
        flow.finish(
            name=name,
            source_key=name,
            description=bounds.text(app.get("description"), 5_000),
            config=_settings(flow, app, bounds.mapping(workflow)),
            document=document,
            secrets=secrets,
        )
    ]


def _rule(row: Mapping[str, Any], name: str) -> str | None:
    if name == "value" and row.get("value_type") == "secret":
        return "secret variable"
    if name == "credential_id":
        return "credential id"
    if name == "author" and "text" in row:
        return "account name"
    return ID if name in _IDS else None


def _read_graph(flow: Collector, workflow: Mapping[str, Any]) -> None:
    graph = workflow.get("graph")
    if not isinstance(graph, dict):
        raise NotAFlow("workflow.graph: expected an object.")
    nodes = bounds.listed(graph, "nodes", "workflow.graph.", is_required=True)
    edges = bounds.listed(graph, "edges", "workflow.graph.")
    bounds.check_counts(len(nodes), len(edges))
    canvas = _Canvas(flow, nodes)
    for at, node in enumerate(nodes):
        canvas.take(node, f"nodes[{at}]")
    for at, edge in enumerate(edges):
        canvas.connect(edge, f"edges[{at}]")
    canvas.containers.close(flow, canvas.first_child, canvas.handle_onwards)


class _Canvas:
    """The nodes of one graph by id, and which of them have an edge that leaves or enters."""

    def __init__(self, flow: Collector, nodes: list[Any]):
        self.flow = flow
        self.rows = rows_by_id(nodes)
        self.containers = Containers()

    def data(self, source: str) -> dict[str, Any]:
        return bounds.mapping(self.rows.get(source, {}).get("data"))

    def take(self, node: Any, place: str) -> None:
        """Take one node as whatever it is."""
        if not isinstance(node, dict):
            self.flow.odd_node(place, node, reason="this entry is no object")
            return
        source, data = node_id(node, place), bounds.mapping(node.get("data"))
        canvas_type, kind = bounds.text(node.get("type")), bounds.text(data.get("type"))
        parent = self.parent(node, data)
        if canvas_type == NOTE:
            x, y = absolute(node, self.around)
            text = editor_text(data.get("text"))
            size = {"width": data.get("width"), "height": data.get("height")}
            self.flow.note(source, text, source_type=NOTE, x=x, y=y, **size)
        elif kind in dify_nodes.START_MARKERS or canvas_type in ("custom-iteration-start", "custom-loop-start"):
            end = End(parent, "body") if parent else None
            self.containers.with_start.add(parent or "")
            reason = "where the container begins; its edge now leaves the container"
            self.flow.marker(source, source_type=kind or canvas_type, reason=reason, leaving=end)
        elif kind == "loop-end":
            end = End(parent, "in", EdgeKind.LOOP_BACK) if parent else None
            self.flow.marker(source, source_type=kind, reason="where the loop is left", arriving=end)
        else:
            self.block(source, node, data, parent)

    def block(self, source: str, node: Mapping[str, Any], data: dict[str, Any], parent: str | None) -> None:
        kind = bounds.text(data.get("type"))
        known = dify_nodes.BLOCK_TYPES.get(kind) or (BlockType.CONDITION if kind.startswith("human-input") else None)
        x, y = absolute(node, self.around)
        must_link = kind == "knowledge-retrieval"
        reasons = ["link a knowledge base of this organization"] if must_link else []
        if known is None:
            reasons.append(f"the type {kind[:80]} is unknown here" if kind else "the node has no type")
        if parent is not None:
            self.containers.put(parent, source)
        self.flow.block(
            source,
            known or BlockType.ACTION,
            bounds.text(data.get("title")),
            source_type=kind,
            description=bounds.text(data.get("desc"), 5_000),
            x=x,
            y=y,
            config=dify_nodes.config(data) if data else {"content": node.get("data")},
            inputs=dify_nodes.inputs(data),
            outputs=dify_nodes.outputs(data),
            parent=parent,
            credentials=dify_nodes.credentials(data),
            needs_review=known is None or must_link,
            reason="; ".join(reasons),
        )
        for kind, name, detail in dify_nodes.requirements(data):
            self.flow.require(kind, name, detail)

    def parent(self, node: Mapping[str, Any], data: Mapping[str, Any]) -> str | None:
        """The id of the container around a node, where the file has such a container."""
        found = bounds.text(node.get("parentId") or data.get("iteration_id") or data.get("loop_id"), 500)
        is_container = self.data(found).get("type") in dify_nodes.CONTAINERS
        return found if found and is_container and self.rows.get(found) is not node else None

    def around(self, node: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The container around a node."""
        parent = self.parent(node, bounds.mapping(node.get("data")))
        return None if parent is None else self.rows[parent]

    def connect(self, edge: Any, place: str) -> None:
        """Take one edge."""
        if not isinstance(edge, dict):
            self.flow.odd_edge(place, reason="this entry is no object")
            return
        source, target = bounds.text(edge.get("source"), 500), bounds.text(edge.get("target"), 500)
        way = dify_nodes.handle(self.data(source), bounds.text(edge.get("sourceHandle"), 200))
        if source in self.rows and target in self.rows:
            self.containers.note_edge(source, target)
        self.flow.edge(
            source,
            target,
            source_handle=way.handle,
            label=way.label,
            source_type=bounds.text(edge.get("sourceHandle"), 200),
        )

    def first_child(self, container: str) -> str:
        return bounds.text(self.data(container).get("start_node_id"), 500)

    def handle_onwards(self, source: str) -> str:
        return dify_nodes.handle(self.data(source), "").handle


def _read_chat(flow: Collector, app: Mapping[str, Any], model_config: dict[str, Any]) -> None:
    """An application without a graph: one model, its prompt and its tools."""
    mode = bounds.text(app.get("mode"), 50) or "chat"
    settings = {name: value for name, value in model_config.items() if value not in (None, "", [], {})}
    datasets = bounds.mapping(bounds.mapping(settings.pop("dataset_configs", None)).get("datasets"))
    linked = bounds.rows(datasets.get("datasets"))
    flow.block(
        "app",
        BlockType.AGENT,
        bounds.text(app.get("name")),
        source_type=mode,
        description=bounds.text(app.get("description"), 5_000),
        config=settings,
        needs_review=mode not in CHAT_APPS or bool(linked),
        reason="link a knowledge base of this organization" if linked else "the whole application is one agent",
    )
    for kind, name, detail in dify_nodes.requirements(settings):
        flow.require(kind, name, detail)
    for tool in bounds.rows(bounds.mapping(settings.get("agent_mode")).get("tools")):
        provider = bounds.text(tool.get("provider_id") or tool.get("provider_name"), 150)
        flow.require("plugin", provider, f"tool {bounds.text(tool.get('tool_name'), 100)}".strip())
    if linked:
        flow.require("knowledge_base", bounds.text(app.get("name")) or "Knowledge base", f"{len(linked)} in the file")


def _settings(flow: Collector, app: Mapping[str, Any], workflow: Mapping[str, Any]) -> dict[str, Any]:
    """What the app as a whole says. Secret variables have no value any more and are required instead."""
    for row in bounds.rows(workflow.get("environment_variables")):
        if row.get("value_type") == "secret":
            flow.require("variable", bounds.text(row.get("name"), 150), "secret")
    found = {"mode": bounds.text(app.get("mode"), 50)}
    for name in ("environment_variables", "conversation_variables", "features"):
        found[name] = workflow.get(name)
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def _require_plugins(flow: Collector, document: Mapping[str, Any]) -> None:
    for row in bounds.rows(document.get("dependencies")):
        value = bounds.mapping(row.get("value"))
        for name, one in value.items():
            if name.endswith("plugin_unique_identifier"):
                flow.require("plugin", bounds.text(one, 200).partition("@")[0], bounds.text(row.get("type"), 50))
