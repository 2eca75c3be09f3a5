"""Retries of many executions of one failure: what can be sent again, and how far a batch is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from webapp.domain.errors import NotFound
from webapp.models import FailureGroup, FlowExecution, RetryAttempt, User

MOST = 100
LOOKED_AT = 500
"""How many of the newest occurrences are looked at."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One failed execution that can be sent again."""

    execution_id: UUID
    created_at: datetime
    agentflow_id: UUID


@dataclass(frozen=True, slots=True)
class FailureRetry:
    """A failure as its retry button sees it: counts among its newest occurrences."""

    failure_id: UUID
    number: int
    ready: tuple[Candidate, ...]
    without_input: int
    without_endpoint: int
    flow_without_endpoint: UUID | None
    in_hand: int
    open_batch: UUID | None
    press: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    @property
    def count(self) -> int:
        return min(len(self.ready), MOST)


_CANDIDATES = text("""
    SELECT o.flow_execution_id, o.flow_created_at, o.agentflow_id, f.input_data IS NOT NULL AS has_input,
           e.id IS NOT NULL AS has_endpoint,
           EXISTS (SELECT FROM retry_attempts r LEFT JOIN flow_executions x
                       ON x.id = r.flow_execution_id AND x.created_at = id_time(r.flow_execution_id)
                   WHERE r.organization_id = :organization_id AND r.root_execution_id = o.flow_execution_id
                     AND (r.status IN ('pending', 'sent') OR x.status IN ('completed', 'running', 'pending'))
           ) AS is_in_hand,
           EXISTS (SELECT FROM retry_attempts r WHERE r.organization_id = :organization_id
                     AND r.flow_execution_id = o.flow_execution_id) AS is_attempt
    FROM (SELECT * FROM failure_occurrences
          WHERE organization_id = :organization_id AND failure_group_id = :failure_id
          ORDER BY occurred_at DESC LIMIT :looked_at) o
    JOIN flow_executions f ON f.id = o.flow_execution_id AND f.created_at = o.flow_created_at
    LEFT JOIN retry_endpoints e
        ON e.agentflow_id = o.agentflow_id AND e.organization_id = :organization_id AND e.is_active
    ORDER BY o.occurred_at DESC
""")


def check_failure(session: Session, organization_id: UUID, failure_id: UUID) -> int:
    """The number of a failure. Raises: NotFound."""
    number = session.scalar(
        select(FailureGroup.number).where(
            FailureGroup.organization_id == organization_id, FailureGroup.id == failure_id
        )
    )
    if number is None:
        raise NotFound("There is no such failure in this organization.")
    return number


def get_failure_retry(session: Session, organization_id: UUID, failure_id: UUID) -> FailureRetry:
    """What of a failure can be sent again. Executions that are attempts themselves stay out. Cost: three statements.

    Raises: NotFound.
    """
    number = check_failure(session, organization_id, failure_id)
    keys = {"organization_id": organization_id, "failure_id": failure_id, "looked_at": LOOKED_AT}
    rows = [row for row in session.execute(_CANDIDATES, keys) if not row.is_attempt]
    lone = [row for row in rows if not row.has_endpoint]
    ready = [row for row in rows if row.has_endpoint and row.has_input and not row.is_in_hand]
    open_batch = session.scalar(
        select(RetryAttempt.batch_id)
        .where(
            RetryAttempt.organization_id == organization_id,
            RetryAttempt.failure_group_id == failure_id,
            RetryAttempt.batch_id.is_not(None),
            RetryAttempt.status.in_(("pending", "sent")),
        )
        .order_by(RetryAttempt.id.desc())
        .limit(1)
    )
    return FailureRetry(
        failure_id,
        number,
        tuple(Candidate(r.flow_execution_id, r.flow_created_at, r.agentflow_id) for r in ready),
        sum(row.has_endpoint and not row.has_input for row in rows),
        len(lone),
        next((row.agentflow_id for row in lone if row.agentflow_id), None),
        sum(row.is_in_hand for row in rows),
        open_batch,
    )


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One attempt of a batch."""

    root_id: UUID
    status: str
    reason: str | None
    is_canary: bool
    flow_execution_id: UUID | None
    execution_status: str | None

    @property
    def outcome(self) -> str:
        """How far it is: waiting, running, completed, failed or stopped."""
        if self.status in ("pending", "sent"):
            return "waiting" if self.status == "pending" else "running"
        if self.status == "seen":
            return {"completed": "completed", "running": "running", "pending": "running"}.get(
                self.execution_status or "", "failed"
            )
        return "stopped" if self.status == "skipped" else "failed"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch and its attempts, the canary first."""

    id: UUID
    failure_id: UUID | None
    failure_number: int | None
    by: str | None
    created_at: datetime
    lines: tuple[BatchLine, ...]

    def count(self, outcome: str) -> int:
        return sum(line.outcome == outcome for line in self.lines)

    @property
    def is_open(self) -> bool:
        return any(line.outcome in ("waiting", "running") for line in self.lines)


def get_batch(session: Session, organization_id: UUID, batch_id: UUID) -> Batch:
    """One batch. Cost: one statement. Raises: NotFound."""
    made = func.coalesce(User.full_name, User.username)
    stmt = (
        select(RetryAttempt, FlowExecution.status, made, FailureGroup.number)
        .outerjoin(
            FlowExecution,
            (FlowExecution.id == RetryAttempt.flow_execution_id)
            & (FlowExecution.created_at == func.id_time(RetryAttempt.flow_execution_id)),
        )
        .outerjoin(User, User.id == RetryAttempt.requested_by_id)
        .outerjoin(FailureGroup, FailureGroup.id == RetryAttempt.failure_group_id)
        .where(RetryAttempt.organization_id == organization_id, RetryAttempt.batch_id == batch_id)
        .order_by(RetryAttempt.is_canary.desc(), RetryAttempt.id)
    )
    rows = session.execute(stmt).all()
    if not rows:
        raise NotFound("There is no such batch of retries here.")
    lines = tuple(
        BatchLine(one.root_execution_id, one.status, one.reason, one.is_canary, one.flow_execution_id, status)
        for one, status, _, _ in rows
    )
    first = rows[0][0]
    return Batch(batch_id, first.failure_group_id, rows[0][3], rows[0][2], first.created_at, lines)
