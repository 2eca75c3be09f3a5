"""What people may ask of the list of failures, decide about failures and say about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from wtforms import BooleanField, Form, IntegerField, StringField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from webapp.domain.errors import Invalid
from webapp.domain.failure_filter import (
    DEFAULT_PERIOD,
    DEFAULT_SORT,
    DEFAULT_VIEW,
    ME,
    NOBODY,
    SORTS,
    VIEWS,
    FailureFilter,
    number_in,
)
from webapp.features.failures.decisions import Decision
from webapp.web.form_rules import ManyField, plain_text, tidy

PERIODS = {"24h": "24 h", "7d": "7 d", "30d": "30 d"}
ACTIONS = ("review", "assign_me", "assign", "mute", "resolve", "reopen")
MUTES: Mapping[str, tuple[str, timedelta | None]] = {
    "escalating": ("until it escalates", None),
    "1h": ("for an hour", timedelta(hours=1)),
    "1d": ("for a day", timedelta(days=1)),
    "7d": ("for 7 days", timedelta(days=7)),
    "30d": ("for 30 days", timedelta(days=30)),
    "version": ("until a version", None),
}
"""How long a failure can be muted, by the word in the form."""
MOST_FAILURES = 2_000
AnyForm = TypeVar("AnyForm", bound=Form)


def checked(form: AnyForm) -> AnyForm:
    """The form, if all it holds is valid. Raises: Invalid, naming the first field at fault."""
    if not form.validate():
        name, errors = next(iter(form.errors.items()))
        raise Invalid(f"{form[name].label.text}: {errors[0]}", field=name)
    return form


def _one_of(names: Sequence[str] | Mapping[str, object]) -> list[object]:
    return [Optional(), AnyOf(list(names), message="must be one of %(values)s.")]


def _is_id(form: Form, field: StringField) -> None:
    try:
        UUID(field.data)
    except ValueError:
        raise ValidationError("is not known.") from None


def _is_owner(form: Form, field: StringField) -> None:
    if field.data not in (ME, NOBODY):
        _is_id(form, field)


class FailureFilterForm(Form):
    """The filter of the list as parameters of its address."""

    view = StringField("View", _one_of(VIEWS), filters=[plain_text])
    q = StringField("Search", [Length(max=200)], filters=[plain_text])
    flow = StringField("Flow", [Optional(), _is_id], filters=[plain_text])
    environment = StringField("Environment", [Length(max=100)], filters=[plain_text])
    owner = StringField("Owner", [Optional(), _is_owner], filters=[plain_text])
    period = StringField("Period", _one_of(PERIODS), filters=[plain_text])
    sort = StringField("Order", _one_of(SORTS), filters=[plain_text])

    def wanted(self) -> FailureFilter:
        """The filter that the address means. Raises: Invalid, naming the first field at fault."""
        checked(self)
        return FailureFilter(
            view=self.view.data or DEFAULT_VIEW,
            q=self.q.data,
            flow=self.flow.data,
            environment=self.environment.data,
            owner=self.owner.data,
            period=self.period.data or DEFAULT_PERIOD,
            sort=self.sort.data or DEFAULT_SORT,
        )


class FailureIdsField(ManyField):
    """Ids of failures."""

    ids: tuple[UUID, ...] = ()

    def post_validate(self, form: Form, validation_stopped: bool) -> None:
        super().post_validate(form, validation_stopped)
        try:
            self.ids = tuple(UUID(value) for value in self.data or ())
        except ValueError:
            raise ValidationError("must be ids of failures.") from None


class DecisionForm(Form):
    """What is decided about a failure. ``owner`` goes with assign, ``until`` and ``version`` with mute and resolve."""

    action = StringField("Action", [DataRequired("choose what to do."), AnyOf(ACTIONS, "is not known.")])
    owner = StringField("Owner", [Optional(), _is_owner], filters=[plain_text])
    until = StringField("Mute", _one_of(MUTES), filters=[plain_text])
    version = StringField("Version", [Length(max=255)], filters=[plain_text])
    back = StringField("Filter", [Length(max=4_000)], filters=[plain_text])

    def decision(self, user_id: UUID, now: datetime) -> Decision:
        """What the form means for who sends it. Raises: Invalid."""
        match self.action.data:
            case "assign_me":
                return Decision("assign", owner_id=user_id)
            case "assign":
                return Decision("assign", owner_id=self._owner(user_id))
            case "mute":
                return self._mute(now)
            case "resolve":
                return Decision("resolve", version=self.version.data or None)
        return Decision(self.action.data)

    def _owner(self, user_id: UUID) -> UUID | None:
        if not self.owner.data:
            raise Invalid("Owner: choose somebody, or nobody.", field="owner")
        chosen = {ME: str(user_id), NOBODY: None}.get(self.owner.data, self.owner.data)
        return UUID(chosen) if chosen else None

    def _mute(self, now: datetime) -> Decision:
        until = self.until.data or "escalating"
        if until == "version":
            if not self.version.data:
                raise Invalid("Version: say which version ends the mute.", field="version")
            return Decision("mute", version=self.version.data)
        length = MUTES[until][1]
        return Decision("mute", until=now + length if length else None, is_until_escalating=length is None)


class BulkForm(DecisionForm):
    """What to do to which failures. ``all`` means all that the filter in ``back`` means."""

    failure = FailureIdsField("Failures", most=MOST_FAILURES)
    all = BooleanField("All that match")


class UndoForm(Form):
    """Which decisions to take back, by the numbers of their events."""

    first = IntegerField("Change", [InputRequired("is missing."), NumberRange(1, 2**62)])
    last = IntegerField("Change", [InputRequired("is missing."), NumberRange(1, 2**62)])
    back = StringField("Filter", [Length(max=4_000)], filters=[plain_text])


class CommentForm(Form):
    """What somebody says."""

    body = TextAreaField(
        "Comment", [DataRequired("write something."), Length(max=10_000, message="is longer than 10,000 characters.")],
        filters=[plain_text],
    )  # fmt: skip


class MergeForm(Form):
    """Which failure this one belongs to, by its number."""

    into = StringField("Failure", [DataRequired("name a failure, such as F-218.")], filters=[tidy])

    def number(self) -> int:
        """Raises: Invalid."""
        number = number_in(self.into.data)
        if number is None:
            raise Invalid("Failure: name one by its number, such as F-218.", field="into")
        return number


class SplitForm(Form):
    """Which occurrences become a failure of their own: ``dimension:value``, as the page offers them."""

    part = StringField("Part", [DataRequired("choose what to split off."), Length(max=600)], filters=[plain_text])


class IncidentLinkForm(Form):
    """For how many days a link to the bundle works."""

    days = StringField("Days", [AnyOf(("1", "7", "30"), message="choose one of the offered days.")], default="7")
