"""A rule, a channel and a message of organization one, for the walk of strangers."""

from __future__ import annotations

from typing import Any

from tests.factories.alerts import make_alert_channel, make_alert_rule, make_delivery

ALERT_ARGUMENTS = {
    **{(f"alerts.{name}", "rule_id"): "alert_rule" for name in ("rule", "change_rule")},
    ("alerts.delete_rule", "rule_id"): "alert_rule_to_delete",
    ("alerts.test_channel", "channel_id"): "alert_channel",
    ("alerts.delete_channel", "channel_id"): "alert_channel_to_delete",
    ("alerts.resend", "delivery_id"): "delivery",
}
_RULE = {"name": "x", "kind": "new_failure", "window_minutes": "15", "least_executions": "1"}
ALERT_BODIES = {
    "alerts.create_rule": _RULE,
    "alerts.change_rule": _RULE,
    "alerts.create_channel": {"name": "x", "kind": "notification", "audience": "admins"},
}


def make_alerts(organization_id: Any, canary: str) -> dict[str, Any]:
    own = {"organization_id": organization_id}
    return {
        "alert_rule": make_alert_rule(name=canary, **own).id,
        "alert_rule_to_delete": make_alert_rule(name=canary, **own).id,
        "alert_channel": make_alert_channel(name=canary, **own).id,
        "alert_channel_to_delete": make_alert_channel(name=canary, **own).id,
        "delivery": make_delivery(payload={"title": canary, "link": "/", "rule": canary}, **own).id,
    }
