"""What an execution ran with: its model, prompt, tools, versions, as far as its spans tell it, each as a short hash.

A dimension that no span tells is absent; there is never a hash of nothing. An execution may have several values of a
dimension (two agents have two prompts): each is kept by itself, so that a run that stopped early has fewer values than
others, never another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from webapp.ingest.context_readers import prompt_of, settings_of, tools_of
from webapp.ingest.mapped import MappedStep, MappedTrace
from webapp.ingest.spans import Span

DIMENSIONS = (
    "model", "model_answered", "model_settings", "provider", "prompt", "tools", "agent", "service_version",
    "flow_version", "plugin", "library",
)  # fmt: skip
MOST_VALUES = 8
LONGEST_CONTENT = 20_000
_LONGEST_LABEL = 255
_MODEL_KINDS = ("model_call", "embedding")
_USER_AGENT = "ai.request.headers.user-agent"
_PACKAGES = "traceloop.association.properties.lc_versions"
_SURROUNDINGS = {
    "gen_ai.workflow.version", "traceloop.entity.version", "gen_ai.workflow.nodes", "mcp.protocol.version",
    "mcp.server.name", _PACKAGES, _USER_AGENT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """One thing an execution ran with. ``content`` is what a text comparison shows, None where the label says all."""

    dimension: str
    hash: bytes
    label: str
    content: str | None = None


Context = dict[str, tuple[Value, ...]]


def hex_of(context: Context) -> dict[str, list[str]] | None:
    """Return a context as an execution keeps it, None when nothing is known."""
    return {dimension: [one.hash.hex() for one in values] for dimension, values in context.items()} or None


def stamp(trace: MappedTrace, spans: Iterable[Span]) -> Context:
    """Return the values of each known dimension, in an order that does not depend on how spans arrived."""
    found: dict[str, dict[bytes, Value]] = {}
    steps = {step.span_id: step for step in trace.steps}
    skipped = _fallbacks(trace.steps)
    for value in _values(sorted(spans, key=lambda span: (span.start_ns, span.span_id)), steps, skipped):
        values = found.setdefault(value.dimension, {})
        if len(values) < MOST_VALUES:
            values.setdefault(value.hash, value)
    return {dimension: tuple(values[digest] for digest in sorted(values)) for dimension, values in found.items()}


def _values(spans: Sequence[Span], steps: Mapping[bytes, MappedStep], skipped: set[bytes]) -> Iterator[Value]:
    resources: set[int] = set()
    scopes: set[tuple[str, str]] = set()
    for span in spans:
        if id(span.resource) not in resources:
            resources.add(id(span.resource))
            yield from _of_resource(span.resource)
        if span.scope_version and (span.scope_name, span.scope_version) not in scopes:
            scopes.add((span.scope_name, span.scope_version))
            yield value("library", f"{span.scope_name} {span.scope_version}")
        step = steps.get(span.span_id)
        if step is None or span.span_id in skipped or not span.attributes:
            continue
        yield from _of_call(span, step)
        if not _SURROUNDINGS.isdisjoint(span.attributes):
            yield from _of_surroundings(span.attributes)
        if step.kind == "agent":
            yield _agent(span.attributes, step)


def value(dimension: str, label: str, content: str | None = None, hashed: str | None = None) -> Value:
    """Return a value whose hash is that of ``hashed``, else of the content, else of the label."""
    text = next(part for part in (hashed, content, label) if part is not None)
    digest = blake2b(text.encode(errors="replace"), digest_size=8, person=dimension.encode()[:16]).digest()
    return Value(dimension, digest, label[:_LONGEST_LABEL], content if content is None else content[:LONGEST_CONTENT])


def _fallbacks(steps: Sequence[MappedStep]) -> set[bytes]:
    """Spans of calls to another model after a model call had failed: what was tried next is no cause of the failure."""
    failed = [step for step in steps if step.status == "failed" and step.kind in _MODEL_KINDS]
    if not failed:
        return set()
    first = min(failed, key=lambda step: (step.ended_ns, step.span_id))
    return {
        step.span_id
        for step in steps
        if step.kind in _MODEL_KINDS
        and step.started_ns >= first.ended_ns
        and step.model_requested != first.model_requested
    }


def _of_resource(resource: Mapping[str, Any]) -> Iterator[Value]:
    version = resource.get("service.version") or resource.get("vcs.ref.head.revision")
    if version:
        service = resource.get("service.name")
        yield value("service_version", f"{service} {version}" if service else str(version))
    names = ("telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version")
    if resource.get(names[-1]):
        yield value("library", " ".join(str(resource[name]) for name in names if resource.get(name)))


def _of_call(span: Span, step: MappedStep) -> Iterator[Value]:
    """What a call of a model went out with; some senders tell the prompt and the tools on the agent's span only."""
    if step.kind in _MODEL_KINDS:
        if step.model_requested or step.model_used:
            yield value("model", step.model_requested or step.model_used or "")
        if step.model_requested and step.model_used and step.model_used != step.model_requested:
            yield value("model_answered", step.model_used)
        if step.provider:
            yield value("provider", step.provider)
        settings = settings_of(span.attributes)
        if settings:
            lines = [f"{name} {settings[name]}" for name in sorted(settings)]
            yield value("model_settings", ", ".join(lines), "\n".join(lines))
    prompt = prompt_of(span.attributes, step.input if step.kind == "model_call" else None)
    if prompt is not None:
        yield value("prompt", prompt.label, prompt.text, prompt.normalised)
    tools = tools_of(span.attributes)
    if tools is not None:
        yield value("tools", tools.label, tools.text)


def _of_surroundings(attributes: Mapping[str, Any]) -> Iterator[Value]:
    """Versions of the flow, of plugins and of packages that a span tells."""
    version = attributes.get("gen_ai.workflow.version") or attributes.get("traceloop.entity.version")
    if version:
        yield value("flow_version", str(version))
    if "gen_ai.workflow.nodes" in attributes:
        shape = {part: attributes.get(f"gen_ai.workflow.{part}") for part in ("nodes", "edges")}
        lines = [str(line) for part in shape.values() for line in (part if isinstance(part, list) else [part]) if line]
        yield value("flow_version", "blocks and edges", "\n".join(lines))
    protocol, server = attributes.get("mcp.protocol.version"), attributes.get("mcp.server.name")
    if protocol:
        yield value("plugin", f"MCP protocol {protocol}")
    if server:
        yield value("plugin", " ".join(str(part) for part in (server, attributes.get("mcp.server.version")) if part))
    packages = attributes.get(_PACKAGES)
    if isinstance(packages, str) and len(packages) < 2_000:
        yield value("library", packages.strip("{}").replace('"', "").replace(":", ""))
    if _USER_AGENT in attributes:
        yield value("library", str(attributes[_USER_AGENT]))


def _agent(attributes: Mapping[str, Any], step: MappedStep) -> Value:
    name = step.agent_name or step.name
    version, about = attributes.get("gen_ai.agent.version"), attributes.get("gen_ai.agent.description")
    label = f"{name} {version}" if version else name
    return value("agent", label, f"{label}\n{about}" if about else None)
