"""``/api/v1``: executions as JSON for programs that hold an API key."""

from __future__ import annotations

from importlib.metadata import version
from uuid import UUID

from flask import Response, jsonify, request

from webapp.api import queries
from webapp.api.blueprint import ApiBlueprint
from webapp.api.execution_shapes import EXECUTION, WHOLE_EXECUTION
from webapp.api.forms import read_question
from webapp.api.keys import ApiKey
from webapp.api.openapi import document
from webapp.domain.api_keys import Scope
from webapp.domain.errors import NotFound
from webapp.extensions import db
from webapp.permissions import public

bp = ApiBlueprint("api", __name__, url_prefix="/api/v1")


@bp.get("/executions", scope=Scope.READ)
def list_executions(key: ApiKey) -> Response:
    asked = read_question(request.args.items(multi=True))
    page = queries.list_executions(db.session(), key.organization_id, asked)
    return jsonify(items=[EXECUTION.render(row) for row in page.rows], next_cursor=page.next_cursor)


@bp.get("/executions/<execution_id>", scope=Scope.READ)
def show_execution(key: ApiKey, execution_id: str) -> Response:
    try:
        execution = queries.get_execution(db.session(), key.organization_id, UUID(execution_id))
    except (ValueError, OverflowError):  # No UUID, or one whose time lies beyond the calendar.
        execution = None
    if execution is None:
        raise NotFound("Your organization has no execution with this id.", field="id")
    return jsonify(WHOLE_EXECUTION.render(execution))


@bp.get("/openapi.json", scope=public("describes the API and holds nothing of anybody"))
def openapi() -> Response:
    return jsonify(document(version("agenticbuilder"), request.url_root.rstrip("/") + "/api/v1"))
