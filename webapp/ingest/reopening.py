"""Causes that were said to be repaired and are back: opened again, with the event and a word to their owners."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.failure_states import Occurrence, Resolution, reopens
from webapp.features.events.operations import AuthorId, record
from webapp.features.notifications.operations import notify

# The newest occurrences that started after the resolution; more cannot say more, and a flood must not be read whole.
CANDIDATES = text("""
    SELECT g.id, g.resolved_at, g.resolved_in_version, o.flow_execution_id, o.occurred_at, o.service_version,
           (SELECT min(s.first_seen_at) FROM first_sightings s
            WHERE s.organization_id = g.organization_id AND s.agentflow_id = o.agentflow_id
              AND s.environment = coalesce(o.environment, '') AND s.kind = 'service_version'
              AND s.name = g.resolved_in_version) AS resolved_version_seen_at,
           coalesce((SELECT min(s.first_seen_at) FROM first_sightings s
                     WHERE s.organization_id = g.organization_id AND s.agentflow_id = o.agentflow_id
                       AND s.environment = coalesce(o.environment, '') AND s.kind = 'service_version'
                       AND s.name = o.service_version), o.occurred_at) AS version_seen_at
    FROM failure_groups g
    CROSS JOIN LATERAL (
        SELECT * FROM failure_occurrences o
        WHERE o.failure_group_id = g.id AND o.organization_id = g.organization_id AND o.occurred_at > g.resolved_at
        ORDER BY o.occurred_at DESC LIMIT 50
    ) o
    WHERE g.organization_id = :organization_id AND g.state = 'resolved'
      AND (CAST(:groups AS uuid[]) IS NULL OR g.id = ANY(CAST(:groups AS uuid[])))
    ORDER BY g.id
""")
# The state is asked again under the row's lock: somebody may have resolved it anew meanwhile.
REOPEN = text("""
    UPDATE failure_groups SET state = 'open', is_reviewed = false, regressed_at = :now, updated_at = :now,
           resolved_at = NULL, resolved_in_version = NULL
    WHERE id = :id AND state = 'resolved' AND resolved_at = :resolved_at RETURNING id, number, title, owner_id
""")


def reopen_returned(
    session: Session, organization_id: UUID, *, now: datetime, groups: Sequence[UUID] | None = None
) -> list[UUID]:
    """Open the resolved causes that an occurrence proves to be back, of these groups or of all; answer which.

    Called by the export that brings an occurrence, and every few seconds by the worker: an occurrence that was on its
    way while somebody resolved its cause is seen by one of the two.
    """
    values = {"organization_id": organization_id, "groups": list(groups) if groups is not None else None}
    proofs = {}
    for row in session.execute(CANDIDATES, values):
        resolution = Resolution(row.resolved_at, row.resolved_in_version, row.resolved_version_seen_at)
        if reopens(resolution, Occurrence(row.occurred_at, row.service_version, row.version_seen_at)):
            proofs[row.id] = row
    returned = []
    for id_, row in sorted(proofs.items()):
        group = session.execute(REOPEN, {"id": id_, "now": now, "resolved_at": row.resolved_at}).one_or_none()
        if group is not None:
            returned.append((group, row))
    for group, row in returned:
        payload = {
            "before": {"state": "resolved", "resolved_in_version": row.resolved_in_version},
            "after": {"state": "open"},
            "execution_id": str(row.flow_execution_id),
            "service_version": row.service_version,
        }
        if group.owner_id is not None:
            words = {"title": f"F-{group.number} is back: {group.title}", "link": f"/failures/{group.id}"}
            notify(session, organization_id, group.owner_id, kind="failure", **words)
        record(session, AuthorId(organization_id), "failure", group.id, "failure.regressed", payload, at=now)
    return [group.id for group, _ in returned]
