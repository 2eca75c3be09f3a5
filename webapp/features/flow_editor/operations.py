"""Change, undo, save, join and discard a person's draft of a flow."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Invalid, NotFound
from webapp.domain.flow_check import check_graph
from webapp.domain.flow_edit import Edit
from webapp.domain.flow_graph import FlowGraph, GraphInvalid, from_document, to_document
from webapp.domain.flow_merge import merge_graphs
from webapp.domain.flow_problem import Problem
from webapp.domain.flow_resolve import resolve
from webapp.domain.flow_storable import storable_graph
from webapp.domain.undo_steps import step_back, step_forth, with_step
from webapp.features.flow_editor.queries import begin_graph
from webapp.features.flows.operations_graph import SavedVersion, StaleVersion, save_graph
from webapp.features.flows.queries_graph import UNKNOWN, load_version
from webapp.features.flows.visibility import visible_flows
from webapp.models import Agentflow, AgentflowDraft, AgentflowVersion, Source, VersionKind, new_id


class StaleDraft(Conflict):
    """The draft was changed from another tab or device after this page was drawn; nothing was done."""

    def __init__(self) -> None:
        super().__init__(
            "Your draft was changed in another tab after this page was opened. This shows it as it is now."
        )


class BrokenGraph(Invalid):
    """The graph cannot be run; it is saved only by somebody who knows that."""

    def __init__(self, problems: Collection[Problem]):
        super().__init__("This flow cannot be run as it is drawn.")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Locked:
    """A flow's draft, kept from others until the transaction ends. ``row`` is None before the first change."""

    flow: Agentflow
    row: AgentflowDraft | None
    graph: FlowGraph
    base_version: int


def change_draft(
    session: Session,
    actor: Actor,
    agentflow_id: UUID,
    change: Callable[[FlowGraph], Edit],
    *,
    revision: int,
    now: datetime,
) -> Edit:
    """Make one change and store it at once. ``revision`` is that of the page on which it was asked for.

    Raises:
        NotFound: there is no such flow for the actor, or what should be changed is not in it.
        StaleDraft: the draft is not the one of the page.
        Invalid: the change cannot be made.
    """
    locked = _lock(session, actor, agentflow_id, revision)
    edit = change(locked.graph)
    if edit.graph != locked.graph:
        steps = with_step(locked.row.undo_stack if locked.row else (), edit.said, locked.graph)
        _store(session, actor, locked, edit.graph, steps, now)
    return edit


def undo(session: Session, actor: Actor, agentflow_id: UUID, *, revision: int, now: datetime) -> Edit:
    """Take the last change back.

    Raises:
        Conflict: there is nothing to undo, or the draft is not the one of the page.
    """
    locked = _lock(session, actor, agentflow_id, revision)
    turned = step_back(locked.row.undo_stack if locked.row else (), locked.graph)
    if turned is None:
        raise Conflict("There is nothing to undo.")
    steps, graph, said = turned
    _store(session, actor, locked, graph, steps, now)
    return Edit(graph, f"Undone: {said}")


def redo(session: Session, actor: Actor, agentflow_id: UUID, *, revision: int, now: datetime) -> Edit:
    """Make the change again that was taken back last.

    Raises:
        Conflict: there is nothing to redo, or the draft is not the one of the page.
    """
    locked = _lock(session, actor, agentflow_id, revision)
    turned = step_forth(locked.row.undo_stack if locked.row else (), locked.graph)
    if turned is None:
        raise Conflict("There is nothing to redo.")
    steps, graph, said = turned
    _store(session, actor, locked, graph, steps, now)
    return Edit(graph, f"Done again: {said}")


def discard_draft(session: Session, actor: Actor, agentflow_id: UUID) -> None:
    """Forget what the actor changed; discarding what is not there is no error.

    Raises:
        NotFound: there is no such flow for the actor.
    """
    _get_flow(session, actor, agentflow_id)
    session.execute(_of(actor, agentflow_id))


def save_draft(
    session: Session,
    actor: Actor,
    agentflow_id: UUID,
    *,
    revision: int | None,
    base_version: int,
    agents: Collection[str],
    name: str,
    note: str,
    even_if_broken: bool,
    now: datetime,
) -> SavedVersion:
    """Make the draft the next version; the draft is then gone. A second click on the same button makes no second one.

    ``revision`` is that of the page; None takes the draft as it is.

    Raises:
        NotFound: there is no such flow for the actor.
        StaleDraft: the draft is not the one of the page.
        StaleVersion: somebody else saved since the draft was begun.
        BrokenGraph: it cannot be run, and ``even_if_broken`` is not set.
    """
    locked = _lock(session, actor, agentflow_id, None)
    if locked.row is None:
        return _saved_before(session, actor, locked.flow, base_version)
    if revision is not None and locked.row.revision != revision:
        raise StaleDraft
    errors = [p for p in check_graph(locked.graph, agents=agents) if p.is_error]
    if errors and not even_if_broken and locked.base_version == _version(locked.flow):
        raise BrokenGraph(errors)
    is_adopted = not locked.base_version and locked.flow.source == Source.DISCOVERED
    saved = save_graph(
        session,
        actor,
        agentflow_id,
        locked.graph,
        base_version=locked.base_version,
        kind=VersionKind.ADOPTED if is_adopted else VersionKind.EDIT,
        name=name,
        note=note,
        now=now,
    )
    session.execute(_of(actor, agentflow_id))
    return saved


def _saved_before(session: Session, actor: Actor, flow: Agentflow, base_version: int) -> SavedVersion:
    """The version that the first of two clicks made."""
    author = session.scalar(
        select(AgentflowVersion.author_id).where(
            AgentflowVersion.agentflow_id == flow.id, AgentflowVersion.version == base_version + 1
        )
    )
    if author != actor.user_id:
        raise Conflict("There is no draft to save. It was saved or discarded in another tab.")
    return SavedVersion(base_version + 1, (), is_new=False)


@dataclass(frozen=True, slots=True)
class Joining:
    """How to go on when somebody else saved. ``theirs`` is the version that the page showed."""

    theirs: int
    choices: tuple[str, ...] = ()
    keeps_mine: bool = False


def join_draft(
    session: Session, actor: Actor, agentflow_id: UUID, joining: Joining, *, revision: int, now: datetime
) -> Edit:
    """Bring the draft onto the version that somebody else saved: both changes, or only mine over theirs.

    Raises:
        StaleDraft: the draft is not the one of the page.
        StaleVersion: once more somebody saved since the page was drawn.
    """
    locked = _lock(session, actor, agentflow_id, revision)
    current = _version(locked.flow)
    if joining.theirs != current:
        raise StaleVersion(current)
    if locked.row is None or locked.base_version == current:
        return Edit(locked.graph, "Nothing had to be joined")
    graph, said = locked.graph, f"Kept mine on top of version {current}"
    if not joining.keeps_mine:
        base, theirs = load_base(session, actor.organization_id, locked), _current(locked.flow)
        graph = resolve(merge_graphs(base, locked.graph, theirs), theirs, joining.choices)
        said = f"Joined with version {current}"
    # Undoing past this would bring back a graph that knows nothing of theirs; so the way back begins anew.
    _store(session, actor, locked, graph, [], now)
    locked.row.base_version = current
    session.flush()
    return Edit(graph, said)


def load_base(session: Session, organization_id: UUID, locked: Locked) -> FlowGraph:
    """The version that the draft began with; nothing where there was none."""
    if not locked.base_version:
        return FlowGraph(locked.graph.name)
    return load_version(session, organization_id, locked.flow.id, locked.base_version)


def _current(flow: Agentflow) -> FlowGraph:
    return begin_graph(flow.graph_definition, flow.name, flow.description, flow.tags)


def _version(flow: Agentflow) -> int:
    return (flow.version or 0) if flow.graph_definition else 0


def _get_flow(session: Session, actor: Actor, agentflow_id: UUID) -> Agentflow:
    flow = session.scalar(
        select(Agentflow).where(visible_flows(actor), Agentflow.id == agentflow_id, Agentflow.deleted_at.is_(None))
    )
    if flow is None:
        raise NotFound(UNKNOWN)
    if (flow.config or {}).get("joined_into"):
        raise Conflict("This flow was joined with another one, which has the drawing. Open that one.")
    return flow


def _lock(session: Session, actor: Actor, agentflow_id: UUID, revision: int | None) -> Locked:
    """The draft, if it is still the one of the page; None for ``revision`` does not ask."""
    flow = _get_flow(session, actor, agentflow_id)
    row = session.scalar(
        select(AgentflowDraft)
        .where(
            AgentflowDraft.organization_id == actor.organization_id,
            AgentflowDraft.agentflow_id == agentflow_id,
            AgentflowDraft.user_id == actor.user_id,
        )
        .with_for_update()
    )
    if revision is not None and revision != (row.revision if row else 0):
        raise StaleDraft
    if row is not None:
        return Locked(flow, row, from_document(row.graph), row.base_version)
    return Locked(flow, None, _current(flow), _version(flow))


def _store(session: Session, actor: Actor, locked: Locked, graph: FlowGraph, steps: list[bytes], now: datetime) -> None:
    try:
        document = to_document(storable_graph(graph))
    except GraphInvalid as error:
        raise Invalid(f"This cannot be kept: {error}") from None
    if locked.row is not None:
        locked.row.graph, locked.row.undo_stack = document, steps
        locked.row.revision, locked.row.updated_at = locked.row.revision + 1, now
        session.flush()
        return
    made = session.execute(
        insert(AgentflowDraft)
        .values(
            id=new_id(),
            organization_id=actor.organization_id,
            agentflow_id=locked.flow.id,
            user_id=actor.user_id,
            base_version=locked.base_version,
            revision=1,
            graph=document,
            undo_stack=steps,
            created_at=now,
            updated_at=now,
        )
        .on_conflict_do_nothing()
        .returning(AgentflowDraft.id)
    ).all()
    if not made:
        raise StaleDraft


def _of(actor: Actor, agentflow_id: UUID):  # type: ignore[no-untyped-def]
    """Deletes the actor's draft of a flow."""
    return delete(AgentflowDraft).where(
        AgentflowDraft.organization_id == actor.organization_id,
        AgentflowDraft.agentflow_id == agentflow_id,
        AgentflowDraft.user_id == actor.user_id,
    )
