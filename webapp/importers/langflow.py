"""Reads flows that Langflow exported, from before 1.0 on: one flow, or a project with several."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from webapp.domain.flow_graph import OUT, BlockType, EdgeKind, GraphEdge
from webapp.importers import bounds, langflow_blocks, langflow_clean
from webapp.importers.build import Collector
from webapp.importers.imported import ImportedFlow, NotAFlow
from webapp.importers.langflow_parts import (
    Handle,
    Part,
    Scope,
    canvases,
    find_source,
    find_target,
    read_handle,
    read_scope,
    walk,
)
from webapp.importers.langflow_types import handle_of, lent_slot_of, slot_of
from webapp.importers.loops import leading_back
from webapp.importers.plain_text import plain_text
from webapp.importers.secrets import cut_secrets

FORMAT = "langflow"
_CANVAS = ("genericNode", "noteNode", "groupNode")
_SIGNS = ("last_tested_version", "is_component", "endpoint_name")


@dataclass(frozen=True, slots=True)
class Link:
    """One connection between parts, by their ids; with a ``refusal`` it is none."""

    name: str
    source: str = ""
    target: str = ""
    output: str = ""
    field: str = ""
    slot: str = ""
    kind: str = EdgeKind.FLOW
    passed: str = ""
    refusal: str = ""


def looks_like(document: Mapping[str, Any]) -> bool:
    """Whether a parsed file is a flow of Langflow, or a project of such flows."""
    flows = document.get("flows")
    if isinstance(flows, list) and "nodes" not in document:
        return any(looks_like(flow) for flow in bounds.rows(flows))
    graph = bounds.mapping(document.get("data")) or document
    if not isinstance(graph.get("nodes"), list) or "connections" in document:
        return False
    rows = bounds.rows(graph["nodes"])
    if any(row.get("type") in _CANVAS for row in rows):
        return True
    return graph is not document and any(name in document for name in _SIGNS)


def read(document: Mapping[str, Any], file_name: str = "") -> list[ImportedFlow]:
    """The flows of a parsed file."""
    flows = document.get("flows")
    if not isinstance(flows, list) or "nodes" in document:
        return [_read_flow(document, file_name)]
    if len(flows) > bounds.FLOWS:
        raise NotAFlow(f"The project holds {len(flows):,} flows; at most {bounds.FLOWS} are read at once.")
    found: list[ImportedFlow] = []
    for at, flow in enumerate(flows):
        if not isinstance(flow, dict) or not looks_like(flow):
            raise NotAFlow(f"flows[{at}]: expected a flow of Langflow.")
        found.append(_read_flow(flow, f"{file_name} {at + 1}".strip()))
    return found


def _read_flow(document: Mapping[str, Any], file_name: str) -> ImportedFlow:
    prepared, dropped = langflow_clean.drop_code(document)
    clean, cut = cut_secrets(prepared, langflow_clean.rule)
    scope = read_scope(bounds.mapping(clean.get("data")) or clean, set())
    links = [link for canvas in canvases(scope) for link in _links(canvas)]
    bounds.check_counts(sum(1 for _ in walk(scope)), len(links))
    collector = Collector(FORMAT, bounds.text(clean.get("last_tested_version")))
    parts = {part.id: part for _, part in walk(scope) if isinstance(part, Part)}
    links = _lend(links, parts)
    types = _take_nodes(collector, scope, links, parts)
    for link in _mark_loops(links, types):
        _take_link(collector, link, parts, types)
    name = bounds.text(clean.get("name")).strip() or file_name or "Langflow flow"
    endpoint = bounds.text(clean.get("endpoint_name"))
    tags = clean.get("tags")
    return collector.finish(
        name=name,
        source_key=bounds.text(clean.get("id")) or name,
        document=clean,
        secrets=dropped + cut,
        description=plain_text(bounds.text(clean.get("description"), 5_000)),
        tags=tuple(bounds.text(tag) for tag in tags) if isinstance(tags, list) else (),
        config={"endpoint": endpoint} if endpoint else {},
    )


def _links(scope: Scope) -> list[Link]:
    """The connections of one canvas, each led through groups to the nodes at which it really begins and ends."""
    found: list[Link] = []
    for at, edge in enumerate(scope.edges):
        if not isinstance(edge, dict):
            found.append(Link(f"edges[{at}]", refusal="this entry is no object"))
            continue
        source, target = bounds.text(edge.get("source"), 500), bounds.text(edge.get("target"), 500)
        given, taken = read_handle(edge, "sourceHandle"), read_handle(edge, "targetHandle")
        link = Link(f"{source or '?'} -> {target or '?'}{f'.{taken.name}' if taken.name else ''}"[:255])
        found.append(_ends(link, scope.by_id.get(source), scope.by_id.get(target), source, target, given, taken))
    return found


def _ends(
    link: Link,
    source: Part | None,
    target: Part | None,
    said_source: str,
    said_target: str,
    given: Handle,
    taken: Handle,
) -> Link:
    for word, part, said in (("starts", source, said_source), ("ends", target, said_target)):
        if part is None:
            return replace(link, refusal=f"it {word} at a node that is not in the file: {said[:100] or 'no id'}")
        if part.is_note:
            return replace(link, refusal="a note has no connections")
    begin, end = find_source(source, given), find_target(target, taken)
    if begin is None or end is None:
        return replace(link, refusal="it leads to a group, and the group does not say to which node inside")
    (source, given), (target, taken) = begin, end
    # The way back of a loop ends at an output of the loop component, not at a field.
    is_back = taken.is_output
    slot = "" if is_back else slot_of(given.types, taken.types, taken.name)
    kind = EdgeKind.LOOP_BACK if is_back else EdgeKind.ATTACH if slot else EdgeKind.FLOW
    return replace(
        link,
        source=source.id,
        target=target.id,
        output=given.name,
        field="" if is_back else taken.name,
        slot=slot,
        kind=kind,
        passed=next(iter(given.types), ""),
    )


def _lend(links: Sequence[Link], parts: Mapping[str, Part]) -> list[Link]:
    """The links, with those attached whose source no step leads to and which only lend something to their targets."""
    leaving: dict[str, list[int]] = defaultdict(list)
    entering: Counter[str] = Counter()
    for at, link in enumerate(links):
        if not link.refusal and not link.slot:
            leaving[link.source].append(at)
            entering[link.target] += 1
    found = list(links)
    waiting = [source for source in leaving if not entering[source]]
    while waiting:
        source = waiting.pop()
        slots = [lent_slot_of(parts[source].kind, links[at].field) for at in leaving[source]]
        if not all(slots):
            continue
        for at, slot in zip(leaving[source], slots, strict=True):
            found[at] = replace(links[at], slot=slot, kind=EdgeKind.ATTACH)
            target = links[at].target
            entering[target] -= 1
            if not entering[target] and target in leaving:
                waiting.append(target)
    return found


def _take_nodes(
    collector: Collector, scope: Scope, links: Sequence[Link], parts: Mapping[str, Part]
) -> dict[str, BlockType]:
    """Take every node, and answer the types of the blocks by the ids of their nodes."""
    working = {end for link in links if not link.refusal and not link.slot for end in (link.source, link.target)}
    roles: dict[str, str] = {}
    entered: set[str] = set()
    inputs: dict[str, dict[str, Any]] = {}
    for link in links:
        if link.refusal:
            continue
        if link.slot and link.source not in working:
            roles.setdefault(link.source, link.slot)
        if link.kind == EdgeKind.FLOW:
            entered.add(link.target)
            _wire(inputs.setdefault(link.target, {}), link, parts)
    types: dict[str, BlockType] = {}
    for _, part in walk(scope):
        if not isinstance(part, Part):
            collector.odd_node("node", part, reason="this entry is no object")
        elif part.is_note:
            langflow_blocks.take_note(collector, part)
        elif part.inside is not None:
            count = len(part.inside.parts)
            reason = f"a group; its {count} nodes are taken one by one"
            collector.unfolded(part.id, source_type=part.kind, reason=reason)
        else:
            block_type = langflow_blocks.take_block(
                collector,
                part,
                role=roles.get(part.id, ""),
                is_entered=part.id in entered,
                inputs=inputs.get(part.id, {}),
            )
            types.setdefault(part.id, block_type)
    return types


def _wire(inputs: dict[str, Any], link: Link, parts: Mapping[str, Part]) -> None:
    """Note which output a field receives; a field that takes a list has several."""
    if not link.field:
        return
    came = {"from": link.source, "output": link.output} if link.output else {"from": link.source}
    had = inputs.get(link.field)
    inputs[link.field] = came if had is None else [*(had if isinstance(had, list) else [had]), came]


def _mark_loops(links: Sequence[Link], types: Mapping[str, str]) -> list[Link]:
    """The links, with those marked that lead back: the file says so only for the way back into a loop component."""
    edges = [
        GraphEdge(link.source, link.target, link.output or OUT, kind=link.kind)
        if not link.refusal and not link.slot
        else None
        for link in links
    ]
    return [
        replace(link, kind=EdgeKind.LOOP_BACK) if is_back else link
        for link, is_back in zip(links, leading_back(edges, types), strict=True)
    ]


def _take_link(collector: Collector, link: Link, parts: Mapping[str, Part], types: Mapping[str, BlockType]) -> None:
    output = parts[link.source].named_outputs.get(link.output, {}) if link.source in parts else {}
    words = bounds.text(output.get("display_name"))
    handle, label = handle_of(types.get(link.source, BlockType.ACTION), link.output, words)
    target_handle = {"target_handle": f"attach:{link.slot}"} if link.slot else {}
    collector.edge(
        link.source,
        link.target,
        source_handle=OUT if link.slot else handle,
        kind=link.kind,
        label="" if link.slot else label,
        name=link.name,
        source_type=link.passed,
        refusal=link.refusal,
        **target_handle,
    )
