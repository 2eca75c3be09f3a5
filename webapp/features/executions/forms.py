"""What people may ask of the executions list, and what they may say about an execution."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from wtforms import (
    BooleanField,
    DecimalField,
    Field,
    Form,
    IntegerField,
    StringField,
    TextAreaField,
)
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from webapp.domain.errors import Invalid
from webapp.domain.execution_filter import DEFAULT_PRESET, PRESETS, STATUSES, TRIGGERS, ExecutionFilter
from webapp.web.form_rules import ManyField, plain_text

COLUMNS = (
    "id",
    "trigger",
    "started",
    "duration",
    "calls",
    "tokens",
    "cost",
    "environment",
    "session",
    "user",
    "models",
)
DEFAULT_COLUMNS = ("id", "trigger", "started", "duration", "tokens", "cost")
LATEST_YEAR = 2200


class InstantField(Field):
    """An instant in ISO 8601; without an offset or Z it is on the reader's clock, which only the filter knows."""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = plain_text(valuelist[0] if valuelist else "")
        self.data = None
        if not text:
            return
        try:
            self.data = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("is no date and time. Write it like 2026-11-24T20:00.") from None
        if not 2000 <= self.data.year < LATEST_YEAR:
            self.data = None
            raise ValueError("must lie between the years 2000 and 2199.")


def _amount(label: str) -> DecimalField:
    return DecimalField(label, [Optional(), NumberRange(min=0, max=1_000_000_000)])


class ExecutionFilterForm(Form):
    """The filter of the executions list as parameters of its address."""

    q = StringField("Search", [Length(max=200)], filters=[plain_text])
    time = StringField(
        "Started", [Optional(), AnyOf(PRESETS, message="must be one of %(values)s.")], filters=[plain_text]
    )
    since = InstantField("From")
    until = InstantField("Until")
    status = ManyField("Status", STATUSES)
    flow = ManyField("Flow")
    model = ManyField("Model")
    agent = ManyField("Agent")
    tool = ManyField("Tool")
    trigger = ManyField("Trigger", TRIGGERS)
    environment = ManyField("Environment")
    error_type = ManyField("Error")
    session = StringField("Session", [Length(max=255)], filters=[plain_text])
    user = StringField("User", [Length(max=255)], filters=[plain_text])
    cost_min = _amount("Cost from")
    cost_max = _amount("Cost up to")
    duration_min = _amount("Duration from")
    duration_max = _amount("Duration up to")

    def validate_flow(self, field: Field) -> None:
        for value in field.data or ():
            try:
                UUID(value)
            except ValueError:
                raise ValidationError("must be the id of a flow.") from None

    def criteria(self, now: datetime, zone: ZoneInfo) -> ExecutionFilter:
        """The filter that the address means at this moment.

        Raises: Invalid, naming the first field at fault.
        """
        if not self.validate():
            name, problems = next(iter(self.errors.items()))
            label = self[name].label.text if name in self._fields else "Filter"
            raise Invalid(f"{label}: {problems[0]}", field=name)
        preset, since, until = self._time(now, zone)
        return ExecutionFilter(
            preset=preset,
            since=since,
            until=until,
            q=self.q.data,
            flow=tuple(UUID(value) for value in self.flow.data),
            session=self.session.data,
            user=self.user.data,
            cost_min=self.cost_min.data,
            cost_max=self.cost_max.data,
            duration_min_ms=_milliseconds(self.duration_min.data),
            duration_max_ms=_milliseconds(self.duration_max.data),
            **{
                name: tuple(self[name].data)
                for name in ("status", "model", "agent", "tool", "trigger", "environment", "error_type")
            },
        )

    def _time(self, now: datetime, zone: ZoneInfo) -> tuple[str, datetime | None, datetime | None]:
        since, until = (
            at.replace(tzinfo=zone) if at and at.tzinfo is None else at for at in (self.since.data, self.until.data)
        )
        if since or until:
            if since and until and since >= until:
                raise Invalid("Until: must come after From.", field="until")
            return "", since, until
        preset = self.time.data or DEFAULT_PRESET
        length = PRESETS[preset][1]
        return preset, now - length if length is not None else None, None


def _milliseconds(seconds: Decimal | None) -> int | None:
    return None if seconds is None else int(min(seconds, Decimal(timedelta(days=24).total_seconds())) * 1000)


class FeedbackForm(Form):
    """A thumb and, if wanted, words."""

    score = IntegerField("Score", [InputRequired("choose thumbs up or down."), AnyOf((-1, 1), "must be 1 or -1.")])
    comment = TextAreaField("Comment", [Length(max=4000)], filters=[plain_text])


class SavedViewForm(Form):
    """A name for the filter that is shown."""

    name = StringField("Name", [DataRequired("give the view a name."), Length(max=80)], filters=[plain_text])
    query = StringField("Filter", [Length(max=4000)], filters=[plain_text])
    is_shared = BooleanField("Share")


class ColumnsForm(Form):
    """Which columns the list shows, in the order of the page."""

    column = ManyField("Columns", COLUMNS)

    def chosen(self) -> tuple[str, ...]:
        return tuple(name for name in COLUMNS if name in (self.column.data or ()))


def checked(form: Form) -> Form:
    """Give the form back when it holds. Raises: Invalid, naming the first field at fault."""
    if not form.validate():
        name, problems = next(iter(form.errors.items()))
        raise Invalid(f"{form[name].label.text}: {problems[0]}", field=name)
    return form
