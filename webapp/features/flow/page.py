"""A flow's drawing with what ran on it, and one of its blocks beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import orjson

from webapp.domain.flow_graph import CredentialSlot, FlowGraph, GraphBlock
from webapp.domain.periods import Period
from webapp.features.flow.page_blocks import BlockRow, failed_runs, is_narrow
from webapp.features.flow.queries_block import ObservedBlock
from webapp.features.flow.queries_shares import SharedFlow
from webapp.features.rollups.queries_blocks import Sums
from webapp.web import charts, formats
from webapp.web.charts import Sparkline
from webapp.web.graph_view import BlockHeat, BlockMark, GraphView, Identity, draw_graph

MOST_SETTING, LONG_SETTING = 20_000, 240
MOST_NEIGHBOURS = 50


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn: a definition with what was seen beside it, or what was seen alone. ``rows`` are its blocks."""

    graph: FlowGraph
    rows: Mapping[str, BlockRow]
    edge_shares: Mapping[Identity, float]
    undrawn_edges: frozenset[Identity]

    @property
    def undrawn(self) -> list[BlockRow]:
        """Blocks that ran and are not drawn."""
        return [row for row in self.rows.values() if row.is_undrawn]

    @property
    def unran(self) -> list[BlockRow]:
        """Blocks that are drawn and did not run."""
        return [row for row in self.rows.values() if row.never_ran]


def view_of(
    picture: Picture,
    href: Callable[[str], str],
    current: str | None,
    problems: Mapping[str, str],
    *,
    has_run: bool,
    is_manual: bool,
) -> GraphView:
    """The drawing with its figures. What did not run is marked only where the flow itself ran."""
    heats = {
        key: BlockHeat(
            row.now.executions, row.now.failed, row.now.failure_rate, f"p95 {formats.duration(row.now.p95_ms)}"
        )
        for key, row in picture.rows.items()
        if row.now.executions
    }
    marks = {
        key: BlockMark(is_undrawn=row.is_undrawn, never_ran=has_run and row.never_ran, problem=problems.get(key, ""))
        for key, row in picture.rows.items()
        if row.is_undrawn or (has_run and row.never_ran) or key in problems
    }
    return draw_graph(
        picture.graph,
        heats=heats,
        href=href,
        current=current,
        edge_shares=picture.edge_shares,
        marks=marks,
        undrawn_edges=picture.undrawn_edges,
        is_manual=is_manual,
    )


def shared_view(flow: SharedFlow) -> GraphView:
    """The drawing without figures, whose blocks lead nowhere but to themselves."""
    is_manual = flow.graph.config.get("layout") == "manual"
    return draw_graph(flow.graph, heats={}, href=lambda key: f"#{key}", current=None, is_manual=is_manual)


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that a block is configured with, as text. A long one is folded."""

    name: str
    text: str
    is_cut: bool

    @property
    def is_long(self) -> bool:
        return len(self.text) > LONG_SETTING or self.text.count("\n") > 3


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A block at the other end of an edge."""

    name: str
    href: str
    label: str


@dataclass(frozen=True, slots=True)
class BlockPanel:
    """One block beside the drawing. ``block`` is None for one that is not drawn."""

    row: BlockRow
    block: GraphBlock | None
    spark: Sparkline
    spark_words: str
    before: Sequence[Neighbour]
    after: Sequence[Neighbour]
    settings: Sequence[Setting]
    failed_href: str
    is_failed_narrow: bool
    runs_as: Sequence[ObservedBlock]
    runs_as_id: UUID | None
    problem: str

    @property
    def credentials(self) -> Sequence[CredentialSlot]:
        return self.block.credentials if self.block else ()

    @property
    def agent_id(self) -> UUID | None:
        """The agent to lead to: the drawn one, else the one that ran."""
        drawn = self.block.agent if self.block else None
        try:
            return UUID(drawn) if drawn else (self.row.figures.agent_id if self.row.figures else None)
        except ValueError:
            return None

    @property
    def tool_id(self) -> UUID | None:
        return self.row.figures.tool_id if self.row.figures else None

    @property
    def cost_per_run(self) -> Decimal | None:
        return self.row.cost_per_run


def panel_of(
    picture: Picture,
    key: str,
    columns: Sequence[Sums],
    flow_id: UUID,
    period: Period,
    href: Callable[[str], str],
    *,
    runs_as: Sequence[ObservedBlock] = (),
    runs_as_id: UUID | None = None,
    problem: str = "",
) -> BlockPanel:
    """The panel of a block of the picture."""
    row, block = picture.rows[key], picture.graph.block(key)
    drawn = block if block is not None and row.is_drawn else None
    bars = [column.failed for column in columns]
    return BlockPanel(
        row=row,
        block=drawn,
        spark=charts.bars(bars),
        spark_words=f"Failures over the {period.words.lower()}: {charts.trend_words(bars)}",
        before=_neighbours(picture, key, href, is_before=True),
        after=_neighbours(picture, key, href, is_before=False),
        settings=_settings(drawn) if drawn else (),
        failed_href=failed_runs(flow_id, row, period),
        is_failed_narrow=is_narrow(row),
        runs_as=runs_as,
        runs_as_id=runs_as_id,
        problem=problem,
    )


def _neighbours(picture: Picture, key: str, href: Callable[[str], str], *, is_before: bool) -> list[Neighbour]:
    names = {block.key: block.name for block in picture.graph.blocks}
    found: dict[tuple[str, str], Neighbour] = {}
    for edge in picture.graph.edges:
        here, there = (edge.target, edge.source) if is_before else (edge.source, edge.target)
        if here == key:
            handle = edge.source_handle.removeprefix("case:")
            label = edge.label or (handle if handle != "out" else "")
            if edge.kind == "attach":
                label = f"as {edge.target_handle.removeprefix('attach:')}"
            found.setdefault((there, label), Neighbour(names.get(there, there), href(there), label))
    return list(found.values())[:MOST_NEIGHBOURS]


def _settings(block: GraphBlock) -> list[Setting]:
    named = [*block.config.items()]
    named += [(f"input {name}", value) for name, value in block.inputs.items()]
    named += [(f"output {name}", value) for name, value in block.outputs.items()]
    return [_setting(str(name), value) for name, value in named if value not in (None, "", [], {})]


def _setting(name: str, value: object) -> Setting:
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return Setting(name, text[:MOST_SETTING], len(text) > MOST_SETTING)
