"""OpenLLMetry (Traceloop): ``traceloop.span.kind``, entities and association properties."""

from typing import Any

from webapp.ingest.payloads import parsed
from webapp.ingest.roles import AGENT, EMBEDDING, FLOW, MODEL, RETRIEVAL, STEP, TOOL

_KINDS = {"workflow": FLOW, "agent": AGENT, "task": STEP, "tool": TOOL}
_REQUESTS = {"chat": MODEL, "completion": MODEL, "embedding": EMBEDDING, "rerank": RETRIEVAL}

NAMES = {
    "agent_name": ("traceloop.entity.name", "traceloop.association.properties.lc_agent_name"),
    "workflow_name": ("traceloop.workflow.name",),
    "tool_name": ("traceloop.entity.name",),
    "step_name": ("traceloop.entity.name",),
    "session_id": (
        "traceloop.association.properties.session_id",
        "traceloop.association.properties.thread_id",
        "traceloop.association.properties.conversation_id",
    ),
    "user_ref": ("traceloop.association.properties.user_id",),
    "provider": ("traceloop.association.properties.ls_provider",),
    "cached_tokens": ("llm.usage.cache_read_input_tokens",),
}


def role_of(attributes: dict[str, Any]) -> str | None:
    """Return what the span kind or the request type says."""
    kind = attributes.get("traceloop.span.kind")
    if kind is not None:
        return _KINDS.get(kind, STEP) if isinstance(kind, str) else STEP
    request = attributes.get("llm.request.type")
    return _REQUESTS.get(request) if isinstance(request, str) else None


def input_of(span, role: str) -> Any:
    """Return an entity's arguments, or None."""
    return parsed(span.attributes["traceloop.entity.input"]) if "traceloop.entity.input" in span.attributes else None


def output_of(span, role: str) -> Any:
    """Return an entity's result, or None."""
    return parsed(span.attributes["traceloop.entity.output"]) if "traceloop.entity.output" in span.attributes else None
