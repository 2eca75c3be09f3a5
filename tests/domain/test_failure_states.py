"""What brings a repaired failure back, and what proves nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from webapp.domain.failure_states import Occurrence, Resolution, reopens

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("resolution", "occurrence", "is_back"),
    [
        (Resolution(NOON), Occurrence(NOON + HOUR), True),
        (Resolution(NOON), Occurrence(NOON), False),
        (Resolution(NOON), Occurrence(NOON - HOUR), False),
        (Resolution(NOON, "v2", NOON - HOUR), Occurrence(NOON + HOUR, "v2", NOON - HOUR), True),
        (Resolution(NOON, "v2", NOON - HOUR), Occurrence(NOON + HOUR, "v1", NOON - 9 * HOUR), False),
        (Resolution(NOON, "v2", NOON - HOUR), Occurrence(NOON + HOUR, "v3", NOON + HOUR), True),
        (Resolution(NOON, "v2", NOON - HOUR), Occurrence(NOON - 2 * HOUR, "v2", NOON - HOUR), False),
        (Resolution(NOON, "v2", NOON - HOUR), Occurrence(NOON + HOUR), False),
        (Resolution(NOON, "v2"), Occurrence(NOON + HOUR, "v1", NOON - HOUR), False),
        (Resolution(NOON, "v2"), Occurrence(NOON + 2 * HOUR, "v3", NOON + HOUR), True),
    ],
)
def test_only_a_start_afterwards_on_that_version_or_later_reopens(resolution, occurrence, is_back):
    assert reopens(resolution, occurrence) is is_back
