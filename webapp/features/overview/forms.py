"""What the address of the overview may say."""

from __future__ import annotations

from dataclasses import dataclass

from wtforms import Form, SelectChoice, SelectField

PERIODS = {"24h": "24 h", "7d": "7 d", "30d": "30 d"}
SORTS = {"failing": "Failing most", "executions": "Most runs", "slowest": "Slowest", "cost": "Most expensive"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The period looked at and the order of flows."""

    period: str
    sort: str


class OverviewForm(Form):
    """Period and order; what is absent or unknown falls back to the default, as an old link should still open."""

    period = SelectField(choices=[SelectChoice(*pair) for pair in PERIODS.items()], default="24h")
    sort = SelectField(choices=[SelectChoice(*pair) for pair in SORTS.items()], default="failing")

    def wanted(self) -> Wanted:
        """The valid choices."""
        return Wanted(
            self.period.data if self.period.data in PERIODS else "24h",
            self.sort.data if self.sort.data in SORTS else "failing",
        )
