"""Checks that several forms share. No Flask here: forms must be usable without a request."""

from __future__ import annotations

from wtforms import Form, StringField
from wtforms.validators import Regexp, ValidationError

from webapp.domain.emails import is_email

NO_CONTROLS = Regexp(r"^[^\x00-\x1f\x7f]*\Z", message="Line breaks and control characters cannot be used here.")


def tidy(text: str | None) -> str:
    """Text without blanks around it."""
    return (text or "").strip()


class EmailRule:
    """The field holds an email address, as far as its look can tell."""

    def __call__(self, form: Form, field: StringField) -> None:
        if not is_email(field.data or ""):
            raise ValidationError("Enter an email address such as name@example.com.")
