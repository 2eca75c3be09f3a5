"""Failures of model calls: whether the provider answers nobody, and what it says in its own words."""

from __future__ import annotations

import re
from typing import Protocol

from webapp.domain.fingerprints_cause import Cause
from webapp.domain.fingerprints_text import readable
from webapp.domain.fingerprints_values import said_in

# The kinds of outage, and how a title begins with them.
OUTAGES = {
    "rate_limit": "Rate limited by",
    "server_error": "Error at",
    "timeout": "No answer in time from",
    "connection": "No connection to",
    "refused_key": "Key refused by",
    "payment": "Payment wanted by",
}
_CALLS = ("model_call", "embedding")
# Modules of exception types that only calls to one provider raise, as seen in recorded traces of their SDKs.
_MODULES = {"openai": "openai", "langchain_openai": "openai", "anthropic": "anthropic"}

# SDKs write the status in front of what the provider said, and nothing else in common.
_STATUS = re.compile(
    r"(?:Error code|status_code|HTTP|status)\W{1,3}(?P<a>[1-5]\d\d)\b|(?:^|\s)(?P<b>[45]\d\d) [A-Z_]{6,40}\b"
    r"|\A\s*(?P<c>[45]\d\d) "
)
_PREFIX = re.compile(
    r"\s*(?:\[[^\]\n]{1,60}\]\s*)?(?:Error code: \d{3} - |\d{3} [A-Z_]{4,40}\. |[45]\d\d (?:<[45]\d\d> )?)?"
)
_BY_STATUS = {401: "refused_key", 403: "refused_key", 402: "payment", 408: "timeout", 429: "rate_limit"}
_BY_TYPE = (
    (re.compile(r"RateLimit|ResourceExhausted|Throttl|TooManyRequests|QuotaExceeded"), "rate_limit"),
    (re.compile(r"Timeout|TimedOut|DeadlineExceeded"), "timeout"),
    (re.compile(r"APIConnection|ConnectError|ConnectionError|ConnectionRefused|ConnectionReset"), "connection"),
    (re.compile(r"InternalServer|ServerError|Overloaded|ServiceUnavailable"), "server_error"),
    (re.compile(r"^(?:Authentication|PermissionDenied)Error"), "refused_key"),
)
_BY_WORDS = (
    (re.compile(r"rate limit|too many requests", re.IGNORECASE), "rate_limit"),
    (
        re.compile(r"overloaded|server had an error|service unavailable|internal server error", re.IGNORECASE),
        "server_error",
    ),
)
_MODEL = re.compile(
    r"(?<![\w-])(?:chatgpt|gpt|o\d|claude|gemini|gemma|llama|mistral|mixtral|qwen|deepseek|grok|command|text-embedding)"
    r"(?:-[\w.:]{1,40}){0,8}(?![\w-])",
    re.IGNORECASE,
)


class _Call(Protocol):
    step_kind: str
    provider: str | None
    model: str | None


def provider_of(cause: Cause, call: _Call) -> str | None:
    """Return who was called: what the span says, else whose SDK the exception is of."""
    return (call.provider or "").strip().lower() or _MODULES.get(cause.module)


def status_of(message: str) -> int | None:
    """Return the status that a provider answered with, None where the message does not begin with telling it."""
    match = _STATUS.search(message[:400])
    return int(match["a"] or match["b"] or match["c"]) if match else None


def outage_of(cause: Cause, call: _Call) -> str | None:
    """Return how a provider fails everybody, None for an error of another kind.

    Calls whose span is missing are known by the exception's module alone.
    """
    if call.step_kind not in _CALLS and cause.module not in _MODULES:
        return None
    status = status_of(cause.message) or 0
    if status >= 500:
        return "server_error"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 400:
        return None
    by_type = next((kind for pattern, kind in _BY_TYPE if pattern.search(cause.type)), None)
    return by_type or next((kind for pattern, kind in _BY_WORDS if pattern.search(cause.message[:400])), None)


def sentence_of(cause: Cause, model: str | None, is_outage: bool) -> str:
    """Return what the provider said, values replaced: the message in its answer, without the SDK's words around it.

    In an outage the name of the model is a value as well: that it hits several models makes it no second outage.
    """
    text = said_in(cause.message) or cause.message[_PREFIX.match(cause.message).end() :]
    if is_outage:
        text = _MODEL.sub("<model>", text[:2000])
        if model:
            text = re.sub(rf"(?<![\w-]){re.escape(model[:200])}(?![\w-])", "<model>", text)
    return readable(text, cause.type)
