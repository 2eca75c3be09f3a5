"""What a page needs to offer a retry of one execution, and what earlier attempts came to."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.features.flows.visibility import visible_flows
from webapp.models import Agentflow, RetryEndpoint, User
from webapp.models.base import id_time

UNKNOWN = "There is no such execution here. It may be older than what is kept."
LONGEST_CURL = 8_000
"""Inputs beyond so many characters are no longer put into the page for copying."""
OFFERED = frozenset({"failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a flow takes executions to run again."""

    agentflow_id: UUID
    url: str
    is_active: bool
    updated_at: datetime
    updated_by: str | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt; ``execution_status`` is how the execution that came of it does."""

    id: UUID
    attempt: int
    status: str
    http_status: int | None
    reason: str | None
    by: str | None
    created_at: datetime
    sent_at: datetime | None
    flow_execution_id: UUID | None
    execution_status: str | None
    batch_id: UUID | None
    is_canary: bool

    @property
    def is_open(self) -> bool:
        return self.status in ("pending", "sent")


@dataclass(frozen=True, slots=True)
class RetryState:
    """One execution as the retry button sees it. ``root_id`` names the execution that failed first."""

    execution_id: UUID
    created_at: datetime
    status: str
    agentflow_id: UUID | None
    flow_name: str | None
    has_input: bool
    input_start: str | None
    url: str | None
    root_id: UUID
    attempts: tuple[AttemptRow, ...] = ()
    press: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    """What makes one press of the button one attempt, however often it is sent."""

    @property
    def is_offered(self) -> bool:
        return self.status in OFFERED

    @property
    def latest(self) -> AttemptRow | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def is_retried(self) -> bool:
        """Whether this execution is itself what came of an attempt."""
        return self.root_id != self.execution_id

    @property
    def curl(self) -> str | None:
        """The command for a shell; None where the input is too long to be copied from a page."""
        if self.input_start is None or len(self.input_start) > LONGEST_CURL:
            return None
        return curl_command(self.url, self.input_start)


def curl_command(url: str | None, body: str) -> str:
    """A command that posts the input by hand, without our signature."""
    place = shlex.quote(url) if url else "https://YOUR-ENDPOINT"
    return f"curl -X POST {place} -H 'Content-Type: application/json' --data-binary {shlex.quote(body)}"


_STATE = text("""
    SELECT f.id, f.created_at, f.status, f.agentflow_id, a.name AS flow_name, f.input_data IS NOT NULL AS has_input,
           CASE WHEN e.id IS NULL AND f.status IN ('failed', 'cancelled')
                THEN left(CAST(f.input_data AS text), :longest + 1) END AS input_start,
           e.url, coalesce(came.root_execution_id, f.id) AS root_id, tried.attempts
    FROM flow_executions f
    LEFT JOIN agentflows a ON a.id = f.agentflow_id
    LEFT JOIN retry_endpoints e
        ON e.agentflow_id = f.agentflow_id AND e.organization_id = f.organization_id AND e.is_active
    LEFT JOIN LATERAL (
        SELECT r.root_execution_id FROM retry_attempts r
        WHERE r.organization_id = :organization_id AND r.flow_execution_id = f.id ORDER BY r.id LIMIT 1
    ) came ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object(
            'id', r.id, 'attempt', r.attempt, 'status', r.status, 'http_status', r.http_status, 'reason', r.reason,
            'by', coalesce(u.full_name, u.username), 'created_at', r.created_at, 'sent_at', r.sent_at,
            'flow_execution_id', r.flow_execution_id, 'execution_status', x.status, 'batch_id', r.batch_id,
            'is_canary', r.is_canary) ORDER BY r.attempt) AS attempts
        FROM retry_attempts r
        LEFT JOIN users u ON u.id = r.requested_by_id
        LEFT JOIN flow_executions x ON x.id = r.flow_execution_id AND x.created_at = id_time(r.flow_execution_id)
            AND x.organization_id = :organization_id
        WHERE r.organization_id = :organization_id AND r.root_execution_id = coalesce(came.root_execution_id, f.id)
    ) tried ON true
    WHERE f.organization_id = :organization_id AND f.id = :execution_id AND f.created_at = :created_at
""").bindparams(bindparam("organization_id", type_=Uuid()), bindparam("execution_id", type_=Uuid()))


def get_retry_state(session: Session, organization_id: UUID, execution_id: UUID) -> RetryState:
    """What can be done about one execution and what was tried. Cost: one statement.

    Raises: NotFound.
    """
    if execution_id.version != 7:
        raise NotFound(UNKNOWN)
    keys = {"organization_id": organization_id, "execution_id": execution_id, "created_at": id_time(execution_id)}
    row = session.execute(_STATE, keys | {"longest": LONGEST_CURL}).one_or_none()
    if row is None:
        raise NotFound(UNKNOWN)
    *plain, attempts = row
    return RetryState(*plain, tuple(_attempt(one) for one in attempts or ()))


def _attempt(one: Mapping[str, Any]) -> AttemptRow:
    values = dict(one)
    for name in ("id", "flow_execution_id", "batch_id"):
        values[name] = UUID(values[name]) if values[name] else None
    for name in ("created_at", "sent_at"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return AttemptRow(**values)


def get_input(session: Session, organization_id: UUID, execution_id: UUID) -> str | None:
    """The whole input of an execution as JSON; None when none is stored. Cost: one statement."""
    stmt = text("""
        SELECT CAST(f.input_data AS text) FROM flow_executions f
        WHERE f.organization_id = :organization_id AND f.id = :execution_id AND f.created_at = :created_at
    """)
    keys = {"organization_id": organization_id, "execution_id": execution_id, "created_at": id_time(execution_id)}
    return session.scalar(stmt, keys)


def get_endpoint(session: Session, organization_id: UUID, agentflow_id: UUID) -> Endpoint | None:
    """Where a flow takes retries. Cost: one statement."""
    stmt = (
        select(RetryEndpoint, User.full_name, User.username)
        .outerjoin(User, User.id == RetryEndpoint.updated_by_id)
        .where(RetryEndpoint.organization_id == organization_id, RetryEndpoint.agentflow_id == agentflow_id)
    )
    row = session.execute(stmt).one_or_none()
    if row is None:
        return None
    one = row[0]
    return Endpoint(one.agentflow_id, one.url, one.is_active, one.updated_at, row[1] or row[2])


def get_flow_name(session: Session, actor: Actor, agentflow_id: UUID) -> str:
    """The name of a flow that the actor may see and that still exists. Raises: NotFound."""
    stmt = select(Agentflow.name).where(visible_flows(actor), Agentflow.id == agentflow_id)
    row = session.execute(stmt.where(Agentflow.deleted_at.is_(None))).one_or_none()
    if row is None:
        raise NotFound("There is no such flow in this organization, or it is not shared with you.")
    return row[0] or "Unnamed flow"
