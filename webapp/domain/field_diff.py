"""Two states of a record for display: short fields in words, long texts line by line."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.domain.flow_diff import DiffLine, diff_text
from webapp.domain.record_changes import FieldChange, list_changes, words


@dataclass(frozen=True, slots=True)
class ChangedField:
    """One field of a diff. ``lines`` are set for long texts, ``before`` and ``after`` for others."""

    label: str
    before: str
    after: str
    lines: Sequence[DiffLine] = ()


def changed_fields(
    before: Mapping[str, Any], after: Mapping[str, Any], labels: Mapping[str, str], long: Collection[str] = ()
) -> list[ChangedField]:
    """The fields in which two states differ."""
    return describe_changes(list_changes(before, after), labels, long)


def describe_changes(
    changes: Iterable[FieldChange], labels: Mapping[str, str], long: Collection[str] = ()
) -> list[ChangedField]:
    """Changes for display; a value that is an object, such as a schema, is a long text too."""
    found = []
    for one in changes:
        label = labels.get(one.name, one.name.replace("_", " ").capitalize())
        if one.name in long or isinstance(one.before, dict) or isinstance(one.after, dict):
            found.append(ChangedField(label, "", "", diff_text(_text(one.before), _text(one.after))))
        else:
            found.append(ChangedField(label, words(one.before), words(one.after)))
    return found


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, indent=2, ensure_ascii=False)
