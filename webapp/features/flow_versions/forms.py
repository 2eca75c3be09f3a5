"""Input of the versions pages."""

from __future__ import annotations

from wtforms import Form, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from webapp.web.form_rules import NO_CONTROLS, tidy

KINDS = {
    "": "Any kind",
    "created": "Created",
    "edit": "Edited",
    "import": "Imported",
    "restore": "Restored",
    "adopted": "Drawn from traces",
}
NUMBER = (Optional(), NumberRange(min=1, max=999_999_999))


class VersionFilterForm(Form):
    """The filter of the list, from the address."""

    q = StringField("Search", [Length(max=200)], filters=[lambda text: tidy((text or "").replace("\x00", ""))])
    kind = SelectField("Kind", choices=[SelectChoice(*pair) for pair in KINDS.items()], default="")


class DiffForm(Form):
    """Which two versions to compare; without them the last two. ``from`` is a word of Python, so that field is made by
    its name."""

    to = IntegerField("To", NUMBER)


setattr(DiffForm, "from", IntegerField("From", NUMBER))


class NameForm(Form):
    """What a version is called and why it was made."""

    name = StringField("Name", [Length(max=255), NO_CONTROLS], filters=[tidy])
    note = TextAreaField("Note", [Length(max=2_000)], filters=[lambda t: tidy(t).replace("\r\n", "\n")])


class RestoreForm(Form):
    """The version that was current when the page was drawn."""

    base_version = IntegerField(validators=[InputRequired(), NumberRange(min=0)])
