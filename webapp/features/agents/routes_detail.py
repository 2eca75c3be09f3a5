"""One agent: what it is and how it does, changing it, its versions and its history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.errors import Invalid
from webapp.domain.field_diff import changed_fields, describe_changes
from webapp.domain.periods import DAYS_OF
from webapp.extensions import db
from webapp.features.agents import operations, queries_detail, queries_state
from webapp.features.agents.filters import DEFAULT_PERIOD
from webapp.features.agents.forms import AgentForm, form_values
from webapp.features.agents.queries_detail import AgentDetail
from webapp.features.agents.routes import bp, seen_period
from webapp.features.agents.state import LABELS, LONG
from webapp.features.events.queries_history import list_history
from webapp.features.rollups.queries_agents import agent_figures
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.forms import posted
from webapp.web.listing import PERIODS, executions_link
from webapp.web.render import render_page
from webapp.web.shell import now

DONE = {
    "created": "Agent created.", "saved": "Saved as a new version.",
    "same": "Nothing differed, so no version was made.", "restored": "Agent restored.",
    "version": "The old version is the newest now.",
    "lost": "The old version is the newest now. What it was attached to and is gone meanwhile was left out.",
    "copied": "This is the copy. Memories stayed with the first.", "attached": "Saved as a new version.",
    "remembered": "Fact saved.", "forgotten": "Fact deleted.",
}  # fmt: skip


def head(actor: Actor, agent_id: UUID, tab: str) -> dict[str, Any]:
    """What the head and the tabs of every page of an agent read. Raises: NotFound."""
    agent = queries_detail.get_agent(db.session, actor.organization_id, agent_id)
    return {
        "agent": agent,
        "tab": tab,
        "labels": LABELS,
        "may_write": actor.may(Permission.AGENTS_WRITE),
        "may_change": actor.may(Permission.AGENTS_WRITE) and agent.removed_at is None,
        "notice": DONE.get(request.args.get("done", "")),
    }


@bp.get("/<uuid:agent_id>", permission=Permission.AGENTS_READ)
def show(actor: Actor, agent_id: UUID) -> Response:
    """Settings, figures of the period, models seen in traces, and where it is used."""
    shown = head(actor, agent_id, "overview")
    name = request.args.get("period", "")
    seen = seen_period(actor, name if name in DAYS_OF else DEFAULT_PERIOD)
    flows, more_flows = queries_detail.list_flows(db.session, actor, agent_id)
    return render_page(
        "agents/show.html",
        **shown,
        period=seen,
        periods=PERIODS,
        figures=agent_figures(db.session, actor.organization_id, seen.since, seen.until).get(agent_id),
        link=executions_link(url_for("executions.index"), seen),
        models=queries_detail.list_models_seen(db.session, actor.organization_id, agent_id, seen),
        flows=flows,
        more_flows=more_flows,
        instructions=instructions(actor, shown["agent"]),
    )


def instructions(actor: Actor, agent: AgentDetail) -> str | None:
    """What the agent is told: its own text, or the newest of its named prompt."""
    if agent.prompt_name is None:
        return agent.system_prompt
    return queries_detail.get_prompt_text(db.session, actor.organization_id, agent.prompt_name)


@bp.get("/<uuid:agent_id>/edit", permission=Permission.AGENTS_WRITE)
def edit(actor: Actor, agent_id: UUID) -> Response:
    shown = head(actor, agent_id, "overview")
    agent: AgentDetail = shown["agent"]
    return _edit(actor, shown, AgentForm(data=form_values(agent.state) | {"base_version": str(agent.version)}))


@bp.post("/<uuid:agent_id>", permission=Permission.AGENTS_WRITE)
def save(actor: Actor, agent_id: UUID) -> Response:
    """Save the settings; a second editor gets both editors' work in the form and what the first one changed."""
    shown, form = head(actor, agent_id, "overview"), posted(AgentForm)
    if shown["agent"].is_observed:
        form.name.data = shown["agent"].name
    if not form.validate():
        return _edit(actor, shown, form, status=422)
    try:
        version = operations.save_agent(
            db.session, actor, agent_id, form.settings(), base_version=form.base, note=form.note.data, now=now()
        )
    except operations.StaleAgent as stale:
        return _edit(actor, shown, _merged(stale, form), status=409, stale=stale)
    except Invalid as problem:
        form.prompt_name.errors = [problem.message]
        return _edit(actor, shown, form, status=422)
    done = "same" if version == shown["agent"].version else "saved"
    return htmx.redirect_to(url_for("agents.show", agent_id=agent_id, done=done))


def _merged(stale: operations.StaleAgent, form: AgentForm) -> AgentForm:
    """The form with both editors' work, standing on the newest version."""
    values = form_values(stale.merged.state)
    return AgentForm(data=values | {"base_version": str(stale.current_version), "note": form.note.data})


def _edit(actor: Actor, shown: dict[str, Any], form: AgentForm, *, status: int = 200, stale: Any = None) -> Response:
    return render_page(
        "agents/edit.html",
        status=status,
        **shown,
        form=form.offer_choices(queries_detail.list_prompt_names(db.session, actor.organization_id)),
        stale=stale,
        theirs=describe_changes(stale.merged.theirs, LABELS, LONG) if stale else [],
    )


@bp.post("/<uuid:agent_id>/duplicate", permission=Permission.AGENTS_WRITE)
def duplicate(actor: Actor, agent_id: UUID) -> Response:
    copy_id = operations.duplicate_agent(db.session, actor, agent_id, now=now())
    return htmx.redirect_to(url_for("agents.show", agent_id=copy_id, done="copied"))


@bp.post("/<uuid:agent_id>/retire", permission=Permission.AGENTS_WRITE)
def retire(actor: Actor, agent_id: UUID) -> Response:
    operations.retire_agent(db.session, actor, agent_id, now=now())
    return htmx.redirect_to(url_for("agents.index", done="retired"))


@bp.post("/<uuid:agent_id>/restore", permission=Permission.AGENTS_WRITE)
def restore(actor: Actor, agent_id: UUID) -> Response:
    operations.restore_agent(db.session, actor, agent_id, now=now())
    return htmx.redirect_to(url_for("agents.show", agent_id=agent_id, done="restored"))


@bp.get("/<uuid:agent_id>/versions", permission=Permission.AGENTS_READ)
def versions(actor: Actor, agent_id: UUID) -> Response:
    """Every save, newest first; two of them side by side with ``?before=`` and ``?after=``."""
    shown = head(actor, agent_id, "versions")
    pair = (whole_number("before"), whole_number("after"))
    rows, older = queries_detail.list_versions(
        db.session, actor.organization_id, agent_id, before=whole_number("older")
    )
    fields = None
    if pair[0] is not None and pair[1] is not None:
        states = queries_state.get_version_states(db.session, actor.organization_id, agent_id, (pair[0], pair[1]))
        fields = changed_fields(*states, LABELS, LONG)
    return render_page("agents/versions.html", **shown, rows=rows, older=older, pair=pair, fields=fields)


def whole_number(name: str) -> int | None:
    """A parameter of the address as a whole number, None when it is none."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@bp.post("/<uuid:agent_id>/versions/<int(max=2147483647):version>/restore", permission=Permission.AGENTS_WRITE)
def restore_version(actor: Actor, agent_id: UUID, version: int) -> Response:
    _, lost = operations.restore_version(db.session, actor, agent_id, version, now=now())
    return htmx.redirect_to(url_for("agents.show", agent_id=agent_id, done="lost" if lost else "version"))


@bp.get("/<uuid:agent_id>/history", permission=Permission.AGENTS_READ)
def history(actor: Actor, agent_id: UUID) -> Response:
    """What was done to the agent, by whom, before and after."""
    shown = head(actor, agent_id, "history")
    before = whole_number("older")
    rows, older = list_history(db.session, actor.organization_id, "agent", agent_id, before=before)
    return render_page("agents/history.html", **shown, rows=rows, older=older)
