"""No convention at all: what is left are span names and the general attributes of OpenTelemetry."""

from typing import Any

from webapp.ingest.payloads import parsed
from webapp.ingest.roles import AGENT, MODEL, TOOL
from webapp.ingest.spans import KIND_CONSUMER, KIND_SERVER

NAMES = {
    "agent_name": ("agent_name",),
    "workflow_name": ("workflow.name", "flow.name"),
    "session_id": ("session_id", "thread_id", "conversation_id"),
    "user_ref": ("enduser.id", "user_id"),
}

_INPUT = ("input", "prompt")
_OUTPUT = ("output", "response")


def role_of(attributes: dict[str, Any], name: str) -> str | None:
    """Return what the name gives away; a failing span may lack every attribute but its name."""
    if name == "call_llm":
        return MODEL
    if "gen_ai.tool.name" in attributes or name.startswith("execute_tool "):
        return TOOL
    if "gen_ai.request.model" in attributes:
        return MODEL
    if name.startswith(("invoke_agent ", "agent_run ")) or "agent_name" in attributes:
        return AGENT
    return None


def input_of(span, role: str) -> Any:
    """Return an ``input`` attribute, or None."""
    for name in _INPUT:
        if name in span.attributes:
            return parsed(span.attributes[name])
    return None


def output_of(span, role: str) -> Any:
    """Return an ``output`` attribute, or None."""
    for name in _OUTPUT:
        if name in span.attributes:
            return parsed(span.attributes[name])
    return None


def trigger_of(span) -> str:
    """Return how an execution was started, as far as its first span tells.

    A server span was called (``webhook`` where its route says so), a consumer span took a message, a function as a
    service says it itself; a span inside a program was started by hand for all that is known.
    """
    attributes = span.attributes
    by_platform = {"timer": "schedule", "http": "api", "pubsub": "event", "datasource": "event"}
    platform = by_platform.get(str(attributes.get("faas.trigger")))
    if platform:
        return platform
    if span.kind == KIND_SERVER:
        path = attributes.get("http.route") or attributes.get("url.path") or attributes.get("http.target") or span.name
        return "webhook" if "webhook" in str(path).lower() else "api"
    if span.kind == KIND_CONSUMER:
        return "event"
    return "manual"
