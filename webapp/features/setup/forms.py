"""Input of the first-run page."""

from __future__ import annotations

from wtforms import EmailField, Form, HiddenField, PasswordField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from webapp.domain.emails import tidy_email
from webapp.domain.passwords import password_problem
from webapp.domain.time_zones import zone_names
from webapp.web.form_rules import NO_CONTROLS, EmailRule, tidy


class SetupForm(Form):
    """The admin and the organization to create."""

    full_name = StringField(
        "Your name", [DataRequired("Enter your name."), Length(max=255), NO_CONTROLS], filters=[tidy]
    )
    email = EmailField("Email", [InputRequired("Enter your email address."), EmailRule()], filters=[tidy_email])
    password = PasswordField("Password", [InputRequired("Enter a password.")])
    organization_name = StringField(
        "Organization", [DataRequired("Name your organization or team."), Length(max=255), NO_CONTROLS], filters=[tidy]
    )
    timezone = SelectField("Time zone", default="UTC", choices=lambda: [SelectChoice(name) for name in zone_names()])
    token = HiddenField(default="")

    def validate_password(self, field: PasswordField) -> None:
        problem = password_problem(field.data or "", email=self.email.data or "")
        if problem:
            raise ValidationError(problem)
