"""Reads workflows that n8n exported, also those copied from its canvas."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from webapp.domain.flow_graph import BlockType, CredentialSlot
from webapp.importers import bounds, n8n_clean
from webapp.importers.build import Collector
from webapp.importers.imported import ImportedFlow
from webapp.importers.n8n_edges import Link, Node, mark_loops, read_links, roles
from webapp.importers.n8n_types import NOTE, OWN_PACKAGES, SUB_FLOWS, block_type_of, outputs_of, split_type
from webapp.importers.plain_text import plain_text
from webapp.importers.secrets import cut_secrets

FORMAT = "n8n"
_VARIABLE = re.compile(r"\$(?:vars|env)\.([A-Za-z_]\w{0,100})")
_STORES = ("pineconeIndex", "qdrantCollection", "tableName", "weaviateCollection", "milvusCollection", "memoryKey")
_SETTINGS = ("timezone", "executionOrder", "executionTimeout", "errorWorkflow")


def looks_like(document: Mapping[str, Any]) -> bool:
    """Whether a parsed file is a workflow of n8n: nodes that are typed by package, connections by node name."""
    document = _workflow(document)
    nodes = bounds.rows(document.get("nodes"))
    if not isinstance(document.get("nodes"), list) or "edges" in document:
        return False
    if isinstance(document.get("connections"), dict):
        return True
    return any(isinstance(node.get("position"), list) and "." in bounds.text(node.get("type")) for node in nodes)


def read(document: Mapping[str, Any], file_name: str = "") -> list[ImportedFlow]:
    """The one flow of a parsed file."""
    prepared, dropped = n8n_clean.drop_private(_workflow(document))
    clean, cut = cut_secrets(prepared, n8n_clean.rule)
    rows = bounds.listed(clean, "nodes", "")
    nodes = _nodes(rows)
    links = read_links(clean.get("connections"), [node for node in nodes if node is not None])
    bounds.check_counts(len(rows), len(links))
    collector = Collector(FORMAT)
    helping = roles(links)
    types: dict[str, str] = {}
    shared = {name for name, count in Counter(node.name for node in nodes if node and node.name).items() if count > 1}
    for at, (node, row) in enumerate(zip(nodes, rows, strict=True)):
        if node is None:
            collector.odd_node(f"nodes[{at}]", row, reason="this entry is no object")
        elif node.is_note:
            _take_note(collector, node)
        else:
            reason = "more than one node has this name; connections go to the last" if node.name in shared else ""
            types[node.id] = _take_block(collector, node, helping.get(node.id, ""), reason)
    for link in mark_loops(links, types):
        _take_link(collector, link)
    name = bounds.text(clean.get("name")).strip() or file_name
    return [
        collector.finish(
            name=name or "n8n workflow",
            source_key=bounds.text(clean.get("id")) or name,
            document=clean,
            secrets=dropped + cut,
            description=plain_text(bounds.text(clean.get("description"), 5_000)),
            tags=_tags(clean.get("tags")),
            config=_flow_config(collector, clean),
        )
    ]


def _workflow(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The workflow itself, also of a template or an answer of the API, which wrap it."""
    for name in ("workflow", "data"):
        inner = document.get(name)
        if isinstance(inner, dict) and isinstance(inner.get("nodes"), list) and "nodes" not in document:
            return {"name": document.get("name"), **inner}
    return document


def _tags(tags: Any) -> tuple[str, ...]:
    """Tags are texts in old files and objects with a name in newer ones."""
    found = tags if isinstance(tags, list) else []
    return tuple(bounds.text(tag.get("name") if isinstance(tag, dict) else tag) for tag in found)


def _flow_config(collector: Collector, document: Mapping[str, Any]) -> dict[str, Any]:
    settings = bounds.mapping(document.get("settings"))
    kept = {name: settings[name] for name in _SETTINGS if settings.get(name) not in (None, "", "DEFAULT")}
    collector.require("flow", bounds.text(kept.get("errorWorkflow")), "runs when this flow fails")
    return {"settings": kept} if kept else {}


def _nodes(rows: list[Any]) -> list[Node | None]:
    """Each entry as a node with an id of its own; None for what is no object."""
    ids = Counter(bounds.text(row.get("id"), 500) for row in bounds.rows(rows))
    taken: set[str] = set()
    found: list[Node | None] = []
    for at, row in enumerate(rows):
        if not isinstance(row, dict):
            found.append(None)
            continue
        said, name = bounds.text(row.get("id"), 500), bounds.text(row.get("name"), 2_000)
        source = said if said and ids[said] == 1 else name
        if not source or source in taken:
            source = f"{source} nodes[{at}]".strip()
        taken.add(source)
        _, type_name = split_type(bounds.text(row.get("type")))
        version = row.get("typeVersion")
        is_number = isinstance(version, int | float) and not isinstance(version, bool)
        found.append(Node(source, name, type_name, float(version) if is_number else 1.0, type_name == NOTE, row))
    return found


def _take_note(collector: Collector, node: Node) -> None:
    x, y = _position(node)
    parameters = node.parameters
    # A sticky note without a size of its own has the canvas's: 240 by 160.
    collector.note(
        node.id,
        plain_text(bounds.text(parameters.get("content"), 100_000)),
        source_type=node.kind,
        x=x,
        y=y,
        width=parameters.get("width", 240),
        height=parameters.get("height", 160),
    )


def _take_block(collector: Collector, node: Node, slot: str, reason: str) -> BlockType:
    kind = node.kind
    package, name = split_type(kind)
    resource = bounds.text(node.parameters.get("resource"))
    block_type = block_type_of(name, resource, is_helper=bool(slot)) if kind else BlockType.ACTION
    reasons = [reason] if reason else []
    is_foreign = bool(kind) and package not in OWN_PACKAGES
    if not kind:
        reasons.append("it has no type")
    if is_foreign:
        collector.require("plugin", package or kind, f"community package of the node type {name}")
        reasons.append("a community node; nothing is known of it here")
    config = _config(node, slot)
    if block_type in (BlockType.CONDITION, BlockType.LOOP):
        config["handles"] = [output.handle for output in outputs_of(name, node.version, node.parameters)]
    if block_type == BlockType.LOOP:
        config["items"] = {"batch_size": node.parameters.get("batchSize", 1)}
    if name in SUB_FLOWS:
        reasons.append(_sub_flow(collector, node, config))
    _requirements(collector, node, name)
    x, y = _position(node)
    collector.block(
        node.id,
        block_type,
        node.name or name,
        source_type=kind,
        description=plain_text(bounds.text(node.row.get("notes"), 5_000)),
        x=x,
        y=y,
        config=config,
        credentials=_credentials(node),
        needs_review=not kind or (is_foreign and block_type == BlockType.ACTION and not slot),
        reason="; ".join(one for one in reasons if one),
    )
    return block_type


def _position(node: Node) -> tuple[Any, Any]:
    position = node.row.get("position")
    return (position[0], position[1]) if isinstance(position, list) and len(position) >= 2 else (None, None)


def _config(node: Node, slot: str) -> dict[str, Any]:
    """What the node is set to, in our words where n8n's are bare switches."""
    row = node.row
    on_error = bounds.text(row.get("onError"), 50) or ("continueRegularOutput" if row.get("continueOnFail") else "")
    retry = {"tries": row.get("maxTries", 3), "wait_ms": row.get("waitBetweenTries", 1_000)}
    found = {
        "parameters": node.parameters,
        "type_version": row.get("typeVersion"),
        "role": slot,
        "is_disabled": row.get("disabled") is True,
        "on_error": on_error,
        "retry": retry if row.get("retryOnFail") is True else None,
        "runs_once": row.get("executeOnce") is True,
        "always_outputs": row.get("alwaysOutputData") is True,
    }
    return {name: value for name, value in found.items() if value not in (None, "", False, {})}


def _credentials(node: Node) -> tuple[CredentialSlot, ...]:
    return tuple(
        CredentialSlot(kind[:255], bounds.text(bounds.mapping(value).get("name")))
        for kind, value in bounds.mapping(node.row.get("credentials")).items()
    )


def _sub_flow(collector: Collector, node: Node, config: dict[str, Any]) -> str:
    """Note the flow that this node calls, and say what becomes of it."""
    inner = node.parameters.get("workflowJson")
    if isinstance(inner, str | dict) and inner and node.parameters.get("source") == "parameter":
        rows = bounds.rows(bounds.mapping(inner).get("nodes"))
        name = bounds.text(bounds.mapping(inner).get("name")) or f"inside {node.name}"
        config["sub_flow"] = {"name": name, "blocks": [bounds.text(row.get("name")) for row in rows]}
        collector.require("flow", name, f"{len(rows)} nodes written inside {node.name}; import them as a flow")
        return "the flow written inside it is kept in its settings, not drawn"
    said = node.parameters.get("workflowId")
    called = bounds.mapping(said)
    identity = bounds.text(called.get("value")) if called else bounds.text(said)
    if not identity:
        return ""
    name = bounds.text(called.get("cachedResultName")) or identity
    if identity.startswith("="):
        is_itself = "$workflow.id" in identity
        config["sub_flow"] = {"name": "this flow itself" if is_itself else identity}
        return "calls this flow itself" if is_itself else "calls a flow that is chosen when it runs"
    config["sub_flow"] = {"name": name, "id": identity}
    collector.require("flow", name, f"called by {node.name}")
    return f"calls the flow {name}, which is not in this file"


def _requirements(collector: Collector, node: Node, name: str) -> None:
    parameters = node.parameters
    for word in ("model", "modelId", "modelName"):
        said = parameters.get(word)
        model = bounds.text(bounds.mapping(said).get("value") if isinstance(said, dict) else said)
        if model and not model.startswith("=") and (name.startswith(("lm", "openAi", "embeddings"))):
            collector.require("model", model, node.name)
    if name.startswith("vectorStore"):
        for word in _STORES:
            said = parameters.get(word)
            store = bounds.text(bounds.mapping(said).get("value") if isinstance(said, dict) else said)
            if store and not store.startswith("="):
                collector.require("knowledge_base", store, node.name)
    for variable in n8n_clean.words_like(_VARIABLE, parameters):
        collector.require("variable", variable, node.name)


def _take_link(collector: Collector, link: Link) -> None:
    target_handle = {"target_handle": f"attach:{link.slot}"} if link.slot else {}
    collector.edge(
        link.source,
        link.target,
        source_handle=link.handle,
        kind=link.kind,
        label=link.label,
        name=link.name,
        source_type=link.connection,
        refusal=link.refusal,
        **target_handle,
    )
