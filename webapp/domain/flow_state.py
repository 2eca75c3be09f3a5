"""How a flow is doing, in one word with its colour."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.domain.trouble import LEAST_FAILURES, failing_for_sure

FAILING, WATCH = 0.1, 0.02
"""Shares of failures that the counts must prove at least."""


@dataclass(frozen=True, slots=True)
class FlowState:
    """``word`` is read, ``status`` colours it and chooses the shape."""

    word: str
    status: str


def flow_state(
    *, failed: int, ended: int, is_active: bool = True, is_template: bool = False, is_deleted: bool = False
) -> FlowState:
    """What people decided comes first, then what ran. A failure or two prove nothing."""
    if is_deleted:
        return FlowState("Deleted", "cancelled")
    if is_template:
        return FlowState("Template", "info")
    if not is_active:
        return FlowState("Paused", "cancelled")
    if not ended:
        return FlowState("No runs", "pending")
    proven = failing_for_sure(failed, ended) if failed >= LEAST_FAILURES else 0.0
    if proven >= FAILING:
        return FlowState("Failing", "failed")
    return FlowState("Watch", "warn") if proven >= WATCH else FlowState("Healthy", "completed")
