"""A graph's parts taken apart into named values, so that a diff shows and a merge joins them one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from webapp.domain.flow_graph import FlowGraph, GraphBlock, GraphNote

Path = tuple[str, ...]
_BLOCK_PLAIN = ("block_type", "name", "description", "parent_key", "agent", "credentials", "needs_review")
_BLOCK_SOURCE = ("source_id", "source_type")
_BLOCK_MAPS = ("config", "inputs", "outputs")
_FLOW_PLAIN = ("name", "description", "pattern", "tags")
_FLOW_MAPS = ("config",)


def block_fields(block: GraphBlock) -> dict[Path, Any]:
    """Everything of a block but its key and place; settings one by one, as ``("config", "prompt")``."""
    return _taken_apart(block, (*_BLOCK_PLAIN, *_BLOCK_SOURCE), _BLOCK_MAPS)


def with_block_fields(block: GraphBlock, fields: Mapping[Path, Any]) -> GraphBlock:
    """A block made of values by path; key and place stay."""
    return replace(block, **_put_together(fields, _BLOCK_MAPS))


def flow_fields(graph: FlowGraph) -> dict[Path, Any]:
    """What a flow says of itself, its settings one by one."""
    return _taken_apart(graph, _FLOW_PLAIN, _FLOW_MAPS)


def with_flow_fields(graph: FlowGraph, fields: Mapping[Path, Any]) -> FlowGraph:
    """A graph that says this of itself; blocks, edges and notes stay."""
    return replace(graph, **_put_together(fields, _FLOW_MAPS))


def note_fields(note: GraphNote) -> dict[Path, Any]:
    """What a note says; where it lies and how large it is are no change."""
    return {("text",): note.text}


def _taken_apart(part: Any, plain: tuple[str, ...], maps: tuple[str, ...]) -> dict[Path, Any]:
    fields: dict[Path, Any] = {(name,): getattr(part, name) for name in plain}
    for name in maps:
        fields.update({(name, key): value for key, value in getattr(part, name).items()})
    return fields


def _put_together(fields: Mapping[Path, Any], maps: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {name: {} for name in maps}
    for path, value in fields.items():
        if len(path) == 1:
            values[path[0]] = value
        else:
            values[path[0]][path[1]] = value
    return values


def as_text(value: Any) -> str:
    """A value as people read it: text as it is, nothing as nothing, all else as JSON over several lines."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple) and value and hasattr(value[0], "kind"):
        return "\n".join(f"{slot.kind}: {slot.name}{' (linked)' if slot.is_filled else ''}" for slot in value)
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str)


def path_name(path: Path) -> str:
    """A path as one name: ``config.prompt``."""
    return ".".join(path)
