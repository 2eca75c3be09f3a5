"""Input of the sign-in and profile pages."""

from __future__ import annotations

from wtforms import BooleanField, EmailField, Form, HiddenField, PasswordField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from webapp.domain.emails import tidy_email
from webapp.domain.passwords import MAX_LENGTH, password_problem
from webapp.domain.time_zones import zone_names
from webapp.web.form_rules import NO_CONTROLS, tidy

THEMES = ("system", "light", "dark")


class SignInForm(Form):
    """Email and password. What is wrong with them is never said here."""

    email = EmailField("Email", [InputRequired("Enter your email address."), Length(max=255)], filters=[tidy_email])
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=MAX_LENGTH)])
    remember = BooleanField("Stay signed in on this computer")
    next = HiddenField(default="")


class PasswordForm(Form):
    """The password now, and the one from now on."""

    current_password = PasswordField(
        "Current password", [InputRequired("Enter your current password."), Length(max=MAX_LENGTH)]
    )
    new_password = PasswordField("New password", [InputRequired("Enter a new password.")])

    email = ""

    def belongs_to(self, email: str) -> None:
        """Whose password it is, since it may not be their address."""
        self.email = email

    def validate_new_password(self, field: PasswordField) -> None:
        problem = password_problem(field.data or "", email=self.email)
        if problem:
            raise ValidationError(problem)


class PreferencesForm(Form):
    """Name, time zone and theme of one person. An empty time zone follows the organization."""

    full_name = StringField("Name", [DataRequired("Enter your name."), Length(max=255), NO_CONTROLS], filters=[tidy])
    timezone = SelectField(
        "Time zone",
        default="",
        choices=lambda: [SelectChoice("", "As the organization"), *(SelectChoice(name) for name in zone_names())],
    )
    theme = SelectField("Theme", default="system", choices=[SelectChoice(t, t.capitalize()) for t in THEMES])


class ThemeForm(Form):
    """The theme alone, from the menu."""

    theme = SelectField(default="system", choices=[SelectChoice(t) for t in THEMES])
