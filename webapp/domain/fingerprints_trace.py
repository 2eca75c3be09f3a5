"""The failure in a mapped execution: which step is the failing one, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from webapp.domain.fingerprints import Failure

_CALLS = ("model_call", "embedding")
_WHOLE = (*_CALLS, "tool", "retrieval")


class Step(Protocol):
    """What is read of a step; see ``MappedStep``."""

    span_id: bytes
    parent_step_id: bytes | None
    kind: str
    block_name: str
    agent_name: str | None
    provider: str | None
    model_requested: str | None
    model_used: str | None
    usage_of: bytes | None
    error_type: str | None
    error_message: str | None


class Error(Protocol):
    """What is read of the error of an execution; see ``MappedError``."""

    type: str | None
    message: str | None
    stack: str | None
    span_id: bytes
    raised_type: str | None


class Execution(Protocol):
    """What is read of an execution; see ``MappedTrace``."""

    flow_name: str
    error: Error | None
    steps: Sequence[Step]


def failure_in(execution: Execution, flow: str) -> Failure:
    """Return what to take the fingerprint of.

    ``flow`` is a stable key of the flow, such as its id. Raises: ValueError when the execution has no error.
    """
    error = execution.error
    if error is None:
        raise ValueError("an execution without an error has no failure")
    step = failing_step(execution.steps, error.span_id)
    return Failure(
        error_type=error.type,
        message=error.message,
        step_kind=step.kind,
        step_name=step.block_name,
        flow=flow,
        agent_name=step.agent_name,
        tool_name=step.block_name if step.kind == "tool" else None,
        provider=step.provider,
        model=step.model_requested or step.model_used,
        raised_as=(error.raised_type,) if error.raised_type else (),
        stack=error.stack,
    )


def failing_step(steps: Sequence[Step], span_id: bytes) -> Step:
    """Return the step to which the deepest cause belongs.

    Spans inside a model call, a tool or a retrieval are its own business (an HTTP client's, a wrapper's); below an
    agent or a flow it is the deepest step that says something.
    """
    by_id = {step.span_id: step for step in steps}
    path, step = [], by_id[span_id]
    while step is not None and len(path) < len(by_id):
        path.append(step)
        step = by_id.get(step.parent_step_id) if step.parent_step_id else None
    for step in path:
        if step.usage_of in by_id:
            return by_id[step.usage_of]
        if step.kind in _WHOLE:
            return step
        if step.kind == "agent":
            break
    return next((step for step in path if step.error_type or step.error_message), path[0])
