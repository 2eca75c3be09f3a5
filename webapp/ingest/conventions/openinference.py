"""OpenInference: ``openinference.span.kind`` with flattened messages and input/output values."""

from typing import Any

import orjson

from webapp.ingest.payloads import flattened_messages, parsed
from webapp.ingest.roles import AGENT, EMBEDDING, MODEL, RETRIEVAL, STEP, TOOL

_KINDS = {
    "LLM": MODEL,
    "EMBEDDING": EMBEDDING,
    "TOOL": TOOL,
    "AGENT": AGENT,
    "CHAIN": STEP,
    "RETRIEVER": RETRIEVAL,
    "RERANKER": RETRIEVAL,
    "GUARDRAIL": STEP,
    "EVALUATOR": STEP,
    "PROMPT": STEP,
}

NAMES = {
    "agent_name": ("agent.name", "graph.node.name", "graph.node.id"),
    "workflow_name": (),
    "tool_name": ("tool.name",),
    "session_id": ("session.id",),
    "user_ref": ("user.id",),
    "model_requested": ("llm.request.model_name",),
    "model_used": ("llm.response.model_name", "llm.model_name", "embedding.model_name"),
    "provider": ("llm.provider", "llm.system"),
    "response_id": ("llm.response.id",),
    "finish_reason": ("llm.finish_reason",),
    "input_tokens": ("llm.token_count.prompt",),
    "output_tokens": ("llm.token_count.completion",),
    "cached_tokens": ("llm.token_count.prompt_details.cache_read",),
    "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
    "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
    "cost": ("llm.cost.total",),
}

_LIST_KINDS = ("retrieval.documents.", "reranker.output_documents.")


def role_of(attributes: dict[str, Any], name: str) -> str | None:
    """Return what the span kind says.

    An agent that runs inside a graph arrives as a CHAIN whose metadata names an agent as the span itself.
    """
    kind = attributes.get("openinference.span.kind")
    if kind is None:
        return None
    role = _KINDS.get(kind.upper(), STEP) if isinstance(kind, str) else STEP
    if role == STEP and name and is_named_agent(attributes.get("metadata"), name):
        return AGENT
    return role


def is_named_agent(metadata: Any, name: str) -> bool:
    """Return whether a span's metadata (JSON text) calls the agent that runs by this span's own name."""
    if not isinstance(metadata, str) or '"lc_agent_name"' not in metadata:
        return False
    return f'"lc_agent_name": "{name}"' in metadata or f'"lc_agent_name":"{name}"' in metadata


def requested_model(attributes: dict[str, Any]) -> str | None:
    """Return the model that was asked for, which some senders tell only among the invocation parameters."""
    text = attributes.get("llm.invocation_parameters")
    if not isinstance(text, str) or '"model"' not in text:
        return None
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    model = found.get("model") if isinstance(found, dict) else None
    return model if isinstance(model, str) else None


def input_of(span, role: str) -> Any:
    """Return the messages of a model call, else the input value, or None."""
    attributes = span.attributes
    if role == MODEL and "llm.input_messages.0.message.role" in attributes:
        return flattened_messages(attributes, "llm.input_messages.")
    if "input.value" in attributes:
        return parsed(attributes["input.value"], attributes.get("input.mime_type"))
    if role == MODEL and "llm.prompts.0" in attributes:
        return parsed(attributes["llm.prompts.0"])
    return None


def output_of(span, role: str) -> Any:
    """Return the messages of a model call, else the output value, or None."""
    attributes = span.attributes
    if role == MODEL and "llm.output_messages.0.message.role" in attributes:
        return flattened_messages(attributes, "llm.output_messages.")
    if "output.value" in attributes:
        return parsed(attributes["output.value"], attributes.get("output.mime_type"))
    if role == RETRIEVAL:
        for prefix in _LIST_KINDS:
            if f"{prefix}0.document.content" in attributes:
                return flattened_messages(attributes, prefix)
    return None
