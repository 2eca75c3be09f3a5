"""Input of the API keys page."""

from __future__ import annotations

from datetime import datetime, timedelta

from wtforms import Form, SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Regexp
from wtforms.widgets import CheckboxInput, ListWidget

from webapp.domain.api_keys import DEFAULT_SCOPES, Scope
from webapp.web.form_rules import NO_CONTROLS, tidy

SCOPE_NAMES = {Scope.INGEST: "Send traces", Scope.READ: "Read executions", Scope.FLOWS_WRITE: "Import flows"}
LIFETIMES = {"30": "30 days", "90": "90 days", "365": "1 year", "": "Never"}


class KeyForm(Form):
    """What to make a key for."""

    name = StringField(
        "Name", [DataRequired("Name what will use the key."), Length(max=255), NO_CONTROLS], filters=[tidy]
    )
    environment = StringField(
        "Environment",
        [Length(max=50), Regexp(r"[a-z0-9-]*\Z", message="Use small letters, digits and hyphens.")],
        filters=[tidy],
    )
    scopes = SelectMultipleField(
        "May",
        [InputRequired("Choose at least one thing that the key may do.")],
        default=[str(scope) for scope in DEFAULT_SCOPES],
        choices=[SelectChoice(str(scope), name) for scope, name in SCOPE_NAMES.items()],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    lifetime = SelectField(
        "Expires", default="", choices=[SelectChoice(days, name) for days, name in LIFETIMES.items()]
    )

    def expires_at(self, now: datetime) -> datetime | None:
        """When the key ends; None for never."""
        return now + timedelta(days=int(self.lifetime.data)) if self.lifetime.data else None
