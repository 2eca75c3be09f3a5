"""Behind the bell."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.paging import Cursor
from webapp.extensions import db
from webapp.features.notifications import operations, queries
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("notifications", __name__, url_prefix="/notifications")


@bp.get("", permission=Permission.SELF)
def index(actor: Actor) -> Response:
    """The reader's notifications: unread ones, or all with ``show=all``."""
    is_unread_only = request.args.get("show") != "all"
    cursor = Cursor.decode(request.args["cursor"]) if request.args.get("cursor") else None
    page = queries.list_page(
        db.session, actor.organization_id, actor.user_id, is_unread_only=is_unread_only, cursor=cursor
    )
    return render_page(
        "notifications/page.html",
        fragments={"notification-rows": "notifications/_rows.html"},
        page=page,
        is_unread_only=is_unread_only,
        address=_address(is_unread_only),
    )


@bp.post("/<uuid:notification_id>/read", permission=Permission.SELF)
def read(actor: Actor, notification_id: UUID) -> Response:
    """Note one as read and go back to the list."""
    operations.mark_read(db.session, actor, notification_id, now=now())
    return htmx.redirect_to(_address(request.form.get("show") != "all")(None))


@bp.post("/read", permission=Permission.SELF)
def read_all(actor: Actor) -> Response:
    """Note all as read."""
    operations.mark_all_read(db.session, actor, now=now())
    return htmx.redirect_to(url_for("notifications.index"))


def _address(is_unread_only: bool) -> Callable[[str | None], str]:
    def address(cursor: str | None) -> str:
        return url_for("notifications.index", show=None if is_unread_only else "all", cursor=cursor)

    return address
