"""An incident's bundle as Markdown that shows hostile text as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def to_markdown(bundle: Mapping[str, Any]) -> str:
    """The whole bundle: cause, change, failing steps, good beside bad, cost."""
    return "\n".join(_lines(bundle)).rstrip() + "\n"


def _lines(bundle: Mapping[str, Any]) -> Iterator[str]:
    failure = bundle["failure"]
    yield f"# F-{failure['number']} {plain(failure['title'])}"
    yield ""
    for label, name in (
        ("State", "state"), ("Flow", "flow"), ("Step", "step"), ("Failed runs", "failed"), ("Users", "users"),
        ("Cost of failed runs, US dollars", "cost_usd"), ("First seen", "first_seen_at"), ("Last seen", "last_seen_at"),
        ("First seen in version", "first_seen_version"),
    ):  # fmt: skip
        if failure.get(name) is not None:
            yield f"- {label}: {plain(failure[name])}"
    yield from _cause(bundle.get("cause"))
    yield from _changes(bundle.get("changes"))
    yield from _good_bad(bundle.get("good_beside_bad"))
    for name, values in bundle.get("affected", {}).items():
        yield ""
        yield f"## {plain(name).capitalize()}"
        yield ""
        yield from (f"- {plain(one['value'] or 'not told')}: {one['count']}" for one in values)
    yield ""
    yield f"Made at {bundle['made_at']}. Keys, e-mail addresses, long numbers and names of users are masked."


def _cause(cause: Mapping[str, Any] | None) -> Iterator[str]:
    yield ""
    yield "## Cause"
    yield ""
    if cause is None:
        yield "The newest run is older than what is kept."
        return
    status = f", status {cause['status_code']}" if cause.get("status_code") else ""
    model = f", {plain(cause['model'])}" if cause.get("model") else ""
    yield f"{plain(cause['kind'])} **{plain(cause['step'])}**{model}: {plain(cause['error_type'])}{status}"
    yield from fenced(cause["error_message"])
    if cause["parents"]:
        yield f"\nPropagated through {', '.join(map(plain, cause['parents']))}."
    if cause["stack"]:
        yield "\n### Stack"
        yield from fenced(cause["stack"])
    for step in cause["steps"]:
        for name in ("input", "output"):
            if step[name] is not None:
                yield f"\n### {name.capitalize()} of {plain(step['name'])}"
                yield from fenced(step[name])


def _changes(changes: Sequence[Mapping[str, Any]] | None) -> Iterator[str]:
    if changes is None:
        return
    yield "\n## What changed\n"
    if not changes:
        yield "No tracked change."
    for one in changes:
        yield f"- {plain(one['what'])}: {plain(one['before'])} → {plain(one['after'])}. {plain(one['reason'])}"


def _good_bad(both: Mapping[str, Any] | None) -> Iterator[str]:
    yield "\n## Last good beside first bad\n"
    if both is None:
        yield "There is no completed run before the first that failed this way."
        return
    yield "| | Started | Duration, ms | Tokens | Cost, US dollars | Version |"
    yield "|---|---|---|---|---|---|"
    for label, name in (("Good", "good"), ("Bad", "bad")):
        one = both[name]
        cells = (one["started_at"], one["duration_ms"], one["tokens"], one["cost_usd"], one["version"])
        yield f"| {label} | {' | '.join(plain(cell) for cell in cells)} |"
    yield "\n| Step | Good | Bad | Differs in |"
    yield "|---|---|---|---|"
    for step in both["steps"]:
        yield (
            f"| {plain(step['name'])} | {plain(step['good'])} | {plain(step['bad'])} "
            f"| {plain(', '.join(step['differences']))} |"
        )


def plain(value: Any) -> str:
    """A value within a line: one line, nothing in it is markup."""
    return "–" if value is None else _MARKS.sub(r"\\\1", " ".join(str(value).split()))


def fenced(text: str) -> Iterator[str]:
    """A text as it is, in a fence that nothing within it closes."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    yield f"\n{fence}\n{text}\n{fence}"
