"""What people may ask of the flow list, what they may do to many flows, and what a new flow begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from wtforms import (
    BooleanField,
    Field,
    Form,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from webapp.domain.errors import Invalid
from webapp.domain.flow_filter import (
    DEFAULT_PERIOD,
    DEFAULT_SORT,
    NO_PATTERN,
    NO_TEAM,
    SORTS,
    SOURCES,
    STATUSES,
    FlowFilter,
)
from webapp.domain.flow_tags import TagsInvalid, read_tags
from webapp.domain.orchestration_patterns import PATTERNS
from webapp.web.form_rules import NO_CONTROLS, ManyField, plain_text, tidy

PERIODS = {"24h": "24 h", "7d": "7 d", "30d": "30 d"}
MOST_FLOWS = 2_000
ACTIONS = ("tag", "untag", "team", "pause", "resume", "delete", "restore")
STARTS = {"empty": "Empty, with a block where it starts", "copy": "A copy of"}


def _one_of(names: Sequence[str] | Mapping[str, str]) -> list[object]:
    return [Optional(), AnyOf(list(names), message="must be one of %(values)s.")]


class FlowFilterForm(Form):
    """The filter of the flow list as parameters of its address."""

    q = StringField("Search", [Length(max=200)], filters=[plain_text])
    status = ManyField("Status", STATUSES)
    tag = ManyField("Tag")
    team = ManyField("Team")
    pattern = ManyField("Pattern", (*PATTERNS, NO_PATTERN))
    source = ManyField("Source", SOURCES)
    public = BooleanField("Public link", false_values=("", "0", "false"))
    bookmarked = BooleanField("Bookmarked", false_values=("", "0", "false"))
    mine = BooleanField("Mine", false_values=("", "0", "false"))
    period = StringField("Period", _one_of(PERIODS), filters=[plain_text])
    sort = StringField("Order", _one_of([*SORTS, *(f"-{name}" for name in SORTS)]), filters=[plain_text])

    def wanted(self) -> FlowFilter:
        """The filter that the address means. Raises: Invalid, naming the first field at fault."""
        checked(self)
        many = {name: tuple(self[name].data or ()) for name in ("status", "tag", "team", "pattern", "source")}
        return FlowFilter(
            q=self.q.data,
            public=self.public.data,
            bookmarked=self.bookmarked.data,
            mine=self.mine.data,
            period=self.period.data or DEFAULT_PERIOD,
            sort=self.sort.data or DEFAULT_SORT,
            **many,
        )


class FlowIdsField(ManyField):
    """Ids of flows."""

    def post_validate(self, form: Form, validation_stopped: bool) -> None:
        super().post_validate(form, validation_stopped)
        try:
            self.ids = tuple(UUID(value) for value in self.data or ())
        except ValueError:
            raise ValidationError("must be ids of flows.") from None


class BulkForm(Form):
    """What to do to which flows. ``all`` means all that the filter in the same address means."""

    action = StringField("Action", [DataRequired("choose what to do."), AnyOf(ACTIONS, "is not known.")])
    flow = FlowIdsField("Flows", most=MOST_FLOWS)
    all = BooleanField("All that match")
    tags = StringField("Tags", [Length(max=2_000)])
    team = StringField("Team", [Optional()], filters=[plain_text])
    back = StringField("Filter", [Length(max=4_000)], filters=[plain_text])

    def tag_list(self) -> tuple[str, ...]:
        """Tags as they were typed. Raises: Invalid."""
        try:
            tags = read_tags(self.tags.data or "")
        except TagsInvalid as error:
            raise Invalid(f"Tags: {error}", field="tags") from None
        if not tags:
            raise Invalid("Tags: type at least one.", field="tags")
        return tags

    def team_id(self) -> UUID | None:
        """The team chosen, None for no team. Raises: Invalid."""
        if self.team.data == NO_TEAM:
            return None
        try:
            return UUID(self.team.data or "")
        except ValueError:
            raise Invalid("Team: choose a team, or no team.", field="team") from None


class UndoForm(Form):
    """Which changes to take back, by the numbers of their events."""

    first = IntegerField("Change", [InputRequired("is missing."), NumberRange(1, 2**62)])
    last = IntegerField("Change", [InputRequired("is missing."), NumberRange(1, 2**62)])
    back = StringField("Filter", [Length(max=4_000)], filters=[plain_text])


@dataclass(frozen=True, slots=True)
class NewFlow:
    """What a new flow begins with. ``copy_of`` None: empty."""

    name: str
    description: str
    pattern: str | None
    copy_of: UUID | None


def _is_name(form: Form, field: Field) -> None:
    if not (field.data or "").strip():
        raise ValidationError("Name the flow.")


class NewFlowForm(Form):
    """Name, pattern and beginning of a new flow."""

    name = StringField("Name", [_is_name, Length(max=255), NO_CONTROLS], filters=[tidy])
    description = TextAreaField("What it is for", [Length(max=4_000)], filters=[plain_text])
    pattern = RadioField(
        "Orchestration pattern",
        default="",
        choices=[SelectChoice("", "Not decided"), *(SelectChoice(name, name) for name in PATTERNS)],
    )
    start = RadioField("Begin with", default="empty", choices=[SelectChoice(*pair) for pair in STARTS.items()])
    copy_of = SelectField("Flow or template", validate_choice=False, choices=[])

    def validate_copy_of(self, field: Field) -> None:
        if self.start.data != "copy":
            return
        try:
            UUID(field.data or "")
        except ValueError:
            raise ValidationError("Choose what to copy, or begin empty.") from None

    def offer(self, starts: Sequence[tuple[str, str, bool]]) -> None:
        """Let flows and templates, as (id, name, whether it is a template), be chosen to copy."""
        groups = {"Templates": True, "Flows": False}
        self.copy_of.choices = [
            SelectChoice(value, name, optgroup=group)
            for group, is_template in groups.items()
            for value, name, template in starts
            if template is is_template
        ]

    def new_flow(self) -> NewFlow:
        """What was asked for, once the form holds."""
        return NewFlow(
            name=self.name.data,
            description=self.description.data,
            pattern=self.pattern.data or None,
            copy_of=UUID(self.copy_of.data) if self.start.data == "copy" else None,
        )


def checked(form: Form) -> Form:
    """Give the form back when it holds. Raises: Invalid, naming the first field at fault."""
    if not form.validate():
        name, problems = next(iter(form.errors.items()))
        raise Invalid(f"{form[name].label.text}: {problems[0]}", field=name)
    return form
