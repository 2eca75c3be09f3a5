"""Reports of imports, and the flows that a file may be a new version of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, true, tuple_
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.paging import Cursor, Page
from webapp.features.flows.visibility import SEES_ALL, visible_flows, visible_to_key
from webapp.models import Agentflow, ImportReport, User

PAGE_SIZE = 50
MOST_SAME = 10
SUMMARY = (
    ImportReport.id,
    ImportReport.created_at,
    ImportReport.file_name,
    ImportReport.format,
    ImportReport.format_version,
    ImportReport.nodes_seen,
    ImportReport.edges_seen,
    ImportReport.block_count,
    ImportReport.note_count,
    ImportReport.edge_count,
    ImportReport.reason,
    ImportReport.agentflow_id,
    ImportReport.agentflow_version,
    User.full_name,
    User.email,
    Agentflow.name,
    Agentflow.deleted_at,
)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One import as a list shows it. Without flow and reason it waits for somebody to say what becomes of it."""

    id: UUID
    created_at: datetime
    file_name: str
    format: str | None
    format_version: str | None
    nodes_seen: int
    edges_seen: int
    block_count: int
    note_count: int
    edge_count: int
    reason: str | None
    agentflow_id: UUID | None
    agentflow_version: int | None
    author_name: str | None
    author_email: str | None
    flow_name: str | None
    flow_deleted_at: datetime | None

    @property
    def state(self) -> str:
        """``refused``, ``waiting`` or ``imported``."""
        return "refused" if self.reason is not None else "imported" if self.agentflow_id else "waiting"

    @property
    def author(self) -> str:
        """Who brought the file."""
        return self.author_name or self.author_email or "A program"


@dataclass(frozen=True, slots=True)
class ReportDetail:
    """One import with what became of everything in it."""

    row: ReportRow
    source_key: str | None
    items: Sequence[dict[str, Any]]
    secrets: Sequence[dict[str, Any]]
    requirements: Sequence[dict[str, Any]]
    has_content: bool


@dataclass(frozen=True, slots=True)
class SameFlow:
    """A flow that an earlier export of the same flow became."""

    id: UUID
    name: str
    version: int


def list_reports(
    session: Session, actor: Actor, *, cursor: Cursor | None = None, limit: int = PAGE_SIZE
) -> Page[ReportRow]:
    """One page of imports that the actor may see, newest first. Cost: one statement."""
    statement = (
        _reports(actor, *SUMMARY).order_by(ImportReport.created_at.desc(), ImportReport.id.desc()).limit(limit + 1)
    )
    if cursor is not None:
        statement = statement.where(tuple_(ImportReport.created_at, ImportReport.id) < (cursor.at, cursor.id))
    rows = [ReportRow(*row) for row in session.execute(statement)]
    older = Cursor(rows[limit - 1].created_at, rows[limit - 1].id).encode() if len(rows) > limit else None
    return Page(rows[:limit], older, None)


def get_report(session: Session, actor: Actor, report_id: UUID) -> ReportDetail:
    """One import. Cost: one statement.

    Raises:
        NotFound: no such report for the actor.
    """
    columns = (
        *SUMMARY,
        ImportReport.source_key,
        ImportReport.items,
        ImportReport.secrets,
        ImportReport.requirements,
        ImportReport.content.is_not(None),
    )
    row = session.execute(_reports(actor, *columns).where(ImportReport.id == report_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such import.")
    return ReportDetail(ReportRow(*row[: len(SUMMARY)]), *row[len(SUMMARY) :])


def get_content(session: Session, actor: Actor, report_id: UUID) -> tuple[str, bytes]:
    """The file's name, and the file as it was kept: JSON, without its secrets.

    Raises:
        NotFound: no such report for the actor, or the file was refused and not kept.
    """
    row = session.execute(
        _reports(actor, ImportReport.file_name, ImportReport.content).where(ImportReport.id == report_id)
    ).one_or_none()
    if row is None or row.content is None:
        raise NotFound("There is no such file.")
    return row.file_name, bytes(row.content)


def find_same(session: Session, organization_id: UUID, format_: str, source_key: str) -> list[SameFlow]:
    """Flows that came from the same flow of the same builder, whoever may see them; the one changed last first."""
    return [SameFlow(*row) for row in session.execute(_same(organization_id, format_, source_key))]


def find_same_visible(session: Session, actor: Actor, format_: str | None, source_key: str | None) -> list[SameFlow]:
    """Those of :func:`find_same` that the actor may see."""
    if not format_ or not source_key:
        return []
    statement = _same(actor.organization_id, format_, source_key).where(visible_flows(actor))
    return [SameFlow(*row) for row in session.execute(statement)]


def find_same_of_key(
    session: Session, organization_id: UUID, user_id: UUID | None, format_: str, source_key: str
) -> list[SameFlow]:
    """Those of :func:`find_same` that a program with a key of the user may see."""
    statement = _same(organization_id, format_, source_key).where(visible_to_key(organization_id, user_id))
    return [SameFlow(*row) for row in session.execute(statement)]


def get_target(session: Session, actor: Actor, agentflow_id: UUID) -> SameFlow:
    """A flow that may get a new version from the actor.

    Raises:
        NotFound: no such flow for the actor, or it is deleted.
    """
    return _target(session, visible_flows(actor), agentflow_id)


def get_target_of_key(session: Session, organization_id: UUID, user_id: UUID | None, agentflow_id: UUID) -> SameFlow:
    """A flow that may get a new version from a program with a key that the user made.

    Raises:
        NotFound: no such flow for the key, or it is deleted.
    """
    return _target(session, visible_to_key(organization_id, user_id), agentflow_id)


def _target(session: Session, condition: ColumnElement[bool], agentflow_id: UUID) -> SameFlow:
    row = session.execute(
        select(Agentflow.id, Agentflow.name, Agentflow.version).where(
            condition, Agentflow.id == agentflow_id, Agentflow.deleted_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such flow.", field="flow_id")
    return SameFlow(*row)


def _same(organization_id: UUID, format_: str, source_key: str) -> Any:
    return (
        select(Agentflow.id, Agentflow.name, Agentflow.version)
        .where(
            Agentflow.organization_id == organization_id,
            Agentflow.source_format == format_,
            Agentflow.source_key == source_key[:255],
            Agentflow.deleted_at.is_(None),
        )
        .order_by(Agentflow.updated_at.desc(), Agentflow.id.desc())
        .limit(MOST_SAME)
    )


def _reports(actor: Actor, *columns: Any) -> Any:
    """What was brought by the actor, or became a flow that the actor may see; admins see all."""
    of_organization = ImportReport.organization_id == actor.organization_id
    is_mine = or_(
        ImportReport.user_id == actor.user_id, and_(ImportReport.agentflow_id.is_not(None), visible_flows(actor))
    )
    return (
        select(*columns)
        .select_from(ImportReport)
        .outerjoin(User, User.id == ImportReport.user_id)
        .outerjoin(
            Agentflow,
            and_(Agentflow.id == ImportReport.agentflow_id, Agentflow.organization_id == actor.organization_id),
        )
        .where(of_organization, true() if actor.role in SEES_ALL else is_mine)
    )
