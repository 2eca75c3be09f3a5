"""The organization page and the form for another organization."""

from __future__ import annotations

from flask import Response, request, url_for
from wtforms import Form

from webapp.actor import Actor
from webapp.extensions import db
from webapp.features.organizations import operations, queries
from webapp.features.organizations.forms import NewOrganizationForm, SettingsForm
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.forms import posted
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("organizations", __name__, url_prefix="/organization")


@bp.get("/", permission=Permission.ORGANIZATION_READ)
def index(actor: Actor) -> Response:
    members = queries.list_members(db.session, actor.organization_id)
    return render_page("organizations/members.html", members=members, tab="members")


@bp.get("/settings", permission=Permission.ORGANIZATION_READ)
def settings(actor: Actor) -> Response:
    form = SettingsForm(obj=queries.get_settings(db.session, actor.organization_id))
    return _settings(actor, form)


@bp.post("/settings", permission=Permission.ORGANIZATION_MANAGE)
def save_settings(actor: Actor) -> Response:
    form = posted(SettingsForm)
    if not form.validate():
        return _settings(actor, form, status=422)
    wanted = operations.OrganizationSettings(
        name=form.name.data,
        timezone=form.timezone.data,
        settle_after_minutes=form.settle_after_minutes.data,
        retention_days=form.retention_days.data,
        public_links_allowed=form.public_links_allowed.data,
    )
    operations.save_settings(db.session, actor, wanted, now=now())
    return htmx.redirect_to(url_for("organizations.settings", done="saved"))


@bp.get("/new", permission=Permission.SELF)
def new(actor: Actor) -> Response:
    form = NewOrganizationForm(data={"timezone": actor.timezone})
    return render_page("organizations/new.html", form=form)


@bp.post("/new", permission=Permission.SELF)
def create(actor: Actor) -> Response:
    form = posted(NewOrganizationForm)
    if not form.validate():
        return render_page("organizations/new.html", status=422, form=form)
    operations.create_organization(db.session, actor, name=form.name.data, timezone=form.timezone.data, now=now())
    return htmx.redirect_to(url_for("welcome.index"))


def _settings(actor: Actor, form: Form, *, status: int = 200) -> Response:
    return render_page(
        "organizations/settings.html",
        status=status,
        form=form,
        tab="settings",
        may_manage=actor.may(Permission.ORGANIZATION_MANAGE),
        is_saved=request.args.get("done") == "saved",
    )
