"""Checks that several forms share. No Flask here: forms must be usable without a request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms import Form, SelectMultipleField, StringField
from wtforms.validators import Regexp, ValidationError

from webapp.domain.emails import is_email

NO_CONTROLS = Regexp(r"^[^\x00-\x1f\x7f]*\Z", message="Line breaks and control characters cannot be used here.")


MOST_VALUES = 50


def plain_text(text: str | None) -> str:
    """Text of an address without blanks around it and without NUL, which PostgreSQL cannot hold."""
    return (text or "").replace("\x00", "").strip()


class ManyField(SelectMultipleField):
    """Repeated parameters; any text unless ``allowed`` names the words."""

    def __init__(self, label: str, allowed: Iterable[str] = (), most: int = MOST_VALUES, **kwargs: Any):
        super().__init__(label, choices=[], validate_choice=False, **kwargs)
        self.allowed = frozenset(allowed)
        self.most = most

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = [value for value in dict.fromkeys(map(plain_text, valuelist)) if value]

    def post_validate(self, form: Form, validation_stopped: bool) -> None:
        if len(self.data or ()) > self.most:
            raise ValidationError(f"choose at most {self.most:,}.")
        wrong = [value for value in self.data or () if self.allowed and value not in self.allowed]
        if wrong:
            raise ValidationError(f"“{wrong[0][:40]}” is not one of {', '.join(sorted(self.allowed))}.")
        if any(len(value) > 500 for value in self.data or ()):
            raise ValidationError("is too long.")


def tidy(text: str | None) -> str:
    """Text without blanks around it."""
    return (text or "").strip()


class EmailRule:
    """The field holds an email address, as far as its look can tell."""

    def __call__(self, form: Form, field: StringField) -> None:
        if not is_email(field.data or ""):
            raise ValidationError("Enter an email address such as name@example.com.")
