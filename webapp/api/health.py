"""``/healthz`` says that the process answers, ``/readyz`` that it can work: database, migrations, months ahead."""

from __future__ import annotations

from flask import Response, jsonify, make_response

from webapp.database import readiness
from webapp.extensions import db
from webapp.permissions import public
from webapp.web.blueprint import GuardedBlueprint

bp = GuardedBlueprint("health", __name__)


@bp.get("/healthz", permission=public("asked by load balancers, which hold no account"))
def healthz() -> Response:
    return jsonify(status="ok")


@bp.get("/readyz", permission=public("asked by load balancers, which hold no account"))
def readyz() -> Response:
    problems = readiness.problems(db.engine)
    body = jsonify(status="not ready" if problems else "ok", problems=problems)
    return make_response(body, 503 if problems else 200)
