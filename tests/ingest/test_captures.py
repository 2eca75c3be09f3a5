"""Every capture comes to its truth, in any order, doubled, and in either encoding."""

import random

import pytest

from tests.ingest.captures_table import executions, map_spans, spans_in, table
from tests.ingest.reencode import reencoded
from tests.ingest.truth import CAPTURES, FIXTURES, NO_CAPTURES, captures, differences
from webapp.ingest.spans import span_from_raw

OWN = captures(FIXTURES / "otlp")
ALL = captures() or OWN
each = pytest.mark.parametrize("capture", ALL, ids=lambda capture: capture.name)


def test_own_fixtures_are_there():
    assert len(OWN) == 9


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=NO_CAPTURES)
def test_all_captures_are_read_and_their_table_has_no_difference():
    lines = table()
    print("\n" + "\n".join(lines))
    assert len(lines) == 1 + 102
    assert [line for line in lines[1:] if not line.endswith(" ok")] == []


@each
def test_capture_gives_its_truth(capture):
    mapped = map_spans(spans_in(capture.bodies))
    assert differences(capture, executions(mapped)) == []
    expected = capture.truth["flow_name_expected"]
    if expected and capture.truth["root_span_names"] and not capture.name.endswith("/linked"):
        assert {trace.flow_name for trace in mapped if not trace.is_ignored} == {expected}


@each
def test_order_and_doubles_change_nothing(capture):
    spans = spans_in(capture.bodies)
    mapped = map_spans(spans)
    for seed in range(3):
        again = spans + random.Random(seed).sample(spans, len(spans) // 2)
        random.Random(seed).shuffle(again)
        assert map_spans(again) == mapped
    assert map_spans(spans + spans) == mapped


@each
def test_encodings_and_stored_spans_give_the_same(capture):
    spans = spans_in(capture.bodies)
    mapped = map_spans(spans)
    other = spans_in([reencoded(body, kind) for body, kind in capture.bodies])
    assert [span.content_hash for span in other] == [span.content_hash for span in spans]
    assert map_spans(other) == mapped
    assert [span_from_raw(span.raw) for span in spans] == spans


@each
def test_part_of_a_trace_is_running_until_its_root_or_settled(capture):
    """A trace without its root is running, has no error yet, and all its spans as steps."""
    spans = [span for span in spans_in(capture.bodies) if span.parent_span_id is not None]
    for trace in map_spans(spans, settled=False):
        assert trace.status == "running" and trace.error is None and not trace.is_root_seen
        assert len(trace.steps) == trace.span_count
    assert all(trace.status != "running" for trace in map_spans(spans, settled=True))


@each
def test_each_token_stands_on_one_step_and_each_step_once(capture):
    for trace in map_spans(spans_in(capture.bodies)):
        steps = trace.steps
        assert [step.sequence for step in steps] == list(range(len(steps)))
        assert len({step.span_id for step in steps}) == len(steps)
        known = [step.input_tokens for step in steps if step.input_tokens is not None]
        assert (sum(known) if known else None) == trace.input_tokens
        assert all(step.is_billable for step in steps if step.input_tokens is not None)
        assert sum(step.is_error_origin for step in steps) == (trace.error is not None)
