"""Input of retries and their endpoints."""

from __future__ import annotations

from wtforms import BooleanField, Form, IntegerField, StringField
from wtforms.validators import DataRequired, Length, NumberRange, Regexp, ValidationError

from webapp.domain.errors import Invalid
from webapp.outbound.guard import Blocked, check_url
from webapp.web.form_rules import NO_CONTROLS, tidy

PRESS = Regexp(r"[A-Za-z0-9_-]{8,40}\Z", message="Load the page again.")


class AddressRule:
    """The field holds an address that may be asked, as far as its look can tell."""

    def __call__(self, form: Form, field: StringField) -> None:
        try:
            check_url(field.data or "")
        except Blocked as error:
            raise ValidationError(str(error)) from None


class EndpointForm(Form):
    """Where to send retries of a flow."""

    url = StringField("Address", [DataRequired("Enter an address."), Length(max=2000), AddressRule()], filters=[tidy])
    wants_new_secret = BooleanField("Make a new signing secret")


class RetryForm(Form):
    """One press of the button; ``press`` is made with the page."""

    press = StringField("Press", [DataRequired("Load the page again."), NO_CONTROLS, PRESS])


class BatchForm(RetryForm):
    """How many executions of a failure to send again."""

    most = IntegerField("Executions", [NumberRange(1, 100, "Choose between 1 and 100 executions.")], default=20)


def checked(form: Form) -> Form:
    """Give the form back when it holds. Raises: Invalid, naming the first field at fault."""
    if not form.validate():
        name, problems = next(iter(form.errors.items()))
        raise Invalid(f"{form[name].label.text}: {problems[0]}", field=name)
    return form
