"""What should be told to whom, and whether it arrived. All added: the specification has notifications only."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import created_column, db, id_column, json_column, one_of, organization_column, updated_column


class AlertKind(StrEnum):
    """What a rule watches."""

    NEW_FAILURE = "new_failure"
    REGRESSION = "regression"
    ESCALATION = "escalation"
    FAILURE_RATE = "failure_rate"
    DURATION_P95 = "duration_p95"
    COST = "cost"


class ChannelKind(StrEnum):
    """How something is told."""

    NOTIFICATION = "notification"
    EMAIL = "email"
    WEBHOOK = "webhook"


class DeliveryStatus(StrEnum):
    """How far a message is. `dead`: given up after the last try; somebody may send it again."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"


class AlertChannel(db.Model):
    """A way out: an address, or a webhook whose signing secret is encrypted with the instance's key."""

    __tablename__ = "alert_channels"
    __table_args__ = (Index(None, "organization_id"), one_of("kind", ChannelKind))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    name: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(20))
    # An email address, a URL, or empty for notifications to the people of the rule.
    target: Mapped[str] = mapped_column(String(2000), server_default="")
    secret: Mapped[bytes | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()


class AlertRule(db.Model):
    """When to tell. `config` holds flow and environment filters; a threshold is a share, milliseconds or dollars."""

    __tablename__ = "alert_rules"
    __table_args__ = (Index(None, "organization_id"), one_of("kind", AlertKind))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    name: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(30))
    agentflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    environment: Mapped[str | None] = mapped_column(String(100))
    threshold: Mapped[float | None]
    window_minutes: Mapped[int] = mapped_column(server_default=text("15"))
    # Fewer executions than this in the window say nothing.
    least_executions: Mapped[int] = mapped_column(server_default=text("10"))
    # What silence means: nothing, or an alert of its own.
    is_no_data_alert: Mapped[bool] = mapped_column(server_default=text("false"))
    channel_ids: Mapped[list[Any]] = json_column("[]")
    config: Mapped[dict[str, Any]] = json_column()
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    last_evaluated_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()


class Alert(db.Model):
    """One time that a rule fired. `dedupe_key` keeps one alert per cause and episode, whoever evaluates."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(None, "organization_id", "fired_at"),
        Index("uq_alerts_dedupe", "organization_id", "alert_rule_id", "dedupe_key", unique=True),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    alert_rule_id: Mapped[UUID] = mapped_column(ForeignKey("alert_rules.id", ondelete="CASCADE"))
    failure_group_id: Mapped[UUID | None] = mapped_column(ForeignKey("failure_groups.id", ondelete="SET NULL"))
    dedupe_key: Mapped[str] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(500))
    value: Mapped[float | None]
    payload: Mapped[dict[str, Any]] = json_column()
    fired_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()


class Delivery(db.Model):
    """One message on its way through one channel, with every try. Kept as the delivery log."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index(None, "organization_id", "created_at"),
        Index("ix_deliveries_due", "next_attempt_at", postgresql_where=text("status = 'pending'")),
        one_of("status", DeliveryStatus),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    alert_channel_id: Mapped[UUID | None] = mapped_column(ForeignKey("alert_channels.id", ondelete="SET NULL"))
    alert_id: Mapped[UUID | None] = mapped_column(ForeignKey("alerts.id", ondelete="SET NULL"))
    channel_kind: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(2000), server_default="")
    payload: Mapped[dict[str, Any]] = json_column()
    is_test: Mapped[bool] = mapped_column(server_default=text("false"))
    status: Mapped[str] = mapped_column(String(20), server_default=DeliveryStatus.PENDING)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()
