"""Names of flows, agents, tools and steps, and the same names without what differs from run to run."""

import re
from functools import lru_cache

from webapp.ingest import conventions
from webapp.ingest.roles import AGENT, FLOW, STEP, TOOL

_LONGEST = 500
_LONGEST_SHORT = 255
_BEFORE = {
    AGENT: ("invoke_agent ", "agent_run "),
    TOOL: ("execute_tool ", "running tool: ", "tools/call "),
    FLOW: ("invoke_workflow ",),
    STEP: ("execute_task ",),
}
_AFTER = {
    AGENT: (".agent", ".run", ".workflow", ".forward"),
    TOOL: (".tool", ".__call__"),
    FLOW: (".workflow", ".run", ".forward"),
    STEP: (".task",),
}

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?=[0-9A-Fa-f]*[0-9])(?:0x)?[0-9a-fA-F]{8,}(?![0-9A-Za-z])")
_LONG_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{5,}(?![0-9A-Za-z])")
_WORD_NUMBER = re.compile(r"(?<![^\s/#(\[:=])\d+(?![^\s/)\],:])")
_TAIL_NUMBER = re.compile(r"(?<=[_\-])\d+$")


def stripped(name: str, role: str) -> str:
    """Return a span name without the words that only say what kind of span it is."""
    for prefix in _BEFORE.get(role, ()):
        if name.startswith(prefix) and len(name) > len(prefix):
            name = name[len(prefix) :]
            break
    for suffix in _AFTER.get(role, ()):
        if name.endswith(suffix) and len(name) > len(suffix):
            name = name[: -len(suffix)]
            break
    if role == AGENT and name.startswith("[") and name.endswith("]") and len(name) > 2:
        return name[1:-1]
    return name


@lru_cache(maxsize=8192)
def without_ids(name: str) -> str:
    """Return a name with ids, hexadecimal and long or separate numbers replaced by ``#``.

    Numbers that belong to a word (``gpt-4o``, ``researcher_0``, ``v2``) stay.
    """
    if not any(character.isdigit() for character in name):
        return name
    for pattern in (_UUID, _HEX, _LONG_NUMBER, _WORD_NUMBER):
        name = pattern.sub("#", name)
    return name


@lru_cache(maxsize=8192)
def block_name(name: str, role: str) -> str:
    """Return the name under which spans of a kind are one block; a plain step's trailing number is no part of it."""
    found = without_ids(name)
    if role in (STEP, FLOW):
        found = _TAIL_NUMBER.sub("#", found)
    return found


def short(name: str) -> str:
    """Return a name that fits the columns for names of flows, agents and tools."""
    return name if len(name) <= _LONGEST_SHORT else name[: _LONGEST_SHORT - 1] + "…"


def name_of(attributes: dict, span_name: str, role: str) -> str:
    """Return what a step is called: what its conventions say, else the stripped span name."""
    if role == AGENT:
        found = conventions.text(attributes, "agent_name")
    elif role == TOOL:
        found = conventions.text(attributes, "tool_name")
    elif role == STEP:
        found = conventions.text(attributes, "step_name")
    elif role == FLOW:
        found = conventions.text(attributes, "workflow_name")
    else:
        found = None
    name = found or stripped(span_name, role) or "(unnamed)"
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def is_helper_tool(name: str) -> bool:
    """Return whether a tool only steers agents (an answer handed in, a hand-off) and does no work of its own."""
    word = name.lower()
    return word in ("final_answer", "finish", "handoff") or word.startswith(
        ("handoff to ", "handoff_to_", "transfer_to_", "transfer_back_to_", "delegate_task_to_member")
    )
