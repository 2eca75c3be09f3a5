"""Blueprints that cannot hold an unguarded route."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, abort, g, make_response, request

from webapp.extensions import db
from webapp.permissions import Permission, Public

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def finish_transaction(response: Response) -> Response:
    """Commit a write that succeeded, roll back everything else: one request is one transaction.

    A page's read is committed too, where its transaction cannot write: after a rollback the driver forgets every
    prepared statement, and planning them again took longer than running them (overview 13 ms instead of 8).
    """
    may_commit = request.method not in SAFE_METHODS or g.get("is_read_only", False)
    if may_commit and response.status_code < 400:
        db.session.commit()
    else:
        db.session.rollback()
    return response


class GuardedBlueprint(Blueprint):
    """A blueprint whose routes must state who may use them.

    ``permission`` is a required keyword of ``@bp.get`` and ``@bp.post``: leaving it out is a TypeError at import. A
    view behind a :class:`Permission` gets the actor as first argument; one marked ``public("why")`` gets none. GET
    keeps nothing, a write commits when it answers below 400.
    """

    def add_url_rule(  # type: ignore[override]
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        *,
        permission: Permission | Public,
        **options: Any,
    ) -> None:
        """Register a guarded view; the wrapper keeps ``permission`` as an attribute for the rule tests."""
        if view_func is None:
            raise TypeError(f"route {rule} has no view")
        view = view_func

        @wraps(view)
        def guarded(**url_values: Any) -> Response:
            if isinstance(permission, Public):
                return finish_transaction(make_response(view(**url_values)))
            actor = g.get("actor") or abort(401)
            if not actor.may(permission):
                abort(403)
            return finish_transaction(make_response(view(actor, **url_values)))

        guarded.permission = permission  # type: ignore[attr-defined]
        super().add_url_rule(rule, endpoint or view.__name__, guarded, **options)
