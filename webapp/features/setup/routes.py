"""The first-run page."""

from __future__ import annotations

from flask import Response, abort, g, request, url_for

from webapp.config import setup_token
from webapp.domain.errors import Invalid
from webapp.extensions import db
from webapp.features.accounts import operations_all_orgs, queries_all_orgs
from webapp.features.setup import access, operations
from webapp.features.setup.forms import SetupForm
from webapp.features.welcome.page import draw_welcome
from webapp.permissions import public
from webapp.web import htmx, sign_in
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.forms import posted
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("setup", __name__, url_prefix="/setup")

WHY = "nobody has an account before the first run; guarded by loopback or the printed token, gone afterwards"
NEEDS_TOKEN = (
    "Nobody has an account here yet. Open the address with ?token=… that the server printed when it started,"
    " or open this page on the server itself."
)


@bp.get("", permission=public(WHY))
def show() -> Response:
    if not queries_all_orgs.is_first_run(db.session):
        return htmx.redirect_to(url_for("welcome.index") if g.actor else url_for("accounts.sign_in"))
    token = request.args.get("token", "")
    _refuse_strangers(token)
    form = SetupForm(data={"token": token})
    form.timezone.render_kw = {"data-detect-zone": ""}
    return render_page("setup/page.html", form=form)


@bp.post("", permission=public(WHY))
def create() -> Response:
    if g.actor:  # the same form again, by reload
        return htmx.redirect_to(url_for("welcome.index"))
    form = posted(SetupForm)
    _refuse_strangers(form.token.data)
    if not form.validate():
        return render_page("setup/page.html", status=422, form=form)
    try:
        first = operations.create_first_admin(
            db.session,
            form.email.data,
            form.password.data,
            form.organization_name.data,
            full_name=form.full_name.data,
            timezone=form.timezone.data,
        )
    except Invalid as refusal:
        form[refusal.field].errors = [refusal.message]
        return render_page("setup/page.html", status=422, form=form)
    return _welcome(first)


def _welcome(first: operations.FirstAdmin) -> Response:
    """The welcome page as the answer itself: so the key is in no address, no store and no log."""
    token = operations_all_orgs.start_session(
        db.session,
        first.organization_id,
        first.user_id,
        device=sign_in.device(),
        now=now(),
        lifetime=sign_in.lifetime(),
    )
    signed_in = queries_all_orgs.get_signed_in(db.session, token.token_hash, now=now(), idle=sign_in.lifetime())
    g.actor = signed_in.actor
    return sign_in.hand_over(draw_welcome(g.actor, api_key=first.api_key, status=201), token, remember=True)


def _refuse_strangers(token: str) -> None:
    settings = sign_in.settings()
    if access.is_from_this_machine(
        remote=request.remote_addr, host=request.host, headers=request.headers, public_url=settings.public_url
    ):
        return
    if not access.is_token(token, setup_token(settings.data_dir)):
        abort(403, NEEDS_TOKEN)
