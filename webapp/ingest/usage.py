"""Tokens, models and cost of the model calls, each call counted once however many spans tell of it."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from webapp.ingest import conventions
from webapp.ingest.conventions import openinference
from webapp.ingest.roles import AGENT, EMBEDDING, FLOW, MODEL, STEP
from webapp.ingest.tree import Node

_MOST_TOKENS = 2**53
_COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")


@dataclass(slots=True)
class Usage:
    """What the spans of one call say about it; None is unknown, which is not 0."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    model_requested: str | None = None
    model_used: str | None = None
    provider: str | None = None
    response_id: str | None = None
    finish_reason: str | None = None
    first_token_ms: int | None = None
    cost_usd: Decimal | None = None

    def fields(self) -> dict[str, Any]:
        """Return these as the fields of a step."""
        return {
            "model_requested": self.model_requested,
            "model_used": self.model_used,
            "provider": self.provider,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_input_tokens": self.cached_tokens,
            "cache_write_tokens": self.cache_write_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "reported_cost_usd": self.cost_usd,
            "finish_reason": self.finish_reason,
            "time_to_first_token_ms": self.first_token_ms,
        }

    @property
    def has_tokens(self) -> bool:
        return bool(self.input_tokens or self.output_tokens)


def count_calls(nodes: list[Node]) -> None:
    """Give each model call and embedding its usage and make further spans of the same call steps that it owns.

    The same call: a model span right below a model span (steps between them aside), and spans with the same response
    id anywhere in the trace. A model span without tokens above several that have some is no call but their wrapper.
    """
    calls = [node for node in nodes if node.role in (MODEL, EMBEDDING)]
    for node in calls:
        node.usage = read(node)
    _unwrap(calls)
    by_response: dict[str, Node] = {}
    for node in calls:
        if node.usage is None:
            continue
        above = node.classified
        if above is not None and above.role == node.role and above.usage is not None:
            _merge(above, node)
        response_id = node.usage.response_id
        if response_id:
            _merge(by_response.setdefault(response_id, node), node)
    for node in calls:
        if node.owner is not None:
            while node.owner.owner is not None:
                node.owner = node.owner.owner
            _fill(node.owner.usage, node.usage)
    for node in calls:
        if node.owner is not None:
            node.role = STEP
    if not any(node.usage is not None and node.usage.has_tokens for node in calls):
        _count_agent_totals(nodes)


def _unwrap(calls: list[Node]) -> None:
    inner: dict[int, list[Node]] = {}
    for node in calls:
        if node.classified is not None and node.classified.role == node.role:
            inner.setdefault(id(node.classified), []).append(node)
    for node in calls:
        below = [other for other in inner.get(id(node), ()) if other.usage.has_tokens]
        if len(below) > 1 and not node.usage.has_tokens:
            node.role, node.usage = STEP, None


def _merge(first: Node, second: Node) -> None:
    """Make two nodes one call, owned by the one that stands first."""
    while first.owner is not None:
        first = first.owner
    while second.owner is not None:
        second = second.owner
    if first is not second:
        if second.sequence < first.sequence:
            first, second = second, first
        second.owner = first


def _fill(target: Usage, other: Usage) -> None:
    """Put what another span of the call knows where the first knows nothing; token counts come from one span."""
    if not target.has_tokens and other.has_tokens:
        target.input_tokens, target.output_tokens = other.input_tokens, other.output_tokens
    for field in (*_COUNTS, "model_requested", "model_used", "provider", "response_id", "finish_reason"):
        if getattr(target, field) is None:
            setattr(target, field, getattr(other, field))
    if target.first_token_ms is None:
        target.first_token_ms = other.first_token_ms
    if target.cost_usd is None:
        target.cost_usd = other.cost_usd


def _count_agent_totals(nodes: list[Node]) -> None:
    """Where no model call tells tokens, take them from the outermost agents or runs.

    Totals of an agent may run on from turn to turn, so of several runs of one agent only the last counts.
    """
    last: dict[str, Node] = {}
    inside: set[int] = set()
    for node in nodes:
        if node.parent is not None and id(node.parent) in inside:
            inside.add(id(node))
            continue
        if node.role not in (AGENT, FLOW):
            continue
        usage = read(node)
        if not usage.has_tokens:
            continue
        inside.add(id(node))
        other = last.get(node.name)
        if other is None or (node.span.end_ns, node.span.span_id) > (other.span.end_ns, other.span.span_id):
            if other is not None:
                other.usage = None
            last[node.name] = node
            node.usage = usage


def read(node: Node) -> Usage:
    """Return what one span says about its call."""
    attributes = node.span.attributes
    first, text = conventions.first, conventions.text
    usage = Usage(*[_tokens(first(attributes, field)) for field in _COUNTS])
    if usage.input_tokens == 0 and usage.output_tokens == 0 and _has_output(node):
        # A call that answered used tokens; some senders write 0 where they do not know.
        usage.input_tokens = usage.output_tokens = usage.cached_tokens = None
    usage.model_used = _model(text(attributes, "model_used"))
    usage.model_requested = _model(text(attributes, "model_requested"))
    if usage.model_requested is None and "llm.invocation_parameters" in attributes:
        usage.model_requested = _model(openinference.requested_model(attributes))
    provider = text(attributes, "provider")
    if provider:
        usage.provider = (provider.partition(".")[0] if "ai.operationId" in attributes else provider).lower()[:100]
        usage.model_used = _without_provider(usage.model_used, usage.provider)
        usage.model_requested = _without_provider(usage.model_requested, usage.provider)
    usage.response_id = text(attributes, "response_id")
    reason = text(attributes, "finish_reason")
    usage.finish_reason = reason[:100] if reason else None
    usage.first_token_ms = _first_token_ms(node)
    usage.cost_usd = _cost(first(attributes, "cost"))
    return usage


def _tokens(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_TOKENS:
        return None
    return int(value)


def _has_output(node: Node) -> bool:
    return conventions.output_of(node.span, node.role) not in (None, "", [], {})


def _model(name: str | None) -> str | None:
    """Return a model name that fits its column, without the folder that one provider puts before each name."""
    return name.removeprefix("models/")[:255] or None if name else None


def _without_provider(model: str | None, provider: str) -> str | None:
    if model and "/" in model and model.partition("/")[0].lower() == provider:
        return model.partition("/")[2] or model
    return model


def _first_token_ms(node: Node) -> int | None:
    attributes = node.span.attributes
    for field, factor in (("first_token_s", 1000), ("first_token_ms", 1)):
        value = conventions.first(attributes, field)
        if isinstance(value, int | float) and 0 <= value * factor < 2**31:
            return round(value * factor)
    for event in node.span.events:
        if event.name.endswith((".chunk", ".firstChunk")) or event.name == "First Token Stream Event":
            waited = event.time_ns - node.span.start_ns
            return waited // 1_000_000 if 0 <= waited < 2**31 * 1_000_000 else None
    return None


def _cost(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        cost = Decimal(str(value))
    except InvalidOperation:
        return None
    return cost if cost.is_finite() and 0 <= cost < 10**9 else None
