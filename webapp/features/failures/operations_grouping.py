"""What belongs together, by hand: merge failures, take that back, split one by what its executions ran with.

Where an occurrence belongs follows from two tables alone: the splits of its fingerprint, else the fingerprint itself.
So every change here writes those and then places the occurrences anew, as ingest places later ones.
"""

# SQL is put together from constants of this module; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Invalid, NotFound
from webapp.features.events import operations as events
from webapp.features.failures.operations_state import UNKNOWN, lock
from webapp.features.notifications.operations import notify
from webapp.models import Event, FailureFingerprint, FailureGroup, FailureSplit
from webapp.models.base import new_id

DIMENSIONS: Mapping[str, str] = {
    "agentflow": "o.agentflow_id::text",
    "environment": "o.environment",
    "service_version": "o.service_version",
    "step": "o.step_name",
    "tool": "o.tool_name",
    "model": "o.model",
}
"""What a failure can be split by, and where an occurrence says it."""
LABELS = {
    "agentflow": "flow", "environment": "environment", "service_version": "version", "step": "step", "tool": "tool",
    "model": "model",
}  # fmt: skip
VALUE = " ".join(f"WHEN '{name}' THEN {column}" for name, column in DIMENSIONS.items())
RACING = timedelta(minutes=10)
"""For how long an export that began before a merge or split may still store by the old rule."""

# An occurrence of a fingerprint that was also split by its message, which is not kept with it, stays where it is.
PLACE = text(f"""
    UPDATE failure_occurrences t SET failure_group_id = p.place
    FROM (
        SELECT o.flow_execution_id, o.flow_created_at, coalesce(s.failure_group_id, f.failure_group_id) AS place
        FROM failure_occurrences o
        JOIN failure_fingerprints f ON f.organization_id = o.organization_id AND f.version = o.version
            AND f.fingerprint = o.fingerprint
        LEFT JOIN LATERAL (
            SELECT s.failure_group_id FROM failure_splits s
            WHERE s.organization_id = o.organization_id AND s.version = o.version AND s.fingerprint = o.fingerprint
              AND s.value = CASE s.dimension {VALUE} END
            ORDER BY s.id LIMIT 1
        ) s ON true
        WHERE o.organization_id = :organization_id AND o.failure_group_id = ANY(CAST(:groups AS uuid[]))
          AND NOT EXISTS (SELECT FROM failure_splits m WHERE m.organization_id = o.organization_id
                          AND m.version = o.version AND m.fingerprint = o.fingerprint AND m.dimension = 'message')
    ) p
    WHERE t.flow_execution_id = p.flow_execution_id AND t.flow_created_at = p.flow_created_at
      AND t.organization_id = :organization_id AND t.failure_group_id <> p.place
""")
CHANGED = text("""
    SELECT id FROM failure_groups
    WHERE organization_id = :organization_id AND merged_into_id IS NOT NULL AND updated_at > :since
    UNION
    SELECT f.failure_group_id FROM failure_splits s
    JOIN failure_fingerprints f USING (organization_id, version, fingerprint)
    WHERE s.organization_id = :organization_id AND s.created_at > :since
""")
FIRST = text("""
    SELECT min(occurred_at) FROM failure_occurrences
    WHERE organization_id = :organization_id AND failure_group_id = :group_id
""")


def place_occurrences(session: Session, organization_id: UUID, groups: Sequence[UUID]) -> int:
    """Put every occurrence of these failures where splits and fingerprints say; answers how many moved."""
    values = {"organization_id": organization_id, "groups": list(groups)}
    return session.execute(PLACE, values).rowcount


def place_stragglers(session: Session, organization_id: UUID, *, now: datetime) -> int:
    """Move what an export stored by the old rule while somebody merged or split; for the worker, every few seconds."""
    changed = session.scalars(CHANGED, {"organization_id": organization_id, "since": now - RACING}).all()
    return place_occurrences(session, organization_id, changed) if changed else 0


def merge(session: Session, actor: Actor, group_id: UUID, into_number: int, *, now: datetime) -> UUID:
    """Put a failure into another one, with its occurrences and all that will follow; answers the other's id.

    The same merge made twice is one.

    Raises: NotFound; Invalid (into itself); Conflict (merged into a third one meanwhile).
    """
    merged_into = _merged_into(session, actor.organization_id, group_id)
    into = _by_number(session, actor.organization_id, into_number)
    if into.id == group_id:
        raise Invalid("Failure: it cannot be merged into itself.", field="into")
    if merged_into == into.id:
        return into.id
    found = {group.id: group for group in lock(session, actor.organization_id, (group_id, into.id))}
    source, target = found[group_id], found[into.id]
    moved = _move(session, actor.organization_id, source.id, target.id)
    session.execute(
        update(FailureGroup).where(FailureGroup.id == source.id).values(merged_into_id=target.id, updated_at=now)
    )
    place_occurrences(session, actor.organization_id, [source.id])
    _see_first(session, actor.organization_id, target.id, now)
    if target.owner_id not in (None, actor.user_id):
        title = f"{actor.full_name} merged F-{source.number} into F-{target.number}"
        notify(
            session, actor.organization_id, target.owner_id, kind="failure", title=title, link=f"/failures/{target.id}"
        )
    names = {source.id: f"F-{source.number}", target.id: f"F-{target.number}"}
    told = {
        "before": {"merged_into": None},
        "after": {"merged_into": names[target.id]},
        "into": str(target.id),
        **moved,
    }
    events.record(session, actor, "failure", source.id, "failure.merged", told, at=now)
    took = {"before": {"took_in": None}, "after": {"took_in": names[source.id]}}
    events.record(session, actor, "failure", target.id, "failure.merged", took, at=now)
    return target.id


def unmerge(session: Session, actor: Actor, group_id: UUID, *, now: datetime) -> None:
    """Take a merge back: the failure has its occurrences again, and those that came since. Twice is once.

    Raises: NotFound.
    """
    root = _root(session, actor.organization_id, group_id)
    if root == group_id:
        return
    session.execute(
        select(FailureGroup.id)
        .where(FailureGroup.organization_id == actor.organization_id, FailureGroup.id.in_((group_id, root)))
        .order_by(FailureGroup.id)
        .with_for_update(key_share=True)
    )
    if _merged_into(session, actor.organization_id, group_id) is None:
        return
    payload = session.scalar(
        select(Event.payload)
        .where(
            Event.organization_id == actor.organization_id,
            Event.aggregate_type == "failure",
            Event.aggregate_id == group_id,
            Event.event_type == "failure.merged",
            Event.payload.has_key("into"),
        )
        .order_by(Event.sequence.desc())
        .limit(1)
    )
    _move_back(session, actor.organization_id, group_id, payload or {})
    session.execute(update(FailureGroup).where(FailureGroup.id == group_id).values(merged_into_id=None, updated_at=now))
    place_occurrences(session, actor.organization_id, [root])
    _see_first(session, actor.organization_id, root, now)
    numbers = dict(
        session.execute(select(FailureGroup.id, FailureGroup.number).where(FailureGroup.id.in_((group_id, root)))).all()
    )
    told = {"before": {"merged_into": f"F-{numbers[root]}"}, "after": {"merged_into": None}}
    events.record(session, actor, "failure", group_id, "failure.unmerged", told, at=now)
    gave = {"before": {"took_in": f"F-{numbers[group_id]}"}, "after": {"took_in": None}}
    events.record(session, actor, "failure", root, "failure.unmerged", gave, at=now)


def split(session: Session, actor: Actor, group_id: UUID, dimension: str, value: str, *, now: datetime) -> UUID:
    """Make the occurrences with a value, and all such that follow, a failure of their own; answers its id.

    The same split made twice is one.

    Raises: NotFound; Invalid (no such value, or all have it); Conflict (merged, or split off itself).
    """
    if dimension not in DIMENSIONS:
        raise Invalid("Part: choose one that the page offers.", field="part")
    (group,) = lock(session, actor.organization_id, (group_id,))
    of_group = (FailureFingerprint.organization_id == actor.organization_id) & (
        FailureFingerprint.failure_group_id == group_id
    )
    keys = session.execute(select(FailureFingerprint.version, FailureFingerprint.fingerprint).where(of_group)).all()
    if not keys:
        raise Conflict("This failure was split off from another one. Merge it back, or split that one.")
    before = _earlier_split(session, actor.organization_id, group_id, dimension, value)
    if before not in (None, group_id):
        return before
    _check_part(session, actor.organization_id, group_id, dimension, value)
    fresh = _make_part(session, group_id, dimension, value, now)
    _split_off(session, actor, keys, dimension, value, fresh.id, now)
    place_occurrences(session, actor.organization_id, [group_id])
    for id_ in (fresh.id, group_id):
        _see_first(session, actor.organization_id, id_, now)
    part = f"{LABELS[dimension]} {_shown(session, dimension, value)}"
    told = {"before": {"split_off": None}, "after": {"split_off": f"F-{fresh.number}, {part}"}}
    events.record(session, actor, "failure", group_id, "failure.split", told, at=now)
    made = {"before": {"split_from": None}, "after": {"split_from": f"F-{group.number}, {part}"}}
    events.record(session, actor, "failure", fresh.id, "failure.split", made, at=now)
    return fresh.id


def _split_off(
    session: Session, actor: Actor, keys: Sequence[Any], dimension: str, value: str, group_id: UUID, now: datetime
) -> None:
    """Write the splits; those of a part that was merged back lead to the new failure instead."""
    rows = [
        {
            "id": new_id(), "organization_id": actor.organization_id, "version": version, "fingerprint": fingerprint,
            "dimension": dimension, "value": value, "failure_group_id": group_id, "created_by_id": actor.user_id,
            "created_at": now,
        }
        for version, fingerprint in keys
    ]  # fmt: skip
    stmt = insert(FailureSplit)
    changed = {name: stmt.excluded[name] for name in ("failure_group_id", "created_by_id", "created_at")}
    session.execute(stmt.on_conflict_do_update(constraint="uq_failure_splits_key", set_=changed), rows)


def _move(session: Session, organization_id: UUID, source: UUID, target: UUID) -> dict[str, Any]:
    """Point fingerprints and splits of one failure to another; answers which, for the way back."""
    fingerprints = session.execute(
        update(FailureFingerprint)
        .where(FailureFingerprint.organization_id == organization_id, FailureFingerprint.failure_group_id == source)
        .values(failure_group_id=target)
        .returning(FailureFingerprint.version, FailureFingerprint.fingerprint)
    ).all()
    splits = session.scalars(
        update(FailureSplit)
        .where(FailureSplit.organization_id == organization_id, FailureSplit.failure_group_id == source)
        .values(failure_group_id=target)
        .returning(FailureSplit.id)
    ).all()
    return {"fingerprints": [[row[0], bytes(row[1]).hex()] for row in fingerprints], "splits": [str(s) for s in splits]}


def _move_back(session: Session, organization_id: UUID, group_id: UUID, payload: Mapping[str, Any]) -> None:
    for version, digest in payload.get("fingerprints", ()):
        session.execute(
            update(FailureFingerprint)
            .where(
                FailureFingerprint.organization_id == organization_id,
                FailureFingerprint.version == version,
                FailureFingerprint.fingerprint == bytes.fromhex(digest),
            )
            .values(failure_group_id=group_id)
        )
    session.execute(
        update(FailureSplit)
        .where(
            FailureSplit.organization_id == organization_id,
            FailureSplit.id.in_([UUID(text_) for text_ in payload.get("splits", ())]),
        )
        .values(failure_group_id=group_id)
    )


def _see_first(session: Session, organization_id: UUID, group_id: UUID, now: datetime) -> None:
    """Note when a failure was first seen, by the occurrences that it has now."""
    first = session.scalar(FIRST, {"organization_id": organization_id, "group_id": group_id})
    if first is not None:
        session.execute(
            update(FailureGroup).where(FailureGroup.id == group_id).values(first_seen_at=first, updated_at=now)
        )


def _by_number(session: Session, organization_id: UUID, number: int) -> FailureGroup:
    """The failure of a number; the one it was merged into, if it was."""
    id_ = session.scalar(
        select(FailureGroup.id).where(FailureGroup.organization_id == organization_id, FailureGroup.number == number)
    )
    if id_ is None:
        raise Invalid(f"Failure: there is no F-{number} in this organization.", field="into")
    return session.get_one(FailureGroup, _root(session, organization_id, id_))


def _merged_into(session: Session, organization_id: UUID, group_id: UUID) -> UUID | None:
    stmt = select(FailureGroup.merged_into_id).where(
        FailureGroup.organization_id == organization_id, FailureGroup.id == group_id
    )
    found = session.execute(stmt).one_or_none()
    if found is None:
        raise NotFound(UNKNOWN)
    return found[0]


def _root(session: Session, organization_id: UUID, group_id: UUID) -> UUID:
    """Where a failure lives now: itself, or the end of its merges."""
    while (into := _merged_into(session, organization_id, group_id)) is not None:
        group_id = into
    return group_id


def _earlier_split(session: Session, organization_id: UUID, group_id: UUID, dimension: str, value: str) -> UUID | None:
    """Where occurrences of this failure with the value already go, unless that was merged back."""
    return session.scalar(
        select(FailureSplit.failure_group_id)
        .join(
            FailureFingerprint,
            (FailureFingerprint.organization_id == FailureSplit.organization_id)
            & (FailureFingerprint.version == FailureSplit.version)
            & (FailureFingerprint.fingerprint == FailureSplit.fingerprint),
        )
        .where(
            FailureSplit.organization_id == organization_id,
            FailureFingerprint.failure_group_id == group_id,
            FailureSplit.dimension == dimension,
            FailureSplit.value == value,
        )
        .limit(1)
    )


def _check_part(session: Session, organization_id: UUID, group_id: UUID, dimension: str, value: str) -> None:
    stmt = text(
        f"SELECT count(*), count(*) FILTER (WHERE {DIMENSIONS[dimension]} = :value) FROM failure_occurrences o"
        " WHERE o.organization_id = :organization_id AND o.failure_group_id = :group_id"
    )
    values = {"organization_id": organization_id, "group_id": group_id, "value": value}
    total, part = session.execute(stmt, values).one()
    if not part:
        raise Invalid("Part: no occurrence of this failure has that. Reload the page.", field="part")
    if part == total:
        raise Invalid("Part: all occurrences have that, so there is nothing to take apart.", field="part")


def _make_part(session: Session, group_id: UUID, dimension: str, value: str, now: datetime) -> FailureGroup:
    """The new failure beside the one that it comes from, with its owner and a number of its own."""
    parent = session.get_one(FailureGroup, group_id)
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('failure_groups:' || :id, 0))"),
        {"id": str(parent.organization_id)},
    )
    highest = session.scalar(
        select(func.max(FailureGroup.number)).where(FailureGroup.organization_id == parent.organization_id)
    )
    shown = _shown(session, dimension, value)
    fresh = FailureGroup(
        id=new_id(),
        organization_id=parent.organization_id,
        number=(highest or 0) + 1,
        title=f"{parent.title[:400]} ({LABELS[dimension]} {shown[:80]})",
        parts=[*parent.parts, {"label": f"split by {LABELS[dimension]}", "value": shown}],
        agentflow_id=UUID(value) if dimension == "agentflow" else parent.agentflow_id,
        step_name=value if dimension == "step" else parent.step_name,
        first_seen_at=now,
        created_at=now,
        updated_at=now,
        **{name: getattr(parent, name) for name in ("error_type", "step_kind", "owner_id", "first_seen_version")},
    )
    session.add(fresh)
    session.flush()
    return fresh


def _shown(session: Session, dimension: str, value: str) -> str:
    """A value as people read it: the name of a flow instead of its id."""
    if dimension != "agentflow":
        return value
    return session.scalar(text("SELECT name FROM agentflows WHERE id = CAST(:id AS uuid)"), {"id": value}) or value
