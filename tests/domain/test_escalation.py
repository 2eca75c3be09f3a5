"""When an hour is unusual: at least ten events, and twice the highest or three times the mean of earlier hours."""

import pytest

from webapp.domain.escalation import escalates, still_escalates


@pytest.mark.parametrize(
    ("events", "earlier", "expected"),
    [
        (9, [0, 0, 0, 0], False),
        (10, [0, 0, 0, 0], True),
        (10, [5, 5, 5, 5], True),
        (19, [10, 10, 10, 10], False),
        (20, [10, 10, 10, 10], True),
        (29, [40, 0, 0, 0], False),
        (30, [40, 0, 0, 0], True),
        (12, [6], True),
        (1_000, [], False),
    ],
)
def test_escalates(events, earlier, expected):
    assert escalates(events, earlier) is expected


def test_it_ends_below_half_of_where_it_begins():
    assert still_escalates(10, [10, 10, 10, 10]) and not still_escalates(9, [10, 10, 10, 10])
    assert still_escalates(0, [])
