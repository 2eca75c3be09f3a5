"""The truth table of a flow's blocks."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Response, request

from webapp.actor import Actor
from webapp.domain.periods import Period
from webapp.extensions import db
from webapp.features.flow.blueprint import FLOW, bp, draw, open_flow, open_period
from webapp.features.flow.forms import SORTS, read_sort
from webapp.features.flow.page_blocks import CSV, BlockRow, compared_with, sorted_rows
from webapp.features.flow.pictures import read_drawn, rows_of
from webapp.features.flow.queries_head import FlowHead
from webapp.features.flows.queries_blocks import BlockFigures, VersionFigures, list_blocks, list_versions
from webapp.permissions import Permission
from webapp.web.downloads import csv_download

MOST_VERSIONS = 50


@dataclass(frozen=True, slots=True)
class BlocksTable:
    """The rows with what was asked for. ``version`` None: all versions; ``against`` None: the time before."""

    rows: list[BlockRow]
    flow: BlockFigures
    versions: tuple[VersionFigures, ...]
    version: str | None
    against: str | None
    sort: str


@bp.get(f"{FLOW}/blocks", permission=Permission.FLOWS_READ)
def blocks(actor: Actor, agentflow_id: UUID) -> Response:
    """Each block with its figures, in any order, by version of the service."""
    head, seen = open_flow(actor, agentflow_id), open_period(actor)
    return draw(
        "flow/blocks.html",
        actor,
        head,
        "blocks",
        fragments={"block-table": "flow/_blocks.html"},
        period=seen,
        period_name=seen.name,
        table=_read_table(actor, head, seen),
        sorts=SORTS,
    )


@bp.get(f"{FLOW}/blocks.csv", permission=Permission.FLOWS_READ)
def blocks_csv(actor: Actor, agentflow_id: UUID) -> Response:
    """The same rows as CSV."""
    head, seen = open_flow(actor, agentflow_id), open_period(actor)
    rows = [row.cells() for row in _read_table(actor, head, seen).rows]
    return csv_download(f"blocks-{head.id.hex[-8:]}", CSV, rows)


def _read_table(actor: Actor, head: FlowHead, seen: Period) -> BlocksTable:
    """Cost: two statements, one more when two versions are compared, two more where something is drawn."""
    session, organization_id = db.session, actor.organization_id
    versions = list_versions(session, organization_id, head.id, seen.since, seen.until)[:MOST_VERSIONS]
    known = {one.service_version for one in versions}
    version, against = (_known(request.args.get(name), known) for name in ("version", "against"))
    before = (seen.previous_since, seen.previous_until)
    table = list_blocks(
        session, organization_id, head.id, seen.since, seen.until, before=before, service_version=version
    )
    if version is not None and against is not None:
        other = list_blocks(
            session, organization_id, head.id, seen.since, seen.until, before=before, service_version=against
        )
        table = compared_with(table, other)
    sort = read_sort(request.args.get("sort"))
    drawn = read_drawn(session, organization_id, head, table)
    rows = sorted_rows(rows_of(drawn, table, head), sort)
    return BlocksTable(rows, table.flow, versions, version, against, sort)


def _known(text: str | None, known: set[str]) -> str | None:
    """A version as the address writes it: ``=`` and its name, so that one without a name can be asked for too."""
    return text[1:] if text and text.startswith("=") and text[1:] in known else None
