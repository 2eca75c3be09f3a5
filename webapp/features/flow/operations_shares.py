"""Public read-only links to a flow's drawing: make, revoke, note when they were looked at."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, NotFound
from webapp.domain.session_tokens import NewToken, new_token
from webapp.features.events import operations as events
from webapp.features.flow.operations_settings import lock_flow
from webapp.features.flow.queries_shares import are_links_allowed
from webapp.models import Agentflow, FlowShare, new_id

SEEN_EVERY = timedelta(minutes=1)


def create_share(
    session: Session, actor: Actor, agentflow_id: UUID, *, expires_at: datetime | None, now: datetime
) -> NewToken:
    """Make a link. Its token is in the answer and nowhere else.

    Raises:
        NotFound: there is no such flow for the actor.
        Conflict: the flow is deleted or not drawn, or the organization forbids public links.
    """
    flow = lock_flow(session, actor, agentflow_id)
    if flow.block_count is None:
        raise Conflict("Nothing was drawn for this flow, so there is nothing to show.")
    if not are_links_allowed(session, actor.organization_id):
        raise Conflict("This organization forbids public links. An admin can allow them in its settings.")
    token = new_token()
    row = FlowShare(
        id=new_id(),
        organization_id=actor.organization_id,
        agentflow_id=flow.id,
        token_hash=token.token_hash,
        created_by_id=actor.user_id,
        expires_at=expires_at,
        created_at=now,
    )
    session.add(row)
    flow.is_public = True
    session.flush()
    after = {"link": str(row.id), "expires_at": expires_at.isoformat() if expires_at else None}
    events.record(
        session, actor, "agentflow", flow.id, "agentflow.link_created", {"before": None, "after": after}, at=now
    )
    return token


def revoke_share(session: Session, actor: Actor, agentflow_id: UUID, share_id: UUID, *, now: datetime) -> None:
    """Stop a link for good, from the next look on.

    Raises:
        NotFound: there is no such flow for the actor, or no such link of it.
        Conflict: it was revoked before.
    """
    mine = (FlowShare.organization_id == actor.organization_id, FlowShare.agentflow_id == agentflow_id)
    row = session.scalar(select(FlowShare).where(*mine, FlowShare.id == share_id).with_for_update())
    if row is None:
        raise NotFound("This flow has no such link.")
    if row.revoked_at is not None:
        raise Conflict("This link was revoked before.")
    row.revoked_at = now
    session.flush()
    is_open = or_(FlowShare.expires_at.is_(None), FlowShare.expires_at > now)
    others = exists().where(*mine, FlowShare.revoked_at.is_(None), is_open)
    session.execute(update(Agentflow).where(Agentflow.id == agentflow_id).values(is_public=others))
    payload = {
        "before": {"link": str(row.id), "is_revoked": False},
        "after": {"link": str(row.id), "is_revoked": True},
    }
    events.record(session, actor, "agentflow", agentflow_id, "agentflow.link_revoked", payload, at=now)


def note_seen(session: Session, organization_id: UUID, share_id: UUID, *, now: datetime) -> None:
    """Note that a link was looked at, at most once a minute."""
    session.execute(
        update(FlowShare)
        .where(
            FlowShare.organization_id == organization_id,
            FlowShare.id == share_id,
            or_(FlowShare.last_seen_at.is_(None), FlowShare.last_seen_at < now - SEEN_EVERY),
        )
        .values(last_seen_at=now)
    )
