"""Sign-in, sign-out, and the profile page."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response, request, url_for
from wtforms import Form

from webapp.actor import Actor
from webapp.domain.errors import Invalid, NotFound
from webapp.domain.local_paths import local_path
from webapp.extensions import db
from webapp.features.accounts import operations, operations_all_orgs, queries, queries_all_orgs
from webapp.features.accounts.forms import PasswordForm, PreferencesForm, SignInForm, ThemeForm
from webapp.permissions import Permission, public
from webapp.web import htmx
from webapp.web import sign_in as gate
from webapp.web.authentication import clear_session_cookie
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.forms import posted
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("accounts", __name__)

DONE = {
    "password": "Password changed. Your other sessions were ended.",
    "preferences": "Preferences saved.",
    "session": "Session ended.",
    "sessions": "All other sessions ended.",
}
WRONG = "The email or password is wrong."


@bp.get("/sign-in", endpoint="sign_in", permission=public("where people prove who they are"))
def show_sign_in() -> Response:
    if queries_all_orgs.is_first_run(db.session):
        return htmx.redirect_to(url_for("setup.show"))
    return render_page("accounts/sign_in.html", form=SignInForm(data={"next": local_path(request.args.get("next"))}))


@bp.post("/sign-in", endpoint="check_sign_in", permission=public("where people prove who they are"))
def check_sign_in() -> Response:
    form = posted(SignInForm)
    if not form.validate():
        return render_page("accounts/sign_in.html", status=422, form=form)
    left = gate.count_try(form.email.data, now=now())
    token = operations_all_orgs.sign_in(
        db.session,
        form.email.data,
        form.password.data,
        device=gate.device(),
        replaced=gate.present_token_hash(),
        now=now(),
        lifetime=gate.lifetime(),
    )
    if token is None:
        refusal = f"{WRONG} {left} {'try' if left == 1 else 'tries'} left." if left < 5 else WRONG
        return render_page("accounts/sign_in.html", status=422, form=form, refusal=refusal)
    gate.forgive_tries(form.email.data)
    return gate.hand_over(htmx.redirect_to(local_path(form.next.data)), token, remember=form.remember.data)


@bp.post("/sign-out", permission=Permission.SELF)
def sign_out(actor: Actor) -> Response:
    operations.sign_out(db.session, actor, now=now())
    response = htmx.redirect_to(url_for("accounts.sign_in"))
    return clear_session_cookie(response, is_https=gate.settings().is_https)


@bp.post("/switch-organization", permission=Permission.SELF)
def switch_organization(actor: Actor) -> Response:
    try:
        wanted = UUID(request.form.get("organization_id", ""))
    except ValueError:
        raise NotFound("There is no such organization.") from None
    operations.switch_organization(db.session, actor, wanted)
    return htmx.redirect_to("/")


@bp.get("/profile", permission=Permission.SELF)
def profile(actor: Actor) -> Response:
    return _profile(actor)


@bp.post("/profile/preferences", permission=Permission.SELF)
def preferences(actor: Actor) -> Response:
    form = posted(PreferencesForm)
    if not form.validate():
        return _profile(actor, preferences=form, status=422)
    operations.save_preferences(
        db.session,
        actor,
        full_name=form.full_name.data,
        timezone=form.timezone.data,
        theme=form.theme.data,
    )
    return _done("preferences")


@bp.post("/profile/theme", permission=Permission.SELF)
def change_theme(actor: Actor) -> Response:
    form = posted(ThemeForm)
    if not form.validate():
        raise Invalid("There is no such theme.", field="theme")
    operations.change_theme(db.session, actor, form.theme.data)
    return htmx.redirect_to(_page_before())


@bp.post("/profile/password", permission=Permission.SELF)
def change_password(actor: Actor) -> Response:
    form = posted(PasswordForm)
    form.belongs_to(actor.email)
    if not form.validate():
        return _profile(actor, password=form, status=422)
    gate.count_try(actor.email, now=now())
    try:
        token = operations.change_password(
            db.session, actor, form.current_password.data, form.new_password.data, now=now()
        )
    except Invalid as refusal:
        form[refusal.field].errors = [refusal.message]
        return _profile(actor, password=form, status=422)
    gate.forgive_tries(actor.email)
    return gate.hand_over(_done("password"), token, remember=True)


@bp.post("/profile/sessions/<uuid:session_id>/revoke", permission=Permission.SELF)
def revoke_session(actor: Actor, session_id: UUID) -> Response:
    operations.revoke_session(db.session, actor, session_id, now=now())
    return _done("session")


@bp.post("/profile/sessions/revoke-others", permission=Permission.SELF)
def revoke_other_sessions(actor: Actor) -> Response:
    operations.revoke_other_sessions(db.session, actor, now=now())
    return _done("sessions")


def _profile(actor: Actor, *, status: int = 200, **forms: Form) -> Response:
    chosen = queries.get_preferences(db.session, actor.user_id)
    idle = timedelta(hours=gate.settings().session_idle_hours)
    return render_page(
        "accounts/profile.html",
        status=status,
        preferences_form=forms.get("preferences") or PreferencesForm(obj=chosen),
        password_form=forms.get("password") or PasswordForm(),
        sessions=queries.list_sessions(db.session, actor.user_id, now=now(), idle=idle),
        done=DONE.get(request.args.get("done", "")),
    )


def _done(what: str) -> Response:
    return htmx.redirect_to(url_for("accounts.profile", done=what))


def _page_before() -> str:
    """The page that the form stood on, when it was one of ours."""
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host:
        return url_for("accounts.profile")
    return local_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)
