"""The drawing of a flow with what ran on it, and its blocks one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, request

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.periods import Period
from webapp.extensions import db
from webapp.features.flow import page, queries_block
from webapp.features.flow.blueprint import FLOW, bp, draw, open_flow, open_period
from webapp.features.flow.page_blocks import sorted_rows
from webapp.features.flow.pictures import Seen, is_root, read_seen
from webapp.features.flow.queries_head import FlowHead
from webapp.permissions import Permission
from webapp.web import htmx

MOST_ROWS = 30
"""Rows of the table under the drawing; all of them are on the tab of blocks."""


@bp.get(FLOW, permission=Permission.FLOWS_READ)
def show(actor: Actor, agentflow_id: UUID) -> Response:
    """The drawing; ``?block=`` opens one block beside it, which htmx draws alone as ``#block``."""
    head, seen = open_flow(actor, agentflow_id), open_period(actor)
    what = read_seen(db.session, actor, head, seen)
    href = _href(head, seen, what)
    key = request.args.get("block") or None
    context: dict[str, Any] = {"period": seen, "period_name": seen.name, "what": what, "href": href}
    context["panel"] = _panel(actor, head, seen, what, key, href) if key else None
    if not (htmx.is_fragment_request() and htmx.target_id() == "block"):
        context["view"] = _view(head, what, href, key)
        rows = sorted_rows((row for row in what.picture.rows.values() if not is_root(row, head)), "failing")
        context |= {"rows": rows[:MOST_ROWS], "row_count": len(rows)}
    return draw("flow/show.html", actor, head, "graph", fragments={"block": "flow/_block.html"}, **context)


def _view(head: FlowHead, what: Seen, href: Callable[[str], str], key: str | None) -> Any:
    """The drawing, None where there is nothing to draw."""
    if not what.picture.graph.blocks:
        return None
    has_run = bool(what.table.flow.now.executions)
    is_manual = head.is_manual_layout and head.is_drawn
    return page.view_of(what.picture, href, key, head.problems_by_block, has_run=has_run, is_manual=is_manual)


def _panel(
    actor: Actor, head: FlowHead, seen: Period, what: Seen, key: str, href: Callable[[str], str]
) -> page.BlockPanel:
    """Cost: one statement for a block that ran, one more where its match may be chosen.

    Raises:
        NotFound: the flow has no such block.
    """
    row = what.picture.rows.get(key)
    if row is None:
        raise NotFound("This flow has no such block in this period. It may have been removed, or not have run.")
    ids = what.observed_ids(key)
    session, organization_id = db.session, actor.organization_id
    columns = queries_block.list_columns(session, organization_id, head.id, ids, seen) if ids else []
    may_match = head.is_drawn and row.is_drawn and head.is_observed and actor.may(Permission.FLOWS_WRITE)
    return page.panel_of(
        what.picture,
        key,
        columns,
        head.id,
        seen,
        href,
        runs_as=queries_block.list_observed_blocks(session, organization_id, head.id) if may_match else (),
        runs_as_id=what.overrides.get(key),
        problem=head.problems_by_block.get(key, ""),
    )


def _href(head: FlowHead, seen: Period, what: Seen) -> Callable[[str], str]:
    """Addresses of the flow's blocks; what is none, as the start of a run, leads to the flow itself."""
    base = [("period", seen.name)] if seen.name != "24h" else []

    def href(key: str) -> str:
        asked = [*base, ("block", key)] if key in what.picture.rows else base
        return f"/flows/{head.id}{f'?{urlencode(asked)}' if asked else ''}"

    return href
