"""Bring messages to their receivers: handed out under a lease, and tried again until they were taken."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.domain.secret_box import SecretBox, SecretBroken
from webapp.features.notifications.operations import notify
from webapp.models import AlertChannel, ChannelKind, Delivery, DeliveryStatus, OrganizationMember, User
from webapp.outbound.mail import send_mail
from webapp.outbound.post import Answer, post_signed

WAITS = (10, 30, 60, 300, 900, 3600, 3 * 3600, 6 * 3600)
"""Seconds before each further try; after the last one a message is dead until somebody sends it again."""
LEASE = timedelta(seconds=60)
AT_ONCE = 40
AUDIENCES = {"admins": ("owner", "admin"), "everybody": ("owner", "admin", "member", "viewer")}


def purpose(channel_id: UUID) -> str:
    """What the secret of a channel is sealed for."""
    return f"alert_channel:{channel_id}"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to be sent outside of any transaction."""

    id: UUID
    kind: str
    target: str
    secret: str
    payload: dict[str, Any]
    created_at: datetime


def claim(session: Session, organization_id: UUID, *, box: SecretBox, now: datetime) -> list[Outgoing]:
    """Messages that are due; nobody else gets them for a minute. Notifications are written here and now.

    Cost: one statement while nothing is due.
    """
    due = session.scalars(
        select(Delivery)
        .where(
            Delivery.organization_id == organization_id,
            Delivery.status == DeliveryStatus.PENDING,
            Delivery.next_attempt_at <= now,
        )
        .order_by(Delivery.next_attempt_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    found = []
    for delivery in due:
        delivery.attempts += 1
        delivery.next_attempt_at = now + LEASE
        if delivery.channel_kind == ChannelKind.NOTIFICATION:
            _notify(session, delivery)
            _note(delivery, Answer(None, "", 0), now, is_done=True)
        elif (one := _outgoing(session, delivery, box)) is not None:
            found.append(one)
    return found


def _outgoing(session: Session, delivery: Delivery, box: SecretBox) -> Outgoing | None:
    secret = ""
    if delivery.channel_kind == ChannelKind.WEBHOOK:
        channel = session.get(AlertChannel, delivery.alert_channel_id) if delivery.alert_channel_id else None
        try:
            if channel is None or channel.secret is None:
                raise SecretBroken("The channel is gone, and its signing secret with it.")
            secret = box.open(channel.secret, purpose(channel.id))
        except SecretBroken as error:
            delivery.status, delivery.last_error, delivery.next_attempt_at = DeliveryStatus.DEAD, str(error), None
            return None
    own = dict(delivery.payload)
    return Outgoing(delivery.id, delivery.channel_kind, delivery.target, secret, own, delivery.created_at)


def _notify(session: Session, delivery: Delivery) -> None:
    roles = AUDIENCES.get(delivery.target, AUDIENCES["everybody"])
    people = session.scalars(
        select(OrganizationMember.user_id)
        .join(User, User.id == OrganizationMember.user_id)
        .where(
            OrganizationMember.organization_id == delivery.organization_id,
            OrganizationMember.role.in_(roles),
            User.is_active,
        )
    )
    said = delivery.payload
    for user_id in people:
        notify(
            session, delivery.organization_id, user_id, kind="alert", title=said["title"], body=said.get("cause"),
            link=said.get("link"),
        )  # fmt: skip


def send(one: Outgoing, settings: Settings) -> Answer:
    """Send one message; its id goes along, so that a receiver can tell a second copy."""
    base = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    said = one.payload | {"link": base + one.payload["link"]}
    if one.kind == ChannelKind.EMAIL:
        lines = [said["title"], "", said.get("cause") or "", "", said["link"], "", f"Rule: {said['rule']}"]
        return send_mail(one.target, said["title"], "\n".join(lines), message_id=str(one.id), settings=settings)
    body = {"type": f"alert.{said['kind']}", "timestamp": one.created_at.isoformat(), "data": said}
    text = json.dumps(body, ensure_ascii=False).encode()
    return post_signed(
        one.target, text, secret=one.secret, message_id=f"msg_{one.id}", headers={}, settings=settings
    )  # fmt: skip


def settle(session: Session, organization_id: UUID, delivery_id: UUID, answer: Answer, *, now: datetime) -> None:
    """Write down what came of a try."""
    delivery = session.scalar(
        select(Delivery)
        .where(Delivery.organization_id == organization_id, Delivery.id == delivery_id)
        .with_for_update()
    )
    if delivery is not None and delivery.status == DeliveryStatus.PENDING:
        _note(delivery, answer, now, is_done=answer.is_accepted)


def _note(delivery: Delivery, answer: Answer, now: datetime, *, is_done: bool) -> None:
    delivery.last_status, delivery.last_error = answer.status, None if is_done else answer.reason
    if is_done:
        delivery.status, delivery.sent_at, delivery.next_attempt_at = DeliveryStatus.SENT, now, None
    elif answer.is_blocked or delivery.attempts > len(WAITS):
        delivery.status, delivery.next_attempt_at = DeliveryStatus.DEAD, None
    else:
        delivery.next_attempt_at = now + timedelta(seconds=WAITS[delivery.attempts - 1])
