"""Reads Flowise: chatflows, sequential and multi-agent flows (v1), agentflows (v2), and the export of everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.importers import bounds, flowise_v1, flowise_v2
from webapp.importers.flowise_parts import secret_rule
from webapp.importers.imported import ImportedFlow, NotAFlow
from webapp.importers.parse import parse_json
from webapp.importers.secrets import cut_secrets

FLOW_LISTS = ("ChatFlow", "AgentFlow", "AgentFlowV2", "AssistantFlow")
_NODE_TYPES = frozenset(("customNode", "agentFlow", "iteration", "stickyNote"))
_EDGE_TYPES = frozenset(("buttonedge", "agentFlow"))
_FORM = ("inputParams", "inputAnchors", "outputAnchors")


def looks_like(document: Mapping[str, Any]) -> bool:
    """Whether a file is a flow of Flowise or an export of everything."""
    if isinstance(document.get("flowData"), str) or any(_flow_rows(document, name) for name in FLOW_LISTS):
        return True
    nodes, edges = bounds.rows(document.get("nodes")), bounds.rows(document.get("edges"))
    if "nodes" not in document or "connections" in document:
        return False
    return any(
        node.get("type") in _NODE_TYPES or any(name in bounds.mapping(node.get("data")) for name in _FORM)
        for node in nodes
        if isinstance(node.get("type"), str | None)
    ) or any(isinstance(edge.get("type"), str) and edge["type"] in _EDGE_TYPES for edge in edges)


def _flow_rows(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [row for row in bounds.rows(document.get(name)) if "flowData" in row]


def read(document: Mapping[str, Any], file_name: str) -> list[ImportedFlow]:
    """The flows of a file.

    Raises:
        NotAFlow: a part that is needed is missing or of the wrong type.
    """
    if "flowData" in document:
        return [_read_row(document, "", file_name)]
    if "nodes" in document:
        return [_read_flow(document, file_name)]
    rows = [(name, at, row) for name in FLOW_LISTS for at, row in enumerate(_flow_rows(document, name))]
    if len(rows) > bounds.FLOWS:
        raise NotAFlow(f"The file holds {len(rows):,} flows; at most {bounds.FLOWS} can be imported at once.")
    return [_read_row(row, f"{name}[{at}].", f"{file_name} {at + 1}".strip()) for name, at, row in rows]


def _read_row(row: Mapping[str, Any], place: str, file_name: str) -> ImportedFlow:
    """A flow as a row of Flowise's own table, which holds the drawing as text."""
    if not isinstance(row.get("flowData"), str):
        raise NotAFlow(f"{place}flowData: expected a text.")
    drawing = parse_json(row["flowData"], f"{place}flowData")
    bounds.check_value(drawing)
    if not isinstance(drawing, dict):
        raise NotAFlow(f"{place}flowData: expected an object.")
    kept = {name: row[name] for name in ("id", "name", "description", "type", "category") if row.get(name)}
    return _read_flow({**drawing, **kept}, file_name)


def _read_flow(document: Mapping[str, Any], file_name: str) -> ImportedFlow:
    nodes = bounds.listed(document, "nodes", "", is_required=True)
    edges = bounds.listed(document, "edges", "")
    bounds.check_counts(len(nodes), len(edges))
    document, secrets = cut_secrets(document, secret_rule(nodes))
    is_second = any(_is_second(node) for node in bounds.rows(document["nodes"]))
    generation = flowise_v2 if is_second else flowise_v1
    flow = generation.collect(document["nodes"], document.get("edges") or [])
    name = bounds.text(document.get("name")) or file_name
    return flow.finish(
        name=name,
        source_key=bounds.text(document.get("id")) or name,
        description=bounds.text(document.get("description"), 5_000),
        tags=_tags(document),
        config={"kind": bounds.text(document.get("type"), 50)} if document.get("type") else None,
        document=document,
        secrets=secrets,
    )


def _is_second(node: Mapping[str, Any]) -> bool:
    name = bounds.text(bounds.mapping(node.get("data")).get("name"))
    return node.get("type") in ("agentFlow", "iteration") or name.endswith("Agentflow")


def _tags(document: Mapping[str, Any]) -> tuple[str, ...]:
    cases = document.get("usecases")
    words = [one for one in cases if isinstance(one, str)] if isinstance(cases, list) else []
    return (*words, *bounds.text(document.get("category")).split(";"))
