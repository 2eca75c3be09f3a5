"""Alerts: what fired, rules, channels, and the log of messages."""

from __future__ import annotations

from uuid import UUID

from flask import Response, current_app, request, url_for

from webapp.actor import Actor
from webapp.domain.secret_box import SecretBox
from webapp.extensions import db
from webapp.features.alerts import operations, queries
from webapp.features.alerts.forms import AUDIENCES, CHANNEL_KINDS, KINDS, STATUSES, ChannelForm, RuleForm
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.downloads import csv_download
from webapp.web.form_rules import plain_text
from webapp.web.forms import posted
from webapp.web.headers import without_compression
from webapp.web.render import render_page
from webapp.web.shell import now

bp = GuardedBlueprint("alerts", __name__, url_prefix="/alerts")
ALERT_COLUMNS = ("fired_at", "ended_at", "rule", "kind", "title", "cause", "link", "sent", "waiting", "dead")
DELIVERY_COLUMNS = (
    "created_at", "title", "channel", "channel_kind", "target", "is_test", "status", "attempts", "last_status",
    "last_error", "sent_at",
)  # fmt: skip


@bp.get("", permission=Permission.ALERTS_READ)
def index(actor: Actor) -> Response:
    return _draw(actor, "index", rows=_alerts(actor))


@bp.get("/alerts.csv", permission=Permission.ALERTS_READ)
def alerts_csv(actor: Actor) -> Response:
    rows = [[getattr(row, name) for name in ALERT_COLUMNS] for row in _alerts(actor)]
    return csv_download("alerts", ALERT_COLUMNS, rows)


@bp.get("/rules", permission=Permission.ALERTS_READ)
def rules(actor: Actor) -> Response:
    return _rules_page(actor)


@bp.post("/rules", permission=Permission.ALERTS_MANAGE)
def create_rule(actor: Actor) -> Response:
    form = _rule_form(actor, request.form)
    if not form.validate():
        return _rules_page(actor, form, status=422)
    operations.save_rule(db.session, actor, None, form.wanted(), now=now())
    return htmx.redirect_to(url_for("alerts.rules", done="saved"))


@bp.get("/rules/<uuid:rule_id>", permission=Permission.ALERTS_READ)
def rule(actor: Actor, rule_id: UUID) -> Response:
    found = queries.get_rule(db.session, actor.organization_id, rule_id)
    return _draw(actor, "rule", rule=found, form=_rule_form(actor, None, data=_values(found)))


@bp.post("/rules/<uuid:rule_id>", permission=Permission.ALERTS_MANAGE)
def change_rule(actor: Actor, rule_id: UUID) -> Response:
    found = queries.get_rule(db.session, actor.organization_id, rule_id)
    form = _rule_form(actor, request.form)
    if not form.validate():
        return _draw(actor, "rule", status=422, rule=found, form=form)
    operations.save_rule(db.session, actor, rule_id, form.wanted(), now=now())
    return htmx.redirect_to(url_for("alerts.rules", done="saved"))


@bp.post("/rules/<uuid:rule_id>/delete", permission=Permission.ALERTS_MANAGE)
def delete_rule(actor: Actor, rule_id: UUID) -> Response:
    operations.delete_rule(db.session, actor, rule_id, now=now())
    return htmx.redirect_to(url_for("alerts.rules", done="deleted"))


@bp.get("/channels", permission=Permission.ALERTS_READ)
def channels(actor: Actor) -> Response:
    return _channels_page(actor, ChannelForm())


@bp.post("/channels", permission=Permission.ALERTS_MANAGE)
def create_channel(actor: Actor) -> Response:
    form = posted(ChannelForm)
    if not form.validate():
        return _channels_page(actor, form, status=422)
    box = SecretBox(current_app.config["SECRET_KEY"])
    secret = operations.add_channel(
        db.session, actor, name=form.name.data, kind=form.kind.data, target=form.wanted_target, box=box, now=now()
    )
    return without_compression(_channels_page(actor, ChannelForm(), secret=secret, said="Channel made.", status=201))


@bp.post("/channels/<uuid:channel_id>/test", permission=Permission.ALERTS_MANAGE)
def test_channel(actor: Actor, channel_id: UUID) -> Response:
    operations.test_channel(db.session, actor, channel_id, now=now())
    return htmx.redirect_to(url_for("alerts.deliveries", done="tested"))


@bp.post("/channels/<uuid:channel_id>/delete", permission=Permission.ALERTS_MANAGE)
def delete_channel(actor: Actor, channel_id: UUID) -> Response:
    operations.delete_channel(db.session, actor, channel_id, now=now())
    return htmx.redirect_to(url_for("alerts.channels", done="deleted"))


@bp.get("/deliveries", permission=Permission.ALERTS_READ)
def deliveries(actor: Actor) -> Response:
    return _draw(actor, "deliveries", rows=_deliveries(actor))


@bp.get("/deliveries.csv", permission=Permission.ALERTS_READ)
def deliveries_csv(actor: Actor) -> Response:
    rows = [[getattr(row, name) for name in DELIVERY_COLUMNS] for row in _deliveries(actor)]
    return csv_download("deliveries", DELIVERY_COLUMNS, rows)


@bp.post("/deliveries/<uuid:delivery_id>/resend", permission=Permission.ALERTS_MANAGE)
def resend(actor: Actor, delivery_id: UUID) -> Response:
    operations.resend(db.session, actor, delivery_id, now=now())
    return htmx.redirect_to(url_for("alerts.deliveries", done="resent"))


def _asked(name: str, words: dict[str, str] | None = None) -> str:
    text = plain_text(request.args.get(name))[:200]
    return text if words is None or text in words else ""


def _alerts(actor: Actor) -> list[queries.AlertRow]:
    return queries.list_alerts(db.session, actor.organization_id, q=_asked("q"), kind=_asked("kind", KINDS))


def _deliveries(actor: Actor) -> list[queries.DeliveryRow]:
    status = _asked("status", STATUSES)
    return queries.list_deliveries(db.session, actor.organization_id, q=_asked("q"), status=status)


def _rule_form(actor: Actor, body: object, data: dict[str, object] | None = None) -> RuleForm:
    flows = queries.list_flows(db.session, actor)
    ways = queries.list_channels(db.session, actor.organization_id)
    return RuleForm(body, data=data, flows=flows, channels=ways)


def _rules_page(actor: Actor, form: RuleForm | None = None, status: int = 200) -> Response:
    rows = queries.list_rules(db.session, actor.organization_id, q=_asked("q"))
    return _draw(actor, "rules", status=status, rows=rows, form=form or _rule_form(actor, None))


def _channels_page(
    actor: Actor, form: ChannelForm, *, secret: str | None = None, said: str = "", status: int = 200
) -> Response:
    rows = queries.list_channels(db.session, actor.organization_id)
    return _draw(actor, "channels", status=status, rows=rows, form=form, secret=secret, said=said)


def _values(rule: queries.RuleRow) -> dict[str, object]:
    values = {name: getattr(rule, name) for name in RuleForm.__dict__ if hasattr(rule, name)}
    if rule.threshold is not None and rule.kind == "failure_rate":
        values["threshold"] = round(rule.threshold * 100, 6)
    channels = [str(one) for one in rule.channel_ids]
    return values | {"agentflow_id": str(rule.agentflow_id or ""), "channel_ids": channels}


def _draw(actor: Actor, tab: str, *, status: int = 200, **context: object) -> Response:
    return render_page(
        f"alerts/{tab}.html",
        status=status,
        tab=tab,
        q=_asked("q"),
        kind=_asked("kind", KINDS),
        status_wanted=_asked("status", STATUSES),
        words={"kinds": KINDS, "channels": CHANNEL_KINDS, "audiences": AUDIENCES, "statuses": STATUSES},
        done=request.args.get("done", ""),
        may_manage=actor.may(Permission.ALERTS_MANAGE),
        **context,
    )
