"""Alert rules, where they are told, and how far the messages are."""

from tests.factories.base import factory
from webapp.models import Alert, AlertChannel, AlertRule, Delivery

make_alert_channel = factory(AlertChannel, kind="email", target="team@example.com")
make_alert_rule = factory(AlertRule, kind="new_failure")
make_alert = factory(Alert)
make_delivery = factory(Delivery, channel_kind="email")
