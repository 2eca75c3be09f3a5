"""Suspects as a page tells them: what changed, from what to what, and why it is suspected, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from webapp.domain.flow_diff import DiffLine, diff_text
from webapp.domain.suspects import Counts

WORDS = {
    "model": "Model", "model_answered": "Model that answered", "model_settings": "Model settings",
    "provider": "Provider", "prompt": "Prompt", "tools": "Tools", "agent": "Agent", "service_version": "Version",
    "flow_version": "Flow", "plugin": "Plugin", "library": "Library",
}  # fmt: skip


@dataclass(frozen=True)
class Side:
    """A value by its name. ``content`` is its whole text, None where the name says all."""

    label: str
    content: str | None = None


@dataclass(frozen=True)
class Suspect:
    """One change that may have caused a failure.

    ``after`` is None for an event that no span tells, ``event_type`` and ``event_id`` for a value without an event.
    ``author`` is who made the change here, where that is known. ``score`` is its share of all explanations, 0 to 1.
    """

    dimension: str
    label: str
    before: Side | None
    after: Side | None
    changed_at: datetime
    counts: Counts
    score: float
    is_share: bool
    event_type: str | None = None
    event_id: UUID | None = None
    author: str | None = None

    @property
    def words(self) -> str:
        """What kind of thing changed."""
        return WORDS.get(self.dimension, self.dimension)

    def reason(self, since: str = "") -> str:
        """Why it is suspected, such as "gpt-4o since 14:02: 31 of 33 failed, before 0 of 210". ``since`` is the
        moment of the change as the page writes moments."""
        counts = self.counts
        other = "without it" if self.is_share else "before"
        return (
            f"{self.label}{' since ' + since if since else ''}: {counts.failed_with:,} of {counts.with_:,} failed,"
            f" {other} {counts.failed_without:,} of {counts.without:,}"
        )

    @cached_property
    def diff(self) -> Sequence[DiffLine]:
        """The text before and after line by line; nothing where either is not known."""
        before, after = self.before and self.before.content, self.after and self.after.content
        return diff_text(before, after) if before is not None and after is not None else ()


@dataclass(frozen=True)
class Suspects:
    """What may have caused a failure, the likeliest first; without items no tracked change explains it.

    ``unknown_dimensions`` no failed execution tells, ``varying_dimensions`` differ with each run: neither takes part.
    Figures are those of the window of executions that was looked at, of one flow in one environment.
    """

    items: tuple[Suspect, ...] = ()
    unknown_dimensions: tuple[str, ...] = ()
    varying_dimensions: tuple[str, ...] = ()
    first_bad: datetime | None = None
    last_good: datetime | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    run_count: int = 0
    failed_count: int = 0
    flow_count: int = 0

    @property
    def hint(self) -> str | None:
        """What to think of where no tracked change explains the failures."""
        if self.items or self.flow_count < 2:
            return None
        return f"{self.flow_count} flows fail in the same way: look at what they share, such as a provider."
