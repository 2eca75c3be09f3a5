"""One execution: its page and parts, its texts, its trace as a file, and what people say about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.payload_text import read_messages, transcript
from webapp.extensions import db
from webapp.features.executions import detail_page, export, operations, queries_detail, queries_steps
from webapp.features.executions.forms import FeedbackForm, checked
from webapp.features.executions.queries_detail import ExecutionDetail
from webapp.features.executions.raw_span import read_raw
from webapp.features.executions.routes import bp
from webapp.features.retries.queries import get_retry_state
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.render import render_page
from webapp.web.shell import now

PARTS = {
    "step": "executions/_pane.html",
    "waterfall": "executions/_waterfall.html",
    "execution-live": "executions/_live.html",
}
MORE_ROWS = "more-rows-"
"""Begins the id of each button that stands for rows not drawn yet."""
NO_PANE = ("waterfall", "execution-live")
TABS = frozenset(name for name, _ in detail_page.TABS)


@bp.get("/<uuid:execution_id>", permission=Permission.EXECUTIONS_READ)
def show(actor: Actor, execution_id: UUID) -> Response:
    """One execution; parts of it when htmx asks for a step, more rows or the present state."""
    execution = queries_detail.get_execution(db.session, actor.organization_id, actor.user_id, execution_id)
    tab, target = request.args.get("tab", "trace"), htmx.target_id()
    context = CONTEXTS.get(tab, trace_context)(actor, execution)
    return render_page(
        "executions/show.html",
        fragments=PARTS | ({target: "executions/_more_rows.html"} if target.startswith(MORE_ROWS) else {}),
        execution=execution,
        tab=tab if tab in TABS else "trace",
        tabs=detail_page.TABS,
        mine=detail_page.opinion_of(execution, actor.user_id),
        retry=None if htmx.is_fragment_request() else get_retry_state(db.session, actor.organization_id, execution_id),
        **context,
    )


def read_trace(actor: Actor, execution: ExecutionDetail, tab: str) -> detail_page.Trace:
    """The waterfall as the address wants it: the open step and the folded ones."""
    spans = (detail_page.read_hex(text) for text in request.args.get("fold", "").split(",")[: detail_page.MOST_FOLDED])
    return detail_page.Trace(
        execution,
        queries_steps.list_steps(db.session, actor.organization_id, execution),
        now=now(),
        wanted_step=detail_page.read_hex(request.args.get("step")),
        folded=[span for span in spans if span],
        tab=tab,
    )


def trace_context(actor: Actor, execution: ExecutionDetail) -> dict[str, Any]:
    trace = read_trace(actor, execution, "trace")
    target = htmx.target_id()
    is_rows_only = htmx.is_fragment_request() and (target in NO_PANE or target.startswith(MORE_ROWS))
    pane = None
    if trace.selected is not None and not is_rows_only:
        detail = queries_steps.get_step(db.session, actor.organization_id, execution, trace.selected)
        pane = detail_page.pane_of(trace, trace.selected, detail)
    return {"trace": trace, "pane": pane, "rows": detail_page.read_rows(request.args.get("rows"))}


def raw_context(actor: Actor, execution: ExecutionDetail) -> dict[str, Any]:
    trace = read_trace(actor, execution, "raw")
    span = None
    if trace.selected is not None and trace.selected.span_id:
        raw = queries_steps.get_raw_span(db.session, actor.organization_id, execution, trace.selected.span_id)
        span = read_raw(raw) if raw is not None else None
    return {"trace": trace, "pane": None, "span": span, "rows": detail_page.read_rows(request.args.get("rows"))}


def io_context(actor: Actor, execution: ExecutionDetail) -> dict[str, Any]:
    given, answer = queries_steps.get_flow_payloads(db.session, actor.organization_id, execution)
    return {"trace": None, "input": detail_page.shown(given), "output": detail_page.shown(answer)}


def session_context(actor: Actor, execution: ExecutionDetail) -> dict[str, Any]:
    runs, messages = queries_detail.list_session(db.session, actor.organization_id, execution)
    return {"trace": None, "runs": runs, "messages": messages}


CONTEXTS = {"trace": trace_context, "raw": raw_context, "io": io_context, "session": session_context}


@bp.get(
    "/<uuid:execution_id>/<any(input, output, stack):part>.<any(txt, json):kind>", permission=Permission.EXECUTIONS_READ
)
def text(actor: Actor, execution_id: UUID, part: str, kind: str) -> Response:
    """One value in full as plain text, of a step or of the whole execution; ``download`` makes it a file."""
    execution = queries_detail.get_execution(db.session, actor.organization_id, actor.user_id, execution_id)
    step = request.args.get("step")
    span_id = detail_page.read_hex(step)
    if step and span_id is None:
        raise NotFound("There is no such step.")
    value = queries_steps.get_whole_text(db.session, actor.organization_id, execution, span_id, part)
    if value is None:
        raise NotFound("This step has no such text.")
    messages = read_messages(value) if kind == "txt" and part != "stack" else None
    response = Response(transcript(messages) if messages else value, content_type="text/plain; charset=utf-8")
    where = "attachment" if "download" in request.args else "inline"
    response.headers["Content-Disposition"] = f'{where}; filename="{str(execution_id)[-8:]}-{part}.{kind}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@bp.get("/<uuid:execution_id>/trace.json", permission=Permission.EXECUTIONS_READ)
def download_trace(actor: Actor, execution_id: UUID) -> Response:
    """The spans as they arrived, as one OTLP JSON export."""
    execution = queries_detail.get_execution(db.session, actor.organization_id, actor.user_id, execution_id)
    response = Response(
        export.write_trace(db.engine, actor.organization_id, execution), content_type="application/json"
    )
    name = execution.trace_id.hex() if execution.trace_id else str(execution_id)
    response.headers["Content-Disposition"] = f'attachment; filename="trace-{name}.json"'
    return response


@bp.post("/<uuid:execution_id>/bookmark", permission=Permission.SELF)
def bookmark(actor: Actor, execution_id: UUID) -> Response:
    """Set or take away the reader's own mark."""
    operations.toggle_bookmark(db.session, actor, execution_id)
    return htmx.redirect_to(url_for("executions.show", execution_id=execution_id))


@bp.post("/<uuid:execution_id>/feedback", permission=Permission.EXECUTIONS_ANNOTATE)
def give_feedback(actor: Actor, execution_id: UUID) -> Response:
    """Say thumbs up or down, with words if wanted."""
    form = checked(FeedbackForm(request.form))
    operations.give_feedback(db.session, actor, execution_id, score=form.score.data, comment=form.comment.data)
    return htmx.redirect_to(url_for("executions.show", execution_id=execution_id, _anchor="feedback"))


@bp.post("/<uuid:execution_id>/feedback/delete", permission=Permission.EXECUTIONS_ANNOTATE)
def withdraw_feedback(actor: Actor, execution_id: UUID) -> Response:
    operations.withdraw_feedback(db.session, actor, execution_id)
    return htmx.redirect_to(url_for("executions.show", execution_id=execution_id, _anchor="feedback"))
