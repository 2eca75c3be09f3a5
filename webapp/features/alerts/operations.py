"""Rules and channels as people set them, tests, and messages that are sent once more."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.errors import Conflict, Invalid, NotFound
from webapp.domain.secret_box import SecretBox
from webapp.features.alerts.operations_deliver import purpose
from webapp.features.alerts.operations_evaluate import add_delivery
from webapp.features.events import operations as events
from webapp.features.flows.visibility import visible_flows
from webapp.models import (
    Agentflow,
    AlertChannel,
    AlertRule,
    ChannelKind,
    Delivery,
    DeliveryStatus,
    new_id,
)
from webapp.outbound.signing import new_secret


@dataclass(frozen=True, slots=True)
class WantedRule:
    """A rule as the form gives it; the threshold is a share, milliseconds or dollars."""

    name: str
    kind: str
    agentflow_id: UUID | None
    environment: str | None
    threshold: float | None
    window_minutes: int
    least_executions: int
    is_no_data_alert: bool
    channel_ids: tuple[UUID, ...]
    is_active: bool


def save_rule(session: Session, actor: Actor, rule_id: UUID | None, wanted: WantedRule, *, now: datetime) -> UUID:
    """Make a rule, or change the one named. Raises: NotFound, Invalid."""
    _check(session, actor, wanted)
    rule = _rule(session, actor, rule_id) if rule_id else None
    before = _described(rule) if rule else None
    if rule is None:
        rule = AlertRule(
            id=new_id(), organization_id=actor.organization_id, created_by_id=actor.user_id, created_at=now
        )
        session.add(rule)
    for name, value in asdict(wanted).items():
        setattr(rule, name, [str(one) for one in value] if name == "channel_ids" else value)
    rule.updated_at = now
    session.flush()
    payload = {"before": before, "after": _described(rule)}
    events.record(session, actor, "alert_rule", rule.id, "alert_rule.saved", payload, at=now)
    return rule.id


def _check(session: Session, actor: Actor, wanted: WantedRule) -> None:
    own = actor.organization_id
    found = session.scalars(
        select(AlertChannel.id).where(AlertChannel.organization_id == own, AlertChannel.id.in_(wanted.channel_ids))
    ).all()
    if len(found) != len(wanted.channel_ids):
        raise Invalid("There is no such channel.", field="channel_ids")
    if wanted.agentflow_id is not None:
        flow = select(Agentflow.id).where(visible_flows(actor), Agentflow.id == wanted.agentflow_id)
        if session.scalar(flow) is None:
            raise Invalid("There is no such flow.", field="agentflow_id")


def _described(rule: AlertRule) -> dict[str, object]:
    names = ("name", "kind", "environment", "threshold", "window_minutes", "least_executions", "is_active")
    return {name: getattr(rule, name) for name in names}


def delete_rule(session: Session, actor: Actor, rule_id: UUID, *, now: datetime) -> None:
    """Take a rule away with its alerts; messages on their way arrive. Raises: NotFound."""
    rule = _rule(session, actor, rule_id)
    payload = {"before": _described(rule), "after": None}
    session.execute(delete(AlertRule).where(AlertRule.id == rule.id, AlertRule.organization_id == rule.organization_id))
    events.record(session, actor, "alert_rule", rule_id, "alert_rule.deleted", payload, at=now)


def _rule(session: Session, actor: Actor, rule_id: UUID) -> AlertRule:
    rule = session.scalar(
        select(AlertRule)
        .where(AlertRule.organization_id == actor.organization_id, AlertRule.id == rule_id)
        .with_for_update()
    )
    if rule is None:
        raise NotFound("There is no such rule in this organization.")
    return rule


def add_channel(
    session: Session, actor: Actor, *, name: str, kind: str, target: str, box: SecretBox, now: datetime
) -> str | None:
    """Make a channel; answers the signing secret of a webhook, here and never again."""
    channel = AlertChannel(
        id=new_id(), organization_id=actor.organization_id, name=name, kind=kind, target=target,
        created_by_id=actor.user_id,
    )  # fmt: skip
    secret = new_secret() if kind == ChannelKind.WEBHOOK else None
    if secret is not None:
        channel.secret = box.seal(secret, purpose(channel.id))
    session.add(channel)
    session.flush()
    payload = {"name": name, "kind": kind, "target": target}
    events.record(session, actor, "alert_channel", channel.id, "alert_channel.created", payload, at=now)
    return secret


def delete_channel(session: Session, actor: Actor, channel_id: UUID, *, now: datetime) -> None:
    """Take a channel away; rules go on with their other ones. Raises: NotFound."""
    channel = _channel(session, actor, channel_id)
    payload = {"name": channel.name, "kind": channel.kind, "target": channel.target}
    session.delete(channel)
    session.flush()
    events.record(session, actor, "alert_channel", channel_id, "alert_channel.deleted", payload, at=now)


def test_channel(session: Session, actor: Actor, channel_id: UUID, *, now: datetime) -> UUID:
    """Put a test on its way through a channel; the delivery log says whether it arrived. Raises: NotFound."""
    channel = _channel(session, actor, channel_id)
    payload = {
        "rule": "Test",
        "kind": "test",
        "title": f"Test of {channel.name}",
        "cause": "Somebody pressed “Send test”. Nothing is wrong.",
        "link": "/alerts",
    }
    return add_delivery(session, actor.organization_id, channel, payload, now=now, is_test=True)


def _channel(session: Session, actor: Actor, channel_id: UUID) -> AlertChannel:
    channel = session.scalar(
        select(AlertChannel).where(AlertChannel.organization_id == actor.organization_id, AlertChannel.id == channel_id)
    )
    if channel is None:
        raise NotFound("There is no such channel in this organization.")
    return channel


def resend(session: Session, actor: Actor, delivery_id: UUID, *, now: datetime) -> None:
    """Try a message that was given up once more, under its own id. Raises: NotFound, Conflict."""
    delivery = session.scalar(
        select(Delivery)
        .where(Delivery.organization_id == actor.organization_id, Delivery.id == delivery_id)
        .with_for_update()
    )
    if delivery is None:
        raise NotFound("There is no such message in this organization.")
    if delivery.status == DeliveryStatus.SENT:
        raise Conflict("This message arrived.")
    delivery.status, delivery.attempts, delivery.next_attempt_at = DeliveryStatus.PENDING, 0, now
    events.record(session, actor, "delivery", delivery_id, "delivery.resent", {"target": delivery.target}, at=now)
