"""Reads YAML as plain values from the parser's events, so that no tag makes an object and no alias runs away.

Plain words mean what they mean in YAML 1.1, as the exports are written, but dates and sums of sixty stay text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from webapp.importers import bounds
from webapp.importers.imported import NotAFlow

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KNOWN_TAGS = re.compile(r"tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)|!")
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"))
_FALSE = frozenset(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"))
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,30})|0x[0-9a-fA-F]{1,16}")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]{0,30})?\.[0-9_]{1,60}(?:[eE][-+]?[0-9]{1,4})?|[-+]?[0-9][0-9_]{0,30}\.(?:[eE][-+]?[0-9]{1,4})?"
)
_MISSING = object()


@dataclass(slots=True)
class _Open:
    """A list or object whose end has not come yet; ``size`` is how many values it holds with aliases written out."""

    value: Any
    anchor: str | None
    start_size: int
    name: Any = _MISSING


@dataclass(slots=True)
class _Builder:
    size: int = 0
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    root: Any = _MISSING

    def count(self, more: int, event: Any) -> None:
        self.size += more
        if self.size > bounds.VALUES:
            line = event.start_mark.line + 1
            raise NotAFlow(
                f"Line {line}: with its aliases written out the file holds more than {bounds.VALUES:,} values,"
                " which is the most that is read."
            )

    def open(self, value: Any, event: Any) -> None:
        _check_tag(event)
        if len(self.stack) >= bounds.DEPTH:
            raise bounds.too_deep()
        self.stack.append(_Open(value, event.anchor, self.size))
        self.count(1, event)

    def close(self) -> None:
        done = self.stack.pop()
        if done.anchor:
            self.anchors[done.anchor] = (done.value, self.size - done.start_size)
        self.put(done.value)

    def scalar(self, event: Any) -> None:
        self.count(1, event)
        value = _resolve(event)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)
        self.put(value)

    def alias(self, event: Any) -> None:
        found = self.anchors.get(event.anchor)
        if found is None:
            line = event.start_mark.line + 1
            raise NotAFlow(f"Line {line}: the alias *{event.anchor[:50]} stands for nothing before it.")
        self.count(found[1], event)
        self.put(found[0])

    def put(self, value: Any) -> None:
        """Give a finished value to the list or object around it."""
        if not self.stack:
            self.root = value
            return
        around = self.stack[-1]
        if isinstance(around.value, list):
            around.value.append(value)
        elif around.name is _MISSING:
            around.name = value if isinstance(value, str) else _as_name(value)
        else:
            name, around.name = around.name, _MISSING
            if name == "<<" and isinstance(value, dict):
                around.value.update({key: one for key, one in value.items() if key not in around.value})
            else:
                around.value[name] = value


def parse_yaml(text: str, place: str = "") -> Any:
    """The values of a YAML text with one document; ``place`` names it in a refusal when it stands inside a file.

    Raises:
        NotAFlow: it is broken or past a bound, or it uses a tag that asks for an object.
    """
    where = f"{place}: " if place else ""
    try:
        return _build(text)
    except yaml.MarkedYAMLError as error:
        if "nesting depth" in str(error.problem):
            raise bounds.too_deep() from None
        mark = error.problem_mark or error.context_mark
        line = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        reason = re.sub(r"[^ -~]", "?", str(error.problem or error.context or "broken"))[:100]
        raise NotAFlow(f"{where}{line}This is no JSON and as YAML it is broken: {reason}.") from None
    except yaml.YAMLError:
        raise NotAFlow(f"{where}The file holds characters that YAML does not allow.") from None
    except (UnicodeError, RecursionError):
        raise NotAFlow(f"{where}The file holds text that is no UTF-8.") from None


def _build(text: str) -> Any:
    builder = _Builder()
    for event in yaml.parse(text, Loader=_LOADER):
        kind = type(event)
        if kind is yaml.ScalarEvent:
            builder.scalar(event)
        elif kind is yaml.MappingStartEvent:
            builder.open({}, event)
        elif kind is yaml.SequenceStartEvent:
            builder.open([], event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            builder.close()
        elif kind is yaml.AliasEvent:
            builder.alias(event)
        elif kind is yaml.DocumentStartEvent and builder.root is not _MISSING:
            raise NotAFlow(f"Line {event.start_mark.line + 1}: the file holds a second YAML document.")
    if builder.root is _MISSING:
        raise NotAFlow("The file is empty.")
    return builder.root


def _check_tag(event: Any) -> None:
    if event.tag is not None and not _KNOWN_TAGS.fullmatch(event.tag):
        tag = re.sub(r"[^ -~]", "?", event.tag)[:60]
        raise NotAFlow(f"Line {event.start_mark.line + 1}: the YAML tag {tag} asks for more than plain data.")


def _resolve(event: Any) -> Any:
    """What a scalar means. Only a plain word is looked at; what stands in quotes is text."""
    _check_tag(event)
    word = event.value
    if not event.implicit[0] or len(word) > 80:
        return word
    if word in _NULLS:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if _INTEGER.fullmatch(word):
        return int(word.replace("_", ""), 16 if word.startswith("0x") else 10)
    if _FLOAT.fullmatch(word):
        return float(word.replace("_", ""))
    return word


def _as_name(value: Any) -> str:
    """A key of an object as JSON would have it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)[:200] if isinstance(value, int | float) else "a list or object as a name"
