"""Send the sample through the same path that every export takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict
from webapp.features.api_keys.queries import get_ingest_key_id
from webapp.features.welcome.sample import sample_request
from webapp.ingest import store
from webapp.ingest.decode import decode
from webapp.ingest.spans import spans_of


@dataclass(frozen=True, slots=True)
class _Sender:
    id: UUID
    organization_id: UUID


def send_sample(session: Session, actor: Actor, *, now: datetime) -> None:
    """Store one sample trace as if the organization's newest key had sent it.

    Raises:
        Conflict: no key of the organization may send traces.
    """
    key_id = get_ingest_key_id(session, actor.organization_id, now=now)
    if key_id is None:
        raise Conflict("No key of this organization may send traces. Create one first.")
    spans, _ = spans_of(decode(sample_request(now), "application/x-protobuf"))
    store.ingest(session, _Sender(key_id, actor.organization_id), spans, now=now)
