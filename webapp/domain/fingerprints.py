"""Which failures are the same: a versioned fingerprint of the deepest failing step, and a title for the group.

What takes part, and what does not:

- An outage of a provider (a limit, an error of theirs, no connection, no answer in time, a refused key) is one group
  for the whole organization: its kind, the provider's own sentence and the provider. Flow, agent, model and the
  exception class that some SDK made of it say who was hit, not what broke.
- Any other refusal of a model call is about the request, so it belongs to the agent that makes it, without one to the
  flow.
- A tool or a retriever is the same one in all flows: error type, message and its name.
- An error in an agent belongs to the agent; one in a plain step to the step and what holds it: the agent, without one
  the flow. The same ValueError in two flows' own steps is two things to repair.
- What callers made of the error on its way up (`raised_as`) never takes part: one cause is wrapped in many ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from webapp.domain.fingerprints_cause import Cause, cause_of
from webapp.domain.fingerprints_provider import OUTAGES, outage_of, provider_of, sentence_of
from webapp.domain.fingerprints_text import hashed, readable

# Raised with every change after which a failure may get another hash. Stored groups keep the version that made them.
VERSION = 1

_CALLS = ("model_call", "embedding")
_SHARED = {"tool": "tool", "retrieval": "retriever"}
_LONGEST_TITLE = 200
_LONGEST_NAME = 500
_BYTES = 16


@dataclass(frozen=True, slots=True)
class Failure:
    """The deepest failing step of an execution and what it says.

    ``step_kind`` is one of agent, model_call, embedding, retrieval, step, tool. ``step_name`` is the block's name,
    without ids. ``flow`` is any stable key of the flow. ``stack`` is read only where type and message say nothing of
    the cause: groups of exceptions and exhausted retries.
    """

    error_type: str | None
    message: str | None
    step_kind: str
    step_name: str
    flow: str | None = None
    agent_name: str | None = None
    tool_name: str | None = None
    provider: str | None = None
    model: str | None = None
    raised_as: tuple[str, ...] = ()
    stack: str | None = None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """``parts`` are what the hash is made of, in words: two failures are together when all of them are equal."""

    hash: bytes
    version: int
    parts: tuple[tuple[str, str], ...]


def fingerprint(failure: Failure) -> Fingerprint:
    """Return what says whether two failures are the same."""
    parts = _parts(failure)
    content = "".join(f"{len(value)}:{label}={value};" for label, value in parts)
    digest = blake2b(f"{VERSION};{content}".encode(errors="replace"), digest_size=_BYTES).digest()
    return Fingerprint(digest, VERSION, parts)


def title(failure: Failure) -> str:
    """Return one line that names a failure for people: what happened and where, values replaced."""
    cause = _cause(failure)
    outage = outage_of(cause, failure)
    text = " ".join(_sentence(cause, failure, bool(outage)).split())
    if outage:
        named = f"{OUTAGES[outage]} {provider_of(cause, failure) or 'the model provider'}"
        return _cut(f"{named}: {text}" if text else named, _LONGEST_TITLE)
    where = (failure.tool_name or failure.step_name).strip()
    if failure.step_kind in _CALLS and failure.agent_name:
        where = failure.agent_name
    head = cause.type or ("" if text else "Failed without a message")
    ending = f" in {_cut(where, 60)}" if where else ""
    said = ": ".join(part for part in (head, text) if part)
    return _cut(said, _LONGEST_TITLE - len(ending)) + ending


def _parts(failure: Failure) -> tuple[tuple[str, str], ...]:
    cause = _cause(failure)
    outage = outage_of(cause, failure)
    message = ("message", hashed(_sentence(cause, failure, bool(outage))))
    provider = ("provider", provider_of(cause, failure) or "unknown")
    if outage:
        return (("outage", outage), message, provider)
    error = ("error", cause.type or "unknown")
    if failure.step_kind in _CALLS:
        return (error, message, provider, _holder(failure))
    if failure.step_kind in _SHARED:
        return (error, message, (_SHARED[failure.step_kind], _name(failure.tool_name or failure.step_name)))
    if failure.step_kind == "agent":
        name = failure.agent_name or failure.step_name
        return (error, message, ("agent", _name(name)) if name else _holder(failure))
    return (error, message, ("step", _name(failure.step_name)), _holder(failure))


def _cause(failure: Failure) -> Cause:
    """Return type and message; where the failing step says nothing, the type that the caller got stands in."""
    cause = cause_of(failure.error_type, failure.message, failure.stack)
    if cause.type or cause.message or not failure.raised_as:
        return cause
    return cause_of(failure.raised_as[0], None, None)


def _sentence(cause: Cause, failure: Failure, is_outage: bool) -> str:
    if is_outage or failure.step_kind in _CALLS:
        return sentence_of(cause, failure.model, is_outage)
    return readable(cause.message, cause.type)


def _holder(failure: Failure) -> tuple[str, str]:
    if failure.agent_name:
        return ("agent", _name(failure.agent_name))
    return ("flow", _name(failure.flow or "unknown"))


def _name(text: str) -> str:
    return " ".join(text[:_LONGEST_NAME].split())


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
