"""The conventions that are read, one module each, and the order in which they are asked.

A module has ``role_of``, ``NAMES`` (our field -> attribute names, the best first), ``input_of`` and ``output_of``.
A new convention is a module and its place in the lists below.
"""

from typing import Any

from webapp.ingest.conventions import openinference, otel_genai, plain, traceloop, vercel_ai
from webapp.ingest.roles import RANK, STEP

_ORDER = (otel_genai, openinference, plain, traceloop, vercel_ai)
# A session that the user set wins over a conversation id, which some senders invent for each run; an ``ai.*`` span says
# its provider and model more plainly in its own namespace.
_OTHER_ORDERS = {
    "session_id": (openinference, otel_genai, traceloop, vercel_ai, plain),
    "provider": (vercel_ai, *_ORDER),
}
_PAYLOAD_ORDER = (otel_genai, openinference, vercel_ai, traceloop, plain)


def _names(field: str) -> tuple[str, ...]:
    modules = _OTHER_ORDERS.get(field, _ORDER)
    return tuple(dict.fromkeys(name for module in modules for name in module.NAMES.get(field, ())))


NAMES: dict[str, tuple[str, ...]] = {
    field: _names(field) for field in dict.fromkeys(field for module in _ORDER for field in module.NAMES)
}


def role_of(attributes: dict[str, Any], name: str) -> str:
    """Return what a span is: the first of ``roles.ROLES`` that any convention says, by its name if none says."""
    said = [
        role
        for role in (
            otel_genai.role_of(attributes),
            openinference.role_of(attributes, name),
            traceloop.role_of(attributes),
            vercel_ai.role_of(attributes),
        )
        if role is not None
    ]
    if not said:
        return plain.role_of(attributes, name) or STEP
    return said[0] if len(said) == 1 else min(said, key=RANK.__getitem__)


def first(attributes: dict[str, Any], field: str) -> Any:
    """Return the first filled attribute that can tell a field, None when there is none."""
    for name in NAMES[field]:
        value = attributes.get(name)
        if value is not None and value != "":
            return value
    return None


def text(attributes: dict[str, Any], field: str) -> str | None:
    """Return a field as text, None when nothing tells it."""
    value = first(attributes, field)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return str(value[0]) if value else None
    return str(value)


def input_of(span, role: str) -> Any:
    """Return what went into a span, parsed where it is JSON, None when no convention carries it."""
    for module in _PAYLOAD_ORDER:
        found = module.input_of(span, role)
        if found is not None:
            return found
    return None


def output_of(span, role: str) -> Any:
    """Return what came out of a span, parsed where it is JSON, None when no convention carries it."""
    for module in _PAYLOAD_ORDER:
        found = module.output_of(span, role)
        if found is not None:
            return found
    return None
