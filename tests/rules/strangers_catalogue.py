"""Agents, tools and prompts of organization one for the walks of :mod:`tests.rules.strangers`.

Each act that can be done once has a record of its own, so that the owner's walk may come by in any order.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.factories.agents import (
    make_agent,
    make_agent_knowledge_base,
    make_agent_memory,
    make_agent_template,
    make_agent_tool,
    make_agent_version,
)
from tests.factories.knowledge import make_knowledge_base, make_prompt_template
from tests.factories.plugins import make_tool

TOOL_ID, BASE_ID = UUID(int=0x7001), UUID(int=0x7002)
"""Ids that a body can name; all others are in the address."""
LONG_AGO = "2026-01-01T00:00:00Z"

_AGENT = {
    "attach_base": "agent", "attach_tool": "agent", "add_memory": "agent", "create_template": "agent",
    "detach_base": "equipped_agent", "detach_tool": "equipped_agent", "duplicate": "agent", "edit": "agent",
    "history": "agent", "memories": "agent", "new_template": "agent", "restore": "retired_agent",
    "restore_version": "old_agent", "retire": "leaving_agent", "save": "agent", "show": "agent", "tools": "agent",
    "versions": "agent", "edit_memory": "agent", "change_memory": "agent", "delete_memory": "agent",
}  # fmt: skip
_TOOL = {
    "edit": "tool", "history": "tool", "restore": "retired_tool", "retire": "leaving_tool", "save": "tool",
    "schemas": "tool", "show": "tool",
}  # fmt: skip
_PROMPT = {
    "archive": "leaving_prompt", "edit": "prompt", "history": "prompt", "preview": "prompt", "rename": "renamed_prompt",
    "rename_form": "prompt", "restore": "archived_prompt", "restore_version": "prompt", "save": "prompt",
    "show": "prompt", "versions": "prompt",
}  # fmt: skip
CATALOGUE_ARGUMENTS = (
    {(f"agents.{endpoint}", "agent_id"): thing for endpoint, thing in _AGENT.items()}
    | {(f"tools.{endpoint}", "tool_id"): thing for endpoint, thing in _TOOL.items()}
    | {(f"prompts.{endpoint}", "prompt_id"): thing for endpoint, thing in _PROMPT.items()}
    | {
        ("agents.change_memory", "memory_id"): "memory",
        ("agents.delete_memory", "memory_id"): "leaving_memory",
        ("agents.delete_template", "template_id"): "leaving_template",
        ("agents.detach_base", "base_id"): "knowledge_base",
        ("agents.detach_tool", "tool_id"): "attached_tool",
        ("agents.edit_memory", "memory_id"): "memory",
        ("agents.restore_version", "version"): "=1",
        ("agents.save_template", "template_id"): "agent_template",
        ("agents.template", "template_id"): "agent_template",
        ("prompts.restore_version", "version"): "=1",
    }
)
_FACT = {"content": "x", "term": "long", "importance": "0.5"}
CATALOGUE_BODIES = {
    "agents.add_memory": _FACT,
    "agents.attach_base": {"knowledge_base_id": str(BASE_ID), "top_k": "3"},
    "agents.attach_tool": {"tool_id": str(TOOL_ID), "config": ""},
    "agents.change_memory": _FACT,
    "agents.create_template": {"name": "Another template"},
    "agents.save": {"name": "Another name", "base_version": "1"},
    "agents.save_template": {"name": "One more template"},
    "prompts.rename": {"name": "another-name"},
    "prompts.save": {"template": "other", "base_version": "1"},
    "tools.save": {"name": "another_name", "base_version": "1"},
}


def make_catalogue(organization_id: Any, word: str) -> dict[str, Any]:
    """One of each record, with the word in what it shows."""
    own = {"organization_id": organization_id}
    make_tool(id=TOOL_ID, name="attachable", **own)
    base = make_knowledge_base(id=BASE_ID, name=word, **own)
    agents = {name: make_agent(name=word, description=word, **own).id for name in set(_AGENT.values())}
    agents["retired_agent"] = make_agent(name=word, removed_at=LONG_AGO, **own).id
    make_agent_version(agent_id=agents["old_agent"], version=1, settings={"name": word}, note=word, **own)
    tool = make_tool(name=word, description=word, **own)
    make_agent_tool(agent_id=agents["equipped_agent"], tool_id=tool.id, **own)
    make_agent_knowledge_base(agent_id=agents["equipped_agent"], knowledge_base_id=base.id, **own)
    tools = {
        "tool": tool.id,
        "attached_tool": tool.id,
        "leaving_tool": make_tool(name=f"{word} 2", **own).id,
        "retired_tool": make_tool(name=f"{word} 3", is_active=False, **own).id,
    }
    prompts = {
        name: make_prompt_template(name=f"{word} {name}", template=word, is_active=name != "archived_prompt", **own).id
        for name in set(_PROMPT.values())
    }
    memories = {
        name: make_agent_memory(agent_id=agents["agent"], content=word, **own).id
        for name in ("memory", "leaving_memory")
    }
    templates = {
        name: make_agent_template(name=f"{word} {name}", **own).id for name in ("agent_template", "leaving_template")
    }
    return {**agents, **tools, **prompts, **memories, **templates, "knowledge_base": base.id}
