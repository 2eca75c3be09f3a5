"""Retry endpoints of flows, retries of executions, and batches of a failure's executions."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

from flask import Response, current_app, request, url_for
from werkzeug.exceptions import TooManyRequests

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.secret_box import SecretBox
from webapp.extensions import db
from webapp.features.retries import operations, operations_endpoint, queries, queries_batches
from webapp.features.retries.forms import BatchForm, EndpointForm, RetryForm, checked
from webapp.outbound.post import Answer, post_signed
from webapp.permissions import Permission
from webapp.web import htmx, rate_limit
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.forms import posted
from webapp.web.headers import without_compression
from webapp.web.rate_limit import Bucket
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("retries", __name__)
ENDPOINT = "/flows/<uuid:agentflow_id>/retry-endpoint"
TESTS = Bucket("retry endpoint test", 10, 6)
"""So many tests of an organization at once, then one in six seconds: each makes us ask an address."""
TEST_BODY = {"test": True, "message": "A test from AgenticBuilder. Answer with any 2xx status."}


@bp.get(ENDPOINT, permission=Permission.FLOWS_READ)
def endpoint(actor: Actor, agentflow_id: UUID) -> Response:
    return _endpoint_page(actor, agentflow_id)


@bp.post(ENDPOINT, permission=Permission.RETRIES_MANAGE)
def save_endpoint(actor: Actor, agentflow_id: UUID) -> Response:
    """Set the address; a new secret is shown this once."""
    queries.get_flow_name(db.session, actor, agentflow_id)
    form = posted(EndpointForm)
    if not form.validate():
        return _endpoint_page(actor, agentflow_id, form=form, status=422)
    secret = operations_endpoint.save_endpoint(
        db.session,
        actor,
        agentflow_id,
        form.url.data,
        box=_box(),
        wants_new_secret=form.wants_new_secret.data,
        now=now(),
    )
    page = _endpoint_page(actor, agentflow_id, secret=secret, said="Retry endpoint saved.", status=201)
    return without_compression(page)


@bp.post(f"{ENDPOINT}/test", permission=Permission.RETRIES_MANAGE)
def test_endpoint(actor: Actor, agentflow_id: UUID) -> Response:
    """Send a signed test and say what came back; no transaction is open while the receiver works."""
    url, secret = operations_endpoint.open_endpoint(db.session, actor, agentflow_id, box=_box())
    db.session.rollback()
    verdict = rate_limit.take(db.engine, [(TESTS, str(actor.organization_id))], now=now())
    if not verdict.is_granted:
        raise TooManyRequests("Too many tests. Try again in a moment.", retry_after=verdict.retry_after)
    answer = post_signed(
        url,
        json.dumps(TEST_BODY).encode(),
        secret=secret,
        message_id=f"test_{uuid4()}",
        headers={"AgenticBuilder-Test": "true"},
        settings=current_app.config["SETTINGS"],
    )
    operations_endpoint.note_test(
        db.session, actor, agentflow_id, status=answer.status, reason=answer.reason, now=now()
    )
    return _endpoint_page(actor, agentflow_id, answer=answer)


@bp.post(f"{ENDPOINT}/delete", permission=Permission.RETRIES_MANAGE)
def delete_endpoint(actor: Actor, agentflow_id: UUID) -> Response:
    operations_endpoint.delete_endpoint(db.session, actor, agentflow_id, now=now())
    return htmx.redirect_to(url_for("retries.endpoint", agentflow_id=agentflow_id, done="deleted"))


@bp.post("/executions/<uuid:execution_id>/retry", permission=Permission.RETRIES_RUN)
def retry(actor: Actor, execution_id: UUID) -> Response:
    """Send the execution's input again; the page shows what comes of it."""
    state = queries.get_retry_state(db.session, actor.organization_id, execution_id)
    form = checked(posted(RetryForm))
    operations.request_retry(db.session, actor, state.execution_id, press=form.press.data, now=now())
    return htmx.redirect_to(url_for("executions.show", execution_id=execution_id, _anchor="retries"))


@bp.get("/executions/<uuid:execution_id>/retries", permission=Permission.EXECUTIONS_READ)
def attempts(actor: Actor, execution_id: UUID) -> Response:
    """The attempts of an execution: a part of its page, and a page by itself."""
    state = queries.get_retry_state(db.session, actor.organization_id, execution_id)
    return render_page("retries/attempts.html", fragments={"retries": "retries/_attempts.html"}, retry=state)


@bp.get("/executions/<uuid:execution_id>/retry.sh", permission=Permission.EXECUTIONS_READ)
def curl(actor: Actor, execution_id: UUID) -> Response:
    """The command that sends the input by hand."""
    state = queries.get_retry_state(db.session, actor.organization_id, execution_id)
    given = queries.get_input(db.session, actor.organization_id, execution_id)
    if given is None:
        raise NotFound("The input of this execution is not stored.")
    answer = Response(queries.curl_command(state.url, given) + "\n", content_type="text/plain; charset=utf-8")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@bp.post("/failures/<uuid:failure_id>/retry", permission=Permission.RETRIES_RUN)
def retry_failure(actor: Actor, failure_id: UUID) -> Response:
    """Send executions of a failure again, one of them first."""
    queries_batches.check_failure(db.session, actor.organization_id, failure_id)
    form = checked(posted(BatchForm))
    batch_id = operations.request_batch(
        db.session, actor, failure_id, most=form.most.data, press=form.press.data, now=now()
    )
    return htmx.redirect_to(url_for("retries.batch", batch_id=batch_id))


@bp.get("/retries/<uuid:batch_id>", permission=Permission.EXECUTIONS_READ)
def batch(actor: Actor, batch_id: UUID) -> Response:
    """How far a batch is."""
    found = queries_batches.get_batch(db.session, actor.organization_id, batch_id)
    return render_page("retries/batch.html", fragments={"batch": "retries/_batch.html"}, batch=found)


def _box() -> SecretBox:
    return SecretBox(current_app.config["SECRET_KEY"])


def _endpoint_page(
    actor: Actor,
    agentflow_id: UUID,
    *,
    form: EndpointForm | None = None,
    secret: str | None = None,
    answer: Answer | None = None,
    said: str = "",
    status: int = 200,
) -> Response:
    name = queries.get_flow_name(db.session, actor, agentflow_id)
    found = queries.get_endpoint(db.session, actor.organization_id, agentflow_id)
    done = "Retry endpoint deleted." if request.args.get("done") == "deleted" else ""
    return render_page(
        "retries/endpoint.html",
        status=status,
        flow_id=agentflow_id,
        flow_name=name,
        endpoint=found,
        form=form or EndpointForm(data={"url": found.url if found else ""}),
        secret=secret,
        answer=answer,
        said=said or done,
    )
