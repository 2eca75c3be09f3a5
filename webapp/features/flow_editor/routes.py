"""The editor of a flow: one page, one small POST for each change, and what comes after saving."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, request, url_for
from wtforms import Form

from webapp.actor import Actor
from webapp.domain.errors import DomainError, Invalid
from webapp.domain.flow_edit import Edit, adopt_seen
from webapp.extensions import db
from webapp.features.flow_editor import join_page, operations, queries
from webapp.features.flow_editor.changes import CHANGES
from webapp.features.flow_editor.forms import SETTING, DraftForm, JoinForm, SaveForm
from webapp.features.flow_editor.operations import BrokenGraph, Joining, StaleDraft
from webapp.features.flow_editor.page import PANELS, EditorPage, Shown
from webapp.features.flows.operations_graph import SavedVersion, StaleVersion
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.forms import posted
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("flow_editor", __name__, url_prefix="/flows")
FRAGMENTS = {"editor": "flow_editor/_editor.html"}


@bp.get("/<uuid:agentflow_id>/edit", permission=Permission.FLOWS_WRITE)
def show(actor: Actor, agentflow_id: UUID) -> Response:
    """The draft, with the panel that the address names."""
    key, panel = request.args.get("block", ""), request.args.get("panel", "flow")
    if panel == "add":
        return _page(actor, agentflow_id, Shown("add", key))
    shown = Shown("block", key) if key else Shown(panel if panel in PANELS and panel != "block" else "flow")
    if panel == "save" and ("name" in request.args or "note" in request.args):
        shown = replace(shown, form=SaveForm(request.args))
    return _page(actor, agentflow_id, shown)


@bp.post(
    "/<uuid:agentflow_id>/edit/<any(add, configure, connect, cut, remove, move, arrange, describe, note):action>",
    permission=Permission.FLOWS_WRITE,
)
def change(actor: Actor, agentflow_id: UUID, action: str) -> Response:
    """Make one change and store it at once."""
    form_class, make, panel = CHANGES[action]
    form, settings = posted(form_class), _settings()
    key = request.form.get("key") or request.form.get("source") or request.form.get("after") or ""
    refused: dict[str, Any] = {"panel": panel, "key": key, "form": form, "settings": settings}
    if not form.validate():
        queries.get_edited(db.session, actor, agentflow_id)
        return _page(actor, agentflow_id, Shown(told=_first_error(form), **refused), 422)
    try:
        edit = operations.change_draft(
            db.session, actor, agentflow_id, make(form, settings), revision=form.revision.data, now=now()
        )
    except (Invalid, StaleDraft) as error:
        return _page(actor, agentflow_id, Shown(told=error.message, field=error.field, **refused), _status(error))
    return _changed(actor, agentflow_id, edit, panel)


def _settings() -> dict[str, str]:
    """Fields that hold one setting each, without what marks them as such."""
    return {name.removeprefix(SETTING): text for name, text in request.form.items() if name.startswith(SETTING)}


def _first_error(form: Form) -> str:
    found = [f"{form[name].label.text}: {_text(errors)}" for name, errors in form.errors.items() if name]
    return found[0] if found else "This cannot be done."


def _text(errors: Any) -> str:
    """The first sentence in errors that may lie in lists and dicts."""
    while not isinstance(errors, str):
        errors = next(iter(errors.values() if isinstance(errors, dict) else errors), "")
    return errors


def _status(error: DomainError) -> int:
    return 409 if isinstance(error, StaleDraft) else 422


def _changed(actor: Actor, agentflow_id: UUID, edit: Edit, panel: str = "flow") -> Response:
    """The editor after a change: drawn at once for htmx, by the address of its panel for a plain browser."""
    key = edit.block_key or ""
    if htmx.is_fragment_request():
        return _page(actor, agentflow_id, Shown("block" if key else panel, key, said=edit.said))
    where = {"block": key} if key else {"panel": panel} if panel not in ("flow", "block") else {}
    return htmx.redirect_to(url_for("flow_editor.show", agentflow_id=agentflow_id, **where))


def _page(actor: Actor, agentflow_id: UUID, shown: Shown, status: int = 200) -> Response:
    edited = queries.get_edited(db.session, actor, agentflow_id)
    if edited.joined_into:
        return htmx.redirect_to(f"/flows/{edited.joined_into}/edit", status=302)
    others = queries.list_other_drafts(db.session, actor, agentflow_id)
    agents = queries.list_agents(db.session, actor.organization_id)
    page = EditorPage(edited, shown, agents, others)
    return render_page("flow_editor/page.html", fragments=FRAGMENTS, status=status, page=page, edited=edited)


@bp.post("/<uuid:agentflow_id>/edit/<any(undo, redo):way>", permission=Permission.FLOWS_WRITE)
def turn(actor: Actor, agentflow_id: UUID, way: str) -> Response:
    """Take the last change back, or make it again."""
    form = posted(DraftForm)
    if not form.validate():
        raise Invalid("This page is damaged. Reload it.")
    turned = operations.undo if way == "undo" else operations.redo
    try:
        edit = turned(db.session, actor, agentflow_id, revision=form.revision.data, now=now())
    except StaleDraft as error:
        return _page(actor, agentflow_id, Shown(told=error.message), 409)
    return _changed(actor, agentflow_id, edit)


@bp.post("/<uuid:agentflow_id>/edit/draw", permission=Permission.FLOWS_WRITE)
def adopt(actor: Actor, agentflow_id: UUID) -> Response:
    """Begin the draft with what traces of the last 30 days show."""
    form = posted(DraftForm)
    if not form.validate():
        raise Invalid("This page is damaged. Reload it.")
    seen = queries.get_seen(db.session, actor, agentflow_id, now=now())
    try:
        edit = operations.change_draft(
            db.session, actor, agentflow_id, partial(adopt_seen, seen=seen), revision=form.revision.data, now=now()
        )
    except (Invalid, StaleDraft) as error:
        return _page(actor, agentflow_id, Shown(told=error.message), _status(error))
    return _changed(actor, agentflow_id, edit)


@bp.post("/<uuid:agentflow_id>/edit/discard", permission=Permission.FLOWS_WRITE)
def discard(actor: Actor, agentflow_id: UUID) -> Response:
    """Forget the draft."""
    operations.discard_draft(db.session, actor, agentflow_id)
    return htmx.redirect_to(f"/flows/{agentflow_id}")


@bp.post("/<uuid:agentflow_id>/edit/save", permission=Permission.FLOWS_WRITE)
def save(actor: Actor, agentflow_id: UUID) -> Response:
    """Make the draft the next version; says why not, or shows what somebody else saved meanwhile."""
    form = posted(SaveForm)
    if not form.validate():
        queries.get_edited(db.session, actor, agentflow_id)
        return _page(actor, agentflow_id, Shown("save", told=_first_error(form), form=form), 422)
    return _save(actor, agentflow_id, form)


def _save(actor: Actor, agentflow_id: UUID, form: SaveForm) -> Response:
    try:
        saved = _save_draft(actor, agentflow_id, form)
    except StaleVersion:
        return _join_page(actor, agentflow_id, form, 409)
    except StaleDraft as error:
        return _page(actor, agentflow_id, Shown("save", told=error.message, form=form), 409)
    except BrokenGraph as error:
        return _page(actor, agentflow_id, Shown("save", told=error.message, form=form), 422)
    return _saved(agentflow_id, saved)


def _save_draft(actor: Actor, agentflow_id: UUID, form: SaveForm) -> SavedVersion:
    return operations.save_draft(
        db.session,
        actor,
        agentflow_id,
        revision=form.revision.data,
        base_version=form.base_version.data,
        agents=queries.list_agents(db.session, actor.organization_id),
        name=form.name.data,
        note=form.note.data,
        even_if_broken=form.anyway.data,
        now=now(),
    )


def _saved(agentflow_id: UUID, saved: SavedVersion) -> Response:
    return htmx.redirect_to(f"/flows/{agentflow_id}/versions/{saved.version}?done=saved")


@bp.get("/<uuid:agentflow_id>/edit/join", permission=Permission.FLOWS_WRITE)
def show_join(actor: Actor, agentflow_id: UUID) -> Response:
    """What somebody else saved since the draft was begun, what the draft changes, and how to go on."""
    return _join_page(actor, agentflow_id, None, 200)


def _join_page(actor: Actor, agentflow_id: UUID, form: Form | None, status: int, told: str = "") -> Response:
    edited = queries.get_edited(db.session, actor, agentflow_id)
    if not edited.is_behind:
        return htmx.redirect_to(url_for("flow_editor.show", agentflow_id=agentflow_id))
    base, theirs = queries.load_sides(db.session, actor.organization_id, edited)
    page = join_page.JoinPage(edited, base, theirs, form, told)
    return render_page("flow_editor/join.html", status=status, page=page, edited=edited)


@bp.post("/<uuid:agentflow_id>/edit/join", permission=Permission.FLOWS_WRITE)
def join(actor: Actor, agentflow_id: UUID) -> Response:
    """Go on with both changes, with mine on top, or without mine."""
    form = posted(JoinForm)
    if not form.validate():
        return _join_page(actor, agentflow_id, form, 422, _first_error(form))
    if form.how.data == "discard":
        operations.discard_draft(db.session, actor, agentflow_id)
        return htmx.redirect_to(url_for("flow_editor.show", agentflow_id=agentflow_id))
    keeps_mine = form.how.data == "mine"
    joining = Joining(form.theirs.data, () if keeps_mine else join_page.read_choices(request.form), keeps_mine)
    try:
        operations.join_draft(db.session, actor, agentflow_id, joining, revision=form.revision.data, now=now())
    except StaleVersion as error:
        return _join_page(actor, agentflow_id, form, 409, error.message)
    except StaleDraft as error:
        return _page(actor, agentflow_id, Shown(told=error.message), 409)
    return _joined(actor, agentflow_id, form)


def _joined(actor: Actor, agentflow_id: UUID, form: JoinForm) -> Response:
    """After both changes were joined they are saved; what then stands in the way is shown, and the draft is kept."""
    if form.how.data == "both":
        form.base_version.data, form.revision.data = form.theirs.data, None
        try:
            return _saved(agentflow_id, _save_draft(actor, agentflow_id, form))
        except BrokenGraph:
            pass
    where = {"panel": "save", "name": form.name.data or None, "note": form.note.data or None}
    return htmx.redirect_to(url_for("flow_editor.show", agentflow_id=agentflow_id, **where))
