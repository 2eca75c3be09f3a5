"""A trace's spans become one execution; the same spans give the same one in any order and however often."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from webapp.ingest import conventions
from webapp.ingest.context import entry_of, labels_of, resource_text, sdk_of, told, trigger_of
from webapp.ingest.mapped import MappedError, MappedStep, MappedTrace
from webapp.ingest.names import block_name, is_helper_tool, short, stripped, without_ids
from webapp.ingest.outcome import problem_of, status_of
from webapp.ingest.payloads import answer_in, question_in
from webapp.ingest.roles import AGENT, CREATION, FLOW, KINDS, MODEL, TOOL
from webapp.ingest.spans import KIND_CLIENT, KIND_CONSUMER, KIND_PRODUCER, KIND_SERVER, Span
from webapp.ingest.tree import Node, grow, one_of_each, settle_roles
from webapp.ingest.usage import Usage, count_calls

# Raised with every change of what spans map to: stored traces are then mapped again, and their steps replaced.
MAPPING_VERSION = 1

_MOST_MS = 2**31 - 1
_REMOTE_KINDS = (KIND_SERVER, KIND_CLIENT, KIND_PRODUCER, KIND_CONSUMER)
_NOTHING = Usage()


def map_trace(spans: Sequence[Span], settled: bool = False) -> MappedTrace:
    """Return the execution that the spans of one trace tell.

    Without a root it is ``running`` until ``settled``, which says that no more is expected.
    Raises: ValueError when there is no span at all.
    """
    if not spans:
        raise ValueError("a trace has at least one span")
    nodes, tops = grow(one_of_each(spans))
    settle_roles(nodes)
    count_calls(nodes)
    entry = entry_of(tops)
    is_root_seen = entry.span.parent_span_id is None
    status, error, origin = status_of(tops)
    if not (is_root_seen or settled):
        status, error, origin = "running", None, None
    inputs, outputs = _payloads(nodes)
    further: dict[int, bytes] = {}
    for node in nodes:
        if node.owner is not None:
            further[node.owner.sequence] = further.get(node.owner.sequence, b"") + node.span.content_hash
    steps = [
        _step(node, inputs[at], outputs[at], node is origin, further.get(at, b"")) for at, node in enumerate(nodes)
    ]
    return _mapped(nodes, steps, entry, is_root_seen, status, error)


def _mapped(
    nodes: list[Node], steps: list[MappedStep], entry: Node, is_root_seen: bool, status: str, error: MappedError | None
) -> MappedTrace:
    started, ended = min(step.started_ns for step in steps), max(step.ended_ns for step in steps)
    roots = [node.span for node in nodes if node.span.parent_span_id is None]
    by_start = sorted(steps, key=lambda step: (step.started_ns, step.span_id))
    given, answered = _flow_input(nodes, steps, entry), _flow_output(nodes, steps, entry)
    labels = labels_of(entry)
    if status == "completed" and _ends_unanswered(by_start):
        labels["ended_without_answer"] = True
    return MappedTrace(
        trace_id=entry.span.trace_id,
        flow_name=short(without_ids(_flow_name(nodes, entry, is_root_seen))),
        status=status,
        is_root_seen=is_root_seen,
        is_ignored=_is_ignored(nodes),
        started_ns=started,
        ended_ns=ended,
        execution_time_ms=_ms(roots[0].start_ns, roots[0].end_ns) if len(roots) == 1 else _ms(started, ended),
        input=given,
        output=answered,
        question=question_in(given),
        answer=answer_in(answered),
        error=error,
        tags=labels,
        steps=tuple(steps),
        span_count=len(nodes),
        **_counts(by_start),
        **_surroundings(nodes, entry, is_root_seen),
    )


def _counts(by_start: list[MappedStep]) -> dict[str, Any]:
    """Return the sums and the names of a trace; names in the order of first start, each once."""
    agents = [step for step in by_start if step.kind == KINDS[AGENT]]
    tools = [step for step in by_start if step.is_tool and not step.is_helper]
    return {
        "input_tokens": _sum(step.input_tokens for step in by_start),
        "output_tokens": _sum(step.output_tokens for step in by_start),
        "cached_input_tokens": _sum(step.cached_input_tokens for step in by_start),
        "agents": _once(short(without_ids(step.name)) for step in agents),
        "models": _once(step.model_requested or step.model_used for step in by_start if step.is_billable),
        "tools": _once(short(without_ids(step.name)) for step in tools),
        "agent_count": len(agents),
        "model_call_count": sum(step.kind == KINDS[MODEL] for step in by_start),
        "tool_call_count": len(tools),
    }


def _surroundings(nodes: list[Node], entry: Node, is_root_seen: bool) -> dict[str, Any]:
    """Return who sent a trace, from where, for whom and what started it."""
    environment = resource_text(entry, nodes, "deployment.environment.name", "deployment.environment")
    return {
        "service_name": resource_text(entry, nodes, "service.name"),
        "service_version": resource_text(entry, nodes, "service.version"),
        "environment": environment and environment[:100],
        "trigger_type": trigger_of(entry, is_root_seen),
        "session_id": told(nodes, entry, "session_id"),
        "user_ref": told(nodes, entry, "user_ref"),
        "sdk": sdk_of(entry.span),
    }


def _step(node: Node, given: Any, answered: Any, is_origin: bool, further: bytes) -> MappedStep:
    span, role, problem = node.span, node.role, problem_of(node)
    is_tool = role == TOOL
    place = (node.parent.span.span_id if node.parent is not None else None, node.sequence, node.depth)
    agent_name = short(without_ids(node.agent_name)) if node.agent_name else None
    usage_of = node.owner.span.span_id if node.owner is not None else None
    usage = _NOTHING if node.usage is None or usage_of else node.usage
    is_billable = node.usage is not None and not usage_of
    return MappedStep(
        span.span_id,
        span.parent_span_id,
        *place,
        is_tool,
        KINDS[role],
        node.name,
        short(block_name(node.name, role)),
        agent_name,
        span.resource.get("service.name"),
        "completed" if problem is None else "cancelled" if problem.is_cancelled else "failed",
        span.start_ns,
        span.end_ns,
        _ms(span.start_ns, span.end_ns),
        is_billable=is_billable,
        usage_of=usage_of,
        input=given,
        output=answered,
        error_type=problem.type if problem else None,
        error_message=problem.message if problem else None,
        error_stack=problem.stack if problem else None,
        is_error_origin=is_origin,
        is_helper=is_tool and is_helper_tool(node.name),
        content_hash=_hash(
            span.content_hash + further, place, role, agent_name, usage_of, is_origin, is_billable and usage
        ),
        **usage.fields(),
    )


def _hash(content: bytes, *found: Any) -> bytes:
    """Return a hash that changes whenever a step does: with its spans, its place or the mapping itself."""
    return blake2b(content + repr((MAPPING_VERSION, found)).encode(errors="replace"), digest_size=16).digest()


def _payloads(nodes: list[Node]) -> tuple[list[Any], list[Any]]:
    """Return each node's input and output; a call whose own span has none takes them from its further spans."""
    inputs: list[Any] = []
    outputs: list[Any] = []
    owned = []
    for node in nodes:
        # A further span of a call holds messages like the call itself, whatever it counts as.
        role = node.role if node.owner is None else node.owner.role
        inputs.append(conventions.input_of(node.span, role))
        outputs.append(conventions.output_of(node.span, role))
        if node.owner is not None:
            owned.append(node)
    for node in owned:
        owner = node.owner.sequence
        if inputs[owner] is None:
            inputs[owner] = inputs[node.sequence]
        if outputs[owner] is None:
            outputs[owner] = outputs[node.sequence]
    return inputs, outputs


def _flow_name(nodes: list[Node], entry: Node, is_root_seen: bool) -> str:
    """Return what people call the flow.

    Its own name, else the agent's where the entry is one, else the span's name; where the entry is only a call from
    outside (``POST /chat``), the one agent below says more, and where it is not known, the service does.
    """
    said = conventions.text(entry.span.attributes, "workflow_name")
    if said:
        return said
    if entry.role == AGENT:
        return entry.name
    named = next((name for node in nodes if (name := conventions.text(node.span.attributes, "workflow_name"))), None)
    is_entry_known = is_root_seen or entry.span.kind in (KIND_SERVER, KIND_CONSUMER)
    agents = [
        node for node in nodes if node.role == AGENT and (node.classified is None or node.classified.role != AGENT)
    ]
    if is_entry_known and entry.span.kind not in _REMOTE_KINDS:
        return stripped(entry.span.name, FLOW) or entry.name
    if named:
        return named
    names = {node.name for node in agents}
    if len(names) == 1 or (names and not is_entry_known):
        return agents[0].name
    told_by_calls = {node.agent_name for node in nodes if node.agent_name}
    if not names and len(told_by_calls) == 1:
        return told_by_calls.pop()
    if is_entry_known:
        return stripped(entry.span.name, FLOW) or entry.name
    return entry.span.resource.get("service.name") or stripped(entry.span.name, FLOW) or entry.name


def _flow_input(nodes: list[Node], steps: list[MappedStep], entry: Node) -> Any:
    """Return the entry's input, else the outermost agent's or flow's, else that of the first model call."""
    return _payload(nodes, steps, entry, [step.input for step in steps], is_last=False)


def _flow_output(nodes: list[Node], steps: list[MappedStep], entry: Node) -> Any:
    """Return the entry's output, else the outermost agent's or flow's, else that of the last model call."""
    return _payload(nodes, steps, entry, [step.output for step in steps], is_last=True)


def _payload(nodes: list[Node], steps: list[MappedStep], entry: Node, found: list[Any], is_last: bool) -> Any:
    is_entry_known = entry.span.parent_span_id is None or entry.span.kind in (KIND_SERVER, KIND_CONSUMER)
    if is_entry_known and found[entry.sequence] is not None:
        return found[entry.sequence]
    for roles in ((AGENT, FLOW), (MODEL,)):
        known = [node for node in nodes if node.role in roles and found[node.sequence] is not None]
        if not known:
            continue
        if roles[0] == AGENT:
            top = min(node.depth for node in known)
            known = [node for node in known if node.depth == top]
        pick = max(known, key=_by_end) if is_last else min(known, key=_by_start)
        return found[pick.sequence]
    return None


def _by_start(node: Node) -> tuple[int, bytes]:
    return node.span.start_ns, node.span.span_id


def _by_end(node: Node) -> tuple[int, bytes]:
    return node.span.end_ns, node.span.span_id


def _is_ignored(nodes: list[Node]) -> bool:
    """Return whether the trace only tells that an agent or a graph was made."""
    if all(node.role == CREATION for node in nodes):
        return True
    return len(nodes) == 1 and nodes[0].span.name.endswith(".build") and nodes[0].span.kind not in _REMOTE_KINDS


def _ends_unanswered(by_start: list[MappedStep]) -> bool:
    """Return whether the last model call has neither tokens nor an answer, as when its caller stopped waiting."""
    calls = [step for step in by_start if step.kind == KINDS[MODEL]]
    if len(calls) < 2:
        return False
    last, before = calls[-1], calls[:-1]
    is_empty = last.output is None and last.input_tokens is None and last.finish_reason is None
    return is_empty and last.status == "completed" and any(step.input_tokens is not None for step in before)


def _ms(start_ns: int, end_ns: int) -> int:
    return min(max(end_ns - start_ns, 0) // 1_000_000, _MOST_MS)


def _sum(counts) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _once(names) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
