"""What can be decided about failures, and what a decision makes of one's state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

FIELDS = (
    "state",
    "is_reviewed",
    "owner_id",
    "muted_until",
    "muted_until_version",
    "is_muted_until_escalating",
    "resolved_at",
    "resolved_in_version",
    "regressed_at",
)
"""Columns that decisions change, and that an undo puts back."""
OPENED: Mapping[str, Any] = {
    "state": "open",
    "muted_until": None,
    "muted_until_version": None,
    "is_muted_until_escalating": False,
    "resolved_at": None,
    "resolved_in_version": None,
}
EVENTS = {
    "review": "failure.reviewed",
    "assign": "failure.assigned",
    "mute": "failure.muted",
    "resolve": "failure.resolved",
    "reopen": "failure.reopened",
}
WORDS = {
    "failure.reviewed": "reviewed",
    "failure.assigned": "assigned",
    "failure.muted": "muted",
    "failure.resolved": "resolved",
    "failure.reopened": "opened again",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: review, assign (``owner_id`` None: nobody), mute, resolve or reopen."""

    kind: str
    owner_id: UUID | None = None
    until: datetime | None = None
    version: str | None = None
    is_until_escalating: bool = False

    @property
    def event_type(self) -> str:
        return EVENTS[self.kind]


def decide(decision: Decision, before: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Columns of a failure that the decision changes, empty where all is so already: a second click does nothing."""
    match decision.kind:
        case "review":
            wanted: Mapping[str, Any] = {"is_reviewed": True} if before["state"] == "open" else {}
        case "assign":
            wanted = {"owner_id": decision.owner_id, "is_reviewed": True}
        case "mute":
            wanted = OPENED | {
                "state": "muted",
                "is_reviewed": True,
                "muted_until": decision.until,
                "muted_until_version": decision.version,
                "is_muted_until_escalating": decision.is_until_escalating,
            }
            if before["state"] == "muted" and _is_near(before["muted_until"], decision.until):
                wanted = wanted | {"muted_until": before["muted_until"]}
        case "resolve":
            wanted = OPENED | {
                "state": "resolved",
                "is_reviewed": True,
                "resolved_at": before["resolved_at"] if before["state"] == "resolved" else now,
                "resolved_in_version": decision.version,
                "regressed_at": None,
            }
        case _:
            wanted = OPENED if before["state"] != "open" else {}
    return {name: value for name, value in wanted.items() if before[name] != value}


def _is_near(before: datetime | None, after: datetime | None) -> bool:
    """Whether two ends of a mute are those of one click made twice."""
    return before is not None and after is not None and abs((after - before).total_seconds()) < 60
