"""The OpenAPI document, drawn from the same shapes and parameters that answer the requests."""

from __future__ import annotations

from typing import Any

from webapp.api.execution_shapes import SHAPES as EXECUTION_SHAPES
from webapp.api.flow_shapes import SHAPES as FLOW_SHAPES
from webapp.api.forms import PARAMETERS
from webapp.api.shapes import TEXT, UUID_TEXT, ref

ABOUT = (
    "Executions of your agent flows as JSON, and a way to bring flows in. Make a key on the page API keys; it needs the"
    " scope read, for imports flows:write. Money is a decimal as text in US dollars, times are UTC, null means that"
    " nobody said: unknown tokens and prices are never 0."
)
ERROR_BODY = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "description": "Why the request was refused.",
            "required": ["status", "message", "field", "request_id"],
            "properties": {
                "status": {"type": "integer", "description": "The HTTP status."},
                "message": {"type": "string", "description": "What was refused, and what to do."},
                "field": {"type": ["string", "null"], "description": "The parameter at fault."},
                "request_id": {"type": "string", "description": "To quote when you ask for help."},
            },
        }
    },
}
LIST = {
    "type": "object",
    "additionalProperties": False,
    "required": ["items", "next_cursor"],
    "properties": {
        "items": {"type": "array", "items": ref("Execution"), "description": "Newest first."},
        "next_cursor": {"type": ["string", "null"], "description": "For the next, older page; null on the last."},
    },
}


def document(version: str, server: str) -> dict[str, Any]:
    """The whole document, OpenAPI 3.1; ``server`` is the address under which the API answers."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "AgenticBuilder", "version": version, "description": ABOUT},
        "servers": [{"url": server}],
        "security": [{"bearer": []}, {"header": []}],
        "paths": {
            "/executions": {"get": _list()},
            "/executions/{id}": {"get": _one()},
            "/flows/import": {"post": _import()},
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer KEY"},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "schemas": {shape.name: shape.schema() for shape in (*EXECUTION_SHAPES, *FLOW_SHAPES)}
            | {"ExecutionList": LIST, "Refusal": ERROR_BODY},
        },
    }


def _list() -> dict[str, Any]:
    return {
        "operationId": "listExecutions",
        "summary": "List executions, newest first",
        "parameters": [
            {"name": p.name, "in": "query", "schema": dict(p.schema), "description": p.description} for p in PARAMETERS
        ],
        "responses": _answers("ExecutionList", "One page of executions.", "422"),
    }


def _one() -> dict[str, Any]:
    return {
        "operationId": "getExecution",
        "summary": "Get one execution with its steps",
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": TEXT, "description": "Its id."}],
        "responses": _answers("WholeExecution", "The execution.", "404"),
    }


def _import() -> dict[str, Any]:
    fields = {
        "file": {
            "type": "string",
            "format": "binary",
            "description": "A flow of Dify, Flowise, Langflow, n8n or ours.",
        },
        "flow_id": {**UUID_TEXT, "description": "Import it as the next version of this flow."},
    }
    body = {"schema": {"type": "object", "required": ["file"], "properties": fields}}
    answers = _answers("ImportAnswer", "What became of the file.", "422")
    answers["201"] = answers.pop("200")
    answers["403"] = _json(ref("Refusal"), "The key lacks the scope flows:write.")
    answers["422"] = _json(ref("Refusal"), "The file is no flow, or a field cannot be used; the message says why.")
    answers["404"] = _json(ref("Refusal"), "Your organization has no such flow.")
    return {
        "operationId": "importFlow",
        "summary": "Import a flow",
        "requestBody": {"required": True, "content": {"multipart/form-data": body}},
        "responses": answers,
    }


def _answers(shape: str, description: str, own: str) -> dict[str, Any]:
    refusals = {
        "401": "There is no valid API key.",
        "403": "The key lacks the scope read.",
        own: {"404": "Your organization has no such execution.", "422": "A parameter cannot be used; field names it."}[
            own
        ],
        "503": "Busy; Retry-After says when to ask again.",
    }
    return {"200": _json(ref(shape), description)} | {
        status: _json(ref("Refusal"), text) for status, text in refusals.items()
    }


def _json(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
