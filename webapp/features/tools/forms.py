"""What people may say of tools, and what the address of their list may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wtforms import Field, Form, HiddenField, IntegerField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional, ValidationError

from webapp.domain.json_schema import check_schema
from webapp.domain.json_text import write_object
from webapp.domain.periods import DAYS_OF
from webapp.features.tools.filters import DEFAULT_PERIOD, DEFAULT_SORT, SORTS, SOURCES, STATES, ToolFilter
from webapp.features.tools.state import MODES, SCHEMAS, ToolSettings
from webapp.web.form_rules import NO_CONTROLS, tidy
from webapp.web.json_rules import typed_object
from webapp.web.secret_rules import NoSecrets

MOST_CHARACTERS = 32_000


def _text(text: str | None) -> str:
    return tidy(text).replace("\r\n", "\n").replace("\r", "\n")


class ToolFilterForm(Form):
    """The filter of the list; a word that is not known falls back to its default, as an old link should still open."""

    q = StringField(filters=[tidy])
    category = StringField(filters=[tidy])
    source = StringField(filters=[tidy])
    plugin = StringField(filters=[tidy])
    state = StringField(filters=[tidy])
    period = StringField(filters=[tidy])
    sort = StringField(filters=[tidy])

    def wanted(self) -> ToolFilter:
        """The filter that the address means."""

        def known(field: Field, words: Mapping[str, Any], default: str = "") -> str:
            return field.data if field.data in words else default

        texts = {name: self[name].data.replace("\x00", "")[:200] for name in ("q", "category", "plugin")}
        return ToolFilter(
            **texts,
            source=known(self.source, SOURCES),
            state=known(self.state, STATES),
            period=known(self.period, DAYS_OF, DEFAULT_PERIOD),
            sort=known(self.sort, SORTS, DEFAULT_SORT),
        )


class JsonSchemaField(TextAreaField):
    """A JSON schema as text; wrong JSON is named by its line, a wrong schema by its place."""

    def __init__(self, label: str, **kwargs: Any):
        super().__init__(label, [Length(max=MOST_CHARACTERS)], render_kw={"rows": 10, "spellcheck": "false"}, **kwargs)

    def post_validate(self, form: Form, validation_stopped: bool) -> None:
        if self.errors:
            return
        schema = typed_object(self.data)
        problems = check_schema(schema) if schema is not None else []
        if problems:
            raise ValidationError(f"{problems[0]}.")


class ToolForm(Form):
    """A tool. ``base_version`` is the version that the page showed."""

    name = StringField("Name", [DataRequired("Name the tool."), Length(max=255), NO_CONTROLS], filters=[tidy])
    display_name = StringField("Shown as", [Length(max=255), NO_CONTROLS], filters=[tidy])
    description = TextAreaField("Description", [Length(max=4_000), NoSecrets()], filters=[_text])
    category = StringField("Category", [Length(max=100), NO_CONTROLS], filters=[tidy])
    tool_type = StringField("Kind", [Length(max=100), NO_CONTROLS], filters=[tidy])
    execution_mode = SelectField("Mode", default="", choices=[], validate_choice=False)
    timeout_seconds = IntegerField("Time limit in seconds", [Optional(), NumberRange(1, 86_400, "Enter 1 to 86,400.")])
    input_schema = JsonSchemaField("Input schema")
    output_schema = JsonSchemaField("Output schema")
    config_schema = JsonSchemaField("Settings schema")
    base_version = HiddenField(default="0")

    def validate_description(self, field: Field) -> None:
        if "\x00" in (field.data or ""):
            raise ValidationError("This holds a character that cannot be kept.")

    def validate_execution_mode(self, field: Field) -> None:
        if len(field.data or "") > 50 or "\x00" in (field.data or ""):
            raise ValidationError("There is no such mode.")

    def offer_modes(self) -> ToolForm:
        """Let a mode be chosen; one that a plugin set and that we have no word for stays."""
        mode = self.execution_mode.data
        words = {"": "Not known", **MODES} | ({mode: MODES.get(mode, mode)} if mode else {})
        self.execution_mode.choices = [SelectChoice(value, label) for value, label in words.items()]
        return self

    @property
    def base(self) -> int:
        """The version on which the changes stand; 0 when the form does not say."""
        text = self.base_version.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    def settings(self) -> ToolSettings:
        """The checked values."""
        texts = ("display_name", "description", "category", "tool_type", "execution_mode")
        return ToolSettings(
            name=self.name.data,
            timeout_seconds=self.timeout_seconds.data,
            **{name: self[name].data or None for name in texts},
            **{name: typed_object(self[name].data) for name in SCHEMAS},
        )


def write_schema(schema: Mapping[str, Any] | None) -> str:
    """A schema as text; an empty one, which takes anything, is not none."""
    return "" if schema is None else write_object(schema) or "{}"


def form_values(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state as the fields of the form."""
    return {**state, **{name: write_schema(state.get(name)) for name in SCHEMAS}}
