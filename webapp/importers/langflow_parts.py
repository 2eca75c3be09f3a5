"""The nodes of a Langflow file one by one, with groups unfolded, and where each connection really ends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from webapp.importers import bounds
from webapp.importers.langflow_types import NOTES, texts


@dataclass(slots=True)
class Part:
    """One node. ``id`` is unique in the file; ``inside`` are the parts of a group, by their own ids."""

    id: str
    row: Mapping[str, Any]
    place: str
    inside: Scope | None = None
    shift: tuple[float, float] = (0.0, 0.0)
    group: str = ""
    set_by_group: dict[str, Any] = field(default_factory=dict)
    _template: dict[str, Any] | None = None
    _named: dict[str, dict[str, Any]] | None = None

    @property
    def data(self) -> dict[str, Any]:
        return bounds.mapping(self.row.get("data"))

    @property
    def node(self) -> dict[str, Any]:
        return bounds.mapping(self.data.get("node"))

    @property
    def template(self) -> dict[str, Any]:
        """The component's fields, with what the group around it sets. Ask only when all of the file is read."""
        if self._template is None:
            own = bounds.mapping(self.node.get("template"))
            set_ = {name: {**bounds.mapping(own.get(name)), **value} for name, value in self.set_by_group.items()}
            self._template = {**own, **set_}
        return self._template

    @property
    def outputs(self) -> list[dict[str, Any]]:
        return bounds.rows(self.node.get("outputs"))

    @property
    def named_outputs(self) -> dict[str, dict[str, Any]]:
        """The outputs by their names."""
        if self._named is None:
            self._named = {}
            for output in self.outputs:
                self._named.setdefault(bounds.text(output.get("name")), output)
        return self._named

    @property
    def is_note(self) -> bool:
        return self.row.get("type") in NOTES

    @property
    def kind(self) -> str:
        """The component's type; empty where the file does not say it."""
        return bounds.text(self.data.get("type")) if isinstance(self.data.get("type"), str) else ""

    @property
    def made(self) -> set[str]:
        """The types of what the component gives out."""
        found = set(texts(self.node.get("base_classes") or []))
        for output in self.outputs:
            found.update(texts(output.get("types") or []))
        return found

    def position(self) -> tuple[float | None, float | None]:
        at = bounds.mapping(self.row.get("position")) or bounds.mapping(self.row.get("positionAbsolute"))
        x, y = bounds.number(at.get("x")), bounds.number(at.get("y"))
        return (None, None) if x is None or y is None else (x + self.shift[0], y + self.shift[1])


@dataclass(slots=True)
class Scope:
    """What lies on one canvas: the whole flow, or the inside of a group."""

    parts: list[Part | Any] = field(default_factory=list)
    edges: list[Any] = field(default_factory=list)
    by_id: dict[str, Part] = field(default_factory=dict)
    last: Part | None = None
    """The first node that no other one of the canvas receives from, which is how Langflow finds what a group gives."""


@dataclass(frozen=True, slots=True)
class Handle:
    """One end of a connection: an output's name or a field's, and the types that pass or are accepted."""

    name: str = ""
    types: tuple[str, ...] = ()
    proxy: tuple[str, str] | None = None
    is_output: bool = False


def read_scope(graph: Mapping[str, Any], taken: set[str], place: str = "", group: Part | None = None) -> Scope:
    """A canvas with everything inside its groups. Ids that came on another canvas get the group's id in front."""
    scope = Scope(edges=bounds.listed(graph, "edges", place))
    rows = bounds.listed(graph, "nodes", place)
    shift = _shift(rows, group)
    for at, row in enumerate(rows):
        where = f"{place}nodes[{at}]"
        if not isinstance(row, dict):
            scope.parts.append(row)
            continue
        said = bounds.text(row.get("id"), 500) or bounds.text(bounds.mapping(row.get("data")).get("id"), 500) or where
        is_elsewhere = said in taken and said not in scope.by_id
        part = Part(f"{group.id}/{said}" if group and is_elsewhere else said, row, where, None, shift)
        part.group = group.id if group else ""
        taken.add(part.id)
        scope.parts.append(part)
        scope.by_id.setdefault(said, part)
    if group is not None:
        _set_by_group(group, scope)
        sources = {bounds.text(edge.get("source"), 500) for edge in bounds.rows(scope.edges)}
        givers = (part for said, part in scope.by_id.items() if said not in sources and not part.is_note)
        scope.last = next(givers, None)
    for part in scope.parts:
        inner = bounds.mapping(bounds.mapping(part.node.get("flow")).get("data")) if isinstance(part, Part) else {}
        if isinstance(inner.get("nodes"), list):
            part.inside = read_scope(inner, taken, f"{part.place}.data.node.flow.data.", part)
    return scope


def _set_by_group(group: Part, scope: Scope) -> None:
    """A group shows the free fields of its inside and holds their values, which count more than the inside's own."""
    for shown in group.template.values():
        proxy = bounds.mapping(bounds.mapping(shown).get("proxy"))
        part = scope.by_id.get(bounds.text(proxy.get("id"), 500))
        name = bounds.text(proxy.get("field"), 500)
        if part is not None and name:
            kept = ("value", "load_from_db", "password", "sha256")
            part.set_by_group[name] = {word: shown[word] for word in kept if word in shown}


def _shift(rows: list[Any], group: Part | None) -> tuple[float, float]:
    """How far the inside of a group moves, so that its corner lies where the group lay."""
    if group is None:
        return 0.0, 0.0
    at = [bounds.mapping(row.get("position")) for row in bounds.rows(rows)]
    xs = [x for x in (bounds.number(one.get("x")) for one in at) if x is not None]
    ys = [y for y in (bounds.number(one.get("y")) for one in at) if y is not None]
    x, y = group.position()
    return (0.0, 0.0) if x is None or y is None or not xs or not ys else (x - min(xs), y - min(ys))


def walk(scope: Scope) -> Iterator[tuple[Scope, Part | Any]]:
    """Every node of the file with its canvas, a group before its inside."""
    for part in scope.parts:
        yield scope, part
        if isinstance(part, Part) and part.inside is not None:
            yield from walk(part.inside)


def canvases(scope: Scope) -> Iterator[Scope]:
    """The canvas and all inside its groups."""
    yield scope
    for part in scope.parts:
        if isinstance(part, Part) and part.inside is not None:
            yield from canvases(part.inside)


def read_handle(edge: Mapping[str, Any], name: str) -> Handle:
    """One end as the file says it: the parsed form first, then the text with œ for quotes, then the old text with
    bars between: ``type|id|base classes`` for a source, ``type|field|id`` for a target."""
    said = bounds.mapping(bounds.mapping(edge.get("data")).get(name)) or edge.get(name)
    if isinstance(said, str):
        text = said[:20_000]
        if "|" in text and not text.lstrip().startswith("{"):
            words = text.split("|")
            if name == "sourceHandle":
                return Handle(types=tuple(words[2:]), is_output=True)
            return Handle(words[1], tuple(texts(words[0])))
        said = _parsed(text)
    said = bounds.mapping(said)
    proxy = bounds.mapping(said.get("proxy"))
    through = (bounds.text(proxy.get("id"), 500), bounds.text(proxy.get("field"), 500)) if proxy else None
    if isinstance(said.get("fieldName"), str):
        accepted = [*texts(said.get("inputTypes") or []), *texts(said.get("type"))]
        return Handle(said["fieldName"], tuple(accepted), through)
    offered = said.get("output_types") or said.get("baseClasses") or []
    return Handle(bounds.text(said.get("name")), tuple(texts(offered)), through, bool(said))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text.replace("œ", '"'))
    except (ValueError, RecursionError):
        return {}


def find_source(part: Part, handle: Handle) -> tuple[Part, Handle] | None:
    """The node inside groups that really gives out what a group seems to: the one that the group's output names, in old
    files the last node of the group."""
    while part.inside is not None:
        proxy = bounds.mapping(bounds.mapping(part.named_outputs.get(handle.name)).get("proxy"))
        inner = part.inside.by_id.get(bounds.text(proxy.get("id"), 500)) or part.inside.last
        if inner is None:
            return None
        handle = replace(handle, name=bounds.text(proxy.get("name")) or handle.name)
        part = inner
    return part, handle


def find_target(part: Part, handle: Handle) -> tuple[Part, Handle] | None:
    """The node inside groups that really has the field of a group, by its proxy."""
    while part.inside is not None:
        proxy = bounds.mapping(bounds.mapping(part.template.get(handle.name)).get("proxy"))
        identity, name = handle.proxy or (bounds.text(proxy.get("id"), 500), bounds.text(proxy.get("field"), 500))
        inner = part.inside.by_id.get(identity)
        if inner is None:
            return None
        part, handle = inner, replace(handle, name=name, proxy=None)
    return part, handle
