"""``/api/v1/flows``: bring flows in."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from flask import Response, jsonify, make_response, request
from werkzeug.datastructures import FileStorage

from webapp.api.blueprint import ApiBlueprint
from webapp.api.flow_shapes import ANSWER, ImportAnswer
from webapp.api.keys import ApiKey
from webapp.domain.api_keys import Scope
from webapp.domain.errors import Invalid
from webapp.extensions import db
from webapp.features.events.operations import AuthorId
from webapp.features.flow_imports import operations, queries
from webapp.importers import ImportedFlow, NotAFlow, read_flows
from webapp.web.shell import now

bp = ApiBlueprint("api_flows", __name__, url_prefix="/api/v1/flows")


@bp.post("/import", scope=Scope.FLOWS_WRITE)
def import_flow(key: ApiKey) -> Response:
    """Import a file; a file of several flows answers the first, and the rest under ``others``."""
    sent = _file()
    content, name = sent.read(), operations.clean_name(sent.filename or "")
    try:
        flows = read_flows(content, name)
    except NotAFlow as refusal:
        raise Invalid(refusal.reason, field="file") from None
    target = _target(key, flows)
    answers = [_import(key, flow, content, name, target) for flow in flows]
    return make_response(jsonify(ANSWER.render(replace(answers[0], others=tuple(answers[1:])))), 201)


def _file() -> FileStorage:
    sent = request.files.getlist("file")
    if len(sent) != 1:
        raise Invalid("Send one file as multipart/form-data in the field file.", field="file")
    return sent[0]


def _target(key: ApiKey, flows: list[ImportedFlow]) -> UUID | None:
    text = request.form.get("flow_id", "")
    if not text:
        return None
    operations.check_one(flows)
    try:
        wanted = UUID(text)
    except ValueError:
        raise Invalid("flow_id is the id of a flow of yours, or left out.", field="flow_id") from None
    return queries.get_target_of_key(db.session(), key.organization_id, key.user_id, wanted).id


def _import(key: ApiKey, flow: ImportedFlow, content: bytes, name: str, target: UUID | None) -> ImportAnswer:
    session, author = db.session(), AuthorId(key.organization_id, key.user_id)
    same = queries.find_same_of_key(session, key.organization_id, key.user_id, flow.format, flow.source_key)
    report = operations.import_as(
        session, author, flow, content=content, file_name=name, agentflow_id=target, now=now()
    )
    return ImportAnswer(report.id, report.agentflow_id, report.version, flow, tuple(row.id for row in same))
