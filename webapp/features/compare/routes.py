"""Compare two executions; without the other one, choose it."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from webapp.actor import Actor
from webapp.domain.compare import compare
from webapp.extensions import db
from webapp.features.compare import page, queries
from webapp.features.executions.queries_detail import get_execution
from webapp.features.executions.queries_steps import list_digests, list_steps, list_texts
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.render import render_page

bp = GuardedBlueprint("compare", __name__, url_prefix="/executions")
MOST_LETTERS = 100


@bp.get("/<uuid:execution_id>/compare", permission=Permission.EXECUTIONS_READ)
def choose(actor: Actor, execution_id: UUID) -> Response:
    """With what to compare: ``with`` is "good", "previous", or what names an execution."""
    execution = get_execution(db.session, actor.organization_id, actor.user_id, execution_id)
    typed = request.args.get("with", "")[:MOST_LETTERS].replace("\x00", "").strip()
    neighbours = queries.find_neighbours(db.session, actor.organization_id, execution)
    if typed in (queries.LAST_GOOD, queries.PREVIOUS):
        other = neighbours[typed].id if typed in neighbours else None
    else:
        other = queries.find_execution(db.session, actor.organization_id, typed) if typed else None
    if other is not None:
        # What ran before stands on the left.
        return htmx.redirect_to(f"/executions/{other}/compare/{execution.id}", status=302)
    return render_page("compare/choose.html", execution=execution, neighbours=neighbours, typed=typed)


@bp.get("/<uuid:before_id>/compare/<uuid:after_id>", permission=Permission.EXECUTIONS_READ)
def show(actor: Actor, before_id: UUID, after_id: UUID) -> Response:
    """Two executions step by step, with the texts of one pair of steps."""
    who = (actor.organization_id, actor.user_id)
    both = [get_execution(db.session, *who, one) for one in (before_id, after_id)]
    steps = [list_steps(db.session, actor.organization_id, one) for one in both]
    pairs = compare(*steps, list_digests(db.session, actor.organization_id, both))
    chosen = page.choose_pair(pairs, request.args.get("step"))
    rows, hidden = page.rows_of(pairs, chosen, is_all="all" in request.args)
    texts = list_texts(db.session, actor.organization_id, both, page.step_ids(chosen))
    return render_page(
        "compare/show.html", before=both[0], after=both[1], pairs=pairs, rows=rows, hidden=hidden,
        opened=page.open_pair(chosen, texts), is_all="all" in request.args,
    )  # fmt: skip
