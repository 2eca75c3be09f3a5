"""The blocks of a flow as rows: drawn ones with what ran as them, and what ran without being drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from webapp.domain.periods import Period
from webapp.domain.trouble import Counts, Trend, failing_for_sure
from webapp.features.flow.page_runs import EXECUTIONS, time_args
from webapp.features.flows.queries_blocks import BlockFigures, BlockTable
from webapp.features.rollups.queries_blocks import Sums

NOTHING = Sums()
KINDS = {
    "agent": "Agent", "tool": "Tool call", "model_call": "Model call", "retrieval": "Retrieval",
    "embedding": "Embedding", "step": "Step",
}  # fmt: skip
ICONS = {
    "agent": "agent", "tool": "tool", "model_call": "llm", "retrieval": "retrieval", "embedding": "embedding",
    "trigger": "play", "condition": "branch", "loop": "retry", "transform": "code", "action": "step",
}  # fmt: skip
CSV = (
    "block", "type", "kind", "key", "is_drawn", "executions", "ended", "failed", "failure_rate", "p50_ms", "p95_ms",
    "cost_usd", "cost_with_inner_usd", "cost_share", "executions_before", "failed_before", "failure_rate_before",
    "last_failed_at", "last_failed_execution_id", "error_type", "error_message",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One block. ``figures`` is None for a drawn block that did not run in the period or the one before.

    ``key`` is that of the drawing, or the id of the observed block where it is not drawn. ``never_ran``: it is drawn
    and did not run in the period.
    """

    key: str
    name: str
    block_type: str
    step_kind: str
    figures: BlockFigures | None
    is_drawn: bool
    is_undrawn: bool = False
    needs_review: bool = False
    never_ran: bool = False

    @property
    def now(self) -> Sums:
        return self.figures.now if self.figures else NOTHING

    @property
    def before(self) -> Sums:
        return self.figures.before if self.figures else NOTHING

    @property
    def is_counted(self) -> bool:
        """Whether traces say how often it ran: a trigger and what only decides may have no span."""
        return self.figures is not None or self.never_ran

    @property
    def kind(self) -> str:
        """What it is, in words: as seen in traces, else as drawn."""
        return KINDS.get(self.step_kind) or self.block_type.replace("_", " ").capitalize()

    @property
    def icon(self) -> str:
        return ICONS.get(self.step_kind) or ICONS.get(self.block_type, "step")

    @property
    def counts(self) -> Counts:
        return Counts(self.now.failed, self.now.ended, self.before.failed, self.before.ended)

    @property
    def trend(self) -> Trend | None:
        """How its failures compare with those before; None when it never failed or there is nothing to compare."""
        if not self.before.ended or not (self.now.failed or self.before.failed):
            return None
        return self.counts.trend

    @property
    def points(self) -> float | None:
        """Change of the failure rate in points; None where there is nothing to compare."""
        if self.now.failure_rate is None or self.before.failure_rate is None:
            return None
        return (self.now.failure_rate - self.before.failure_rate) * 100

    @property
    def cost_share(self) -> float | None:
        return self.figures.cost_share if self.figures else None

    @property
    def cost_per_run(self) -> Decimal | None:
        """Own cost of one of its executions, on average; of a block that only holds others, the cost of those."""
        cost = self.now.cost_usd if self.now.cost_usd is not None else self.now.inner_cost_usd
        if cost is None or not self.now.executions:
            return None
        return cost / self.now.executions

    @property
    def is_cost_inner(self) -> bool:
        """Whether the cost per run is that of the blocks inside it."""
        return self.now.cost_usd is None and self.now.inner_cost_usd is not None

    @property
    def reason(self) -> str:
        """Why it failed last, in one line."""
        if self.figures is None or self.figures.error_type is None:
            return ""
        kind = self.figures.error_type.rpartition(".")[2]
        line = (self.figures.error_message or "").strip().partition("\n")[0].strip()
        return f"{kind}: {line}" if kind and line and not line.startswith(kind) else line or kind or "Not said"

    def cells(self) -> tuple[Any, ...]:
        """The row of the CSV, in the order of :data:`CSV`; the figures are those of the page."""
        now, before, figures = self.now, self.before, self.figures
        return (
            self.name, self.block_type, self.step_kind, self.key, self.is_drawn, now.executions, now.ended, now.failed,
            now.failure_rate, now.p50_ms, now.p95_ms, now.cost_usd, now.inner_cost_usd, self.cost_share,
            before.executions, before.failed, before.failure_rate, now.last_failed_at, now.last_failed_execution_id,
            figures.error_type if figures else None, figures.error_message if figures else None,
        )  # fmt: skip


SORT_KEYS: dict[str, Callable[[BlockRow], Any]] = {
    "failing": lambda row: (-failing_for_sure(row.now.failed, row.now.ended), -row.now.failed),
    "executions": lambda row: -row.now.executions,
    "slowest": lambda row: -(row.now.p95_ms or -1),
    "cost": lambda row: -(row.now.cost_usd if row.now.cost_usd is not None else Decimal(-1)),
    "trend": lambda row: -(row.points if row.points is not None else float("-inf")),
    "name": lambda row: row.name.casefold(),
}


def sorted_rows(rows: Iterable[BlockRow], sort: str) -> list[BlockRow]:
    """Rows in the order asked for; ties by executions, then by name."""
    return sorted(rows, key=lambda row: (SORT_KEYS[sort](row), -row.now.executions, row.name.casefold(), row.key))


def failed_runs(flow_id: UUID, row: BlockRow, period: Period) -> str:
    """The executions list with failed runs of the flow that used this block, as far as a filter can say so."""
    asked = {"flow": flow_id, "status": "failed"} | time_args(period)
    if row.figures and row.step_kind in ("tool", "agent"):
        asked[row.step_kind] = row.figures.name
    return f"{EXECUTIONS}?{urlencode(asked)}"


def is_narrow(row: BlockRow) -> bool:
    """Whether that list knows of the block."""
    return bool(row.figures) and row.step_kind in ("tool", "agent")


def observed_row(block: BlockFigures, *, is_undrawn: bool = False) -> BlockRow:
    """A block of traces as a row, under its id."""
    return BlockRow(
        key=str(block.block_id),
        name=block.name,
        block_type=block.block_type,
        step_kind=block.step_kind,
        figures=block,
        is_drawn=False,
        is_undrawn=is_undrawn,
    )


def compared_with(table: BlockTable, other: BlockTable) -> BlockTable:
    """The table with what another one says in place of the time before, such as that of another version."""
    others = {block.block_id: block for block in other.blocks}
    known = {block.block_id for block in table.blocks}
    mine = [_against(block, others.get(block.block_id)) for block in table.blocks]
    theirs = [replace(b, now=NOTHING, before=b.now, cost_share=None, error_type=None) for b in other.blocks]
    blocks = [
        b for b in (*mine, *(b for b in theirs if b.block_id not in known)) if b.now.executions or b.before.executions
    ]
    return BlockTable(_against(table.flow, other.flow), tuple(blocks))


def _against(block: BlockFigures, other: BlockFigures | None) -> BlockFigures:
    return replace(block, before=other.now if other else NOTHING)
