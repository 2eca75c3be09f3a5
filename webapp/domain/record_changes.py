"""What a save changes in a record, in three uses: what the event log keeps, what a page says, how two editors meet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

State = Mapping[str, Any]
"""A record as named plain JSON values."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a record before and after, as values."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Merged:
    """What two editors of one record wrote, put together. ``theirs`` is what the other one changed meanwhile.

    ``conflicts`` are fields that both changed; the merged record holds mine there.
    """

    state: dict[str, Any]
    theirs: tuple[FieldChange, ...]
    conflicts: tuple[str, ...]


def list_changes(before: State, after: State) -> list[FieldChange]:
    """Fields that differ, in the order of ``after``."""
    names = [*after, *(name for name in before if name not in after)]
    return [FieldChange(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n)]


def digest(text: str | None, version: int | None = None) -> dict[str, Any] | None:
    """What the log keeps of a long text; the text itself is in the version of the record, where there are versions."""
    if text is None:
        return None
    kept = {"characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return kept if version is None else {**kept, "version": version}


def change_payload(
    before: State, after: State, *, version: int, previous_version: int, long: Collection[str] = ()
) -> dict[str, Any] | None:
    """The payload of an ``x.changed`` event; None when nothing changed.

    ``{"version", "previous_version", "changed": [names], "before": {name: value}, "after": {name: value}}``; fields
    named in ``long`` are kept as :func:`digest`.
    """
    changes = list_changes(before, after)
    if not changes:
        return None
    kept: dict[str, dict[str, Any]] = {"before": {}, "after": {}}
    for one in changes:
        for side, value, number in (("before", one.before, previous_version), ("after", one.after, version)):
            kept[side][one.name] = digest(value, number) if one.name in long else value
    return {
        "version": version,
        "previous_version": previous_version,
        "changed": [one.name for one in changes],
        **kept,
    }


def merge(base: State, mine: State, theirs: State) -> Merged:
    """Put mine on top of theirs: a field that I left as it was in ``base`` is theirs, all others are mine."""
    my_names = {one.name for one in list_changes(base, mine)}
    their_changes = list_changes(base, theirs)
    state = {name: mine[name] if name in my_names else theirs.get(name) for name in mine}
    conflicts = tuple(n.name for n in their_changes if n.name in my_names and mine[n.name] != theirs.get(n.name))
    return Merged(state, tuple(their_changes), conflicts)


def content_hash(state: State) -> bytes:
    """SHA-256 over the record in a canonical form: equal records, equal hashes."""
    text = json.dumps(state, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).digest()


def words(value: Any) -> str:
    """A value in a sentence: ``none``, ``yes``, ``triage, billing``, ``1,204 characters``."""
    if value is None or value == "" or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) and {"characters", "sha256"} <= set(value) <= {"characters", "sha256", "version"}:
        where = f" (version {value['version']})" if "version" in value else ""
        return f"{value['characters']:,} characters{where}"
    if isinstance(value, list):
        return ", ".join(_item(one) for one in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def _item(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    name = str(value.get("name") or "one without a name")
    details = [f"{key} {words(one)}" for key, one in value.items() if key not in ("name", "id") and one not in ({}, "")]
    return f"{name} ({'; '.join(details)})" if details else name
