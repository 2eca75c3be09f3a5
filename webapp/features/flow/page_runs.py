"""Shapes of the tabs that show what ran of a flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from webapp.domain.execution_filter import DEFAULT_PRESET, PRESETS, STATUSES, ExecutionFilter, describe_time
from webapp.domain.failure_filter import failures_url
from webapp.domain.paging import Page
from webapp.domain.periods import Period
from webapp.domain.trouble import Trend
from webapp.features.executions.list_page import ListPage
from webapp.features.executions.queries_list import ExecutionRow
from webapp.features.executions.queries_views import Arrangement
from webapp.features.flow.queries_failures import FlowCause
from webapp.web import charts
from webapp.web.charts import Sparkline

EXECUTIONS = "/executions"
TABS = (("All", ()), ("Failed", ("failed",)), ("Running", ("running", "pending")), ("Completed", ("completed",)))
TIMES = ("1h", "24h", "7d", "30d", "all")
MOST_BARS = 24


def read_filter(agentflow_id: UUID, args: Mapping[str, str], now: datetime) -> ExecutionFilter:
    """Executions of the flow in the time and with the statuses of the address; what is unknown is left out."""
    preset = args.get("time", DEFAULT_PRESET)
    length = PRESETS.get(preset, PRESETS[DEFAULT_PRESET])[1]
    statuses = args.getlist("status") if hasattr(args, "getlist") else ()
    return ExecutionFilter(
        preset=preset if preset in PRESETS else DEFAULT_PRESET,
        since=now - length if length is not None else None,
        status=tuple(word for word in STATUSES if word in statuses),
        flow=(agentflow_id,),
    )


def path(wanted: ExecutionFilter, cursor: str = "") -> str:
    """The address of the flow's executions with a filter."""
    return f"/flows/{wanted.flow[0]}/executions" + replace(wanted, flow=()).query(cursor=cursor)


@dataclass(frozen=True, slots=True)
class FlowRuns(ListPage):
    """The executions list narrowed to one flow, whose pages stay at the flow's address."""

    @property
    def here(self) -> str:
        return path(self.wanted)

    @property
    def poll(self) -> str:
        return ""

    def address(self, cursor: str = "", **more: str) -> str:
        return path(self.wanted, cursor)

    @property
    def everything(self) -> str:
        """The executions list with the same filter, where it can be narrowed further."""
        return EXECUTIONS + self.wanted.query()

    @property
    def csv(self) -> str:
        return f"{EXECUTIONS}/export.csv{self.wanted.query()}"

    @property
    def status_links(self) -> list[tuple[str, str, bool]]:
        """Choices of status as (words, address, whether it is the one shown)."""
        return [
            (words, path(replace(self.wanted, status=statuses)), set(statuses) == set(self.wanted.status))
            for words, statuses in TABS
        ]

    @property
    def when(self) -> list[tuple[str, str, bool]]:
        """Choices of time, the same way."""
        frame = replace(self.wanted, since=None)
        return [
            ("Any time" if name == "all" else name, path(replace(frame, preset=name)), name == self.wanted.preset)
            for name in TIMES
        ]


def flow_runs(
    agentflow_id: UUID,
    wanted: ExecutionFilter,
    page: Page[ExecutionRow],
    arrangement: Arrangement,
    *,
    now: datetime,
    zone: ZoneInfo,
) -> FlowRuns:
    """What the tab shows."""
    return FlowRuns(
        wanted=wanted,
        page=page,
        arrangement=arrangement,
        chips=[],
        more=[],
        time_text=describe_time(wanted, zone),
        is_first=page.newer is None,
        can_share=False,
        reasons=None,
        now=now,
        zone=zone,
    )


@dataclass(frozen=True, slots=True)
class CauseRow:
    """One line of the failures tab."""

    cause: FlowCause
    href: str
    spark: Sparkline
    spark_words: str
    trend: Trend


def cause_row(cause: FlowCause, agentflow_id: UUID, period: Period) -> CauseRow:
    """A cause with its failures, or its executions while it is none yet, and its shape over the period."""
    bars = _bars(cause.slots, period)
    asked = {"flow": agentflow_id, "status": "failed", "error_type": cause.error_type} | time_args(period)
    return CauseRow(
        cause=cause,
        href=failures_url(cause.failure_ids, flow=agentflow_id, error_type=cause.error_type, period=period.name)
        or f"{EXECUTIONS}?{urlencode({name: value for name, value in asked.items() if value})}",
        spark=charts.bars(bars),
        spark_words=charts.trend_words(bars),
        trend=cause.counts.trend,
    )


def time_args(period: Period) -> dict[str, str]:
    """The period as parameters of the executions list."""
    return {"since": f"{period.since:%Y-%m-%dT%H:%M:%S}Z", "until": f"{period.until:%Y-%m-%dT%H:%M:%S}Z"}


def _bars(slots: Sequence[int], period: Period) -> list[int]:
    """Failures of the period alone, in about 24 bars."""
    present = [count for count, start in zip(slots, period.slots, strict=False) if start >= period.since]
    size = -(-len(present) // MOST_BARS)
    return [sum(present[i : i + size]) for i in range(0, len(present), size)]
