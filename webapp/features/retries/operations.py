"""Ask for executions to be run again: one, or many of a failure behind a canary."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Invalid
from webapp.features.events import operations as events
from webapp.features.retries.queries import RetryState, get_retry_state
from webapp.features.retries.queries_batches import MOST, Candidate, get_failure_retry
from webapp.jobs.queue import enqueue
from webapp.models import FailureOccurrence, RetryAttempt, RetryStatus, new_id
from webapp.models.base import id_time

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('retry:' || :subject, 0))")


def request_retry(session: Session, actor: Actor, execution_id: UUID, *, press: str, now: datetime) -> UUID:
    """Make one attempt; the same press of the button makes one, however often it arrives.

    Raises:
        NotFound: there is no such execution in the organization.
        Conflict: it did not fail, its flow has no endpoint, its input is not stored, or an attempt is under way.
    """
    state = get_retry_state(session, actor.organization_id, execution_id)
    session.execute(LOCK, {"subject": str(state.root_id)})
    key = f"{execution_id}:{press}"
    made = session.scalar(_of(actor).where(RetryAttempt.idempotency_key == key).with_only_columns(RetryAttempt.id))
    if made is not None:
        return made
    state = get_retry_state(session, actor.organization_id, execution_id)
    _check(state)
    attempt = RetryAttempt(
        id=new_id(),
        organization_id=actor.organization_id,
        agentflow_id=state.agentflow_id,
        failure_group_id=_group_of(session, actor, state.root_id),
        root_execution_id=state.root_id,
        root_created_at=id_time(state.root_id),
        source_execution_id=execution_id,
        attempt=max((one.attempt for one in state.attempts), default=0) + 1,
        idempotency_key=key,
        trace_id=secrets.token_bytes(16),
        requested_by_id=actor.user_id,
        created_at=now,
    )
    session.add(attempt)
    session.flush()
    enqueue(session, "send_retry", organization_id=actor.organization_id, attempt_id=attempt.id, tries=0)
    payload = {"attempt": attempt.attempt, "source_execution_id": str(execution_id)}
    events.record(session, actor, "execution", state.root_id, "execution.retry_requested", payload, at=now)
    return attempt.id


def _check(state: RetryState) -> None:
    if not state.is_offered:
        raise Conflict("Only an execution that failed or was cancelled can be retried.")
    if state.url is None:
        raise Conflict("Its flow has no retry endpoint. An admin can set one in the flow's settings.")
    if not state.has_input:
        raise Conflict("Its input is not stored, so there is nothing to send.")
    if any(one.is_open for one in state.attempts):
        raise Conflict("An attempt is under way already. Wait until it has ended.")


def _of(actor: Actor):
    return select(RetryAttempt).where(RetryAttempt.organization_id == actor.organization_id)


def _group_of(session: Session, actor: Actor, execution_id: UUID) -> UUID | None:
    return session.scalar(
        select(FailureOccurrence.failure_group_id).where(
            FailureOccurrence.organization_id == actor.organization_id,
            FailureOccurrence.flow_execution_id == execution_id,
            FailureOccurrence.flow_created_at == id_time(execution_id),
        )
    )


def request_batch(session: Session, actor: Actor, failure_id: UUID, *, most: int, press: str, now: datetime) -> UUID:
    """Make attempts for the newest executions of a failure that can be sent; only the first is sent at once.

    Raises:
        NotFound: there is no such failure in the organization.
        Invalid: not between 1 and 100.
        Conflict: a batch is under way, or nothing can be sent.
    """
    if not 1 <= most <= MOST:
        raise Invalid(f"Choose between 1 and {MOST} executions.", field="most")
    session.execute(LOCK, {"subject": str(failure_id)})
    key = f"{failure_id}:{press}"
    made = session.scalar(
        _of(actor).where(RetryAttempt.idempotency_key == key).with_only_columns(RetryAttempt.batch_id)
    )
    if made is not None:
        return made
    found = get_failure_retry(session, actor.organization_id, failure_id)
    if found.open_batch is not None:
        raise Conflict("A batch of retries of this failure is under way. Wait until it has ended.")
    if not found.ready:
        raise Conflict("None of its executions can be sent again.")
    batch_id = _add_batch(session, actor, failure_id, found.ready[:most], key, now)
    payload = {"batch_id": str(batch_id), "executions": min(most, len(found.ready))}
    events.record(session, actor, "failure", failure_id, "failure.retry_requested", payload, at=now)
    return batch_id


def _add_batch(
    session: Session, actor: Actor, failure_id: UUID, chosen: Sequence[Candidate], key: str, now: datetime
) -> UUID:
    batch_id, own = new_id(), actor.organization_id
    tried = dict(
        session.execute(
            select(RetryAttempt.root_execution_id, func.max(RetryAttempt.attempt))
            .where(
                RetryAttempt.organization_id == own,
                RetryAttempt.root_execution_id.in_([one.execution_id for one in chosen]),
            )
            .group_by(RetryAttempt.root_execution_id)
        ).all()
    )
    attempts = [
        RetryAttempt(
            id=new_id(),
            organization_id=own,
            agentflow_id=one.agentflow_id,
            failure_group_id=failure_id,
            root_execution_id=one.execution_id,
            root_created_at=one.created_at,
            source_execution_id=one.execution_id,
            attempt=tried.get(one.execution_id, 0) + 1,
            batch_id=batch_id,
            is_canary=place == 0,
            idempotency_key=key if place == 0 else f"{key}:{place}",
            trace_id=secrets.token_bytes(16),
            status=RetryStatus.PENDING,
            requested_by_id=actor.user_id,
            created_at=now,
        )
        for place, one in enumerate(chosen)
    ]
    session.add_all(attempts)
    session.flush()
    enqueue(session, "send_retry", organization_id=own, attempt_id=attempts[0].id, tries=0)
    return batch_id
