"""Input of the import page."""

from __future__ import annotations

from wtforms import Form, MultipleFileField, StringField, TextAreaField

from webapp.web.form_rules import tidy

MOST_FILES = 20


class ImportForm(Form):
    """Files, or the text of one flow."""

    files = MultipleFileField("Files")
    text = TextAreaField("Or paste a flow", filters=[lambda text: text or ""])


class ApplyForm(Form):
    """What becomes of a waiting import; empty makes a flow of its own."""

    flow_id = StringField("Flow", filters=[tidy])
