"""One component of Langflow as a block: type, settings, credentials and what else it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from webapp.domain.flow_graph import BlockType, CredentialSlot
from webapp.importers import bounds
from webapp.importers.build import Collector
from webapp.importers.langflow_parts import Part
from webapp.importers.langflow_types import OWN_CODE, block_type_of, handle_of, is_agent
from webapp.importers.plain_text import plain_text
from webapp.importers.secret_words import REMOVED

_NEEDED = re.compile(r"(?i)(api_?key|secret|passw(or)?d|credentials?|(^|_)token|access_key)$")
_NUMBERS = ("int", "float", "bool", "slider")
_BASES = ("knowledge_base", "knowledge_base_name")
_FLOWS = ("flow_name", "flow_name_selected")
_OWN_MODULES = ("langflow.", "lfx.")


def take_note(collector: Collector, part: Part) -> None:
    """Take a note of the canvas."""
    x, y = part.position()
    size = bounds.mapping(part.row.get("measured"))
    collector.note(
        part.id,
        plain_text(bounds.text(part.node.get("description"), 100_000)),
        source_type=part.kind or "note",
        x=x,
        y=y,
        width=part.row.get("width") or size.get("width"),
        height=part.row.get("height") or size.get("height"),
    )


def take_block(
    collector: Collector, part: Part, *, role: str, is_entered: bool, inputs: Mapping[str, Any]
) -> BlockType:
    """Take a component as a block. ``role`` is the slot of one that only lends itself to others."""
    kind, node = part.kind, part.node
    guessed = kind or bounds.text(bounds.mapping(part.template).get("_type"))
    block_type = block_type_of(guessed, part.made, part.outputs, is_entered=is_entered)
    if role:
        block_type = BlockType.AGENT if is_agent(guessed) else BlockType.ACTION
    elif not guessed:
        block_type = BlockType.ACTION
    reasons = [f"inside the group {part.group}"] if part.group else []
    reasons += _unknown(collector, part)
    x, y = part.position()
    collector.block(
        part.id,
        block_type,
        bounds.text(node.get("display_name")) or guessed,
        source_type=kind,
        description=plain_text(bounds.text(node.get("description"), 5_000)),
        x=x,
        y=y,
        config=_config(part, role, block_type),
        inputs=inputs,
        credentials=_credentials(collector, part),
        needs_review=len(reasons) > bool(part.group),
        reason="; ".join(reasons),
    )
    _requirements(collector, part)
    return block_type


def _unknown(collector: Collector, part: Part) -> list[str]:
    """Why a component could not be translated: it has no type, or it was its own code that said what it does."""
    reasons = [] if part.kind else ["it has no type"]
    digest = _digest(part)
    module = bounds.text(bounds.mapping(part.node.get("metadata")).get("module"))
    name = _name(part)
    if part.node.get("edited") is True or (digest and part.kind in OWN_CODE):
        collector.require("plugin", name, f"own code, sha256 {digest}" if digest else "own code")
        reasons.append("its own code is not taken over, only the code's hash")
    elif module and not module.startswith(_OWN_MODULES):
        collector.require("plugin", module, f"the module of {name}")
        reasons.append("a component that is not Langflow's own; nothing is known of it here")
    return reasons


def _name(part: Part) -> str:
    return bounds.text(part.node.get("display_name")) or part.kind


def _digest(part: Part) -> str:
    return bounds.text(bounds.mapping(part.template.get("code")).get("sha256"))


def _config(part: Part, role: str, block_type: BlockType) -> dict[str, Any]:
    found: dict[str, Any] = {
        "fields": dict(_fields(part)),
        "role": role,
        "code_sha256": _digest(part),
        "is_edited": part.node.get("edited") is True,
        "is_tool": part.node.get("tool_mode") is True,
        "is_frozen": part.node.get("frozen") is True,
    }
    if block_type == BlockType.LOOP:
        found["handles"] = ["body", "done"]
        found["items"] = {"from": "data"}
    if block_type == BlockType.CONDITION:
        found["handles"] = [handle_of(block_type, name, "")[0] for name in part.named_outputs if name]
    return {name: value for name, value in found.items() if value not in (None, "", False, {}, [])}


def _fields(part: Part) -> list[tuple[str, Any]]:
    """The settings that have a value, without the component's source and anything of its secrets."""
    found: list[tuple[str, Any]] = []
    for name, field in part.template.items():
        if name == "code" or name.startswith("_") or not isinstance(field, dict):
            continue
        value = field.get("value")
        if value not in (None, "", [], {}, REMOVED) and not _is_slot(name, field):
            found.append((name, value))
    return found


def _is_slot(name: str, field: Mapping[str, Any]) -> bool:
    """Whether a field wants a secret. Before 1.0 also numbers and names of models are called passwords."""
    if field.get("password") is not True or field.get("type") in _NUMBERS:
        return False
    return bool(field.get("value")) or (bool(_NEEDED.search(name)) and field.get("show") is not False)


def _credentials(collector: Collector, part: Part) -> tuple[CredentialSlot, ...]:
    """The secrets that the component wants: by the variable that holds one, else by the field's own name."""
    found: list[CredentialSlot] = []
    for name, field in part.template.items():
        if not isinstance(field, dict):
            continue
        variable = bounds.text(field.get("value")) if field.get("load_from_db") is True else ""
        if _is_slot(name, field):
            words = f"{_name(part)}: {bounds.text(field.get('display_name')) or name}"
            found.append(CredentialSlot(name[:255], variable or words[:255]))
        elif variable:
            collector.require("variable", variable, f"{part.kind}.{name}")
    return tuple(found)


def _requirements(collector: Collector, part: Part) -> None:
    who = _name(part)
    for kind, names in (("knowledge_base", _BASES), ("flow", _FLOWS)):
        for name in names:
            collector.require(kind, bounds.text(_value(part, name)), who)
    for name in ("model_name", "model"):
        said = _value(part, name)
        for one in said if isinstance(said, list) else [said]:
            collector.require("model", bounds.text(one.get("name") if isinstance(one, dict) else one), who)


def _value(part: Part, name: str) -> Any:
    return bounds.mapping(part.template.get(name)).get("value")
