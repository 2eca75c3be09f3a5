"""Make and revoke API keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.api_keys import DEFAULT_SCOPES, NewKey, Scope, new_key
from webapp.domain.errors import Conflict
from webapp.features.api_keys import queries
from webapp.features.events import operations as events
from webapp.models import ApiKey, new_id


def create_key(
    session: Session,
    actor: Actor,
    *,
    name: str,
    environment: str | None = None,
    scopes: Sequence[Scope] = DEFAULT_SCOPES,
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key of the actor's organization. Its text is in the answer and nowhere else."""
    return add_key(session, actor, name=name, environment=environment, scopes=scopes, expires_at=expires_at)


def add_key(
    session: Session,
    author: events.Author,
    *,
    name: str,
    environment: str | None = None,
    scopes: Sequence[Scope] = DEFAULT_SCOPES,
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key for an author who may not be signed in yet, as in the first run."""
    key = new_key(environment)
    row = ApiKey(
        id=new_id(),
        organization_id=author.organization_id,
        user_id=author.user_id,
        name=name,
        key_id=key.key_id,
        secret_hash=key.secret_hash,
        last_four=key.last_four,
        scopes=[str(scope) for scope in scopes],
        environment=environment or None,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    payload = {"name": name, "key_id": key.key_id, "scopes": row.scopes, "environment": environment or None}
    events.record(session, author, "api_key", row.id, "api_key.created", payload)
    return key


def revoke_key(session: Session, actor: Actor, api_key_id: UUID, *, now: datetime) -> str:
    """Stop a key for good, from its next request on; answers its name.

    Raises:
        NotFound: there is no such key in the organization.
        Conflict: it was revoked before.
    """
    name = queries.get_name(session, actor.organization_id, api_key_id)
    revoked = session.execute(
        update(ApiKey)
        .where(ApiKey.id == api_key_id, ApiKey.organization_id == actor.organization_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    if not revoked.rowcount:
        raise Conflict("This key was revoked before.")
    events.record(session, actor, "api_key", api_key_id, "api_key.revoked", {"name": name})
    return name
