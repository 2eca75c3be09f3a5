"""What people send from the editor: one form for each change, and the form that saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wtforms import (
    BooleanField,
    FieldList,
    FloatField,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, Regexp, ValidationError

from webapp.domain.block_presets import PRESETS
from webapp.domain.block_settings import join_settings
from webapp.domain.errors import Invalid
from webapp.domain.flow_edit import SLOTS
from webapp.domain.flow_graph import KEY, BlockType, CredentialSlot, GraphBlock
from webapp.domain.json_text import read_object, write_object
from webapp.domain.orchestration_patterns import PATTERNS
from webapp.web.form_rules import NO_CONTROLS, tidy
from webapp.web.secret_rules import refuse_secrets

SETTING = "set-"
"""Begins the names of fields that hold one setting each."""
MOST_SLOTS = 30
IS_KEY = Regexp(KEY.pattern + r"\Z", message="This is no block of the draft.")


def _words(text: str | None) -> str:
    return (text or "").replace("\x00", "").replace("\r\n", "\n").strip()


class DraftForm(Form):
    """Every change says which revision of the draft it was made on."""

    revision = IntegerField(validators=[InputRequired(), NumberRange(min=0)])


class AddForm(DraftForm):
    """A block to add."""

    preset = SelectField(
        "Kind of block", choices=[SelectChoice(p.name, p.label) for p in PRESETS.values()], default="agent"
    )
    name = StringField("Name", [Length(max=255), NO_CONTROLS], filters=[tidy])
    after = SelectField("After", choices=[], validate_choice=False, default="")
    handle = StringField("Way out", [Length(max=100)], filters=[tidy])
    x = FloatField(validators=[Optional()])
    y = FloatField(validators=[Optional()])

    @property
    def place(self) -> tuple[float, float] | None:
        """Where the mouse let it fall, if it did."""
        return None if self.x.data is None or self.y.data is None else (self.x.data, self.y.data)


class SlotForm(Form):
    """A credential that a block needs; its secret is never asked for here."""

    kind = StringField("Kind", [Length(max=100), NO_CONTROLS], filters=[tidy])
    name = StringField("Name", [Length(max=200), NO_CONTROLS], filters=[tidy])
    is_filled = BooleanField("Linked")


class BlockForm(DraftForm):
    """Everything of one block but its connections."""

    key = HiddenField(validators=[IS_KEY])
    name = StringField("Name", [DataRequired("Give the block a name."), Length(max=255), NO_CONTROLS], filters=[tidy])
    block_type = SelectField("Type", choices=[SelectChoice(t.value, t.value.capitalize()) for t in BlockType])
    description = TextAreaField("Description", [Length(max=10_000)], filters=[_words])
    agent = SelectField("Agent", choices=[], validate_choice=False, default="")
    parent_key = SelectField("Inside", choices=[], validate_choice=False, default="")
    needs_review = BooleanField("Needs review")
    config = TextAreaField("Other settings, as JSON")
    inputs = TextAreaField("Inputs, as JSON")
    outputs = TextAreaField("Outputs, as JSON")
    slots = FieldList(FormField(SlotForm), label="Credentials", max_entries=MOST_SLOTS)

    def allow_type(self, present: str) -> None:
        """Let a block keep a type that is none of ours."""
        if present not in set(BlockType):
            self.block_type.choices = [*self.block_type.choices, SelectChoice(present, f"{present} (unknown)")]

    def block(self, before: GraphBlock, settings: Mapping[str, str]) -> GraphBlock:
        """The block as the form wants it.

        Raises:
            Invalid: a setting or JSON is wrong, or new settings hold a secret; ``field`` says which.
        """
        config = join_settings(before, settings, read_object(self.config.data or "", field="config"))
        inputs = read_object(self.inputs.data or "", field="inputs")
        outputs = read_object(self.outputs.data or "", field="outputs")
        _refuse_new_secrets("config", config, before.config)
        _refuse_new_secrets("inputs", inputs, before.inputs)
        _refuse_new_secrets("outputs", outputs, before.outputs)
        return replace(
            before,
            name=self.name.data,
            block_type=self.block_type.data,
            description=self.description.data,
            agent=self.agent.data or None,
            parent_key=self.parent_key.data or None,
            needs_review=self.needs_review.data,
            config=config,
            inputs=inputs,
            outputs=outputs,
            credentials=tuple(
                CredentialSlot(slot.form.kind.data, slot.form.name.data, slot.form.is_filled.data)
                for slot in self.slots
                if slot.form.kind.data
            ),
        )


def _refuse_new_secrets(field: str, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    try:
        refuse_secrets({name: value for name, value in new.items() if old.get(name) != value})
    except ValidationError as error:
        raise Invalid(str(error), field=field) from None


def block_data(block: GraphBlock, rest: Mapping[str, Any], revision: int) -> dict[str, Any]:
    """What the form of a block shows of it."""
    return {
        "revision": revision,
        "key": block.key,
        "name": block.name,
        "block_type": block.block_type,
        "description": block.description,
        "agent": block.agent or "",
        "parent_key": block.parent_key or "",
        "needs_review": block.needs_review,
        "config": write_object(rest),
        "inputs": write_object(block.inputs),
        "outputs": write_object(block.outputs),
        "slots": [{"kind": s.kind, "name": s.name, "is_filled": s.is_filled} for s in block.credentials] + [{}],
    }


class EdgeForm(DraftForm):
    """A connection to make: the next step, or something attached."""

    source = StringField("From", [IS_KEY])
    source_handle = StringField("Way out", [Length(max=100)], filters=[tidy])
    target = SelectField("To", [InputRequired("Choose where it leads.")], choices=[], validate_choice=False)
    slot = SelectField(
        "As",
        choices=[SelectChoice("", "Next step"), *(SelectChoice(slot, f"Attached as {slot}") for slot in SLOTS)],
        default="",
    )
    label = StringField("Label", [Length(max=255), NO_CONTROLS], filters=[tidy])


class CutForm(DraftForm):
    """A connection to take away, by all that makes it itself."""

    source = StringField(validators=[IS_KEY])
    source_handle = StringField(validators=[Length(max=100)])
    target = StringField(validators=[IS_KEY])
    target_handle = StringField(validators=[Length(max=100)])
    kind = StringField(validators=[Length(max=20)])

    @property
    def identity(self) -> tuple[str, ...]:
        """As the edge names itself."""
        return tuple(
            field.data or "" for field in (self.source, self.source_handle, self.target, self.target_handle, self.kind)
        )


class KeyForm(DraftForm):
    """Something to be done to one block."""

    key = StringField(validators=[IS_KEY])


class MoveForm(KeyForm):
    """Where a block was dragged: to a place on the canvas, or ``is_by`` so much from where it is."""

    x = FloatField("From the left", [InputRequired("Write a number of pixels.")])
    y = FloatField("From the top", [InputRequired("Write a number of pixels.")])
    is_by = BooleanField()


class FlowForm(DraftForm):
    """What the flow says of itself."""

    name = StringField("Name", [DataRequired("Give the flow a name."), Length(max=255), NO_CONTROLS], filters=[tidy])
    description = TextAreaField("Description", [Length(max=10_000)], filters=[_words])
    pattern = SelectField(
        "Orchestration pattern",
        choices=[SelectChoice("", "Not said"), *(SelectChoice(name, name) for name in PATTERNS)],
        default="",
    )
    tags = StringField("Tags", [Length(max=1_000), NO_CONTROLS], filters=[tidy])

    def tag_list(self) -> list[str]:
        """The tags without blanks around them, each once."""
        return list(dict.fromkeys(tag.strip()[:50] for tag in self.tags.data.split(",") if tag.strip()))[:20]


class NoteForm(DraftForm):
    """A note's text; without a key a new note."""

    key = StringField(validators=[Optional(), IS_KEY])
    text = TextAreaField("Note", [Length(max=10_000)], filters=[_words])


class SaveForm(DraftForm):
    """The next version."""

    base_version = IntegerField(validators=[InputRequired(), NumberRange(min=0)])
    name = StringField("Name of the version", [Length(max=255), NO_CONTROLS], filters=[tidy])
    note = TextAreaField("What changed and why", [Length(max=2_000)], filters=[_words])
    anyway = BooleanField("Save anyway, it cannot be run")


class JoinForm(SaveForm):
    """How to go on after somebody else saved. ``theirs`` is the version that the page showed."""

    theirs = IntegerField(validators=[InputRequired(), NumberRange(min=0)])
    how = StringField(validators=[Regexp(r"(both|mine|discard)\Z", message="Choose how to go on.")])
