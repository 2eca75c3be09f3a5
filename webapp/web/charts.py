"""Geometry of the SVG charts: pure numbers in percent, drawn by ``components/chart.html``.

Nothing here knows a colour or a page. All positions are percent of the plot, so bars stretch and text does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from markupsafe import Markup, escape

Number = int | float | Decimal
MINIMUM_HEIGHT = 0.8
"""Percent: a single failure among ten thousand executions must still be seen."""
COLUMN_FILL = 0.78
NARROW = 10
"""With more columns than this a label is wider than its column, so the last one ends where its column ends."""
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Series:
    """One layer of a stack, with either a status (``failed``) or a place in the palette (0 to 7)."""

    label: str
    status: str = ""
    colour: int = 0

    @property
    def ink(self) -> Markup:
        """The attribute that colours a mark of the series."""
        return Markup(f'data-s="{escape(self.status)}"' if self.status else f'data-c="{int(self.colour)}"')


@dataclass(frozen=True, slots=True)
class Column:
    """One stack. ``label`` is said in full (title, table), ``tick`` under the axis; values follow the series."""

    label: str
    values: Sequence[Number]
    tick: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in percent of the plot."""

    x: float
    y: float
    width: float
    height: float

    @property
    def place(self) -> Markup:
        """Its four attributes. Written here because a page has hundreds, and a template takes longer over numbers."""
        return Markup(f'x="{self.x:.2f}%" y="{self.y:.2f}%" width="{self.width:.2f}%" height="{self.height:.2f}%"')


@dataclass(frozen=True, slots=True)
class Stack:
    """A column made ready to draw: where it may be hit, its segments as (series, bar) and its values as text."""

    label: str
    title: str
    href: str
    hit: Bar
    segments: Sequence[tuple[Series, Bar]]
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Tick:
    """A label under the axis; ``anchor`` is end where a label in the middle would leave the plot."""

    x: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment to point at, such as a version first seen: percent from the left, and its label."""

    x: float
    label: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class StackedChart:
    """What the macro ``stacked_chart`` draws. Series run from the bottom of the stack; a legend runs the other way."""

    series: Sequence[Series]
    stacks: Sequence[Stack]
    grid: Sequence[tuple[float, str]]
    ticks: Sequence[Tick]
    marks: Sequence[Mark] = ()

    @property
    def legend(self) -> Sequence[Series]:
        """Series from the top of the stack, as the eye meets them."""
        return tuple(reversed(self.series))


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A shape without an axis: ``points`` and ``area`` of a line in a box of 100 x 30, or ``bars`` in percent."""

    points: str = ""
    area: str = ""
    bars: Sequence[Bar] = field(default_factory=tuple)


def plain(value: Number) -> str:
    """A count with thousands separators, the way values are written unless a chart says otherwise."""
    return f"{value:,.10g}" if isinstance(value, float) else f"{value:,}"


def axis_top(maximum: Number, *, is_whole: bool = True) -> tuple[float, int]:
    """The value at the top gridline and the number of steps down to zero: 2 or 3, whichever wastes less of the plot.

    Steps are 1, 2, 2.5 or 5 times a power of ten; for counts they are whole. Nothing to show still gives an axis.
    """
    wanted = max(float(maximum), 0.0)
    if wanted == 0:
        return (2.0, 2) if is_whole else (1.0, 2)
    best: tuple[float, int] | None = None
    for intervals in (2, 3):
        step = _nice_step(wanted / intervals, is_whole=is_whole)
        candidate = (step * intervals, intervals)
        if best is None or candidate[0] < best[0]:
            best = candidate
    return best or (wanted, 2)


def _nice_step(least: float, *, is_whole: bool) -> float:
    power = 1.0
    while power * 10 <= least:
        power *= 10
    while power > least:
        power /= 10
    for factor in STEPS:
        step = factor * power
        if step >= least * (1 - 1e-12) and (not is_whole or (step >= 1 and float(step).is_integer())):
            return step
    return max(10 * power, 1.0) if is_whole else 10 * power


def stacked(
    series: Sequence[Series],
    columns: Sequence[Column],
    *,
    is_whole: bool = True,
    value_text: Callable[[Number], str] = plain,
    axis_text: Callable[[Number], str] | None = None,
    marks: Sequence[Mark] = (),
    tick_limit: int = 6,
) -> StackedChart:
    """Lay out stacked columns with a zero baseline; the first series is at the bottom.

    A value above zero is drawn at least 0.8 % high. ``is_whole`` keeps the axis to whole numbers, for counts.
    """
    top, intervals = axis_top(max((sum(map(float, c.values)) for c in columns), default=0), is_whole=is_whole)
    width = 100 / max(len(columns), 1)
    write = axis_text or value_text
    steps = [top * (intervals - i) / intervals for i in range(intervals + 1)]
    grid = [(100 * i / intervals, write(int(v) if is_whole else v)) for i, v in enumerate(steps)]
    stacks = [_stack(series, column, i * width, width, top, value_text) for i, column in enumerate(columns)]
    return StackedChart(tuple(series), stacks, grid, axis_ticks([c.tick for c in columns], limit=tick_limit), marks)


def _stack(
    series: Sequence[Series], column: Column, x: float, width: float, top: float, value_text: Callable[[Number], str]
) -> Stack:
    heights = [_height(float(value), top) for value in column.values]
    excess = sum(heights) - 100
    if excess > 0:
        heights[heights.index(max(heights))] -= excess
    inset = width * (1 - COLUMN_FILL) / 2
    segments, y = [], 100.0
    for one, height in zip(series, heights, strict=True):
        y -= height
        if height > 0:
            segments.append((one, Bar(x + inset, y, width * COLUMN_FILL, height)))
    texts = [value_text(value) for value in column.values]
    said = ", ".join(f"{one.label}: {text}" for one, text in zip(series, texts, strict=True))
    return Stack(column.label, f"{column.label}, {said}", column.href, Bar(x, 0, width, 100), segments, texts)


def _height(value: float, top: float) -> float:
    return max(100 * value / top, MINIMUM_HEIGHT) if value > 0 else 0.0


def axis_ticks(texts: Sequence[str], *, limit: int = 6) -> list[Tick]:
    """At most ``limit`` labels at even distances, each under its column; the last column keeps its own.

    Empty texts are not labelled.
    """
    count = len(texts)
    if not count:
        return []
    every = -(-count // max(limit - 1, 1))
    chosen = [i for i in range(0, count, every) if texts[i]]
    last = count - 1
    if texts[last] and last not in chosen:
        if chosen and last - chosen[-1] < every:
            chosen.pop()
        chosen.append(last)
    width = 100 / count
    is_narrow = count > NARROW
    return [
        Tick((i + 1) * width, texts[i], "end")
        if is_narrow and i == last
        else Tick((i + 0.5) * width, texts[i], "middle")
        for i in chosen
    ]


def line(values: Sequence[Number | None], *, is_from_zero: bool = False) -> Sparkline:
    """A line through the known values; unknown ones are bridged. Fewer than two known values draw nothing.

    The shape fills the box from its own minimum unless ``is_from_zero``; no axis, so it says shape and not size.
    """
    known = [(i, float(v)) for i, v in enumerate(values) if v is not None]
    if len(known) < 2:
        return Sparkline()
    low = 0.0 if is_from_zero else min(v for _, v in known)
    high = max(v for _, v in known)
    span = high - low
    last = len(values) - 1
    dots = [(100 * i / last, 27 - 24 * (v - low) / span if span else 15.0) for i, v in known]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
    return Sparkline(points=points, area=f"{dots[0][0]:.1f},30 {points} {dots[-1][0]:.1f},30")


def bars(values: Sequence[Number]) -> Sparkline:
    """Small columns from zero to the largest value; zero draws nothing."""
    highest = max((float(v) for v in values), default=0.0)
    if highest <= 0:
        return Sparkline()
    width = 100 / len(values)
    drawn = []
    for i, value in enumerate(values):
        if value > 0:
            height = max(100 * float(value) / highest, 8.0)
            drawn.append(Bar(i * width + width * 0.12, 100 - height, width * 0.76, height))
    return Sparkline(bars=tuple(drawn))


def trend_words(values: Sequence[Number]) -> str:
    """What a failure sparkline shows, in words for those who cannot see it: its first value, peak and last value."""
    if not any(values):
        return "None"
    peak = max(values)
    return f"First {plain(values[0])}, highest {plain(peak)}, last {plain(values[-1])}"
