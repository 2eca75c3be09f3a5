"""What the worker does about attempts: hand them out, note what came back, recognise their traces, go on or stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from webapp.domain.secret_box import SecretBox, SecretBroken
from webapp.domain.trace_parent import traceparent
from webapp.features.events import operations as events
from webapp.features.retries.operations_endpoint import purpose
from webapp.features.retries.queries import get_input
from webapp.jobs.queue import enqueue
from webapp.models import FlowExecution, RetryAttempt, RetryEndpoint, RetryStatus
from webapp.outbound.post import Answer

WAITS = (5, 20, 60, 180)
"""Seconds before each further try while the receiver is down; then the attempt has failed."""
UNSEEN_AFTER = timedelta(minutes=10)
STILL_LOOKED_FOR = timedelta(days=1)
AT_ONCE = 8
SPREAD = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Parcel:
    """Everything that is needed to send an attempt outside of any transaction."""

    url: str
    secret: str
    body: bytes
    message_id: str
    headers: dict[str, str]


def take(session: Session, organization_id: UUID, attempt_id: UUID, *, box: SecretBox, now: datetime) -> Parcel | None:
    """What to send; None when there is nothing to do any more, and the attempt then says why."""
    attempt = session.scalar(_attempt(organization_id, attempt_id))
    if attempt is None or attempt.status != RetryStatus.PENDING:
        return None
    endpoint = session.scalar(
        select(RetryEndpoint).where(
            RetryEndpoint.organization_id == organization_id,
            RetryEndpoint.agentflow_id == attempt.agentflow_id,
            RetryEndpoint.is_active,
        )
    )
    given = get_input(session, organization_id, attempt.source_execution_id)
    secret, lack = None, None
    if endpoint is None:
        lack = "The retry endpoint was taken away before this was sent."
    elif given is None:
        lack = "The input is no longer stored."
    else:
        try:
            secret = box.open(endpoint.secret, purpose(endpoint.agentflow_id))
        except SecretBroken:
            lack = "The signing secret cannot be read with this instance's key. Make a new one in the flow's settings."
    if endpoint is None or given is None or secret is None:
        _end(session, attempt, RetryStatus.SKIPPED, lack or "", now)
        return None
    return Parcel(endpoint.url, secret, given.encode(), f"retry_{attempt.id}", _headers(attempt))


def _headers(attempt: RetryAttempt) -> dict[str, str]:
    return {
        "traceparent": traceparent(attempt.trace_id),
        "Idempotency-Key": attempt.idempotency_key,
        "AgenticBuilder-Execution": str(attempt.source_execution_id),
        "AgenticBuilder-Root-Execution": str(attempt.root_execution_id),
        "AgenticBuilder-Attempt": str(attempt.attempt),
    }


def note_answer(
    session: Session, organization_id: UUID, attempt_id: UUID, answer: Answer, *, tries: int, now: datetime
) -> None:
    """Write down what came of a try; a receiver in trouble is tried again later."""
    attempt = session.scalar(_attempt(organization_id, attempt_id).with_for_update())
    if attempt is None or attempt.status != RetryStatus.PENDING:
        return
    attempt.http_status, attempt.reason = answer.status, answer.reason
    if answer.is_accepted:
        attempt.status, attempt.sent_at = RetryStatus.SENT, now
    elif answer.is_worth_another_try and tries < len(WAITS):
        later = now + timedelta(seconds=WAITS[tries])
        attempt.reason = f"{answer.reason} Trying again."
        ids: dict[str, Any] = {"organization_id": organization_id, "attempt_id": attempt_id, "tries": tries + 1}
        enqueue(session, "send_retry", not_before=later, **ids)
    elif answer.is_worth_another_try:
        _end(session, attempt, RetryStatus.FAILED, f"{answer.reason} Given up after {tries + 1} tries.", now)
    else:
        _end(session, attempt, RetryStatus.FAILED if answer.is_blocked else RetryStatus.REFUSED, answer.reason, now)


def watch(session: Session, organization_id: UUID, *, now: datetime) -> int:
    """Recognise traces that came of attempts, give up on those that did not come, move batches on; count the seen.

    Cost: one statement while no attempt is out.
    """
    seen = session.execute(_MATCH, {"organization_id": organization_id, "since": now - STILL_LOOKED_FOR}).all()
    for attempt in session.scalars(_by_ids(organization_id, [row.id for row in seen])) if seen else ():
        _tell(session, attempt, now)
    unseen = session.scalars(
        select(RetryAttempt)
        .where(
            RetryAttempt.organization_id == organization_id,
            RetryAttempt.status == RetryStatus.SENT,
            RetryAttempt.sent_at < now - UNSEEN_AFTER,
        )
        .with_for_update(skip_locked=True)
    )
    for attempt in unseen:
        _end(session, attempt, RetryStatus.NO_TRACE, "Sent, but no trace came within ten minutes.", now)
    _move_batches(session, organization_id, now)
    return len(seen)


_MATCH = text("""
    UPDATE retry_attempts r SET status = 'seen', flow_execution_id = t.flow_execution_id, seen_at = now()
    FROM trace_index t
    WHERE r.organization_id = :organization_id AND r.status IN ('pending', 'sent', 'no_trace')
      AND r.created_at > :since
      AND t.organization_id = r.organization_id AND t.trace_id = r.trace_id
    RETURNING r.id
""")


def _move_batches(session: Session, organization_id: UUID, now: datetime) -> None:
    """Send the rest of a batch once its canary was seen completed; stop it when the canary was not."""
    waiting = (
        select(RetryAttempt.batch_id)
        .where(
            RetryAttempt.organization_id == organization_id,
            RetryAttempt.status == RetryStatus.PENDING,
            RetryAttempt.batch_id.is_not(None),
            RetryAttempt.is_canary.is_(False),
            RetryAttempt.reason.is_(None),
        )
        .distinct()
    )
    canaries = session.execute(
        select(RetryAttempt, FlowExecution.status)
        .outerjoin(
            FlowExecution,
            (FlowExecution.id == RetryAttempt.flow_execution_id)
            & (FlowExecution.created_at == func.id_time(RetryAttempt.flow_execution_id)),
        )
        .where(
            RetryAttempt.organization_id == organization_id,
            RetryAttempt.is_canary,
            RetryAttempt.batch_id.in_(waiting),
            RetryAttempt.status.not_in((RetryStatus.PENDING, RetryStatus.SENT)),
        )
    ).all()
    for canary, execution_status in canaries:
        if canary.status == RetryStatus.SEEN and execution_status in ("running", "pending"):
            continue
        _release(session, canary, canary.status == RetryStatus.SEEN and execution_status == "completed", now)


def _release(session: Session, canary: RetryAttempt, is_good: bool, now: datetime) -> None:
    rest = session.scalars(
        select(RetryAttempt)
        .where(
            RetryAttempt.organization_id == canary.organization_id,
            RetryAttempt.batch_id == canary.batch_id,
            RetryAttempt.is_canary.is_(False),
            RetryAttempt.status == RetryStatus.PENDING,
            RetryAttempt.reason.is_(None),
        )
        .order_by(RetryAttempt.id)
        .with_for_update(skip_locked=True)
    ).all()
    for place, attempt in enumerate(rest):
        if not is_good:
            attempt.status, attempt.reason = RetryStatus.SKIPPED, "Not sent: the first of the batch did not complete."
            continue
        attempt.reason = "In the queue."
        ids: dict[str, Any] = {"organization_id": canary.organization_id, "attempt_id": attempt.id, "tries": 0}
        enqueue(session, "send_retry", not_before=now + SPREAD * (place // AT_ONCE), **ids)
    if rest:
        author = events.AuthorId(canary.organization_id, canary.requested_by_id)
        payload = {"batch_id": str(canary.batch_id), "executions": len(rest)}
        name = "failure.retry_continued" if is_good else "failure.retry_stopped"
        events.record(session, author, "failure", canary.failure_group_id, name, payload, at=now)


def _attempt(organization_id: UUID, attempt_id: UUID) -> Select[tuple[RetryAttempt]]:
    return select(RetryAttempt).where(RetryAttempt.organization_id == organization_id, RetryAttempt.id == attempt_id)


def _by_ids(organization_id: UUID, ids: list[UUID]) -> Select[tuple[RetryAttempt]]:
    return select(RetryAttempt).where(RetryAttempt.organization_id == organization_id, RetryAttempt.id.in_(ids))


def _end(session: Session, attempt: RetryAttempt, status: RetryStatus, reason: str, now: datetime) -> None:
    attempt.status, attempt.reason = status, reason
    session.flush()
    _tell(session, attempt, now)


def _tell(session: Session, attempt: RetryAttempt, now: datetime) -> None:
    author = events.AuthorId(attempt.organization_id, attempt.requested_by_id)
    payload = {
        "attempt": attempt.attempt,
        "status": attempt.status,
        "http_status": attempt.http_status,
        "flow_execution_id": str(attempt.flow_execution_id) if attempt.flow_execution_id else None,
    }
    events.record(session, author, "execution", attempt.root_execution_id, "execution.retry_ended", payload, at=now)
