"""Main set: what real frameworks recorded. The cause is what the recorded script did, as its truth.json tells.

Each capture comes as it is, and with other values in the places where its messages carry values.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from tests.failures.causes import Case
from tests.failures.values import Values
from tests.ingest.captures_table import map_spans, spans_in
from tests.ingest.truth import CAPTURES, Capture, captures
from webapp.domain.fingerprints import Failure
from webapp.domain.fingerprints_trace import failure_in

# Whose API the recorded script called; the plain script calls it by hand, without an SDK and without saying so.
PROVIDERS = {"anthropic-oi": "anthropic", "google-adk": "gemini", "plain": "plain script"}
VARIANTS = 3


def cases(seed: str) -> Iterator[Case]:
    for capture in captures(CAPTURES):
        if capture.truth["overall_status"] != "failed":
            continue
        source = capture.name.partition("/")[0]
        for trace in map_spans(spans_in(capture.bodies)):
            if trace.status != "failed" or trace.is_ignored:
                continue
            failure = failure_in(trace, flow=trace.flow_name)
            for number in range(VARIANTS):
                yield Case(_cause(capture), source, _varied(failure, number, f"{seed}:{capture.name}:{number}"))


def _cause(capture: Capture) -> str:
    """The tool that raised, else the status with which the provider answered, else the scenario."""
    source, _, scenario = capture.name.partition("/")
    if scenario == "tool_error":
        # Two sources record no span of the tool: the error arises in a step of their own script.
        is_own = source in ("plain", "openai-v2")
        return f"captured tool_error in {source}" if is_own else "captured tool_error in lookup_order"
    if scenario == "llm_timeout" and source == "openai-v2":
        # The same SDK waits for the same provider in vain in a cause of ours: one outage, one label.
        return "openai_silent"
    failed = [row["status"] for row in capture.truth["llm_calls_detail"] if row["status"] != 200]
    what = f"status {failed[-1]}" if scenario.startswith("llm_error") and failed else scenario
    return f"captured {what} of {PROVIDERS.get(source, 'openai')}"


def _varied(failure: Failure, number: int, seed: str) -> Failure:
    if number == 0:
        return failure
    v, rng = Values(seed), random.Random(seed)
    places = {
        "order 42": f"order {v.order()}",
        "gpt-4o-mini": rng.choice(("gpt-4o-mini", "gpt-4o", "gpt-5.1")),
        "org-test": f"org-{v.base62(20)}4",
        "200000": str(v.number()),
        "127.0.0.1:18230": f"127.0.0.1:{v.number(1024, 65535)}",
    }
    message = failure.message or ""
    for old, new in places.items():
        message = message.replace(old, new)
    model = failure.model and places.get(failure.model, failure.model)
    return replace(failure, message=message or failure.message, model=model)
