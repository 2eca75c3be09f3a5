"""When a failure that was put aside comes back: what an occurrence after a resolution or during a mute means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Resolution:
    """When, and in which version of the service, somebody said that a failure is repaired.

    ``version_seen_at`` is when that version was first seen for the occurrence's flow and environment, None while it
    never ran there.
    """

    at: datetime
    version: str | None = None
    version_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A failed execution: its start, its version of the service and when that version was first seen."""

    started_at: datetime
    version: str | None = None
    version_seen_at: datetime | None = None


def reopens(resolution: Resolution, occurrence: Occurrence) -> bool:
    """Whether an occurrence proves that a failure is back.

    It must have started after the resolution. Where that names a version, it must also have run on it or on a later
    one; versions are in the order in which the server first saw them. A version that nobody told proves nothing.
    """
    if occurrence.started_at <= resolution.at:
        return False
    if resolution.version is None or occurrence.version == resolution.version:
        return True
    if occurrence.version is None or occurrence.version_seen_at is None:
        return False
    # The repaired version has not run here yet: only what came after the resolution can be later than it.
    return occurrence.version_seen_at > (resolution.version_seen_at or resolution.at)
