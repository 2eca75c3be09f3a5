"""Keep what became of an imported file, and make flows and versions of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Invalid, NotFound
from webapp.features.events.operations import Author
from webapp.features.flow_imports import queries
from webapp.features.flows.operations_graph import Origin, SavedVersion, create_flow, save_graph
from webapp.importers import ImportedFlow, NotAFlow, read_flows
from webapp.importers.secret_words import find_secrets
from webapp.models import Agentflow, ImportReport, Source, VersionKind, new_id

LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Imported:
    """The report of an import, and what it made."""

    id: UUID
    agentflow_id: UUID
    version: int


def keep_refusal(
    session: Session, author: Author, *, content: bytes, file_name: str, reason: str, now: datetime
) -> UUID:
    """Keep that a file could not be read, and why; the file itself is not kept. Answers the report's id."""
    report = _report(author, content, file_name, now)
    report.reason = reason
    session.add(report)
    session.flush()
    return report.id


def import_flows(
    session: Session, author: Author, flows: Sequence[ImportedFlow], *, content: bytes, file_name: str, now: datetime
) -> list[UUID]:
    """Keep a report for each flow of a file, and make the flows that are not known yet; answers the reports' ids.

    A flow that was imported before waits for :func:`apply_report`: whether it is a new version is for a person to say.
    """
    ids = []
    for flow in flows:
        report = _report_of(author, flow, content, file_name, now)
        session.add(report)
        session.flush()
        if not queries.find_same(session, author.organization_id, flow.format, flow.source_key):
            _make_flow(session, author, report, flow, now)
        ids.append(report.id)
    return ids


def import_as(
    session: Session,
    author: Author,
    flow: ImportedFlow,
    *,
    content: bytes,
    file_name: str,
    agentflow_id: UUID | None,
    now: datetime,
) -> Imported:
    """Import one flow as a new one, or as the next version of a flow that the caller may change.

    Raises:
        NotFound: there is no such flow.
    """
    report = _report_of(author, flow, content, file_name, now)
    session.add(report)
    session.flush()
    if agentflow_id is None:
        _make_flow(session, author, report, flow, now)
    else:
        _make_version(session, author, report, flow, agentflow_id, now)
    return Imported(report.id, report.agentflow_id, report.agentflow_version)


def apply_report(
    session: Session, actor: Actor, report_id: UUID, *, agentflow_id: UUID | None, now: datetime
) -> SavedVersion | None:
    """Make a waiting report a new version of a flow (the answer), or a flow of its own (None).

    The flow is read again from the file as it was kept, without its secrets.

    Raises:
        NotFound: no such report or flow for the actor.
        Conflict: something was made of the report already, or the file had been refused.
    """
    queries.get_report(session, actor, report_id)
    report = session.scalars(
        select(ImportReport)
        .where(ImportReport.organization_id == actor.organization_id, ImportReport.id == report_id)
        .with_for_update()
    ).one()
    if report.agentflow_id is not None:
        raise Conflict("This import was finished before.")
    if report.reason is not None or report.content is None:
        raise Conflict("This file was refused, so nothing can be made of it.")
    flow = _read_again(report)
    if agentflow_id is None:
        _make_flow(session, actor, report, flow, now)
        return None
    queries.get_target(session, actor, agentflow_id)
    return _make_version(session, actor, report, flow, agentflow_id, now)


def _read_again(report: ImportReport) -> ImportedFlow:
    try:
        return read_flows(bytes(report.content or b""), report.file_name)[0]
    except NotAFlow as refusal:
        raise Conflict(f"The kept file cannot be read any more, bring it again: {refusal.reason}") from None


def _make_flow(session: Session, author: Author, report: ImportReport, flow: ImportedFlow, now: datetime) -> None:
    report.agentflow_id = create_flow(
        session,
        author,
        flow.graph,
        now=now,
        source=Source.IMPORTED,
        origin=_origin(flow),
        note=_note(report),
        import_report_id=report.id,
    )
    report.agentflow_version = 1


def _make_version(
    session: Session, author: Author, report: ImportReport, flow: ImportedFlow, agentflow_id: UUID, now: datetime
) -> SavedVersion:
    current = session.execute(
        select(Agentflow.version, Agentflow.graph_definition)
        .where(
            Agentflow.organization_id == author.organization_id,
            Agentflow.id == agentflow_id,
            Agentflow.deleted_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()
    if current is None:
        raise NotFound("There is no such flow.", field="flow_id")
    saved = save_graph(
        session,
        author,
        agentflow_id,
        flow.graph,
        base_version=current.version if current.graph_definition else 0,
        now=now,
        kind=VersionKind.IMPORT,
        note=_note(report),
        origin=_origin(flow),
        import_report_id=report.id,
    )
    report.agentflow_id, report.agentflow_version = agentflow_id, saved.version
    return saved


def _origin(flow: ImportedFlow) -> Origin:
    return Origin(flow.format, flow.format_version, flow.source_key)


def _note(report: ImportReport) -> str | None:
    return f"Imported from {report.file_name}" if report.file_name else None


def _report(author: Author, content: bytes, file_name: str, now: datetime) -> ImportReport:
    return ImportReport(
        id=new_id(),
        organization_id=author.organization_id,
        user_id=author.user_id,
        file_name=clean_name(file_name),
        content_hash=hashlib.sha256(content).digest(),
        created_at=now,
    )


def _report_of(author: Author, flow: ImportedFlow, content: bytes, file_name: str, now: datetime) -> ImportReport:
    report = _report(author, content, file_name, now)
    report.format, report.format_version = flow.format[:30], flow.format_version[:50]
    report.source_key = flow.source_key[:LONGEST_NAME]
    report.content = flow.raw
    report.nodes_seen, report.edges_seen = flow.nodes_seen, flow.edges_seen
    report.block_count, report.note_count = flow.count("node", "block"), flow.count("node", "note")
    report.edge_count = flow.count("edge", "imported")
    names = {block.key: block.name for block in flow.graph.blocks}
    report.items = [{**asdict(item), "name": names.get(item.target_key or "", "")} for item in flow.items]
    report.secrets = [asdict(secret) for secret in flow.secrets]
    report.requirements = [asdict(requirement) for requirement in flow.requirements]
    return report


def clean_name(file_name: str) -> str:
    """The last part of a file's name as a browser or program sent it: printable, short enough to keep, no secret."""
    last = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(letter for letter in last if letter.isprintable())
    cut, _ = find_secrets(printable.encode("utf-8", "replace").decode()[:LONGEST_NAME])
    return cut[:LONGEST_NAME].strip()


def check_one(flows: Sequence[ImportedFlow]) -> ImportedFlow:
    """The only flow of a file.

    Raises:
        Invalid: there are several, and one was to become a version of a given flow.
    """
    if len(flows) != 1:
        raise Invalid(f"The file holds {len(flows)} flows; a version of one flow takes a file of one.", field="file")
    return flows[0]
