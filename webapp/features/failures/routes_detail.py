"""One failure: what it is, where it happened, what was decided, and everything that can be done about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.domain.periods import period
from webapp.domain.suspect_words import WORDS
from webapp.extensions import db
from webapp.features.events.queries_history import list_history
from webapp.features.failures import (
    detail_page,
    evidence_page,
    list_page,
    operations_comments,
    operations_grouping,
    operations_state,
    queries_affected,
    queries_detail,
    queries_good_bad,
)
from webapp.features.failures.forms import PERIODS, CommentForm, DecisionForm, MergeForm, SplitForm, checked
from webapp.features.failures.list_page import BASE
from webapp.features.failures.operations_state import UNKNOWN
from webapp.features.failures.queries_changes import find_suspects
from webapp.features.failures.queries_detail import FailureDetail
from webapp.features.failures.routes import back_to_list, bp, read_done
from webapp.features.retries.queries_batches import get_failure_retry
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.forms import posted
from webapp.web.render import render_page
from webapp.web.shell import now

ONE = "/<uuid:failure_id>"


@bp.get(ONE, permission=Permission.FAILURES_READ)
def show(actor: Actor, failure_id: UUID) -> Response:
    """The failure; the address of a merged one leads to where it is now, unless ``?merged=stay`` asks for it."""
    failure = read_failure(actor, failure_id)
    if failure.merged_into_id is not None and request.args.get("merged") != "stay":
        return htmx.redirect_to(f"{BASE}/{failure.merged_into_id}", status=302)
    return _page(actor, failure)


def read_failure(actor: Actor, failure_id: UUID) -> FailureDetail:
    failure = queries_detail.get_failure(db.session, actor.organization_id, failure_id)
    if failure is None:
        raise NotFound(UNKNOWN)
    return failure


def _page(actor: Actor, failure: FailureDetail, *, error: str = "", draft: str = "", status: int = 200) -> Response:
    session, organization_id, row = db.session, actor.organization_id, failure.row
    may_write = actor.may(Permission.FAILURES_WRITE)
    history, _ = list_history(session, organization_id, "failure", row.id)
    context: dict[str, Any] = {
        "failure": failure,
        "row": row,
        "marks": list_page.marks(row, now(), actor.zone),
        **read_evidence(actor, failure),
        "comments": queries_detail.list_comments(session, organization_id, row.id),
        "merged": queries_detail.list_merged(session, organization_id, row.id),
        "parts": queries_detail.list_parts(session, organization_id, row.id, row.failed) if may_write else [],
        "retry": None if failure.merged_into_id else get_failure_retry(session, organization_id, row.id),
        "history": history,
        "history_labels": detail_page.HISTORY_LABELS,
        "split_labels": detail_page.SPLIT_LABELS,
        "may_write": may_write,
        "done": read_done(actor),
        "error": error,
        "draft": draft,
        **detail_page.acts(queries_detail.list_people(session, organization_id) if may_write else []),
    }
    return render_page("failures/show.html", status=status, **context)


def read_evidence(actor: Actor, failure: FailureDetail) -> dict[str, Any]:
    """What the page shows of the failure's executions."""
    session, organization_id, row = db.session, actor.organization_id, failure.row
    seen = period(evidence_page.read_period(request.args.get("period")), now(), actor.organization_zone)
    samples = queries_affected.list_samples(session, organization_id, row.id)
    newest, first = (evidence_page.choose(samples, reason) for reason in ("newest", "first"))
    affected = queries_affected.get_affected(session, organization_id, row.id, seen)
    chart, finding = evidence_page.trend(affected, seen, now())
    both = queries_good_bad.get_good_bad(session, organization_id, actor.user_id, first)
    return {
        "samples": samples,
        "suspects": find_suspects(session, organization_id, row.id, now=now()),
        "words": WORDS,
        "cause": evidence_page.cause_view(
            queries_good_bad.get_cause(session, organization_id, actor.user_id, newest)
        ),
        "good_bad": evidence_page.good_bad_view(both),
        "affected": affected,
        "blocks": evidence_page.blocks(affected, row, seen),
        "period": seen,
        "periods": PERIODS,
        "chart": chart,
        "finding": finding,
    }  # fmt: skip


@bp.post(f"{ONE}/state", permission=Permission.FAILURES_WRITE)
def decide(actor: Actor, failure_id: UUID) -> Response:
    """Review, assign, mute, resolve or reopen it."""
    form = checked(DecisionForm(request.form))
    decision = form.decision(actor.user_id, now())
    done = operations_state.change(db.session, actor, [failure_id], decision, now=now())
    return htmx.redirect_to(_address(failure_id, done=f"{done.first}-{done.last}" if done.count else "0"))


@bp.post(f"{ONE}/comments", permission=Permission.FAILURES_WRITE)
def comment(actor: Actor, failure_id: UUID) -> Response:
    """Say something about it."""
    form = posted(CommentForm)
    if not form.validate():
        failure = read_failure(actor, failure_id)
        return _page(actor, failure, error=f"Comment: {form.body.errors[0]}", draft=form.body.data, status=422)
    operations_comments.add_comment(db.session, actor, failure_id, form.body.data, now=now())
    return htmx.redirect_to(f"{_address(failure_id)}#comments")


@bp.post(f"{ONE}/comments/<uuid:comment_id>", permission=Permission.FAILURES_WRITE)
def edit_comment(actor: Actor, failure_id: UUID, comment_id: UUID) -> Response:
    """Write one's own comment anew."""
    body = checked(posted(CommentForm)).body.data
    operations_comments.edit_comment(db.session, actor, failure_id, comment_id, body, now=now())
    return htmx.redirect_to(f"{_address(failure_id)}#comments")


@bp.post(f"{ONE}/comments/<uuid:comment_id>/delete", permission=Permission.FAILURES_WRITE)
def delete_comment(actor: Actor, failure_id: UUID, comment_id: UUID) -> Response:
    """Take one's own comment away."""
    operations_comments.delete_comment(db.session, actor, failure_id, comment_id, now=now())
    return htmx.redirect_to(f"{_address(failure_id)}#comments")


@bp.post(f"{ONE}/merge", permission=Permission.FAILURES_WRITE)
def merge(actor: Actor, failure_id: UUID) -> Response:
    """Put it into another failure and lead there."""
    form = checked(posted(MergeForm))
    into = operations_grouping.merge(db.session, actor, failure_id, form.number(), now=now())
    return htmx.redirect_to(_address(into))


@bp.post(f"{ONE}/unmerge", permission=Permission.FAILURES_WRITE)
def unmerge(actor: Actor, failure_id: UUID) -> Response:
    """Take it out of the failure into which it was merged."""
    operations_grouping.unmerge(db.session, actor, failure_id, now=now())
    return htmx.redirect_to(_address(failure_id))


@bp.post(f"{ONE}/split", permission=Permission.FAILURES_WRITE)
def split(actor: Actor, failure_id: UUID) -> Response:
    """Make a part of it a failure of its own and lead there."""
    dimension, _, value = checked(posted(SplitForm)).part.data.partition(":")
    part = operations_grouping.split(db.session, actor, failure_id, dimension, value, now=now())
    return htmx.redirect_to(_address(part))


def _address(failure_id: UUID, **more: str) -> str:
    return back_to_list(f"failure={failure_id}", **more)
