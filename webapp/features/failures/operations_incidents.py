"""Links to a failure's redacted bundle: make, revoke."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, NotFound
from webapp.domain.session_tokens import NewToken, new_token
from webapp.features.events import operations as events
from webapp.features.flow.queries_shares import are_links_allowed
from webapp.models import IncidentLink, new_id


def create_link(
    session: Session, actor: Actor, group_id: UUID, bundle: Mapping[str, Any], *, expires_at: datetime, now: datetime
) -> NewToken:
    """Keep the bundle as it is now behind a link. Its token is in the answer and nowhere else.

    Raises: Conflict (the organization forbids public links).
    """
    if not are_links_allowed(session, actor.organization_id):
        raise Conflict("This organization forbids public links. An admin can allow them in its settings.")
    token = new_token()
    row = IncidentLink(
        id=new_id(), organization_id=actor.organization_id, failure_group_id=group_id, token_hash=token.token_hash,
        bundle=dict(bundle), created_by_id=actor.user_id, expires_at=expires_at, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    after = {"link": str(row.id), "expires_at": expires_at.isoformat()}
    events.record(session, actor, "failure", group_id, "failure.shared", {"before": None, "after": after}, at=now)
    return token


def revoke_link(session: Session, actor: Actor, group_id: UUID, link_id: UUID, *, now: datetime) -> None:
    """Stop a link for good, from the next look on. Twice is once.

    Raises: NotFound.
    """
    row = session.scalar(
        select(IncidentLink)
        .where(
            IncidentLink.organization_id == actor.organization_id,
            IncidentLink.failure_group_id == group_id,
            IncidentLink.id == link_id,
        )
        .with_for_update()
    )
    if row is None:
        raise NotFound("This failure has no such link.")
    if row.revoked_at is not None:
        return
    row.revoked_at = now
    session.flush()
    payload = {"before": {"link": str(row.id), "is_revoked": False}, "after": {"link": str(row.id), "is_revoked": True}}
    events.record(session, actor, "failure", group_id, "failure.share_revoked", payload, at=now)
