"""Input of the organization pages."""

from __future__ import annotations

from wtforms import BooleanField, Form, IntegerField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from webapp.domain.time_zones import zone_names
from webapp.web.form_rules import NO_CONTROLS, tidy


class NewOrganizationForm(Form):
    """Name and time zone of another organization."""

    name = StringField(
        "Name", [DataRequired("Name the organization or team."), Length(max=255), NO_CONTROLS], filters=[tidy]
    )
    timezone = SelectField("Time zone", default="UTC", choices=lambda: [SelectChoice(n) for n in zone_names()])


class SettingsForm(NewOrganizationForm):
    """What an admin sets for the organization."""

    settle_after_minutes = IntegerField(
        "Close runs without news after (minutes)",
        [InputRequired("Enter a number of minutes."), NumberRange(5, 10_080, "Enter 5 to 10,080 minutes (one week).")],
    )
    retention_days = IntegerField(
        "Keep traces for (days)", [Optional(), NumberRange(7, 3_650, "Enter 7 to 3,650 days, or nothing to keep all.")]
    )
    public_links_allowed = BooleanField("Members may make public links to drawings of flows")
