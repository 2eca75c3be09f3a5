"""The tree of a trace: each span once, each with a place, whatever order and however often spans arrived."""

from collections.abc import Iterable
from operator import attrgetter

from webapp.ingest import conventions
from webapp.ingest.names import name_of
from webapp.ingest.roles import AGENT, CLASSIFIED, FLOW, STEP, TOOL
from webapp.ingest.spans import STATUS_ERROR, Span

_BY_START = attrgetter("start_ns", "span_id")


class Node:
    """A span in its place, with what later passes find out about it.

    ``classified`` is the nearest model call, embedding, tool or agent above. ``owner`` is the node that tells the same
    call, tool run or agent run; a node with an owner counts for nothing itself.
    """

    __slots__ = (
        "span",
        "role",
        "name",
        "parent",
        "children",
        "depth",
        "sequence",
        "classified",
        "owner",
        "agent_name",
        "usage",
        "problem",
    )

    def __init__(self, span: Span):
        self.span = span
        self.role = conventions.role_of(span.attributes, span.name)
        self.name = name_of(span.attributes, span.name, self.role)
        self.parent: Node | None = None
        self.children: list[Node] = []
        self.depth = 0
        self.sequence = 0
        self.classified: Node | None = None
        self.owner: Node | None = None
        self.agent_name: str | None = None
        self.usage = None
        self.problem = None

    @property
    def is_error(self) -> bool:
        return self.span.status_code == STATUS_ERROR


def one_of_each(spans: Iterable[Span]) -> list[Span]:
    """Return each span once in the order of start; of two copies the later end wins, then the larger hash."""
    found: dict[bytes, Span] = {}
    for span in spans:
        other = found.get(span.span_id)
        if other is None or (span.end_ns, span.content_hash) > (other.end_ns, other.content_hash):
            found[span.span_id] = span
    return sorted(found.values(), key=_BY_START)


def grow(spans: list[Span]) -> tuple[list[Node], list[Node]]:
    """Return all nodes in display order (depth first, by start) and those without a parent here, by start.

    Spans that name each other as parents would hang in the air: the one that started first becomes a top.
    """
    nodes = [Node(span) for span in spans]
    by_id = {node.span.span_id: node for node in nodes}
    tops = []
    for node in nodes:
        parent = by_id.get(node.span.parent_span_id) if node.span.parent_span_id else None
        node.parent = parent
        (tops if parent is None else parent.children).append(node)
    ordered: list[Node] = []
    for top in tops:
        _walk(top, ordered)
    if len(ordered) < len(nodes):
        seen = {id(node) for node in ordered}
        for node in nodes:
            if id(node) not in seen:
                node.parent.children.remove(node)
                node.parent = None
                tops.append(node)
                before = len(ordered)
                _walk(node, ordered)
                seen.update(id(other) for other in ordered[before:])
        tops.sort(key=lambda node: _BY_START(node.span))
    return ordered, tops


def _walk(top: Node, ordered: list[Node]) -> None:
    stack = [top]
    while stack:
        node = stack.pop()
        parent = node.parent
        node.sequence = len(ordered)
        if parent is not None:
            node.depth = parent.depth + 1
            node.classified = parent if parent.role in CLASSIFIED else parent.classified
        ordered.append(node)
        stack.extend(reversed(node.children))


def settle_roles(nodes: list[Node]) -> None:
    """Give each run of an agent or tool one node, and each node the agent that it ran for.

    An agent without a name of its own at the top is the flow when named agents run inside it. An agent right below an
    agent of the same name, and a tool right below a tool of the same name, is the same run seen by a second sender.
    """
    named_agents = {id(node) for node in nodes if node.role == AGENT and _has_agent_name(node)}
    if named_agents:
        for node in nodes:
            if node.role == AGENT and node.parent is None and id(node) not in named_agents:
                node.role = FLOW
    _connect(nodes)
    for node in nodes:
        above = node.classified
        if above is not None and above.role == node.role and node.role in (AGENT, TOOL) and above.name == node.name:
            node.owner = above.owner or above
    for node in nodes:
        if node.owner is not None:
            node.role = STEP
    _connect(nodes)
    for node in nodes:
        if node.role == AGENT:
            node.agent_name = node.name
        else:
            above = node.parent.agent_name if node.parent is not None else None
            said = node.span.attributes.get("gen_ai.agent.name")
            node.agent_name = above or (said if isinstance(said, str) and said else None)


def _has_agent_name(node: Node) -> bool:
    attributes = node.span.attributes
    return bool(conventions.text(attributes, "agent_name")) or conventions.openinference.is_named_agent(
        attributes.get("metadata"), node.span.name
    )


def _connect(nodes: list[Node]) -> None:
    for node in nodes:
        parent = node.parent
        if parent is not None:
            node.classified = parent if parent.role in CLASSIFIED else parent.classified
