"""Named prompts: the list, one prompt, its versions, a preview, and making, changing, renaming and archiving them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.errors import Conflict
from webapp.domain.field_diff import changed_fields, describe_changes
from webapp.domain.prompt_variables import check_variables, fill
from webapp.domain.ranked_paging import Place
from webapp.extensions import db
from webapp.features.events.queries_history import list_history
from webapp.features.prompts import operations, queries
from webapp.features.prompts.filters import LABELS, SORTS, STATES, USES, PromptFilter
from webapp.features.prompts.forms import PromptFilterForm, PromptForm, RenameForm, form_values
from webapp.features.prompts.queries import PromptDetail
from webapp.features.prompts.state import LABELS as FIELD_LABELS
from webapp.features.prompts.state import LONG, stored_variables
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.downloads import csv_download
from webapp.web.forms import posted
from webapp.web.listing import options
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("prompts", __name__, url_prefix="/prompts")
CSV_COLUMNS = (
    "id", "name", "version", "state", "description", "tags", "variables", "characters", "agents", "author", "changed_at"
)  # fmt: skip
DONE = {
    "created": "Prompt created.", "saved": "Saved as a new version; agents that use it have it from now on.",
    "same": "Nothing differed, so no version was made.", "archived": "Prompt archived. It can be restored.",
    "restored": "Prompt restored.", "version": "The old version is the newest now.", "renamed": "Prompt renamed.",
}  # fmt: skip
MOST_SAMPLE = 2_000


@bp.get("", permission=Permission.PROMPTS_READ)
def index(actor: Actor) -> Response:
    wanted = PromptFilterForm(request.args).wanted()
    return render_page("prompts/page.html", fragments={"prompt-list": "prompts/_list.html"}, list=_list(actor, wanted))


def _list(actor: Actor, wanted: PromptFilter) -> dict[str, Any]:
    text = request.args.get("cursor", "")
    place = Place.decode(text) if text else None
    shown = queries.list_prompts(db.session, actor.organization_id, wanted, place=place)
    base = url_for("prompts.index")
    choices = (("use", USES), ("state", STATES))
    return {
        "wanted": wanted,
        "page": shown,
        "filters": [
            (name, LABELS[name], options(words, getattr(wanted, name), any_label=f"{LABELS[name]}: any"))
            for name, words in choices
        ],
        "sorts": options(SORTS, wanted.sort),
        "labels": LABELS,
        "address": lambda cursor: base + wanted.query(cursor=cursor or ""),
        "without": lambda name: base + wanted.without(name).query(),
        "csv": url_for("prompts.export_csv") + wanted.query(),
        "reasons": None if shown.rows else queries.explain_empty(db.session, actor.organization_id, wanted),
        "may_write": actor.may(Permission.PROMPTS_WRITE),
    }


@bp.get("/export.csv", permission=Permission.PROMPTS_READ)
def export_csv(actor: Actor) -> Response:
    """All prompts of the filter, in its order; not their texts."""
    wanted = PromptFilterForm(request.args).wanted()
    rows = queries.list_all(db.session, actor.organization_id, wanted)
    cells = [
        (
            row.id, row.name, row.version, "active" if row.is_active else "archived", row.description, row.tags,
            row.variables, row.characters, row.agent_count, row.author, row.changed_at,
        )
        for row in rows
    ]  # fmt: skip
    return csv_download("prompts", CSV_COLUMNS, cells)


@bp.get("/new", permission=Permission.PROMPTS_WRITE)
def new(actor: Actor) -> Response:
    return _edit(None, PromptForm())


@bp.post("", permission=Permission.PROMPTS_WRITE)
def create(actor: Actor) -> Response:
    form = posted(PromptForm)
    if not form.validate():
        return _edit(None, form, status=422)
    try:
        prompt_id = operations.create_prompt(db.session, actor, form.name.data, form.settings(), now=now())
    except Conflict as problem:
        form.name.errors = [problem.message]
        return _edit(None, form, status=409)
    return htmx.redirect_to(url_for("prompts.show", prompt_id=prompt_id, done="created"))


def _head(actor: Actor, prompt_id: UUID, tab: str, *, version: int | None = None) -> dict[str, Any]:
    """What the head and the tabs of every page of a prompt read. Raises: NotFound."""
    prompt = queries.get_prompt(db.session, actor.organization_id, prompt_id, version=version)
    return {
        "prompt": prompt,
        "tab": tab,
        "labels": FIELD_LABELS,
        "may_write": actor.may(Permission.PROMPTS_WRITE),
        "may_change": actor.may(Permission.PROMPTS_WRITE) and prompt.is_active,
        "notice": DONE.get(request.args.get("done", "")),
        "agents": queries.list_agents(db.session, actor.organization_id, prompt.name),
    }


def _whole_number(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@bp.get("/<uuid:prompt_id>", permission=Permission.PROMPTS_READ)
def show(actor: Actor, prompt_id: UUID) -> Response:
    """The text, its variables and who uses it; an old version with ``?version=``."""
    shown = _head(actor, prompt_id, "overview", version=_whole_number("version"))
    state = shown["prompt"].state
    variables = stored_variables(state["variables"])
    checked = check_variables(state["template"], [one.name for one in variables])
    pieces = fill(state["template"], {})
    return render_page("prompts/show.html", **shown, variables=variables, checked=checked, pieces=pieces)


@bp.get("/<uuid:prompt_id>/preview", permission=Permission.PROMPTS_READ)
def preview(actor: Actor, prompt_id: UUID) -> Response:
    """The text filled with sample values; the address holds them as ``v.NAME``."""
    shown = _head(actor, prompt_id, "preview")
    state = shown["prompt"].state
    samples = {one.name: one.sample for one in stored_variables(state["variables"])}
    names = [*check_variables(state["template"], samples).used]
    values = {name: request.args.get(f"v.{name}", samples.get(name, ""))[:MOST_SAMPLE] for name in names}
    pieces = fill(state["template"], values)
    return render_page("prompts/preview.html", **shown, values=values, pieces=pieces)


@bp.get("/<uuid:prompt_id>/versions", permission=Permission.PROMPTS_READ)
def versions(actor: Actor, prompt_id: UUID) -> Response:
    """Every save, newest first; two of them side by side with ``?before=`` and ``?after=``."""
    shown = _head(actor, prompt_id, "versions")
    name, pair = shown["prompt"].name, (_whole_number("before"), _whole_number("after"))
    older = _whole_number("older")
    rows, older = queries.list_versions(db.session, actor.organization_id, name, before=older)
    fields = None
    if pair[0] is not None and pair[1] is not None:
        states = queries.get_states(db.session, actor.organization_id, name, (pair[0], pair[1]))
        fields = changed_fields(*states, FIELD_LABELS, LONG)
    return render_page("prompts/versions.html", **shown, rows=rows, older=older, pair=pair, fields=fields)


@bp.get("/<uuid:prompt_id>/history", permission=Permission.PROMPTS_READ)
def history(actor: Actor, prompt_id: UUID) -> Response:
    """What was done to the prompt, by whom, before and after."""
    shown, before = _head(actor, prompt_id, "history"), _whole_number("older")
    rows, older = list_history(db.session, actor.organization_id, "prompt", shown["prompt"].id, before=before)
    return render_page("prompts/history.html", **shown, rows=rows, older=older)


@bp.get("/<uuid:prompt_id>/edit", permission=Permission.PROMPTS_WRITE)
def edit(actor: Actor, prompt_id: UUID) -> Response:
    prompt = queries.get_prompt(db.session, actor.organization_id, prompt_id)
    values = form_values(prompt.name, prompt.state) | {"base_version": str(prompt.version)}
    return _edit(prompt, PromptForm(data=values))


@bp.post("/<uuid:prompt_id>", permission=Permission.PROMPTS_WRITE)
def save(actor: Actor, prompt_id: UUID) -> Response:
    """Save a version; a second editor gets both editors' work in the form and what the first one changed."""
    prompt, form = queries.get_prompt(db.session, actor.organization_id, prompt_id), posted(PromptForm)
    form.name.data = prompt.name
    if not form.validate():
        return _edit(prompt, form, status=422)
    try:
        version = operations.save_prompt(
            db.session, actor, prompt_id, form.settings(), base_version=form.base, now=now()
        )
    except operations.StalePrompt as stale:
        values = form_values(prompt.name, stale.merged.state) | {"base_version": str(stale.current_version)}
        return _edit(prompt, PromptForm(data=values), status=409, stale=stale)
    done = "same" if version == prompt.version else "saved"
    return htmx.redirect_to(url_for("prompts.show", prompt_id=prompt.id, done=done))


def _edit(prompt: PromptDetail | None, form: PromptForm, *, status: int = 200, stale: Any = None) -> Response:
    return render_page(
        "prompts/edit.html",
        status=status,
        prompt=prompt,
        form=form,
        stale=stale,
        theirs=describe_changes(stale.merged.theirs, FIELD_LABELS, LONG) if stale else [],
        labels=FIELD_LABELS,
    )


@bp.post("/<uuid:prompt_id>/rename", permission=Permission.PROMPTS_WRITE)
def rename(actor: Actor, prompt_id: UUID) -> Response:
    """Another name, in all versions and in the agents that use it."""
    form = posted(RenameForm)
    prompt = queries.get_prompt(db.session, actor.organization_id, prompt_id)
    if form.validate():
        try:
            operations.rename_prompt(db.session, actor, prompt_id, form.name.data, now=now())
            return htmx.redirect_to(url_for("prompts.show", prompt_id=prompt.id, done="renamed"))
        except Conflict as problem:
            form.name.errors = [problem.message]
    return render_page("prompts/rename.html", status=422, prompt=prompt, form=form)


@bp.get("/<uuid:prompt_id>/rename", permission=Permission.PROMPTS_WRITE)
def rename_form(actor: Actor, prompt_id: UUID) -> Response:
    prompt = queries.get_prompt(db.session, actor.organization_id, prompt_id)
    return render_page("prompts/rename.html", prompt=prompt, form=RenameForm(data={"name": prompt.name}))


@bp.post("/<uuid:prompt_id>/archive", permission=Permission.PROMPTS_WRITE)
def archive(actor: Actor, prompt_id: UUID) -> Response:
    operations.archive_prompt(db.session, actor, prompt_id, now=now())
    return htmx.redirect_to(url_for("prompts.show", prompt_id=prompt_id, done="archived"))


@bp.post("/<uuid:prompt_id>/restore", permission=Permission.PROMPTS_WRITE)
def restore(actor: Actor, prompt_id: UUID) -> Response:
    operations.restore_prompt(db.session, actor, prompt_id, now=now())
    return htmx.redirect_to(url_for("prompts.show", prompt_id=prompt_id, done="restored"))


@bp.post("/<uuid:prompt_id>/versions/<int(max=2147483647):version>/restore", permission=Permission.PROMPTS_WRITE)
def restore_version(actor: Actor, prompt_id: UUID, version: int) -> Response:
    operations.restore_version(db.session, actor, prompt_id, version, now=now())
    return htmx.redirect_to(url_for("prompts.show", prompt_id=prompt_id, done="version"))
