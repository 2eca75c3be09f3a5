"""The layout of steps on a time line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from webapp.domain.waterfall import chunks_around, lay_out

BEGIN = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass(eq=False)
class Step:
    started_at: datetime | None
    completed_at: datetime | None
    depth: int = 0
    parent_id: UUID | None = None
    name: str = "step"
    kind: str = "step"
    status: str = "completed"
    id: UUID | None = None
    span_id: bytes = b""

    def __post_init__(self):
        self.id = uuid4()
        self.span_id = self.id.bytes[:8]


def step(start: float, end: float | None, parent: Step | None = None, **values) -> Step:
    return Step(
        BEGIN + timedelta(seconds=start),
        None if end is None else BEGIN + timedelta(seconds=end),
        depth=parent.depth + 1 if parent else 0,
        parent_id=parent.id if parent else None,
        **values,
    )


def test_places_are_percent_of_the_root():
    root = step(0, 10)
    lines = lay_out([root, step(2.5, 5, root)], (), BEGIN).lines
    assert (lines[0].x, lines[0].width) == (0, 100)
    assert (lines[1].x, lines[1].width) == (pytest.approx(25), pytest.approx(25))
    assert lines[0].has_children and not lines[1].has_children


def test_a_child_of_another_clock_is_marked_and_stays_inside():
    root = step(0, 10)
    early = step(-3_600, -3_590, root)
    layout = lay_out([root, early], (), BEGIN)
    assert layout.window_ms == 10_000 and layout.lines[1].is_skewed
    assert 0 <= layout.lines[1].x <= layout.lines[1].x + layout.lines[1].width <= 100
    assert early.started_at == BEGIN - timedelta(seconds=3_600)


def test_a_child_that_outlives_its_parent_widens_the_window():
    root = step(0, 1)
    assert lay_out([root, step(0.5, 4, root)], (), BEGIN).window_ms == 4_000


def test_folding_hides_the_subtree_and_counts_it():
    root = step(0, 9)
    child = step(1, 5, root)
    steps = [root, child, step(1, 2, child), step(2, 3, child), step(6, 7, root)]
    lines = lay_out(steps, {child.span_id}, BEGIN).lines
    assert [line.step for line in lines] == [root, child, steps[4]] and lines[1].folded == 2


def test_failed_siblings_of_one_name_are_attempts():
    root = step(0, 9)
    tries = [
        step(n, n + 1, root, name="call", status=status) for n, status in enumerate(("failed", "failed", "completed"))
    ]
    lines = lay_out([root, *tries], (), BEGIN).lines
    assert [(line.attempt, line.attempts) for line in lines[1:]] == [(1, 3), (2, 3), (3, 3)]
    twice = [step(n, n + 1, root, name="call") for n in range(2)]
    assert {line.attempts for line in lay_out([root, *twice], (), BEGIN).lines} == {1}


def test_open_steps_reach_to_now():
    root = step(0, None, status="running")
    assert lay_out([root], (), BEGIN + timedelta(seconds=7)).window_ms == 7_000


@pytest.mark.parametrize("steps", [[], [step(0, 0)], [Step(None, None)]])
def test_nothing_and_no_time_do_not_break(steps):
    assert len(lay_out(steps, (), BEGIN).lines) == len(steps)


@pytest.mark.parametrize("seconds", [0.0005, 0.084, 1, 38.4, 299, 2_400, 86_400 * 3])
def test_ticks_are_few_and_round(seconds):
    ticks = lay_out([step(0, seconds)], (), BEGIN).ticks
    assert len(ticks) <= 4 and all(0 < x < 100 for x, _ in ticks)
    assert not ticks or all(ms == pytest.approx(ticks[0][1] * (i + 1)) for i, (_, ms) in enumerate(ticks))


def test_the_first_rows_and_those_around_the_open_one_are_drawn():
    assert chunks_around(600, 510, 250) == [(0, 250, True), (250, 500, False), (500, 600, True)]
    assert chunks_around(10, None, 250) == [(0, 10, True)]
