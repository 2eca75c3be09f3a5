"""Decide about failures: reviewed, whose they are, muted, resolved, open again; and take a decision back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, select, update
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Invalid, NotFound
from webapp.features.events import operations as events
from webapp.features.failures.decisions import EVENTS, FIELDS, WORDS, Decision, decide
from webapp.features.notifications.operations import notify
from webapp.models import Event, FailureGroup, FailureOccurrence, FirstSighting, OrganizationMember

UNDO_FOR = timedelta(hours=24)
UNKNOWN = "There is no such failure in this organization."
_READ = (FailureGroup.id, FailureGroup.number, FailureGroup.title, FailureGroup.merged_into_id) + tuple(
    getattr(FailureGroup, name) for name in FIELDS
)


@dataclass(frozen=True, slots=True)
class Done:
    """What was changed, as the numbers of its events; ``undo`` takes them. ``count`` 0: all was so already."""

    count: int
    first: int = 0
    last: int = 0


def lock(session: Session, organization_id: UUID, group_ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """The failures, held until the transaction ends, in the order of their ids so that two people never wait in a ring.

    Exports go on storing occurrences meanwhile: they need only the key of the row.

    Raises: NotFound; Conflict (merged into another one meanwhile).
    """
    wanted = set(group_ids)
    stmt = (
        select(*_READ)
        .where(FailureGroup.organization_id == organization_id, FailureGroup.id.in_(wanted))
        .order_by(FailureGroup.id)
        .with_for_update(key_share=True)
    )
    groups = session.execute(stmt).all()
    if len(groups) < len(wanted):
        raise NotFound(UNKNOWN)
    for group in groups:
        if group.merged_into_id is not None:
            raise Conflict(f"F-{group.number} was merged into another failure. Reload the page.")
    return groups


def change(session: Session, actor: Actor, group_ids: Iterable[UUID], decision: Decision, *, now: datetime) -> Done:
    """Decide the same about failures, where it changes anything, with an event for each and a word to their owners.

    Raises:
        NotFound: there is no such failure, or the owner is no member.
        Conflict: one was merged meanwhile.
        Invalid: a mute until a version that ran already.
    """
    groups = lock(session, actor.organization_id, group_ids)
    if decision.owner_id is not None:
        _check_member(session, actor, decision.owner_id)
    if decision.kind == "mute" and decision.version:
        _check_version(session, actor.organization_id, [group.id for group in groups], decision.version)
    wanted = [(group, decide(decision, group._mapping, now)) for group in groups]
    return _write(session, actor, [pair for pair in wanted if pair[1]], decision.event_type, now)


def undo(session: Session, actor: Actor, first: int, last: int, *, now: datetime) -> int:
    """Take back what the actor decided in these events; answers how many failures were put back.

    One that was changed again since, by a person or because it came back, stays as it is.

    Raises:
        NotFound: these are not decisions of the actor's of the last day.
    """
    done = session.execute(
        select(Event.aggregate_id, Event.payload)
        .where(
            Event.organization_id == actor.organization_id,
            Event.sequence.between(first, last),
            Event.actor_id == actor.user_id,
            Event.aggregate_type == "failure",
            Event.event_type.in_(EVENTS.values()),
            Event.occurred_at > now - UNDO_FOR,
        )
        .order_by(Event.sequence)
    ).all()
    if not done:
        raise NotFound("There is nothing to take back here: only your own decisions of the last day can be.")
    payloads = {row.aggregate_id: row.payload for row in done}
    back = []
    for group in lock(session, actor.organization_id, payloads):
        before, after = payloads[group.id]["before"], payloads[group.id]["after"]
        if all(_plain(group._mapping[name]) == value for name, value in after.items()):
            back.append((group, {name: _read(name, value) for name, value in before.items()}))
    return _write(session, actor, back, "failure.put_back", now).count


def _write(
    session: Session,
    actor: Actor,
    changed: Sequence[tuple[Row[Any], Mapping[str, Any]]],
    event_type: str,
    now: datetime,
) -> Done:
    """Write new values of failures that are locked, tell their owners, and record it."""
    if not changed:
        return Done(0)
    for group, values in changed:
        session.execute(update(FailureGroup).where(FailureGroup.id == group.id).values(**values, updated_at=now))
    _tell(session, actor, changed, event_type)
    things = [
        (
            group.id,
            {
                "number": group.number,
                "before": {name: _plain(group._mapping[name]) for name in values},
                "after": {name: _plain(value) for name, value in values.items()},
            },
        )
        for group, values in changed
    ]
    written = events.record_all(session, actor, "failure", event_type, things, at=now)
    return Done(len(written), written[0].sequence, written[-1].sequence)


def _tell(
    session: Session, actor: Actor, changed: Sequence[tuple[Row[Any], Mapping[str, Any]]], event_type: str
) -> None:
    """One notification for each owner who did not do it: whoever has it now, or had it before."""
    of_owner: dict[UUID, list[Row[Any]]] = {}
    for group, values in changed:
        for owner in {group.owner_id, values.get("owner_id", group.owner_id)} - {None, actor.user_id}:
            of_owner.setdefault(owner, []).append(group)
    new_owners = {values["owner_id"] for _, values in changed if values.get("owner_id")}
    for owner, groups in of_owner.items():
        what = f"F-{groups[0].number} {groups[0].title}" if len(groups) == 1 else f"{len(groups):,} failures"
        word = WORDS.get(event_type, "changed back")
        is_theirs = event_type == "failure.assigned" and owner in new_owners
        notify(
            session,
            actor.organization_id,
            owner,
            kind="failure",
            title=f"{actor.full_name} assigned {what} to you" if is_theirs else f"{actor.full_name}: {what} {word}",
            link=f"/failures/{groups[0].id}" if len(groups) == 1 else "/failures?view=mine",
        )


def _check_member(session: Session, actor: Actor, user_id: UUID) -> None:
    stmt = select(
        exists().where(
            OrganizationMember.organization_id == actor.organization_id, OrganizationMember.user_id == user_id
        )
    )
    if not session.scalar(stmt):
        raise NotFound("There is no such person in this organization.")


def _check_version(session: Session, organization_id: UUID, groups: Sequence[UUID], version: str) -> None:
    flows = select(FailureOccurrence.agentflow_id).where(
        FailureOccurrence.organization_id == organization_id, FailureOccurrence.failure_group_id.in_(groups)
    )
    seen = session.scalar(
        select(FirstSighting.first_seen_at)
        .where(
            FirstSighting.organization_id == organization_id,
            FirstSighting.kind == "service_version",
            FirstSighting.name == version,
            FirstSighting.agentflow_id.in_(flows),
        )
        .limit(1)
    )
    if seen is not None:
        raise Invalid(f"Version: {version} has run already. Name one that is still to come.", field="version")


def _plain(value: Any) -> Any:
    """A value as events keep it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _read(name: str, value: Any) -> Any:
    """A value of an event as the column holds it."""
    if value is None or isinstance(value, bool):
        return value
    if name == "owner_id":
        return UUID(value)
    return datetime.fromisoformat(value) if name.endswith(("_at", "until")) else value
