"""Which failures are together and which are not: by type, message and place; the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import pytest

from tests.failures import sets
from webapp.domain.fingerprints import VERSION, Failure, fingerprint, title

ROOT = Path(__file__).resolve().parents[2]
# Of version 1: all parts of the failures in tests/failures/main.jsonl. A rule that changes them changes stored groups.
PINNED = {1: "5eaa8f3e57bd4f5f940c4956b06edfed"}

STEP = Failure("ValueError", "amount 12 is below 20", "step", "post_to_ledger", flow="invoices")
TOOL = Failure("lab.LedgerError", "no entry 4711", "tool", "lookup_order", "invoices", "writer", "lookup_order")
AGENT = Failure("GuardrailTripped", "refused", "agent", "triage", "invoices", "triage")
CALL = Failure(
    "openai.BadRequestError",
    "Error code: 400 - This model's maximum context length is 128000 tokens.",
    "model_call",
    "chat gpt-4o",
    "invoices",
    "writer",
    provider="openai",
    model="gpt-4o",
)
OUTAGE = replace(CALL, error_type="openai.RateLimitError", message="Error code: 429 - Rate limit reached for gpt-4o")


def are_together(one: Failure, other: Failure) -> bool:
    return fingerprint(one).hash == fingerprint(other).hash


def pinned() -> str:
    """One digest over the parts and hashes of the whole main set."""
    digest = blake2b(digest_size=16)
    for case in sets.read("main"):
        found = fingerprint(case.failure)
        digest.update(repr((found.hash, found.version, found.parts)).encode())
    return digest.hexdigest()


@pytest.mark.parametrize(
    ("failure", "changes"),
    [
        (STEP, {"message": "amount 13.50 is below 7"}),
        (STEP, {"error_type": "shop.errors.ValueError"}),
        (STEP, {"raised_as": ("FlowFailed",)}),
        (STEP, {"stack": "Traceback ..."}),
        (TOOL, {"flow": "support"}),
        (TOOL, {"agent_name": "triage"}),
        (TOOL, {"error_type": "LedgerError"}),
        (AGENT, {"flow": "support"}),
        (CALL, {"model": "gpt-5", "step_name": "chat gpt-5"}),
        (CALL, {"flow": "support"}),
        (CALL, {"provider": "OpenAI"}),
        (OUTAGE, {"flow": "support"}),
        (OUTAGE, {"agent_name": "triage"}),
        (OUTAGE, {"model": "gpt-5.1", "message": "Error code: 429 - Rate limit reached for gpt-5.1"}),
        (OUTAGE, {"error_type": "langchain_openai.chat_models.base.OpenAIRateLimitError"}),
        (OUTAGE, {"error_type": None}),
        (OUTAGE, {"message": "Error code: 429 - {'error': {'message': 'Rate limit reached for gpt-4o', 'code': 'x'}}"}),
        (OUTAGE, {"message": '429 {"error": {"message": "Rate limit reached for gpt-4o"}}'}),
        (OUTAGE, {"provider": None}),
        (OUTAGE, {"step_kind": "step", "step_name": "ask", "provider": None, "model": None}),
    ],
)
def test_what_stays_together(failure, changes):
    assert are_together(failure, replace(failure, **changes))


@pytest.mark.parametrize(
    ("failure", "changes"),
    [
        (STEP, {"error_type": "KeyError"}),
        (STEP, {"message": "amount 12 is above 20"}),
        (STEP, {"step_name": "load_rows"}),
        (STEP, {"flow": "support"}),
        (STEP, {"agent_name": "writer"}),
        (STEP, {"step_kind": "tool"}),
        (TOOL, {"tool_name": "lookup_customer"}),
        (TOOL, {"error_type": "ShopError"}),
        (TOOL, {"step_kind": "retrieval"}),
        (AGENT, {"agent_name": "writer"}),
        (CALL, {"agent_name": "triage"}),
        (CALL, {"provider": "azure.ai.openai"}),
        (CALL, {"message": "Error code: 400 - Unsupported parameter: 'max_tokens'"}),
        (OUTAGE, {"provider": "anthropic"}),
        (OUTAGE, {"message": "Error code: 500 - Rate limit reached for gpt-4o"}),
        (OUTAGE, {"message": "Error code: 429 - You exceeded your current quota"}),
        (replace(CALL, agent_name=None), {"flow": "support"}),
    ],
)
def test_what_does_not_belong_together(failure, changes):
    assert not are_together(failure, replace(failure, **changes))


def test_parts_are_the_words_behind_the_hash():
    assert fingerprint(STEP).parts == (
        ("error", "ValueError"),
        ("message", "amount * is below *"),
        ("step", "post_to_ledger"),
        ("flow", "invoices"),
    )
    assert [label for label, _ in fingerprint(OUTAGE).parts] == ["outage", "message", "provider"]
    assert [label for label, _ in fingerprint(TOOL).parts] == ["error", "message", "tool"]
    found = fingerprint(AGENT)
    assert (len(found.hash), found.version) == (16, VERSION)


def test_values_cannot_pretend_to_be_other_parts():
    one = replace(STEP, step_name="a;4:flow=b", flow="c")
    other = replace(STEP, step_name="a", flow="b;4:flow=c")
    assert not are_together(one, other)


def test_where_nothing_is_said_the_callers_type_stands_in():
    silent = replace(TOOL, error_type=None, message=None)
    assert not are_together(silent, replace(silent, raised_as=("TimeoutError",)))
    assert are_together(replace(TOOL, raised_as=("TimeoutError",)), TOOL)
    assert title(silent) == "Failed without a message in lookup_order"
    assert title(replace(silent, raised_as=("asyncio.TimeoutError",))) == "TimeoutError in lookup_order"


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (STEP, "ValueError: amount <n> is below <n> in post_to_ledger"),
        (TOOL, "LedgerError: no entry <n> in lookup_order"),
        (OUTAGE, "Rate limited by openai: Rate limit reached for <model>"),
        (
            replace(OUTAGE, provider="", error_type=None, message="429 Slow down"),
            "Rate limited by the model provider: Slow down",
        ),
        (CALL, "BadRequestError: This model's maximum context length is <n> tokens in writer"),
        (replace(STEP, error_type="KeyError", message="'total'"), "KeyError: 'total' in post_to_ledger"),
        (replace(STEP, error_type=None, message=None), "Failed without a message in post_to_ledger"),
    ],
)
def test_titles(failure, expected):
    assert title(failure) == expected


def test_a_long_title_keeps_its_place():
    text = title(replace(TOOL, message="word " * 500))
    assert 190 < len(text) <= 200
    assert text.endswith("… in lookup_order")


def test_groups_of_exceptions_are_told_apart_by_what_they_hold():
    def group(*leaves: str) -> Failure:
        lines = [f"    | {leaf}" for leaf in leaves]
        stack = "\n".join(["  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)", *lines])
        return replace(TOOL, error_type="ExceptionGroup", message="unhandled errors in a TaskGroup", stack=stack)

    refused = "ConnectionRefusedError: [Errno 111] Connection refused"
    assert are_together(group(refused), group(refused, refused))
    assert are_together(group(refused, "ValueError: 1"), group("ValueError: 2", refused))
    assert not are_together(group(refused), group("ValueError: 1"))
    plain = replace(TOOL, error_type="ConnectionRefusedError", message="[Errno 111] Connection refused")
    assert are_together(group(refused), plain)


def test_hashes_are_those_of_this_version():
    """Stored groups carry the version. When this fails on purpose: raise VERSION, then pin the new digest beside it."""
    assert pinned() == PINNED[VERSION]


def test_another_process_gives_the_same_hashes():
    code = "from tests.domain.test_fingerprints import pinned; print(pinned())"
    for seed in ("0", "12345"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == pinned()


def test_order_and_repetition_change_nothing():
    failures = [case.failure for case in sets.read("shapes")]
    there = [fingerprint(failure) for failure in failures]
    back = [fingerprint(failure) for failure in reversed(failures)]
    assert there == back[::-1] == [fingerprint(failure) for failure in failures]
