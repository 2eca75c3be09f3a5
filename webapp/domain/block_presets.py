"""What the editor offers to add: the six block types, each with the kinds that people look for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webapp.domain.flow_graph import BlockType, CredentialSlot


@dataclass(frozen=True, slots=True)
class Preset:
    """A block to begin with. ``label`` becomes its name until somebody gives it one."""

    name: str
    label: str
    block_type: BlockType
    sentence: str
    config: Mapping[str, Any] = field(default_factory=dict)
    credentials: tuple[CredentialSlot, ...] = ()


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("agent", "Agent", BlockType.AGENT, "A model that works by instructions, with tools if it has any."),
        Preset("trigger", "Start by hand", BlockType.TRIGGER, "Begins when somebody asks for it.", {"kind": "manual"}),
        Preset("chat", "Chat message", BlockType.TRIGGER, "Begins with what a person writes.", {"kind": "chat"}),
        Preset("webhook", "Webhook", BlockType.TRIGGER, "Begins when another program calls.", {"kind": "webhook"}),
        Preset(
            "schedule", "Schedule", BlockType.TRIGGER, "Begins at set times.",
            {"kind": "schedule", "cron": "0 7 * * 1-5"},
        ),
        Preset("event", "Event", BlockType.TRIGGER, "Begins when something happens here.", {"kind": "event"}),
        Preset(
            "http", "HTTP request", BlockType.ACTION, "Calls an address.",
            {"kind": "http", "method": "GET", "timeout_s": 30},
            (CredentialSlot("http"),),
        ),
        Preset("tool", "Tool call", BlockType.ACTION, "Calls one tool with set inputs.", {"kind": "tool"}),
        Preset("retrieval", "Search knowledge", BlockType.ACTION, "Finds text in a base.", {"kind": "retrieval"}),
        Preset("answer", "Answer", BlockType.ACTION, "Gives the result back.", {"kind": "answer"}),
        Preset("action", "Other action", BlockType.ACTION, "Anything else that has an effect."),
        Preset("if", "If", BlockType.CONDITION, "Goes one of two ways.", {"kind": "if"}),
        Preset(
            "switch", "Switch", BlockType.CONDITION, "Goes one of several ways.",
            {"kind": "switch", "cases": [{"key": "first"}, {"key": "second"}]},
        ),
        Preset(
            "human_input", "Ask a person", BlockType.CONDITION, "Waits until a person approves or rejects.",
            {"kind": "human_input", "handles": ["approved", "rejected"]},
        ),
        Preset(
            "each", "For each", BlockType.LOOP, "Does its body once for each item.",
            {"kind": "each", "max_iterations": 100},
        ),
        Preset(
            "until", "Repeat until", BlockType.LOOP, "Does its body again until a condition holds.",
            {"kind": "until", "max_iterations": 10},
        ),
        Preset("template", "Template", BlockType.TRANSFORM, "Puts values into a text.", {"kind": "template"}),
        Preset("code", "Code", BlockType.TRANSFORM, "Changes values by a small program.", {"kind": "code"}),
        Preset("variables", "Variables", BlockType.TRANSFORM, "Sets values for later blocks.", {"kind": "variables"}),
    )
}  # fmt: skip


def grouped() -> list[tuple[str, list[Preset]]]:
    """The presets by block type, in the order of the types."""
    return [(type_.value, [p for p in PRESETS.values() if p.block_type == type_]) for type_ in BlockType]
