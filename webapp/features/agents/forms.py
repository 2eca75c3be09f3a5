"""What people may say of agents, and what the address of their list may say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from wtforms import (
    BooleanField,
    DateTimeLocalField,
    Field,
    FloatField,
    Form,
    HiddenField,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from webapp.domain.flow_tags import TagsInvalid, read_tags
from webapp.domain.json_text import write_object
from webapp.domain.periods import DAYS_OF
from webapp.features.agents.filters import DEFAULT_PERIOD, DEFAULT_SORT, SORTS, SOURCES, STATES, AgentFilter
from webapp.features.agents.state import TYPES, AgentSettings, MemorySettings
from webapp.web.form_rules import NO_CONTROLS, tidy
from webapp.web.json_rules import typed_object
from webapp.web.secret_rules import NoSecrets

LONGEST_PROMPT = 100_000
BIGGEST_INT = 2_147_483_647
TERMS = {"long": "Long term", "short": "Short term"}


class AgentFilterForm(Form):
    """The filter of the list; a word that is not known falls back to its default, as an old link should still open."""

    q = StringField(filters=[tidy])
    type = StringField(filters=[tidy])
    source = StringField(filters=[tidy])
    model = StringField(filters=[tidy])
    state = StringField(filters=[tidy])
    period = StringField(filters=[tidy])
    sort = StringField(filters=[tidy])

    def wanted(self) -> AgentFilter:
        """The filter that the address means."""

        def known(field: Field, words: Mapping[str, Any], default: str = "") -> str:
            return field.data if field.data in words else default

        return AgentFilter(
            q=_printable(self.q.data)[:200],
            type=known(self.type, {**TYPES, "none": ""}),
            source=known(self.source, SOURCES),
            model=_printable(self.model.data)[:100],
            state=known(self.state, STATES),
            period=known(self.period, DAYS_OF, DEFAULT_PERIOD),
            sort=known(self.sort, SORTS, DEFAULT_SORT),
        )


def _printable(text: str) -> str:
    return text.replace("\x00", "")


def _text(text: str | None) -> str:
    """A long text as it is stored: no blanks around it, one kind of line break."""
    return tidy(text).replace("\r\n", "\n").replace("\r", "\n")


def no_nul(form: Form, field: Field) -> None:
    if "\x00" in (field.data or ""):
        raise ValidationError("This holds a character that cannot be kept.")


class AgentForm(Form):
    """The settings of an agent. ``base_version`` is the version that the page showed."""

    name = StringField("Name", [DataRequired("Name the agent."), Length(max=255), NO_CONTROLS], filters=[tidy])
    description = TextAreaField("Description", [Length(max=2_000), no_nul, NoSecrets()], filters=[_text])
    agent_type = SelectField("Type", default="general", choices=[], validate_choice=False)
    model_provider = StringField("Provider", [Length(max=100), NO_CONTROLS, NoSecrets()], filters=[tidy])
    model_name = StringField("Model", [Length(max=100), NO_CONTROLS, NoSecrets()], filters=[tidy])
    temperature = FloatField("Temperature", [Optional(), NumberRange(0, 2, "Enter 0 to 2.")])
    max_tokens = IntegerField("Most tokens", [Optional(), NumberRange(1, BIGGEST_INT, "Enter a number from 1 up.")])
    prompt_name = SelectField("Instructions from", default="", validate_choice=False)
    system_prompt = TextAreaField(
        "Own instructions", [Length(max=LONGEST_PROMPT), no_nul, NoSecrets()], filters=[_text], render_kw={"rows": 12}
    )
    tags = StringField("Tags", [Length(max=1_200)], filters=[tidy])
    is_active = BooleanField("Active", default=True)
    note = StringField("What changed", [Length(max=500), NO_CONTROLS, NoSecrets()], filters=[tidy])
    base_version = HiddenField(default="0")
    template_id = HiddenField(default="")

    def offer_choices(self, names: list[str]) -> AgentForm:
        """Let a type and one of these named prompts be chosen; a type or prompt that is set and unknown stays."""
        types = {"": "No type", **TYPES} | (
            {self.agent_type.data: self.agent_type.data} if self.agent_type.data else {}
        )
        self.agent_type.choices = [SelectChoice(value, TYPES.get(value, label)) for value, label in types.items()]
        chosen = [self.prompt_name.data] if self.prompt_name.data and self.prompt_name.data not in names else []
        own = SelectChoice("", "the text below")
        self.prompt_name.choices = [own, *(SelectChoice(name, f"prompt {name}") for name in [*names, *chosen])]
        return self

    def validate_tags(self, field: Field) -> None:
        try:
            read_tags(field.data or "")
        except TagsInvalid as problem:
            raise ValidationError(str(problem).replace("A flow", "An agent")) from None

    def validate_agent_type(self, field: Field) -> None:
        if len(field.data or "") > 100 or "\x00" in (field.data or ""):
            raise ValidationError("There is no such type.")

    def validate_prompt_name(self, field: Field) -> None:
        if len(field.data or "") > 255 or "\x00" in (field.data or ""):
            raise ValidationError("There is no such prompt.")

    @property
    def base(self) -> int:
        """The version on which the changes stand; 0 when the form does not say."""
        text = self.base_version.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    def settings(self) -> AgentSettings:
        """The checked values."""
        return AgentSettings(
            name=self.name.data,
            description=self.description.data or None,
            agent_type=self.agent_type.data or None,
            system_prompt=self.system_prompt.data or None,
            prompt_name=self.prompt_name.data or None,
            model_provider=self.model_provider.data or None,
            model_name=self.model_name.data or None,
            temperature=self.temperature.data,
            max_tokens=self.max_tokens.data,
            is_active=self.is_active.data,
            tags=read_tags(self.tags.data or ""),
        )


def form_values(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state as the fields of the form."""
    return {**state, "tags": ", ".join(state.get("tags") or []), "agent_type": state.get("agent_type") or ""}


class ToolSettingsForm(Form):
    """How an agent may call a tool."""

    tool_id = StringField("Tool", filters=[tidy])
    is_enabled = BooleanField("Enabled", default=False)
    config = TextAreaField("Settings", [Length(max=8_000)])

    def validate_config(self, field: Field) -> None:
        typed_object(field.data)

    def settings(self) -> dict[str, Any]:
        return typed_object(self.config.data) or {}


def config_text(config: Mapping[str, Any]) -> str:
    """Settings as text to edit, "" when there are none."""
    return write_object(config)


class BaseForm(Form):
    """Which knowledge base an agent searches, and how many chunks it takes."""

    knowledge_base_id = StringField("Knowledge base", filters=[tidy])
    top_k = IntegerField(
        "Chunks", [InputRequired("Enter a number."), NumberRange(1, 100, "Enter 1 to 100.")], default=5
    )


class MemoryForm(Form):
    """A fact that an agent keeps."""

    content = TextAreaField(
        "Fact", [DataRequired("Write what the agent should remember."), Length(max=10_000), no_nul, NoSecrets()],
        filters=[_text],
    )  # fmt: skip
    term = SelectField("Kept", default="long", choices=[SelectChoice(v, label) for v, label in TERMS.items()])
    importance = FloatField(
        "Importance", [InputRequired("Enter 0 to 1."), NumberRange(0, 1, "Enter 0 to 1.")], default=0.5
    )
    expires_at = DateTimeLocalField("Expires", [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])

    def validate_expires_at(self, field: Field) -> None:
        if field.data is not None and not 2000 <= field.data.year < 2200:
            raise ValidationError("Enter a date between the years 2000 and 2199.")

    def settings(self, zone: ZoneInfo) -> MemorySettings:
        """The checked values; the expiry is on the reader's clock."""
        at: datetime | None = self.expires_at.data
        return MemorySettings(
            content=self.content.data,
            term=self.term.data,
            importance=self.importance.data,
            expires_at=at.replace(tzinfo=zone).astimezone(UTC) if at else None,
        )


class TemplateForm(Form):
    """A template of the organization: how it is found; its settings come from an agent or from the agent form."""

    name = StringField("Name", [DataRequired("Name the template."), Length(max=255), NO_CONTROLS], filters=[tidy])
    description = TextAreaField("Description", [Length(max=2_000), no_nul, NoSecrets()], filters=[_text])
    category = StringField("Category", [Length(max=100), NO_CONTROLS], filters=[tidy])
