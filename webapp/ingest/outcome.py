"""How a trace ended: its status by the path that ended last, and the deepest cause on the failing path."""

from ast import literal_eval
from dataclasses import dataclass

from webapp.ingest.mapped import MappedError
from webapp.ingest.roles import EMBEDDING, MODEL, TOOL
from webapp.ingest.spans import Span
from webapp.ingest.tree import Node

_CANCELLED = ("CancelledError", "KeyboardInterrupt", "AbortError")
_TRACEBACK = "Traceback (most recent call last)"
_LONGEST_TYPE = 255
_LONGEST_LITERAL = 20_000


@dataclass(slots=True, frozen=True)
class Problem:
    """What a failed span says about its failure."""

    type: str | None
    message: str | None
    stack: str | None
    has_event: bool

    @property
    def is_cancelled(self) -> bool:
        return bool(self.type) and self.type.endswith(_CANCELLED)


def problem_of(node: Node) -> Problem | None:
    """Return why a span failed, None for one that did not."""
    if node.problem is None and node.is_error:
        node.problem = _read(node.span)
    return node.problem


def _read(span: Span) -> Problem:
    found = _from_events(span)
    if found is None:
        said = span.attributes.get("error.type")
        kind = said if isinstance(said, str) and said else None
        return Problem(*_from_status(kind, span.status_message), False)
    kind, message, stack = found
    return Problem(
        kind or _text(span.attributes.get("error.type")), message or span.status_message or None, stack, True
    )


def _from_events(span: Span) -> tuple[str | None, str | None, str | None] | None:
    """Return the last recorded exception, with the longest stack that was recorded for it."""
    found, stacks = None, {}
    records = [event.attributes for event in span.events if event.name == "exception"]
    if not records and "exception.type" in span.attributes:
        records = [span.attributes]
    for record in records:
        kind, message = _text(record.get("exception.type")), _text(record.get("exception.message"))
        if kind is None and message is None:
            continue
        stack = _text(record.get("exception.stacktrace"))
        found = (kind, message)
        stacks[found] = max(stacks.get(found) or "", stack or "", key=len)
    return (found[0] and found[0][:_LONGEST_TYPE], found[1], stacks[found] or None) if found else None


def _text(value) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _from_status(kind: str | None, message: str) -> tuple[str | None, str | None, str | None]:
    """Return type, message and stack out of a status message, which holds all of them in some senders' words."""
    stack = None
    if _TRACEBACK in message:
        at = message.index(_TRACEBACK)
        message, stack = message[:at], message[at:]
    message = _unquoted(message.strip())
    head, colon, rest = message.partition(": ")
    is_type = colon and len(head) <= 120 and head.endswith(("Error", "Exception", "Interrupt")) and _is_dotted(head)
    if is_type and (kind is None or head.endswith(kind) or kind.endswith(head)):
        kind, message = kind or head, rest.strip()
    return kind and kind[:_LONGEST_TYPE], message or None, stack


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _unquoted(message: str) -> str:
    """Return the inner text of messages like ``Error in agent run: {'error': 'no such order'}``."""
    at = message.find(": {")
    if at < 0 or not message.endswith("}") or len(message) > _LONGEST_LITERAL:
        return message
    try:
        inner = literal_eval(message[at + 2 :])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return message
    error = inner.get("error") if isinstance(inner, dict) else None
    return error if isinstance(error, str) and error else message


def status_of(tops: list[Node]) -> tuple[str, MappedError | None, Node | None]:
    """Return completed, failed or cancelled, the error, and the node where it began.

    From each root the child that ended last is followed through steps and agents, not into tools and model calls: a
    failure that was coped with ended before something else did. Spans whose parent is absent stand in for it together.
    """
    failed = None
    for start in _starts(tops):
        node, fails = start, False
        while node is not None and (node is start or node.role not in (MODEL, EMBEDDING, TOOL)):
            fails = fails or node.is_error
            node = max(node.children, key=_ended, default=None)
        if fails and (failed is None or _ended(start) > _ended(failed)):
            failed = start
    if failed is None:
        return "completed", None, None
    return _cause(failed)


def _starts(tops: list[Node]) -> list[Node]:
    groups: dict[bytes | None, Node] = {}
    roots = [node for node in tops if node.span.parent_span_id is None]
    for node in tops:
        if node.span.parent_span_id is None:
            continue
        if roots and node.role in (MODEL, EMBEDDING, TOOL):
            continue
        other = groups.get(node.span.parent_span_id)
        if other is None or _ended(node) > _ended(other):
            groups[node.span.parent_span_id] = node
    return roots + list(groups.values())


def _ended(node: Node) -> tuple[int, int, bytes]:
    return node.span.end_ns, node.span.start_ns, node.span.span_id


def _cause(start: Node) -> tuple[str, MappedError, Node]:
    path, node = [], start
    while node is not None:
        if node.is_error:
            path.append(node)
        errors = [child for child in node.children if child.is_error]
        # Cancelled siblings of what failed end later than it, and are no cause.
        causes = [child for child in errors if not problem_of(child).is_cancelled] or errors
        node = max(causes or node.children, key=_ended, default=None)
    problems = [problem_of(node) for node in path]
    top = problems[0]
    best = next((problem for problem in reversed(problems) if problem.has_event), None)
    if best is None:
        said = [problem for problem in problems if problem.message]
        best = min(said, key=lambda problem: len(problem.message)) if said else problems[-1]
    kind = best.type or next((problem.type for problem in reversed(problems) if problem.type), None)
    raised = next((problem for problem in problems if problem.message), top)
    is_same = (raised.type, raised.message) == (best.type, best.message)
    error = MappedError(
        kind,
        best.message,
        best.stack or next((problem.stack for problem in reversed(problems) if problem.stack), None),
        path[-1].span.span_id,
        None if is_same else raised.type,
        None if is_same else raised.message,
    )
    is_cancelled = raised.is_cancelled or (raised.type is None and best.is_cancelled)
    return "cancelled" if is_cancelled else "failed", error, path[-1]
