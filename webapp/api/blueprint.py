"""Blueprints for programs: routes that state the scope a key needs, and never look at a cookie."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, abort, g, make_response, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from webapp.api import keys
from webapp.domain.api_keys import Scope
from webapp.extensions import db
from webapp.permissions import Public
from webapp.web.blueprint import finish_transaction


class ApiBlueprint(Blueprint):
    """A blueprint whose routes must state what a key needs to use them.

    ``scope`` is a required keyword: leaving it out is a TypeError at import. A view behind a :class:`Scope` gets the
    proven key as first argument; one marked ``public("why")`` gets none. GET rolls back, a write commits below 400.
    """

    def add_url_rule(  # type: ignore[override]
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        *,
        scope: Scope | Public,
        **options: Any,
    ) -> None:
        """Register a guarded view; the wrapper keeps ``scope`` as ``permission`` too, where the rule tests look."""
        if view_func is None:
            raise TypeError(f"route {rule} has no view")
        view = view_func

        @wraps(view)
        def guarded(**url_values: Any) -> Response:
            if isinstance(scope, Public):
                return finish_transaction(make_response(view(**url_values)))
            return finish_transaction(make_response(view(_proven_key(scope), **url_values)))

        guarded.scope = guarded.permission = scope  # type: ignore[attr-defined]
        super().add_url_rule(rule, endpoint or view.__name__, guarded, **options)


def _proven_key(scope: Scope) -> keys.ApiKey:
    try:
        key = keys.authenticate(db.session(), request.headers, scope)
    except keys.KeyRefused as refusal:
        if refusal.status == 401:
            raise Unauthorized(refusal.message, www_authenticate=WWWAuthenticate("bearer")) from None
        abort(refusal.status, refusal.message)
    g.organization_id = key.organization_id
    keys.touch(db.engine, key)
    return key
