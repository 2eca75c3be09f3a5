"""What people may say about a flow: settings, automations, public links, and what the addresses of its pages hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from wtforms import BooleanField, Field, Form, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from webapp.domain.flow_tags import TagsInvalid, read_tags
from webapp.domain.orchestration_patterns import PATTERNS
from webapp.domain.periods import DAYS_OF
from webapp.domain.schedules import LONGEST, ScheduleInvalid, read_cron
from webapp.domain.time_zones import zone_names
from webapp.features.flow.wanted import FlowSettings, WantedAutomation
from webapp.web.form_rules import NO_CONTROLS, plain_text, tidy

PERIODS = {"24h": "24 h", "7d": "7 d", "30d": "30 d"}
SORTS = {
    "failing": "Failing most", "executions": "Most runs", "slowest": "Slowest", "cost": "Most expensive",
    "trend": "Getting worse", "name": "Name",
}  # fmt: skip
EXPIRIES = {"7": "In 7 days", "30": "In 30 days", "90": "In 90 days", "365": "In 1 year", "": "Never"}
VISIBILITIES = {
    "organization": "Everybody in the organization",
    "team": "Only its team and admins",
    "private": "Only its author and admins",
}
TRIGGERS = {
    "schedule": "Schedule: at certain times",
    "webhook": "Webhook: when another program calls",
    "event": "Event: when something happens",
}
LARGEST_INPUT = 20_000


def read_period(text: str | None) -> str:
    """A known period, 24 hours for anything else, as an old link should still open."""
    return text if text in DAYS_OF else "24h"


def read_sort(text: str | None) -> str:
    return text if text in SORTS else "failing"


def _lines(text: str | None) -> str:
    """Text of several lines as it is kept."""
    return plain_text((text or "").replace("\r\n", "\n"))


class FlowSettingsForm(Form):
    """The settings page. ``teams`` are pairs of id and name from which to choose."""

    name = StringField("Name", [DataRequired("Name the flow."), Length(max=255), NO_CONTROLS], filters=[tidy])
    description = TextAreaField("Description", [Length(max=4_000)], filters=[_lines])
    tags = StringField("Tags", [Length(max=2_000)], filters=[plain_text])
    team_id = SelectField("Team", choices=[])
    pattern = RadioField(
        "Orchestration pattern",
        choices=[SelectChoice("", "None stated"), *(SelectChoice(name, name) for name in PATTERNS)],
    )
    visibility = SelectField("Who sees it", choices=[SelectChoice(*pair) for pair in VISIBILITIES.items()])
    layout = RadioField(
        "Layout", choices=[SelectChoice("auto", "Automatic"), SelectChoice("manual", "As placed in the editor")]
    )
    is_active = BooleanField("Active")
    is_template = BooleanField("Template: something to copy, never run itself")

    def __init__(self, *args: Any, teams: Sequence[tuple[UUID, str]] = (), has_fixed_name: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.team_id.choices = [SelectChoice("", "No team"), *(SelectChoice(str(id_), name) for id_, name in teams)]
        self.has_fixed_name = has_fixed_name
        if has_fixed_name:
            self.name.validators = [Optional()]
            self.name.flags = type(self.name.flags)()

    def validate_tags(self, field: Field) -> None:
        try:
            read_tags(field.data or "")
        except TagsInvalid as error:
            raise ValidationError(str(error)) from None

    def validate_visibility(self, field: Field) -> None:
        if field.data == "team" and not self.team_id.data:
            raise ValidationError("Choose the team that may see it.")

    def wanted(self) -> FlowSettings:
        """The checked choices."""
        return FlowSettings(
            name=None if self.has_fixed_name else self.name.data,
            description=self.description.data or "",
            tags=read_tags(self.tags.data or ""),
            team_id=UUID(self.team_id.data) if self.team_id.data else None,
            pattern=self.pattern.data or None,
            visibility=self.visibility.data,
            is_active=self.is_active.data,
            is_template=self.is_template.data,
            layout=self.layout.data,
        )


class AutomationForm(Form):
    """One automation. Of the fields of a trigger only those of the chosen kind count."""

    name = StringField("Name", [DataRequired("Name the automation."), Length(max=255), NO_CONTROLS], filters=[tidy])
    description = StringField("Description", [Length(max=1_000), NO_CONTROLS], filters=[tidy])
    trigger_kind = RadioField("Starts by", default="schedule", choices=[SelectChoice(*p) for p in TRIGGERS.items()])
    cron = StringField("Schedule", filters=[tidy])
    timezone = SelectField("Time zone", choices=lambda: [SelectChoice(name) for name in zone_names()])
    event = StringField("Event", [Length(max=100)], filters=[tidy])
    input_data = TextAreaField("Input", [Length(max=LARGEST_INPUT)], filters=[_lines])

    def validate_cron(self, field: Field) -> None:
        if self.trigger_kind.data != "schedule":
            return
        if len(field.data or "") > LONGEST:
            raise ValidationError(f"A schedule has at most {LONGEST} characters.")
        try:
            field.data = read_cron(field.data or "")
        except ScheduleInvalid as error:
            raise ValidationError(str(error)) from None

    def validate_event(self, field: Field) -> None:
        if self.trigger_kind.data != "event":
            return
        words = (field.data or "").split(".")
        if not all(word and word.replace("_", "").replace("-", "").isalnum() and word.isascii() for word in words):
            raise ValidationError("Name the event with letters, digits and dots, such as order.created.")

    def validate_input_data(self, field: Field) -> None:
        if not field.data:
            return
        try:
            value = json.loads(field.data)
        except (ValueError, RecursionError):
            raise ValidationError('This is no JSON. Write an object such as {"region": "EU"}.') from None
        if not isinstance(value, dict):
            raise ValidationError("Write a JSON object, in braces.")

    def wanted(self) -> WantedAutomation:
        """The checked automation."""
        config: dict[str, Any] = {}
        if self.trigger_kind.data == "schedule":
            config = {"cron": self.cron.data, "timezone": self.timezone.data}
        elif self.trigger_kind.data == "event":
            config = {"event": self.event.data}
        return WantedAutomation(
            name=self.name.data,
            description=self.description.data or None,
            trigger_kind=self.trigger_kind.data,
            trigger_config=config,
            input_data=json.loads(self.input_data.data) if self.input_data.data else None,
        )


class ShareForm(Form):
    """How long a public link works."""

    expiry = SelectField("Stops working", default="30", choices=[SelectChoice(*pair) for pair in EXPIRIES.items()])

    def expires_at(self, now: datetime) -> datetime | None:
        """When the link ends; None for never."""
        return now + timedelta(days=int(self.expiry.data)) if self.expiry.data else None


def read_uuid(text: str | None) -> UUID | None:
    """The id that a field or parameter holds; None for nothing or anything else."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
