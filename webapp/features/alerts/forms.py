"""Input of alert rules and channels."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from wtforms import BooleanField, FloatField, Form, IntegerField, SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from webapp.domain.emails import is_email
from webapp.features.alerts.operations import WantedRule
from webapp.outbound.guard import Blocked, check_url
from webapp.web.form_rules import NO_CONTROLS, tidy

KINDS = {
    "new_failure": "A failure that was never seen before",
    "regression": "A failure that was resolved and is back",
    "escalation": "A failure that happens far more often than usual",
    "failure_rate": "Failure rate above a limit",
    "duration_p95": "p95 of durations above a limit",
    "cost": "Cost above a limit",
}
CHANNEL_KINDS = {"notification": "Notification in the product", "email": "Email", "webhook": "Signed webhook"}
AUDIENCES = {"admins": "Admins and owners", "everybody": "Everybody in the organization"}
STATUSES = {"pending": "On the way", "sent": "Arrived", "dead": "Given up"}
WITH_LIMIT = ("failure_rate", "duration_p95", "cost")


class RuleForm(Form):
    """When to tell whom."""

    name = StringField("Name", [DataRequired("Name the rule."), Length(max=255), NO_CONTROLS], filters=[tidy])
    kind = SelectField("Tell when there is", choices=[SelectChoice(k, v) for k, v in KINDS.items()])
    agentflow_id = SelectField("Flow", default="")
    environment = StringField("Environment", [Length(max=100), NO_CONTROLS], filters=[tidy])
    threshold = FloatField("Limit", [Optional(), NumberRange(0, 1e9, "Enter a number that is not negative.")])
    window_minutes = IntegerField(
        "Minutes looked at", [InputRequired(), NumberRange(1, 1440, "Between 1 and 1,440.")], default=15
    )
    least_executions = IntegerField(
        "At least so many executions", [InputRequired(), NumberRange(1, 1_000_000, "At least 1.")], default=10
    )
    is_no_data_alert = BooleanField("Also tell when nothing runs")
    channel_ids = SelectMultipleField(
        "Channels", widget=ListWidget(prefix_label=False), option_widget=CheckboxInput(), default=[]
    )
    is_active = BooleanField("Active", default=True)

    def __init__(self, *args: object, flows: Sequence = (), channels: Sequence = (), **kwargs: object):
        super().__init__(*args, **kwargs)
        self.agentflow_id.choices = [SelectChoice("", "Any flow"), *(SelectChoice(str(i), name) for i, name in flows)]
        self.channel_ids.choices = [SelectChoice(str(one.id), one.name) for one in channels]

    def validate(self, extra_validators: object = None) -> bool:
        """An empty limit ends the field's own checks, so that it is asked for here."""
        is_fine = super().validate(extra_validators)
        limit, problem = self.threshold.data, ""
        if self.kind.data in WITH_LIMIT and limit is None and not self.threshold.errors:
            problem = "Enter a limit."
        elif self.kind.data == "failure_rate" and (limit or 0) > 100:
            problem = "A rate is at most 100 %."
        if problem:
            self.threshold.errors = [*self.threshold.errors, problem]
        return is_fine and not problem

    def wanted(self) -> WantedRule:
        limit = self.threshold.data if self.kind.data in WITH_LIMIT else None
        return WantedRule(
            name=self.name.data,
            kind=self.kind.data,
            agentflow_id=UUID(self.agentflow_id.data) if self.agentflow_id.data else None,
            environment=self.environment.data or None,
            threshold=limit / 100 if limit is not None and self.kind.data == "failure_rate" else limit,
            window_minutes=self.window_minutes.data,
            least_executions=self.least_executions.data,
            is_no_data_alert=self.is_no_data_alert.data and self.kind.data in WITH_LIMIT,
            channel_ids=tuple(UUID(one) for one in self.channel_ids.data or ()),
            is_active=self.is_active.data,
        )


class ChannelForm(Form):
    """A way out."""

    name = StringField("Name", [DataRequired("Name the channel."), Length(max=255), NO_CONTROLS], filters=[tidy])
    kind = SelectField("Kind", choices=[SelectChoice(k, v) for k, v in CHANNEL_KINDS.items()])
    target = StringField("Address", [Length(max=2000), NO_CONTROLS], filters=[tidy])
    audience = SelectField(
        "Who gets notifications", default="admins", choices=[SelectChoice(k, v) for k, v in AUDIENCES.items()]
    )

    def validate_target(self, field: StringField) -> None:
        if self.kind.data == "email" and not is_email(field.data or ""):
            raise ValidationError("Enter an email address such as name@example.com.")
        if self.kind.data == "webhook":
            try:
                check_url(field.data or "")
            except Blocked as error:
                raise ValidationError(str(error)) from None

    @property
    def wanted_target(self) -> str:
        return self.audience.data if self.kind.data == "notification" else self.target.data
