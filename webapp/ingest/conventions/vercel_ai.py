"""The ``ai.*`` namespace: runs, their model calls (``.doGenerate``, ``.doStream``) and tool calls."""

from typing import Any

from webapp.ingest.payloads import parsed
from webapp.ingest.roles import EMBEDDING, FLOW, MODEL, STEP, TOOL

NAMES = {
    "workflow_name": ("ai.telemetry.functionId",),
    "tool_name": ("ai.toolCall.name",),
    "session_id": ("ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.chatId"),
    "user_ref": ("ai.telemetry.metadata.userId",),
    "model_requested": ("ai.model.id",),
    "model_used": ("ai.response.model",),
    "provider": ("ai.model.provider",),
    "response_id": ("ai.response.id",),
    "finish_reason": ("ai.response.finishReason",),
    "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
    "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
    "cached_tokens": ("ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens"),
    "cache_write_tokens": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
    "reasoning_tokens": ("ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens"),
    "first_token_ms": ("ai.response.msToFirstChunk",),
}

_INPUT = ("ai.prompt.messages", "ai.prompt", "ai.value", "ai.values")
_OUTPUT = ("ai.response.text", "ai.response.object", "ai.embedding", "ai.embeddings")


def role_of(attributes: dict[str, Any]) -> str | None:
    """Return what the operation id says; a whole run (``ai.generateText``) is a flow and no agent."""
    operation = attributes.get("ai.operationId")
    if not isinstance(operation, str):
        return None
    if operation.endswith((".doGenerate", ".doStream")):
        return MODEL
    if operation.endswith(".doEmbed"):
        return EMBEDDING
    if operation == "ai.toolCall":
        return TOOL
    return STEP if operation.startswith("ai.embed") else FLOW


def input_of(span, role: str) -> Any:
    """Return the prompt or the tool's arguments, or None."""
    attributes = span.attributes
    if role == TOOL:
        return parsed(attributes.get("ai.toolCall.args"))
    for name in _INPUT:
        if name in attributes:
            return parsed(attributes[name])
    return None


def output_of(span, role: str) -> Any:
    """Return the answer, the tool calls where there is no text, or the tool's result; else None."""
    attributes = span.attributes
    if role == TOOL:
        return parsed(attributes.get("ai.toolCall.result"))
    if attributes.get("ai.response.toolCalls"):
        calls = parsed(attributes["ai.response.toolCalls"])
        text = attributes.get("ai.response.text")
        return {"role": "assistant", "content": text or None, "tool_calls": calls}
    for name in _OUTPUT:
        if name in attributes:
            return parsed(attributes[name])
    return None
