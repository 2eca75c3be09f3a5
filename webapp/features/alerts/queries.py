"""Alerts that fired, rules, channels, and the log of messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.features.flows.visibility import visible_flows
from webapp.models import Agentflow, Alert, AlertChannel, AlertRule, Delivery

MOST = 200
"""The newest so many are listed; filters reach the older ones."""


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One time that a rule fired. ``waiting`` and ``dead`` count its messages that did not arrive."""

    id: UUID
    title: str
    cause: str
    link: str
    rule: str
    kind: str
    fired_at: datetime
    ended_at: datetime | None
    is_about_failure: bool
    sent: int
    waiting: int
    dead: int


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule."""

    id: UUID
    name: str
    kind: str
    agentflow_id: UUID | None
    flow_name: str | None
    environment: str | None
    threshold: float | None
    window_minutes: int
    least_executions: int
    is_no_data_alert: bool
    channel_ids: tuple[UUID, ...]
    is_active: bool
    last_evaluated_at: datetime | None
    last_fired_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel."""

    id: UUID
    name: str
    kind: str
    target: str
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One message in the log."""

    id: UUID
    title: str
    channel: str | None
    channel_kind: str
    target: str
    is_test: bool
    status: str
    attempts: int
    last_status: int | None
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None
    next_attempt_at: datetime | None


def list_alerts(session: Session, organization_id: UUID, *, q: str = "", kind: str = "") -> list[AlertRow]:
    """The newest alerts. Cost: one statement."""

    def count(status: str) -> Any:
        return (
            select(func.count())
            .select_from(Delivery)
            .where(
                Delivery.organization_id == organization_id, Delivery.alert_id == Alert.id, Delivery.status == status
            )
            .scalar_subquery()
        )

    stmt = (
        select(
            Alert.id, Alert.title, Alert.payload, AlertRule.name, AlertRule.kind, Alert.fired_at, Alert.ended_at,
            count("sent"), count("pending"), count("dead"),
        )
        .join(AlertRule, AlertRule.id == Alert.alert_rule_id)
        .where(Alert.organization_id == organization_id)
        .order_by(Alert.fired_at.desc(), Alert.id.desc())
        .limit(MOST)
    )  # fmt: skip
    if q:
        stmt = stmt.where(Alert.title.icontains(q, autoescape=True) | AlertRule.name.icontains(q, autoescape=True))
    if kind:
        stmt = stmt.where(AlertRule.kind == kind)
    rows = []
    for row in session.execute(stmt):
        said = row.payload
        is_failure = row.kind in ("new_failure", "regression", "escalation")
        rows.append(AlertRow(
            row.id, row.title, said.get("cause", ""), said.get("link", ""), row.name, row.kind, row.fired_at,
            row.ended_at, is_failure, *row[7:],
        ))  # fmt: skip
    return rows


def list_rules(session: Session, organization_id: UUID, *, q: str = "") -> list[RuleRow]:
    """All rules by name. Cost: one statement."""
    last = (
        select(func.max(Alert.fired_at))
        .where(Alert.organization_id == organization_id, Alert.alert_rule_id == AlertRule.id)
        .scalar_subquery()
    )
    stmt = (
        select(AlertRule, Agentflow.name, last)
        .outerjoin(Agentflow, Agentflow.id == AlertRule.agentflow_id)
        .where(AlertRule.organization_id == organization_id)
        .order_by(AlertRule.name, AlertRule.id)
    )
    if q:
        stmt = stmt.where(AlertRule.name.icontains(q, autoescape=True))
    return [_rule(*row) for row in session.execute(stmt)]


def _rule(one: AlertRule, flow_name: str | None, fired: datetime | None) -> RuleRow:
    return RuleRow(
        one.id, one.name, one.kind, one.agentflow_id, flow_name, one.environment, one.threshold, one.window_minutes,
        one.least_executions, one.is_no_data_alert, tuple(UUID(str(i)) for i in one.channel_ids), one.is_active,
        one.last_evaluated_at, fired,
    )  # fmt: skip


def get_rule(session: Session, organization_id: UUID, rule_id: UUID) -> RuleRow:
    """One rule. Raises: NotFound."""
    stmt = (
        select(AlertRule, Agentflow.name)
        .outerjoin(Agentflow, Agentflow.id == AlertRule.agentflow_id)
        .where(AlertRule.organization_id == organization_id, AlertRule.id == rule_id)
    )
    row = session.execute(stmt).one_or_none()
    if row is None:
        raise NotFound("There is no such rule in this organization.")
    return _rule(row[0], row[1], None)


def list_channels(session: Session, organization_id: UUID) -> list[ChannelRow]:
    """All channels by name. Cost: one statement."""
    one = AlertChannel
    stmt = select(one.id, one.name, one.kind, one.target, one.is_active, one.created_at)
    stmt = stmt.where(one.organization_id == organization_id).order_by(one.name, one.id)
    return [ChannelRow(*row) for row in session.execute(stmt)]


def list_deliveries(session: Session, organization_id: UUID, *, q: str = "", status: str = "") -> list[DeliveryRow]:
    """The newest messages. Cost: one statement."""
    one = Delivery
    title = one.payload["title"].as_string()
    stmt = (
        select(
            one.id, func.coalesce(title, ""), AlertChannel.name, one.channel_kind, one.target, one.is_test, one.status,
            one.attempts, one.last_status, one.last_error, one.created_at, one.sent_at, one.next_attempt_at,
        )
        .outerjoin(AlertChannel, AlertChannel.id == one.alert_channel_id)
        .where(one.organization_id == organization_id)
        .order_by(one.created_at.desc(), one.id.desc())
        .limit(MOST)
    )  # fmt: skip
    if q:
        stmt = stmt.where(cast(title, String).icontains(q, autoescape=True) | one.target.icontains(q, autoescape=True))
    if status:
        stmt = stmt.where(one.status == status)
    return [DeliveryRow(*row) for row in session.execute(stmt)]


def list_flows(session: Session, actor: Actor) -> list[tuple[UUID, str]]:
    """Flows to choose from. Cost: one statement."""
    stmt = (
        select(Agentflow.id, Agentflow.name)
        .where(visible_flows(actor), Agentflow.deleted_at.is_(None))
        .order_by(Agentflow.name, Agentflow.id)
        .limit(1_000)
    )
    return [(row[0], row[1] or "Unnamed flow") for row in session.execute(stmt)]
