"""What a node of Dify becomes: its block type, its settings without the canvas's own, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webapp.domain.flow_graph import OUT, BlockType, CredentialSlot
from webapp.importers import bounds

BLOCK_TYPES = {
    "start": BlockType.TRIGGER,
    "trigger-schedule": BlockType.TRIGGER,
    "trigger-webhook": BlockType.TRIGGER,
    "trigger-plugin": BlockType.TRIGGER,
    "llm": BlockType.AGENT,
    "agent": BlockType.AGENT,
    "parameter-extractor": BlockType.AGENT,
    "if-else": BlockType.CONDITION,
    "question-classifier": BlockType.CONDITION,
    "human-input": BlockType.CONDITION,
    "iteration": BlockType.LOOP,
    "loop": BlockType.LOOP,
    "code": BlockType.TRANSFORM,
    "template-transform": BlockType.TRANSFORM,
    "variable-aggregator": BlockType.TRANSFORM,
    "variable-assigner": BlockType.TRANSFORM,
    "assigner": BlockType.TRANSFORM,
    "list-operator": BlockType.TRANSFORM,
    "document-extractor": BlockType.TRANSFORM,
    "tool": BlockType.ACTION,
    "http-request": BlockType.ACTION,
    "knowledge-retrieval": BlockType.ACTION,
    "knowledge-index": BlockType.ACTION,
    "datasource": BlockType.ACTION,
    "answer": BlockType.ACTION,
    "end": BlockType.ACTION,
}
CONTAINERS = frozenset(("iteration", "loop"))
START_MARKERS = frozenset(("iteration-start", "loop-start"))
_CANVAS = frozenset(
    ("title", "desc", "type", "selected", "width", "height", "isInIteration", "isInLoop", "iteration_id", "loop_id")
    + ("isIterationStart", "start_node_id", "startNodeType", "parentId", "author", "showAuthor", "dataset_ids")
)


@dataclass(frozen=True, slots=True)
class Branch:
    """One way out of a condition: our handle, and what people read at it."""

    handle: str
    label: str


def branches(data: Mapping[str, Any]) -> dict[str, Branch]:
    """The ways out of a condition by the file's own handle, in the order of the file; of others none."""
    kind = data.get("type")
    if kind == "question-classifier":
        rows = bounds.rows(data.get("classes"))
        ids = [(bounds.text(row.get("id")), bounds.text(row.get("name"), 100)) for row in rows]
        return {one: Branch(f"case:{one}", name or one) for one, name in ids if one}
    if kind == "human-input":
        rows = bounds.rows(data.get("user_actions"))
        ids = [(bounds.text(row.get("id")), bounds.text(row.get("title"), 100)) for row in rows]
        return {one: Branch(f"case:{one}", name or one) for one, name in ids if one}
    if kind != "if-else":
        return {}
    cases = [row for row in bounds.rows(data.get("cases")) if bounds.text(row.get("case_id"))]
    if len(cases) <= 1 and all(row["case_id"] == "true" for row in cases):
        return {"true": Branch("true", ""), "false": Branch("false", "")}
    found = {}
    for row in cases:
        case = bounds.text(row["case_id"])
        found[case] = Branch("true" if case == "true" else f"case:{case}", _condition(row) or case)
    return {**found, "false": Branch("else", "")}


def _condition(case: Mapping[str, Any]) -> str:
    """A case in words: ``dialogue_count = 1``."""
    words = []
    for row in bounds.rows(case.get("conditions"))[:2]:
        selector = row.get("variable_selector")
        name = bounds.text(selector[-1], 40) if isinstance(selector, list) and selector else ""
        said = (name, bounds.text(row.get("comparison_operator"), 20), bounds.text(row.get("value"), 30))
        words.append(" ".join(word for word in said if word))
    return f" {bounds.text(case.get('logical_operator'), 5) or 'and'} ".join(word for word in words if word)[:100]


def handle(data: Mapping[str, Any], source_handle: str) -> Branch:
    """Our handle for an edge that leaves a node by the file's handle."""
    if source_handle == "fail-branch":
        return Branch("error", "")
    kind = data.get("type")
    known = branches(data).get(source_handle)
    if known is not None:
        return known
    if kind in CONTAINERS and source_handle in ("", "source"):
        return Branch("done", "")
    if source_handle in ("", "source", "success-branch"):
        return Branch(OUT, "")
    return Branch(f"case:{source_handle}", source_handle)


def config(data: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a node without what only its drawing needs, and without what stands in inputs and outputs."""
    kept = {name: value for name, value in data.items() if name not in _CANVAS and value not in (None, "", [], {})}
    if inputs(data) or data.get("type") == "start":
        kept.pop("variables", None)
    if outputs(data):
        kept.pop("outputs", None)
    ways = branches(data)
    if ways:
        kept["handles"] = [way.handle for way in ways.values()]
    datasets = data.get("dataset_ids")
    if isinstance(datasets, list) and datasets:
        kept["knowledge_bases_to_link"] = len(datasets)
    return kept


def inputs(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a node reads, by the name it gives it: ``{"text": "{{#1720.text#}}"}``."""
    if data.get("type") == "start":
        return {}
    return _selected(data.get("variables"))


def outputs(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a node hands on: the inputs of the whole flow at its start, named results elsewhere."""
    if data.get("type") == "start":
        rows = [(bounds.text(row.get("variable"), 200), row) for row in bounds.rows(data.get("variables"))]
        return {name: {key: one for key, one in row.items() if key != "variable"} for name, row in rows if name}
    found = data.get("outputs")
    return dict(found) if isinstance(found, dict) else _selected(found)


def _selected(value: Any) -> dict[str, Any]:
    found = {}
    for row in bounds.rows(value):
        name, selector = bounds.text(row.get("variable"), 200), row.get("value_selector")
        if name and isinstance(selector, list):
            found[name] = "{{#" + ".".join(bounds.text(part) for part in selector[:20]) + "#}}"
    return found


def credentials(data: Mapping[str, Any]) -> tuple[CredentialSlot, ...]:
    """The secrets that a node of this sort needs to be given again."""
    if data.get("type") == "http-request":
        authorization = bounds.mapping(data.get("authorization"))
        if authorization.get("type") not in (None, "no-auth"):
            settings = bounds.mapping(authorization.get("config"))
            header = bounds.text(settings.get("header"), 100) or "Authorization"
            return (CredentialSlot(kind="http-request", name=f"{header} of {bounds.text(data.get('title'), 100)}"),)
    if data.get("credential_id"):
        name = bounds.text(data.get("provider_name") or data.get("provider_id"), 100)
        return (CredentialSlot(kind=name or "tool", name=name),)
    return ()


def requirements(data: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(kind, name, detail) of models, tools and knowledge bases that a node uses."""
    found = []
    model = bounds.mapping(data.get("model"))
    if not model:
        chosen = bounds.mapping(bounds.mapping(data.get("agent_parameters")).get("model"))
        model = bounds.mapping(chosen.get("value"))
    name = bounds.text(model.get("name") or model.get("model"), 120)
    if name:
        found.append(("model", name, bounds.text(model.get("provider"), 120)))
    kind, title = data.get("type"), bounds.text(data.get("title"), 150)
    if kind == "tool":
        provider = bounds.text(data.get("provider_id") or data.get("provider_name"), 150)
        word = "flow" if data.get("provider_type") == "workflow" else "plugin"
        found.append((word, provider, f"tool {bounds.text(data.get('tool_name'), 100)}".strip()))
    if kind == "agent":
        found.append(("plugin", bounds.text(data.get("agent_strategy_provider_name"), 150), "agent strategy"))
    if kind == "knowledge-retrieval":
        count = len(data["dataset_ids"]) if isinstance(data.get("dataset_ids"), list) else 0
        detail = f"{count} in the file, whose ids mean nothing outside of the workspace they come from"
        found.append(("knowledge_base", title or "Knowledge base", detail))
    return found
