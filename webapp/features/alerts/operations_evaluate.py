"""Decide what is to be told: one alert per rule and episode, with a message for each channel of the rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.features.rollups.queries import Figures, Scope, sum_figures
from webapp.models import (
    Agentflow,
    Alert,
    AlertChannel,
    AlertKind,
    AlertRule,
    Delivery,
    FailureGroup,
    FailureOccurrence,
    FailureState,
    new_id,
)

OVERLAP = timedelta(minutes=10)
"""Looked at again in each round: a failure is seen when its transaction ends, which may be after it began."""
ABOUT_FAILURES = frozenset({AlertKind.NEW_FAILURE, AlertKind.REGRESSION, AlertKind.ESCALATION})
HEADINGS = {
    AlertKind.NEW_FAILURE: "New failure",
    AlertKind.REGRESSION: "Failure is back",
    AlertKind.ESCALATION: "Failure escalates",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to tell. ``key`` is the episode: what has the same key was told already."""

    key: str
    title: str
    cause: str
    link: str
    failure_id: UUID | None = None
    value: float | None = None
    more: dict[str, Any] = field(default_factory=dict)


def evaluate(session: Session, organization_id: UUID, *, now: datetime) -> int:
    """Look at every active rule and count what is new to tell. Rules that another process looks at are left to it.

    Cost: one statement without rules, then about three for each rule.
    """
    rules = session.scalars(
        select(AlertRule)
        .where(AlertRule.organization_id == organization_id, AlertRule.is_active)
        .order_by(AlertRule.id)
        .with_for_update(skip_locked=True)
    ).all()
    count = 0
    for rule in rules:
        findings = _failures(session, rule) if rule.kind in ABOUT_FAILURES else _figures(session, rule, now)
        for finding in findings:
            count += _fire(session, rule, finding, now)
        rule.last_evaluated_at = now
    return count


def _failures(session: Session, rule: AlertRule) -> Iterator[Finding]:
    group = FailureGroup
    moment = {
        AlertKind.NEW_FAILURE: group.created_at,
        AlertKind.REGRESSION: group.regressed_at,
        AlertKind.ESCALATION: group.escalating_since,
    }[AlertKind(rule.kind)]
    since = max(rule.created_at, (rule.last_evaluated_at or rule.created_at) - OVERLAP)
    stmt = (
        select(group.id, group.number, group.title, group.step_name, Agentflow.name, moment)
        .outerjoin(Agentflow, Agentflow.id == group.agentflow_id)
        .where(
            group.organization_id == rule.organization_id,
            group.state == FailureState.OPEN,
            group.merged_into_id.is_(None),
            moment > since,
        )
        .order_by(moment)
    )
    if rule.agentflow_id is not None or rule.environment:
        seen = exists().where(FailureOccurrence.failure_group_id == group.id)
        if rule.agentflow_id is not None:
            seen = seen.where(FailureOccurrence.agentflow_id == rule.agentflow_id)
        if rule.environment:
            seen = seen.where(FailureOccurrence.environment == rule.environment)
        stmt = stmt.where(seen)
    for failure_id, number, title, step, flow, at in session.execute(stmt).all():
        place = " › ".join(part for part in (flow, step) if part)
        yield Finding(
            f"{rule.kind}:{failure_id}" + ("" if rule.kind == AlertKind.NEW_FAILURE else f":{at.isoformat()}"),
            f"{HEADINGS[AlertKind(rule.kind)]}: {title}",
            f"{title}" + (f", in {place}" if place else ""),
            f"/failures/{failure_id}",
            failure_id,
            more={"failure": f"F-{number}"},
        )


def _figures(session: Session, rule: AlertRule, now: datetime) -> Iterator[Finding]:
    """An episode begins when the threshold is passed, and ends when it was not any more after one window."""
    window = timedelta(minutes=rule.window_minutes)
    scope = Scope(
        rule.organization_id,
        now - window,
        now,
        flows=(rule.agentflow_id,) if rule.agentflow_id else (),
        environments=(rule.environment,) if rule.environment else (),
    )
    figures = sum_figures(session, scope)
    value, enough = _value(rule, figures)
    is_silent = figures.executions == 0 and rule.is_no_data_alert and rule.created_at < now - window
    is_above = value is not None and enough and rule.threshold is not None and value > rule.threshold
    current = session.scalars(
        select(Alert).where(
            Alert.organization_id == rule.organization_id, Alert.alert_rule_id == rule.id, Alert.ended_at.is_(None)
        )
    ).all()
    open_kinds = set()
    for alert in current:
        is_no_data = bool(alert.payload.get("is_no_data"))
        is_still = figures.executions == 0 if is_no_data else is_above
        if is_still or (not is_no_data and (not enough or alert.fired_at > now - window)):
            open_kinds.add(is_no_data)
        else:
            alert.ended_at = now
    if is_above and False not in open_kinds:
        yield _crossing(session, rule, scope, figures, value or 0.0)
    if is_silent and True not in open_kinds:
        yield Finding(
            _episode(session, rule),
            f"No data: {rule.name}",
            f"No execution started in the last {rule.window_minutes} minutes.",
            _executions_link(rule),
            more={"is_no_data": True},
        )


def _value(rule: AlertRule, figures: Figures) -> tuple[float | None, bool]:
    """What the rule compares, and whether it rests on enough executions."""
    if rule.kind == AlertKind.FAILURE_RATE:
        return (figures.failed / figures.ended if figures.ended else None), figures.ended >= rule.least_executions
    if rule.kind == AlertKind.DURATION_P95:
        return figures.duration_ms(0.95), figures.duration_count >= rule.least_executions
    return None if figures.cost_usd is None else float(figures.cost_usd), True


def _crossing(session: Session, rule: AlertRule, scope: Scope, figures: Figures, value: float) -> Finding:
    limit = rule.threshold or 0.0
    span = f"in {rule.window_minutes} minutes"
    if rule.kind == AlertKind.FAILURE_RATE:
        failure_id, cause = _worst(session, scope, figures)
        title = f"{value:.1%} of executions failed {span} (limit {limit:.1%})"
        link = f"/failures/{failure_id}" if failure_id else _executions_link(rule, "&status=failed")
        return Finding(_episode(session, rule), title, cause, link, failure_id, value)
    if rule.kind == AlertKind.DURATION_P95:
        title = f"p95 is {value:,.0f} ms {span} (limit {limit:,.0f} ms)"
        cause = f"{figures.duration_count} executions ended, the slowest twentieth took longer than {value:,.0f} ms."
    else:
        title = f"Cost is ${value:,.2f} {span} (limit ${limit:,.2f})"
        cause = f"{figures.executions} executions; failed ones cost ${float(figures.failed_cost_usd or 0):,.2f} of it."
    return Finding(_episode(session, rule), title, cause, _executions_link(rule), None, value)


def _worst(session: Session, scope: Scope, figures: Figures) -> tuple[UUID | None, str]:
    """The failure behind most of the failed executions of the window."""
    one = FailureOccurrence
    stmt = (
        select(FailureGroup.id, FailureGroup.title, func.count().label("n"))
        .select_from(one)
        .join(FailureGroup, FailureGroup.id == one.failure_group_id)
        .where(
            one.organization_id == scope.organization_id, one.occurred_at >= scope.since, one.occurred_at < scope.until
        )
        .group_by(FailureGroup.id, FailureGroup.title)
        .order_by(func.count().desc(), FailureGroup.id)
        .limit(1)
    )
    if scope.flows:
        stmt = stmt.where(one.agentflow_id.in_(scope.flows))
    if scope.environments:
        stmt = stmt.where(one.environment.in_(scope.environments))
    row = session.execute(stmt).first()
    if row is None:
        return None, f"{figures.failed} of {figures.ended} executions failed, for no cause that is known yet."
    return row.id, f"{row.title}: {row.n} of {figures.failed} failed executions"


def _executions_link(rule: AlertRule, more: str = "") -> str:
    return "/executions?time=24h" + (f"&flow={rule.agentflow_id}" if rule.agentflow_id else "") + more


def _episode(session: Session, rule: AlertRule) -> str:
    """Counted under the lock of the rule, so that two processes would make the same key."""
    count = session.scalar(
        select(func.count())
        .select_from(Alert)
        .where(Alert.organization_id == rule.organization_id, Alert.alert_rule_id == rule.id)
    )
    return f"{rule.kind}:episode {(count or 0) + 1}"


def _fire(session: Session, rule: AlertRule, finding: Finding, now: datetime) -> int:
    payload = _payload(rule, finding, now)
    about_failure = rule.kind in ABOUT_FAILURES
    made = session.execute(
        insert(Alert)
        .values(
            id=new_id(),
            organization_id=rule.organization_id,
            alert_rule_id=rule.id,
            failure_group_id=finding.failure_id,
            dedupe_key=finding.key,
            title=finding.title[:500],
            value=finding.value,
            payload=payload,
            fired_at=now,
            ended_at=now if about_failure else None,
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "alert_rule_id", "dedupe_key"])
        .returning(Alert.id)
    ).scalar()
    if made is None:
        return 0
    wanted = [UUID(str(one)) for one in rule.channel_ids]
    channels = session.scalars(
        select(AlertChannel).where(
            AlertChannel.organization_id == rule.organization_id, AlertChannel.id.in_(wanted), AlertChannel.is_active
        )
    )
    for channel in channels:
        add_delivery(session, rule.organization_id, channel, payload, now=now, alert_id=made)
    return 1


def _payload(rule: AlertRule, finding: Finding, now: datetime) -> dict[str, Any]:
    """What a message says."""
    return {
        "rule": rule.name,
        "kind": rule.kind,
        "title": finding.title,
        "cause": finding.cause,
        "link": finding.link,
        "environment": rule.environment,
        "value": finding.value,
        "threshold": rule.threshold,
        "window_minutes": rule.window_minutes,
        "fired_at": now.isoformat(),
        **finding.more,
    }


def add_delivery(
    session: Session,
    organization_id: UUID,
    channel: AlertChannel,
    payload: dict[str, Any],
    *,
    now: datetime,
    alert_id: UUID | None = None,
    is_test: bool = False,
) -> UUID:
    """Put one message on its way, within the transaction of what it tells."""
    delivery = Delivery(
        id=new_id(),
        organization_id=organization_id,
        alert_channel_id=channel.id,
        alert_id=alert_id,
        channel_kind=channel.kind,
        target=channel.target,
        payload=payload,
        is_test=is_test,
        next_attempt_at=now,
    )
    session.add(delivery)
    session.flush()
    return delivery.id
