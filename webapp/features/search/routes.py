"""The command palette; without JavaScript a page with the same options."""

from __future__ import annotations

from flask import Response, current_app, request

from webapp.actor import Actor
from webapp.domain.execution_filter import read_search
from webapp.extensions import db
from webapp.features.search import queries
from webapp.permissions import Permission
from webapp.web import navigation
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("search", __name__, url_prefix="/search")
MOST_LETTERS = 200
PLACES = {"flow": "/flows/{}", "agent": "/agents/{}", "tool": "/tools/{}", "prompt": "/prompts/{}"}
"""Where each sort of thing has its page."""


@bp.get("", permission=Permission.EXECUTIONS_READ)
def palette(actor: Actor) -> Response:
    """Options for what was typed: executions, flows and pages; with nothing typed, recent executions and all pages."""
    typed = request.args.get("q", "")[:MOST_LETTERS].replace("\x00", "").strip()
    search = read_search(typed)
    executions, found = [], []
    if search is None:
        executions = queries.list_recent(db.session, actor.organization_id, now=now())
    elif search.words or search.tail:
        found = queries.list_named(db.session, actor, search.words or typed)
    if search is not None and not search.words:
        executions = queries.list_executions(db.session, actor.organization_id, search, now=now())
    pages = [e for e in navigation.entries_for(actor, current_app) if typed.lower() in f"{e.label} {e.group}".lower()]
    return render_page(
        "search/page.html",
        fragments={"cmd-list": "search/_options.html"},
        q=typed,
        executions=executions,
        found=[(PLACES[one.kind].format(one.id), one) for one in found],
        pages=pages,
        may_search_all=bool(search and search.words),
    )
