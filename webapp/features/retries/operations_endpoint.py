"""Say where a flow takes executions to run again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Invalid
from webapp.domain.secret_box import SecretBox
from webapp.features.events import operations as events
from webapp.features.retries.queries import get_flow_name
from webapp.models import RetryEndpoint, new_id
from webapp.outbound.guard import Blocked, check_url
from webapp.outbound.signing import new_secret

NONE = "This flow has no retry endpoint."


def purpose(agentflow_id: UUID) -> str:
    """What the secret of a flow's endpoint is sealed for."""
    return f"retry_endpoint:{agentflow_id}"


def save_endpoint(
    session: Session,
    actor: Actor,
    agentflow_id: UUID,
    url: str,
    *,
    box: SecretBox,
    wants_new_secret: bool = False,
    now: datetime,
) -> str | None:
    """Set the address; answers the secret where a new one was made, and only then.

    A new host gets a new secret: whoever runs the old one must not be able to sign for the new one.

    Raises:
        NotFound: there is no such flow for the actor.
        Invalid: this is no address that can be asked.
    """
    get_flow_name(session, actor, agentflow_id)
    try:
        host = check_url(url)[1]
    except Blocked as error:
        raise Invalid(str(error), field="url") from None
    row = _lock(session, actor, agentflow_id)
    before = row.url if row is not None else None
    secret = None
    if row is None or wants_new_secret or check_url(row.url)[1] != host:
        secret = new_secret()
    if row is None:
        row = RetryEndpoint(id=new_id(), organization_id=actor.organization_id, agentflow_id=agentflow_id)
        session.add(row)
    row.url, row.is_active, row.updated_at, row.updated_by_id = url, True, now, actor.user_id
    if secret is not None:
        row.secret = box.seal(secret, purpose(agentflow_id))
    session.flush()
    payload = {"before": {"url": before}, "after": {"url": url}, "has_new_secret": secret is not None}
    events.record(session, actor, "agentflow", agentflow_id, "agentflow.retry_endpoint_saved", payload, at=now)
    return secret


def delete_endpoint(session: Session, actor: Actor, agentflow_id: UUID, *, now: datetime) -> None:
    """Take the endpoint away; attempts that wait are not sent any more.

    Raises:
        NotFound: there is no such flow for the actor.
        Conflict: it has none.
    """
    get_flow_name(session, actor, agentflow_id)
    gone = session.execute(
        delete(RetryEndpoint)
        .where(RetryEndpoint.organization_id == actor.organization_id, RetryEndpoint.agentflow_id == agentflow_id)
        .returning(RetryEndpoint.url)
    ).first()
    if gone is None:
        raise Conflict(NONE)
    payload = {"before": {"url": gone.url}, "after": {"url": None}}
    events.record(session, actor, "agentflow", agentflow_id, "agentflow.retry_endpoint_deleted", payload, at=now)


def open_endpoint(session: Session, actor: Actor, agentflow_id: UUID, *, box: SecretBox) -> tuple[str, str]:
    """Address and secret, for a test. Raises: NotFound, Conflict."""
    get_flow_name(session, actor, agentflow_id)
    row = session.scalar(
        select(RetryEndpoint).where(
            RetryEndpoint.organization_id == actor.organization_id, RetryEndpoint.agentflow_id == agentflow_id
        )
    )
    if row is None:
        raise Conflict(NONE)
    return row.url, box.open(row.secret, purpose(agentflow_id))


def note_test(
    session: Session, actor: Actor, agentflow_id: UUID, *, status: int | None, reason: str, now: datetime
) -> None:
    """Keep that somebody sent a test, and what came of it."""
    payload = {"http_status": status, "reason": reason}
    events.record(session, actor, "agentflow", agentflow_id, "agentflow.retry_endpoint_tested", payload, at=now)


def _lock(session: Session, actor: Actor, agentflow_id: UUID) -> RetryEndpoint | None:
    return session.scalar(
        select(RetryEndpoint)
        .where(RetryEndpoint.organization_id == actor.organization_id, RetryEndpoint.agentflow_id == agentflow_id)
        .with_for_update()
    )
