"""One failure: its state, what it can be split by, and what people say about it."""

# SQL is put together from constants of this module; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from webapp.features.failures.queries_list import FailureRow
from webapp.models import Comment, Event, User

MOST_COMMENTS = 200
MOST_VALUES = 10
FAILURE = text("""
    SELECT g.id, g.number, g.title, g.error_type, g.step_kind, g.step_name, g.agentflow_id, a.name AS flow_name,
           g.state, g.is_reviewed, g.owner_id, coalesce(u.full_name, u.username) AS owner_name, g.muted_until,
           g.muted_until_version, g.is_muted_until_escalating, g.resolved_at, g.resolved_in_version, g.regressed_at,
           g.escalating_since, g.first_seen_at, max(o.occurred_at) AS last_seen_at, count(o.flow_execution_id),
           count(DISTINCT o.user_ref), sum(o.cost_usd),
           array_agg(DISTINCT o.agentflow_id) FILTER (WHERE o.agentflow_id IS NOT NULL) AS flows,
           g.parts, g.merged_into_id, g.first_seen_version
    FROM failure_groups g
    LEFT JOIN failure_occurrences o ON o.failure_group_id = g.id AND o.organization_id = g.organization_id
    LEFT JOIN agentflows a ON a.id = g.agentflow_id AND a.organization_id = g.organization_id
    LEFT JOIN users u ON u.id = g.owner_id
    WHERE g.organization_id = :organization_id AND g.id = :group_id
    GROUP BY g.id, a.name, u.full_name, u.username
""")


@dataclass(frozen=True, slots=True)
class FailureDetail:
    """One failure. Counts and money of ``row`` are those of all its time.

    ``parts`` are label and value of what its occurrences have in common.
    """

    row: FailureRow
    parts: Sequence[Mapping[str, str]]
    merged_into_id: UUID | None
    first_seen_version: str | None


@dataclass(frozen=True, slots=True)
class CommentRow:
    """What somebody said. ``author`` is None for somebody who left."""

    id: UUID
    user_id: UUID | None
    author: str | None
    body: str
    created_at: datetime
    edited_at: datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """Occurrences that can be split off: all with one value of one dimension."""

    dimension: str
    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class MergedRow:
    """A failure that was merged into the one shown."""

    id: UUID
    number: int
    title: str


def get_failure(session: Session, organization_id: UUID, group_id: UUID) -> FailureDetail | None:
    """A failure with its figures of all time, None when there is none. Cost: one statement over its occurrences."""
    values = {"organization_id": organization_id, "group_id": group_id}
    found = session.execute(FAILURE, values).one_or_none()
    if found is None:
        return None
    return FailureDetail(FailureRow(*found[:24], flows=tuple(found[24] or ())), *found[25:])


_PARTS = " UNION ALL ".join(
    f"(SELECT '{name}' AS dimension, {column} AS value, {shown} AS label, count(*) AS n FROM o"
    f" WHERE {column} IS NOT NULL GROUP BY 2, 3 ORDER BY n DESC, 2 LIMIT :most)"
    for name, column, shown in (
        ("agentflow", "agentflow_id::text", "flow_name"),
        ("environment", "environment", "environment"),
        ("service_version", "service_version", "service_version"),
        ("step", "step_name", "step_name"),
        ("tool", "tool_name", "tool_name"),
        ("model", "model", "model"),
    )
)
PARTS = text(f"""
    WITH o AS MATERIALIZED (
        SELECT x.*, a.name AS flow_name FROM failure_occurrences x
        LEFT JOIN agentflows a ON a.id = x.agentflow_id AND a.organization_id = :organization_id
        WHERE x.organization_id = :organization_id AND x.failure_group_id = :group_id
    ) {_PARTS}
""")


def list_parts(session: Session, organization_id: UUID, group_id: UUID, total: int) -> list[Part]:
    """What the failure can be split by: values that some of its occurrences have, and not all. Cost: one statement."""
    values = {"organization_id": organization_id, "group_id": group_id, "most": MOST_VALUES}
    return [Part(row[0], row[1], row[2] or row[1], row[3]) for row in session.execute(PARTS, values) if row[3] < total]


def list_merged(session: Session, organization_id: UUID, group_id: UUID) -> list[MergedRow]:
    """Failures that were merged into this one. Cost: one statement."""
    stmt = text("""
        SELECT id, number, title FROM failure_groups
        WHERE organization_id = :organization_id AND merged_into_id = :group_id ORDER BY number
    """)
    return [
        MergedRow(*row) for row in session.execute(stmt, {"organization_id": organization_id, "group_id": group_id})
    ]


def list_comments(session: Session, organization_id: UUID, group_id: UUID) -> list[CommentRow]:
    """What was said, oldest first; the newest 200. Cost: one statement."""
    stmt = (
        select(
            Comment.id, Comment.user_id, func.coalesce(User.full_name, User.username), Comment.body,
            Comment.created_at, Comment.edited_at,
        )
        .outerjoin(User, User.id == Comment.user_id)
        .where(
            Comment.organization_id == organization_id,
            Comment.record_type == "failure",
            Comment.record_id == group_id,
            Comment.deleted_at.is_(None),
        )
        .order_by(Comment.created_at.desc(), Comment.id.desc())
        .limit(MOST_COMMENTS)
    )  # fmt: skip
    return [CommentRow(*row) for row in session.execute(stmt)][::-1]


def list_people(session: Session, organization_id: UUID) -> list[tuple[str, str]]:
    """Members as (id, name), for the choice of an owner. Cost: one statement."""
    stmt = text("""
        SELECT CAST(u.id AS text), coalesce(u.full_name, u.username) FROM organization_members m
        JOIN users u ON u.id = m.user_id WHERE m.organization_id = :organization_id ORDER BY 2, 1 LIMIT 500
    """)
    return [(id_, name) for id_, name in session.execute(stmt, {"organization_id": organization_id})]


def get_done(session: Session, organization_id: UUID, user_id: UUID, first: int, last: int) -> tuple[str, int] | None:
    """What the person decided in these events and about how many failures, None when they are not theirs."""
    row: Any = session.execute(
        select(func.min(Event.event_type), func.count()).where(
            Event.organization_id == organization_id,
            Event.sequence.between(first, last),
            Event.actor_id == user_id,
            Event.aggregate_type == "failure",
        )
    ).one()
    return (row[0], row[1]) if row[1] else None
