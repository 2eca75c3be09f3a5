"""Save a flow's drawing: a version, the rows of blocks and edges, and the compiled graph, all or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.domain.errors import Conflict, Invalid, NotFound
from webapp.domain.flow_compile import compile_graph
from webapp.domain.flow_diff import diff_graphs
from webapp.domain.flow_graph import FlowGraph, GraphInvalid, from_document, to_document
from webapp.domain.flow_problem import Problem
from webapp.domain.flow_storable import content_hash, storable_graph
from webapp.features.events import operations as events
from webapp.features.flows.operations_rows import write_rows
from webapp.models import Agent, Agentflow, AgentflowVersion, Source, VersionKind, Visibility, new_id


class StaleVersion(Conflict):
    """Somebody else saved meanwhile; nothing was written. ``current_version`` is theirs."""

    def __init__(self, current_version: int):
        super().__init__(f"Version {current_version} was saved while you were editing. Nothing of yours is lost.")
        self.current_version = current_version


@dataclass(frozen=True, slots=True)
class SavedVersion:
    """``is_new`` is false when nothing differed, so that no version was made."""

    version: int
    problems: tuple[Problem, ...]
    is_new: bool = True

    @property
    def is_runnable(self) -> bool:
        """Whether the graph could be compiled."""
        return not any(problem.is_error for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an imported flow came from; ``key`` names the same flow in a later export."""

    format: str
    version: str
    key: str


def create_flow(
    session: Session,
    author: events.Author,
    graph: FlowGraph,
    *,
    now: datetime,
    source: Source = Source.MANUAL,
    origin: Origin | None = None,
    visibility: Visibility = Visibility.ORGANIZATION,
    team_id: UUID | None = None,
    is_template: bool = False,
    note: str | None = None,
    import_report_id: UUID | None = None,
) -> UUID:
    """Make a flow with its first version; answers its id.

    Raises:
        Invalid: the graph cannot be kept, with the place in it.
    """
    graph = _checked(graph)
    flow = Agentflow(
        id=new_id(),
        organization_id=author.organization_id,
        user_id=author.user_id,
        name=graph.name[:255],
        source=source,
        version=0,
        visibility=visibility,
        team_id=team_id,
        is_template=is_template,
        created_at=now,
    )
    if origin is not None:
        _set_origin(flow, origin)
    session.add(flow)
    session.flush()
    kind = VersionKind.IMPORT if source == Source.IMPORTED else VersionKind.CREATED
    saved = _store(session, author, flow, graph, kind=kind, note=note, import_report_id=import_report_id, now=now)
    payload = {"name": flow.name, "version": saved.version, "source": str(source)}
    events.record(session, author, "agentflow", flow.id, "agentflow.created", payload, at=now)
    return flow.id


def save_graph(
    session: Session,
    author: events.Author,
    agentflow_id: UUID,
    graph: FlowGraph,
    *,
    base_version: int,
    now: datetime,
    kind: VersionKind = VersionKind.EDIT,
    name: str | None = None,
    note: str | None = None,
    origin: Origin | None = None,
    import_report_id: UUID | None = None,
) -> SavedVersion:
    """Make the graph the next version of a flow. The caller has checked that the author may see the flow.

    ``base_version`` is the version that the author began with, 0 where nothing was drawn. Saving what is there already
    makes no version. A graph with errors is kept too, with ``compiled_graph`` NULL and the reasons in ``problems``.

    Raises:
        NotFound: there is no such flow, or it is deleted.
        StaleVersion: somebody saved in between.
        Invalid: the graph cannot be kept, with the place in it.
    """
    graph = _checked(graph)
    flow = session.scalar(
        select(Agentflow)
        .where(Agentflow.organization_id == author.organization_id, Agentflow.id == agentflow_id)
        .with_for_update()
    )
    if flow is None or flow.deleted_at is not None:
        raise NotFound("There is no such flow.")
    current = flow.version if flow.graph_definition else 0
    if base_version != current:
        raise StaleVersion(current)
    if origin is not None:
        _set_origin(flow, origin)
    before = {"version": current, "pattern": flow.orchestration_pattern, "name": flow.name}
    drawn = from_document(flow.graph_definition) if flow.graph_definition else FlowGraph(flow.name)
    saved = _store(
        session, author, flow, graph, kind=kind, name=name, note=note, import_report_id=import_report_id, now=now
    )
    if saved.is_new:
        after = {"version": saved.version, "pattern": flow.orchestration_pattern, "name": flow.name}
        payload = {"kind": str(kind), "before": before, "after": after, "is_runnable": saved.is_runnable}
        payload["changes"] = diff_graphs(drawn, graph).counts()
        events.record(session, author, "agentflow", flow.id, "agentflow.saved", payload, at=now)
    return saved


def _set_origin(flow: Agentflow, origin: Origin) -> None:
    flow.source_format, flow.source_version = origin.format[:30], origin.version[:50]
    flow.source_key = origin.key[:255]


def _store(
    session: Session,
    author: events.Author,
    flow: Agentflow,
    graph: FlowGraph,
    *,
    kind: VersionKind,
    now: datetime,
    name: str | None = None,
    note: str | None = None,
    import_report_id: UUID | None = None,
) -> SavedVersion:
    current = flow.version if flow.graph_definition else 0
    agents = _known_agents(session, author.organization_id, graph)
    compilation = compile_graph(graph, agents=agents)
    digest = content_hash(graph)
    _describe(flow, graph, author, now)
    if current and digest == _current_hash(session, flow, current):
        return SavedVersion(current, compilation.problems, is_new=False)
    version = AgentflowVersion(
        id=new_id(),
        organization_id=author.organization_id,
        agentflow_id=flow.id,
        version=current + 1,
        name=name or None,
        note=note or None,
        author_id=author.user_id,
        kind=kind,
        graph=to_document(graph),
        orchestration_pattern=graph.pattern,
        content_hash=digest,
        import_report_id=import_report_id,
        created_at=now,
    )
    session.add(version)
    flow.graph_definition, flow.version, flow.block_count = version.graph, version.version, len(graph.blocks)
    flow.compiled_graph = compilation.compiled
    flow.problems = [problem.to_document() for problem in compilation.problems]
    session.flush()
    write_rows(session, author.organization_id, flow, graph, agents=agents, now=now)
    return SavedVersion(version.version, compilation.problems)


def _checked(graph: FlowGraph) -> FlowGraph:
    try:
        return storable_graph(graph)
    except GraphInvalid as error:
        raise Invalid(f"This graph cannot be kept: {error}") from None


def _describe(flow: Agentflow, graph: FlowGraph, author: events.Author, now: datetime) -> None:
    """What the flow's row says for lists. A discovered flow keeps the name under which it is seen."""
    if flow.source != Source.DISCOVERED:
        flow.name = graph.name[:255]
    flow.description = graph.description or None
    flow.orchestration_pattern = graph.pattern
    flow.tags = list(graph.tags)
    flow.config = {**(flow.config or {}), **graph.config}
    flow.updated_at, flow.updated_by_id = now, author.user_id


def _current_hash(session: Session, flow: Agentflow, version: int) -> bytes | None:
    return session.scalar(
        select(AgentflowVersion.content_hash).where(
            AgentflowVersion.agentflow_id == flow.id, AgentflowVersion.version == version
        )
    )


def _known_agents(session: Session, organization_id: UUID, graph: FlowGraph) -> frozenset[str]:
    wanted = {id_ for block in graph.blocks if (id_ := _uuid(block.agent)) is not None}
    if not wanted:
        return frozenset()
    found = session.scalars(
        select(Agent.id).where(
            Agent.organization_id == organization_id, Agent.id.in_(wanted), Agent.removed_at.is_(None)
        )
    )
    return frozenset(str(id_) for id_ in found)


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None
