"""What people may say of prompts, and what the address of their list may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wtforms import Field, Form, HiddenField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from webapp.domain.flow_tags import TagsInvalid, read_tags
from webapp.domain.prompt_variables import Variable, read_variables, write_variables
from webapp.features.prompts.filters import DEFAULT_SORT, SORTS, STATES, USES, PromptFilter
from webapp.features.prompts.state import PromptSettings
from webapp.web.form_rules import NO_CONTROLS, tidy
from webapp.web.secret_rules import NoSecrets

LONGEST_PROMPT = 100_000


def _text(text: str | None) -> str:
    return tidy(text).replace("\r\n", "\n").replace("\r", "\n")


def no_nul(form: Form, field: Field) -> None:
    if "\x00" in (field.data or ""):
        raise ValidationError("This holds a character that cannot be kept.")


class PromptFilterForm(Form):
    """The filter of the list; a word that is not known falls back to its default, as an old link should still open."""

    q = StringField(filters=[tidy])
    use = StringField(filters=[tidy])
    state = StringField(filters=[tidy])
    sort = StringField(filters=[tidy])

    def wanted(self) -> PromptFilter:
        """The filter that the address means."""
        return PromptFilter(
            q=self.q.data.replace("\x00", "")[:200],
            use=self.use.data if self.use.data in USES else "",
            state=self.state.data if self.state.data in STATES else "",
            sort=self.sort.data if self.sort.data in SORTS else DEFAULT_SORT,
        )


class RenameForm(Form):
    """A name for a prompt."""

    name = StringField("Name", [DataRequired("Name the prompt."), Length(max=255), NO_CONTROLS], filters=[tidy])


class PromptForm(RenameForm):
    """A prompt. ``base_version`` is the version that the page showed."""

    description = StringField("Description", [Length(max=2_000), NO_CONTROLS, NoSecrets()], filters=[tidy])
    template = TextAreaField(
        "Text", [DataRequired("Write the text of the prompt."), Length(max=LONGEST_PROMPT), no_nul, NoSecrets()],
        filters=[_text],
    )  # fmt: skip
    variables = TextAreaField("Variables", [Length(max=20_000), no_nul, NoSecrets()], filters=[_text])
    tags = StringField("Tags", [Length(max=1_200)], filters=[tidy])
    base_version = HiddenField(default="0")

    def validate_variables(self, field: Field) -> None:
        try:
            read_variables(field.data or "")
        except ValueError as problem:
            raise ValidationError(str(problem)) from None

    def validate_tags(self, field: Field) -> None:
        try:
            read_tags(field.data or "")
        except TagsInvalid as problem:
            raise ValidationError(str(problem).replace("A flow", "A prompt")) from None

    @property
    def base(self) -> int:
        """The version on which the changes stand; 0 when the form does not say."""
        text = self.base_version.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    def settings(self) -> PromptSettings:
        """The checked values."""
        return PromptSettings(
            template=self.template.data,
            description=self.description.data or None,
            tags=read_tags(self.tags.data or ""),
            variables=tuple(read_variables(self.variables.data or "")),
        )


def form_values(name: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """A state as the fields of the form."""
    variables = [Variable(**one) for one in state.get("variables") or []]
    tags = ", ".join(state.get("tags") or [])
    return {**state, "name": name, "tags": tags, "variables": write_variables(variables)}
