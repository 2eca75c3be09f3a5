"""Read the event store."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.features.events.operations import FIRST, event_hash
from webapp.models import Event


def get_first_broken(session: Session, organization_id: UUID) -> int | None:
    """The sequence number at which the organization's chain first does not hold; None when all of it holds.

    Whoever can rewrite the whole table can rewrite the chain too; it shows changes and gaps made by anybody else.

    Cost: one statement over all events of the organization.
    """
    previous, expected = FIRST, 1
    events = session.scalars(select(Event).where(Event.organization_id == organization_id).order_by(Event.sequence))
    for event in events:
        if event.sequence != expected or event.previous_hash != previous or event.hash != event_hash(event):
            return expected
        previous, expected = event.hash, expected + 1
    return None
