"""What happens to failures by itself: mutes end, escalations begin and end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from webapp.domain.escalation import HOURS, LEAST_EVENTS, WEEKS, escalates, still_escalates
from webapp.features.events import operations as events
from webapp.features.events.operations import AuthorId
from webapp.features.notifications.operations import notify

ENDED = text("""
    SELECT g.id, CASE WHEN g.muted_until <= :now THEN 'time' ELSE 'version' END AS why
    FROM failure_groups g
    WHERE g.organization_id = :organization_id AND g.state = 'muted' AND g.merged_into_id IS NULL
      AND (g.muted_until <= :now OR g.muted_until_version IS NOT NULL AND EXISTS (
          SELECT FROM first_sightings s
          WHERE s.organization_id = g.organization_id AND s.kind = 'service_version'
            AND s.name = g.muted_until_version AND s.agentflow_id IN (
                SELECT o.agentflow_id FROM failure_occurrences o WHERE o.failure_group_id = g.id)
      ))
    ORDER BY g.id
""")
# What is asked again under the row's lock: somebody may have decided otherwise meanwhile.
UNMUTE = text("""
    UPDATE failure_groups g SET state = 'open', is_reviewed = false, muted_until = NULL, muted_until_version = NULL,
           is_muted_until_escalating = false, updated_at = :now
    FROM (SELECT id, muted_until, muted_until_version, is_muted_until_escalating FROM failure_groups
          WHERE id = :id AND state = 'muted' FOR NO KEY UPDATE) b
    WHERE g.id = b.id AND CASE :why WHEN 'time' THEN b.muted_until <= :now
                                    WHEN 'version' THEN b.muted_until_version IS NOT NULL
                                    ELSE b.is_muted_until_escalating END
    RETURNING g.id, g.number, g.title, g.owner_id, b.muted_until, b.muted_until_version, b.is_muted_until_escalating
""")
BUSY = text("""
    SELECT g.id, g.number, g.title, g.state, g.owner_id, g.is_muted_until_escalating, g.escalating_since,
           g.first_seen_at, coalesce(n.events, 0) AS events
    FROM failure_groups g
    LEFT JOIN (
        SELECT failure_group_id, count(*) AS events FROM failure_occurrences
        WHERE organization_id = :organization_id AND occurred_at > :since AND occurred_at <= :now
        GROUP BY failure_group_id
    ) n ON n.failure_group_id = g.id
    WHERE g.organization_id = :organization_id AND g.merged_into_id IS NULL
      AND (g.escalating_since IS NOT NULL OR n.events >= :least AND g.state <> 'resolved')
    ORDER BY g.id
""")
EARLIER = text("""
    SELECT o.failure_group_id, w.back, count(*) AS events
    FROM unnest(CAST(:back AS integer[])) w (back)
    JOIN failure_occurrences o ON o.organization_id = :organization_id
     AND o.failure_group_id = ANY(CAST(:groups AS uuid[]))
     AND o.occurred_at > :now - make_interval(hours => w.back + 1)
     AND o.occurred_at <= :now - make_interval(hours => w.back)
    GROUP BY 1, 2
""")
BEGIN = text("""
    UPDATE failure_groups SET escalating_since = :now, updated_at = :now,
           is_reviewed = CASE WHEN state = 'open' THEN false ELSE is_reviewed END
    WHERE id = :id AND escalating_since IS NULL RETURNING id
""")
END = text("""
    UPDATE failure_groups SET escalating_since = NULL, updated_at = :now
    WHERE id = :id AND escalating_since IS NOT NULL RETURNING id
""")
HOUR = timedelta(hours=1)
HOURS_OF_WEEK = 168


def end_mutes(session: Session, organization_id: UUID, *, now: datetime) -> list[UUID]:
    """Open what was muted until now or until a version that has run; answers which."""
    due = session.execute(ENDED, {"organization_id": organization_id, "now": now}).all()
    return [row.id for row in due if _unmute(session, organization_id, row.id, row.why, now)]


def note_escalations(session: Session, organization_id: UUID, *, now: datetime) -> tuple[list[UUID], list[UUID]]:
    """Mark failures that escalate, and end what does no more; answers which began and which ended.

    Cost: one statement while nothing happens often; one more when something does.
    """
    values = {"organization_id": organization_id, "now": now}
    busy = session.execute(BUSY, values | {"since": now - HOUR, "least": LEAST_EVENTS}).all()
    earlier = _earlier(session, organization_id, busy, now) if busy else {}
    begun, ended = [], []
    for group in busy:
        if group.escalating_since is None:
            if (
                escalates(group.events, earlier[group.id])
                and session.execute(BEGIN, {"id": group.id, "now": now}).first()
            ):
                begun.append(group.id)
                _begin(session, organization_id, group, earlier[group.id], now)
        elif group.state == "resolved" or not still_escalates(group.events, earlier[group.id]):
            ended += _end(session, organization_id, group.id, now)
    return begun, ended


def _begin(session: Session, organization_id: UUID, group: Row[Any], earlier: Sequence[int], now: datetime) -> None:
    told = {
        "before": {"escalating": False},
        "after": {"escalating": True},
        "events": group.events,
        "earlier": list(earlier),
    }
    _record(session, organization_id, group.id, "failure.escalated", told, now)
    if group.is_muted_until_escalating and _unmute(session, organization_id, group.id, "escalating", now):
        return
    if group.owner_id is not None and group.state == "open":
        title = f"F-{group.number} escalates: {group.events:,} failed runs in the last hour"
        _notify(session, organization_id, group, title)


def _end(session: Session, organization_id: UUID, group_id: UUID, now: datetime) -> list[UUID]:
    if session.execute(END, {"id": group_id, "now": now}).first() is None:
        return []
    told = {"before": {"escalating": True}, "after": {"escalating": False}}
    _record(session, organization_id, group_id, "failure.calmed_down", told, now)
    return [group_id]


def _earlier(
    session: Session, organization_id: UUID, groups: Sequence[Row[Any]], now: datetime
) -> Mapping[UUID, list[int]]:
    """Counts of earlier hours in which each failure was known: the same hour of past weeks, else the hours before."""
    weeks = [HOURS_OF_WEEK * week for week in range(1, WEEKS + 1)]
    values = {"organization_id": organization_id, "now": now, "groups": [g.id for g in groups]}
    rows = session.execute(EARLIER, values | {"back": [*range(1, HOURS + 1), *weeks]})
    counts = {(group, back): events for group, back, events in rows}
    found = {}
    for group in groups:
        known = [back for back in weeks if now - back * HOUR > group.first_seen_at]
        known = known or [back for back in range(1, HOURS + 1) if now - back * HOUR > group.first_seen_at]
        found[group.id] = [counts.get((group.id, back), 0) for back in known]
    return found


def _unmute(session: Session, organization_id: UUID, group_id: UUID, why: str, now: datetime) -> bool:
    group = session.execute(UNMUTE, {"id": group_id, "now": now, "why": why}).one_or_none()
    if group is None:
        return False
    told = {"before": {"state": "muted"}, "after": {"state": "open"}, "why": why, "version": group.muted_until_version}
    _record(session, organization_id, group_id, "failure.unmuted", told, now)
    words = {
        "time": "its time is over",
        "version": f"version {group.muted_until_version} ran",
        "escalating": "it escalates",
    }
    if group.owner_id is not None:
        _notify(session, organization_id, group, f"F-{group.number} is no longer muted: {words[why]}")
    return True


def _notify(session: Session, organization_id: UUID, group: Row[Any], title: str) -> None:
    link = f"/failures/{group.id}"
    notify(session, organization_id, group.owner_id, kind="failure", title=title, body=group.title[:200], link=link)


def _record(
    session: Session, organization_id: UUID, group_id: UUID, event_type: str, payload: Mapping[str, Any], now: datetime
) -> None:
    events.record(session, AuthorId(organization_id), "failure", group_id, event_type, payload, at=now)
