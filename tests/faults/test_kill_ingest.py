"""The short form of ``kill_ingest``: each part is killed once while exports arrive."""

from tests.bench.instance import instance
from tests.faults.kill_ingest import TARGETS, torment


def test_acknowledged_spans_outlive_the_death_of_each_part():
    with instance() as own:
        found = torment(own, rounds=1, seconds=1.5, rate=50)
    assert found["kills"] == len(TARGETS), found
    assert found["acknowledged"] > 500, found
    assert (found["missing"], found["doubled"], found["bad_answers"], found["not_given_up"]) == (0, 0, 0, 0), found
    assert found["slowest_recovery_s"] < 30, found
