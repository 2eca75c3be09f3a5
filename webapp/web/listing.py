"""What pages of lists with figures share: choices of a filter, periods, links to executions, cells of the export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from webapp.domain.periods import Period

PERIODS = {"24h": "24 h", "7d": "7 d", "30d": "30 d"}
FIGURE_COLUMNS = ("period", "executions", "completed", "failed", "failure_rate", "p50_ms", "p95_ms", "cost_usd")


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a filter."""

    value: str
    label: str
    is_chosen: bool


def options(words: Mapping[str, str], chosen: str, *, any_label: str = "") -> list[Option]:
    """The choices as a select lists them; ``any_label`` names the open one, which comes first."""
    found = [Option("", any_label, not chosen)] if any_label else []
    return found + [Option(value, label, value == chosen) for value, label in words.items()]


def executions_link(base: str, period: Period) -> Callable[..., str]:
    """``link(agent="triage", status="failed")``: the executions list in the period with that filter."""
    frame = [("since", _instant(period.since)), ("until", _instant(period.until))]

    def link(**filters: str) -> str:
        return f"{base}?{urlencode([*filters.items(), *frame])}"

    return link


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def figure_cells(period: Period, sums: Any) -> tuple[Any, ...]:
    """Figures of a row as cells under :data:`FIGURE_COLUMNS`; counts of what did not run are 0, the rest is empty."""
    if sums is None:
        return (period.name, 0, 0, 0, None, None, None, None)
    p50, p95 = (None if ms is None else round(ms) for ms in (sums.p50_ms, sums.p95_ms))
    return (
        period.name, sums.executions, sums.completed, sums.failed, sums.failure_rate, p50, p95, sums.inner_cost_usd
    )  # fmt: skip
