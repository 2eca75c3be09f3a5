"""What the page of one failure shows beside what was read of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.features.failures.forms import MUTES
from webapp.features.failures.operations_grouping import LABELS

SPLIT_LABELS = LABELS
HISTORY_LABELS: Mapping[str, str] = {
    "state": "State", "is_reviewed": "Reviewed", "owner_id": "Owner", "muted_until": "Muted until",
    "muted_until_version": "Muted until version", "is_muted_until_escalating": "Muted until it escalates",
    "resolved_at": "Resolved at", "resolved_in_version": "Resolved in version", "regressed_at": "Came back at",
    "merged_into": "Merged into", "took_in": "Took in", "split_off": "Split off", "split_from": "Split from",
}  # fmt: skip


def acts(people: list[tuple[str, str]]) -> dict[str, Any]:
    """What ``failures/_acts.html`` needs beside the failure: members to choose from, and how long to mute."""
    return {"people": people, "mutes": MUTES}
