"""What each capture must come to, and how far an answer is from it; used on mapped traces and on API items alike."""

import gzip
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = Path(__file__).parent / "fixtures"
SHARED = Path(os.environ.get("SHARED_DIR") or ROOT.parent / "shared")
CAPTURES = SHARED / "otlp"
NO_CAPTURES = "captures not found: set SHARED_DIR to the folder that holds otlp/"

_CACHED = re.compile(rb"gen_ai\.usage\.cache_read|prompt_details\.cache_read|ai\.usage\.cachedInputTokens")


@dataclass(frozen=True)
class Capture:
    """One recorded scenario: its request bodies in order of arrival and what really happened."""

    name: str
    path: Path
    overlay: dict[str, Any] = field(compare=False)

    @cached_property
    def truth(self) -> dict[str, Any]:
        return json.loads((self.path / "truth.json").read_text())

    @cached_property
    def bodies(self) -> list[tuple[bytes, str]]:
        """Return (body, content type) of each request, gunzipped."""
        found = []
        for path in sorted(self.path.glob("[0-9]*")):
            body = path.read_bytes()
            kind = "application/json" if path.suffix == ".json" else "application/x-protobuf"
            found.append((gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body, kind))
        return found

    @property
    def carries_cached_tokens(self) -> bool:
        """Return whether any span says how many input tokens came from a cache, read without the code under test."""
        return any(_CACHED.search(body) for body, _ in self.bodies)


def captures(folder: Path = CAPTURES) -> list[Capture]:
    """Return all captures below a folder, an empty list where there are none."""
    if not folder.is_dir():
        return []
    overlays = json.loads((folder / "not_on_the_wire.json").read_text())["captures"]
    paths = sorted(path.parent for path in folder.glob("*/*/truth.json"))
    names = [f"{path.parent.name}/{path.name}" for path in paths]
    return [Capture(name, path, overlays.get(name, {})) for name, path in zip(names, paths, strict=True)]


@dataclass
class Found:
    """The executions of one capture taken together."""

    statuses: list[str] = field(default_factory=list)
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    model_calls: int = 0
    tool_calls: int = 0
    agent_count: int = 0
    flows: list[str] = field(default_factory=list)
    models: set[str] = field(default_factory=set)
    agents: set[str] = field(default_factory=set)
    errors: list[dict[str, Any]] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)

    @property
    def status(self) -> str:
        for status in ("running", "failed", "cancelled"):
            if status in self.statuses:
                return status
        return "completed" if self.statuses else "missing"


def found_in(items: Iterable[dict[str, Any]]) -> Found:
    """Return executions given as API items taken together."""
    found = Found()
    for item in items:
        found.statuses.append(item["status"])
        for name in ("input_tokens", "output_tokens", "cached_input_tokens"):
            if item[name] is not None:
                setattr(found, name, (getattr(found, name) or 0) + item[name])
        found.model_calls += item["model_call_count"]
        found.tool_calls += item["tool_call_count"]
        found.agent_count += item["agent_count"]
        found.flows.append(item["flow"]["name"])
        found.models.update(item["models"])
        found.agents.update(item["agents"])
        found.errors += [item["error"]] if item["error"] else []
        found.sessions.update([item["session_id"]] if item["session_id"] else [])
        found.users.update([item["user_ref"]] if item["user_ref"] else [])
    return found


def as_item(mapped) -> dict[str, Any]:
    """Return a MappedTrace in the shape of an API item, as far as ``found_in`` reads it."""
    error = mapped.error
    raised = {"type": error.raised_type, "message": error.raised_message} if error and error.raised_message else None
    names = ["status", "input_tokens", "output_tokens", "cached_input_tokens", "model_call_count", "tool_call_count"]
    names += ["agent_count", "models", "agents", "session_id", "user_ref"]
    return {name: getattr(mapped, name) for name in names} | {
        "flow": {"name": mapped.flow_name},
        "error": {"type": error.type, "message": error.message, "stack": error.stack, "raised_as": raised}
        if error
        else None,
    }


def differences(capture: Capture, found: Found, settled: bool = True) -> list[str]:
    """Return in words where an answer differs from the truth, as far as the spans can tell it; empty when nowhere."""
    truth, overlay, wrong = capture.truth, capture.overlay, []

    def check(what: str, got: Any, *allowed: Any) -> None:
        if got not in allowed:
            wrong.append(f"{what}: {got!r} instead of {' or '.join(map(repr, allowed))}")

    check("status", found.status, *_statuses(capture, settled))
    tokens = overlay.get("tokens_on_the_wire", truth["tokens"])
    is_with_cache = "cache_write" in tokens
    check("input", found.input_tokens, (tokens["input_incl_cache"] if is_with_cache else tokens["input"]) or None)
    check("output", found.output_tokens, tokens["output"] or None)
    has_tokens = found.input_tokens is not None
    expected = truth["tokens"]["cached_input"] if capture.carries_cached_tokens and has_tokens else None
    check("cached", found.cached_input_tokens, expected)
    check("model calls", found.model_calls, overlay.get("llm_calls_on_the_wire", truth["llm_calls"]["http_requests"]))
    tools = truth["tool_calls"]["executed"]
    check("tool calls", found.tool_calls, tools, overlay.get("tool_spans_on_the_wire", tools))
    wrong += _agent_differences(capture, found) + _model_differences(capture, found)
    if truth["overall_status"] != "completed" and found.status != "completed":
        wrong += _error_differences(capture, found.errors)
    session = overlay.get("session_id_on_the_wire", truth.get("session_id"))
    if session is not None:
        check("session", found.sessions, {session})
    if truth.get("user_id") is not None and session is not None:
        check("user", found.users, {truth["user_id"]}, set())
    return wrong


def _statuses(capture: Capture, settled: bool) -> tuple[str, ...]:
    status = capture.truth["overall_status"]
    if status == "cancelled":
        # Most senders end every span well when their caller goes away.
        return ("cancelled", "completed")
    return (status,) if settled or capture.truth["root_span_names"] else (status, "running")


def _agent_differences(capture: Capture, found: Found) -> list[str]:
    truth = capture.truth
    spans = capture.overlay.get("agent_spans_on_the_wire")
    if found.agent_count == truth["agent_invocations"]:
        is_named = found.agents == set(truth["agents"])
        return [] if is_named else [f"agents: {sorted(found.agents)} instead of {sorted(truth['agents'])}"]
    if spans is not None and found.agent_count == spans and found.agents >= (set(truth["agents"]) if spans else set()):
        return []
    return [f"agents: {found.agent_count} {sorted(found.agents)} instead of {truth['agent_invocations']} (or {spans})"]


def _model_differences(capture: Capture, found: Found) -> list[str]:
    truth = capture.truth
    known = set(truth["models"]) | set(truth["response_models"])
    if found.models - known:
        return [f"models: {sorted(found.models)} instead of {sorted(known)}"]
    is_missing = found.model_calls and len(found.models) != len(truth["models"])
    return [f"models: {sorted(found.models)} for {truth['models']}"] if is_missing else []


def _error_differences(capture: Capture, errors: list[dict[str, Any]]) -> list[str]:
    """Return where no error is the true one, by itself or by what the caller got; a type that nothing says may miss."""
    if not errors:
        return ["error: none"]
    truth = capture.truth
    kind, message = (truth["error_type"] or "").rpartition(".")[2], (truth["error_message"] or "").strip()
    if message and not any(message.splitlines()[0].encode() in body for body, _ in capture.bodies):
        message = ""
    for error in errors:
        said = [error, *([error["raised_as"]] if error["raised_as"] else [])]
        types = {(each["type"] or "").rpartition(".")[2] for each in said}
        texts = [(each["message"] or "").strip() for each in said]
        if (kind in types or types == {""}) and (not message or message in texts):
            return []
    return [f"error: {[(e['type'], e['message'], e['raised_as']) for e in errors]} instead of {kind}: {message}"]
