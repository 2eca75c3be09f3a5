"""OpenTelemetry's GenAI conventions, old and new names, and the attributes that senders of them add."""

from typing import Any

from webapp.ingest.payloads import flattened_messages, parsed
from webapp.ingest.roles import AGENT, CREATION, EMBEDDING, FLOW, MODEL, RETRIEVAL, STEP, TOOL

_OPERATIONS = {
    "chat": MODEL,
    "text_completion": MODEL,
    "completion": MODEL,
    "generate_content": MODEL,
    "embeddings": EMBEDDING,
    "execute_tool": TOOL,
    "invoke_agent": AGENT,
    "create_agent": CREATION,
    "invoke_workflow": FLOW,
    "workflow.run": FLOW,
    "retrieval": RETRIEVAL,
}

NAMES = {
    "agent_name": ("gen_ai.agent.name",),
    "workflow_name": ("gen_ai.workflow.name",),
    "tool_name": ("gen_ai.tool.name",),
    "step_name": ("gen_ai.task.name",),
    "session_id": ("gen_ai.conversation.id", "gcp.vertex.agent.session_id"),
    "user_ref": ("gen_ai.user.id",),
    "model_requested": ("gen_ai.request.model",),
    "model_used": ("gen_ai.response.model",),
    "provider": ("gen_ai.provider.name", "gen_ai.system"),
    "response_id": ("gen_ai.response.id",),
    "finish_reason": (
        "gen_ai.response.finish_reasons",
        "gen_ai.response.finish_reason",
        "gen_ai.completion.0.finish_reason",
    ),
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "cached_tokens": ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
    "cache_write_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
    ),
    "cost": ("operation.cost", "gen_ai.usage.cost"),
    "first_token_s": (
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
    ),
}

_TOOL_INPUT = ("gen_ai.tool.call.arguments", "tool_arguments", "gcp.vertex.agent.tool_call_args")
_TOOL_OUTPUT = ("gen_ai.tool.call.result", "tool_response", "gcp.vertex.agent.tool_response")
_INPUT = ("gen_ai.input.messages", "gcp.vertex.agent.llm_request", "all_messages_events")
# Agents of several senders carry their whole conversation under a name of the sender's own.
_ALL_MESSAGES = ".all_messages"
_OUTPUT = ("gen_ai.output.messages", "final_result", "gcp.vertex.agent.llm_response")
_MESSAGE_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}


def role_of(attributes: dict[str, Any]) -> str | None:
    """Return what ``gen_ai.operation.name`` says; a word that the convention does not know is a step."""
    operation = attributes.get("gen_ai.operation.name")
    if operation is None:
        return None
    return _OPERATIONS.get(operation, STEP) if isinstance(operation, str) else STEP


def input_of(span, role: str) -> Any:
    """Return the messages or arguments that went in, or None."""
    attributes = span.attributes
    for name in _TOOL_INPUT if role == TOOL else _INPUT:
        if name in attributes:
            return parsed(attributes[name])
    if role == AGENT:
        return next((parsed(attributes[name]) for name in attributes if name.endswith(_ALL_MESSAGES)), None)
    if role != MODEL:
        return None
    if "gen_ai.prompt.0.role" in attributes or "gen_ai.prompt.0.content" in attributes:
        return flattened_messages(attributes, "gen_ai.prompt.")
    if "gen_ai.prompt" in attributes:
        return parsed(attributes["gen_ai.prompt"])
    return _event_messages(span.events) if span.events else None


def output_of(span, role: str) -> Any:
    """Return the answer, messages or result that came out, or None."""
    attributes = span.attributes
    for name in _TOOL_OUTPUT if role == TOOL else _OUTPUT:
        if name in attributes:
            return parsed(attributes[name])
    if role != MODEL:
        return None
    if "gen_ai.completion.0.role" in attributes or "gen_ai.completion.0.content" in attributes:
        return flattened_messages(attributes, "gen_ai.completion.")
    if "gen_ai.completion" in attributes:
        return parsed(attributes["gen_ai.completion"])
    return _event_choices(span.events) if span.events else None


def _event_messages(events) -> list | None:
    found = []
    for event in events:
        role = _MESSAGE_EVENTS.get(event.name)
        if role:
            found.append(_message(event.attributes, role))
        elif event.name == "gen_ai.content.prompt" and "gen_ai.prompt" in event.attributes:
            return parsed(event.attributes["gen_ai.prompt"])
        elif event.name == "gen_ai.client.inference.operation.details" and "gen_ai.input.messages" in event.attributes:
            return parsed(event.attributes["gen_ai.input.messages"])
    return found or None


def _event_choices(events) -> list | None:
    found = []
    for event in events:
        if event.name == "gen_ai.choice":
            message = parsed(event.attributes.get("message"))
            body = message if isinstance(message, dict) else event.attributes
            found.append(_message(body, "assistant"))
        elif event.name == "gen_ai.content.completion" and "gen_ai.completion" in event.attributes:
            return parsed(event.attributes["gen_ai.completion"])
        elif event.name == "gen_ai.client.inference.operation.details" and "gen_ai.output.messages" in event.attributes:
            return parsed(event.attributes["gen_ai.output.messages"])
    return found or None


def _message(body: dict[str, Any], role: str) -> dict[str, Any]:
    message = {"role": body.get("role") or role, "content": parsed(body.get("content"))}
    if body.get("tool_calls"):
        message["tool_calls"] = parsed(body["tool_calls"])
    return message
