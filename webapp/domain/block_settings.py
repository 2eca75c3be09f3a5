"""Settings of a block that have a field of their own, by its type and kind; all others are edited as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webapp.domain.errors import Invalid
from webapp.domain.flow_check import declared_handles
from webapp.domain.flow_graph import OUT, BlockType, GraphBlock

MOST_CASES = 100
CASE_NAMES = ("handle", "key", "case_id", "id", "name")
"""Under which of these a case has its key; the same names, in the same order, that checks look at."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One field. ``kind``: text, long, whole, number, choice, lines (a list of texts) or cases (branches)."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()


KINDS = {
    BlockType.TRIGGER: (
        ("manual", "By hand"), ("chat", "Chat message"), ("webhook", "Webhook"), ("schedule", "Schedule"),
        ("event", "Event"),
    ),
    BlockType.ACTION: (
        ("http", "HTTP request"), ("tool", "Call a tool"), ("retrieval", "Search knowledge"), ("answer", "Answer"),
        ("flow", "Run another flow"), ("wait", "Wait"),
    ),
    BlockType.CONDITION: (("if", "If and else"), ("switch", "Several branches"), ("human_input", "Ask a person")),
    BlockType.LOOP: (("each", "For each item"), ("until", "Repeat until")),
    BlockType.TRANSFORM: (("template", "Template"), ("code", "Code"), ("variables", "Variables")),
}  # fmt: skip
COMMON = {
    BlockType.AGENT: (
        Setting("model", "Model", hint="Empty uses the model of the agent chosen above."),
        Setting("temperature", "Temperature", "number", "0 answers the same each time, 2 is the most playful."),
        Setting("max_tokens", "Longest answer, in tokens", "whole"),
        Setting("instructions", "Instructions", "long"),
    ),
    BlockType.LOOP: (
        Setting("items", "Items", hint="What to go through, such as {{ documents }}."),
        Setting("max_iterations", "At most so many times", "whole"),
        Setting("break_conditions", "Leave the loop when", hint="Such as: score > 0.8"),
    ),
}
OF_KIND = {
    (BlockType.TRIGGER, "schedule"): (Setting("cron", "When, as cron", hint="Such as 0 7 * * 1-5: workdays at 7."),),
    (BlockType.TRIGGER, "webhook"): (Setting("path", "Path", hint="Last part of the address, such as new-invoice."),),
    (BlockType.TRIGGER, "event"): (Setting("event", "Event", hint="Its name, such as invoice.received."),),
    (BlockType.ACTION, "http"): (
        Setting("method", "Method", "choice", choices=tuple((m, m) for m in ("GET", "POST", "PUT", "PATCH", "DELETE"))),
        Setting("url", "Address"),
        Setting("timeout_s", "Time limit, in seconds", "whole"),
    ),
    (BlockType.ACTION, "tool"): (Setting("tool", "Tool"),),
    (BlockType.ACTION, "retrieval"): (Setting("query", "Search for"), Setting("top_k", "Most results", "whole")),
    (BlockType.ACTION, "answer"): (Setting("answer", "Answer", "long"),),
    (BlockType.ACTION, "wait"): (Setting("seconds", "Seconds", "whole"),),
    (BlockType.CONDITION, "human_input"): (
        Setting("message", "What to ask", "long"),
        Setting("handles", "Ways out, one on each line", "lines"),
    ),
    (BlockType.TRANSFORM, "template"): (Setting("template", "Template", "long"),),
    (BlockType.TRANSFORM, "code"): (Setting("code", "Code", "long", "Kept as text. Nothing here runs it."),),
}
CASES = Setting(
    "cases",
    "Branches, one on each line",
    "cases",
    "Key: condition, such as refund: amount > 100. Empty: true and false.",
)


def settings_for(block: GraphBlock) -> list[Setting]:
    """Fields of the block in the order of its form, without those whose present value a field cannot hold."""
    type_ = block.block_type
    kinds = KINDS.get(type_)  # type: ignore[call-overload]
    kind = block.config.get("kind")
    wanted: list[Setting] = []
    if kinds:
        known = kinds if not isinstance(kind, str) or kind in dict(kinds) or not kind else ((kind, kind), *kinds)
        wanted.append(Setting("kind", "Kind", "choice", choices=(("", "Not said"), *known)))
    wanted += COMMON.get(type_, ())  # type: ignore[call-overload]
    wanted += OF_KIND.get((type_, kind if isinstance(kind, str) else ""), ())  # type: ignore[call-overload]
    if type_ == BlockType.CONDITION and kind != "human_input":
        wanted.append(CASES)
    return [setting for setting in wanted if _fits(setting, block.config.get(setting.name))]


def _fits(setting: Setting, value: Any) -> bool:
    if value is None:
        return True
    if setting.kind == "cases":
        return isinstance(value, list) and all(_case_of(case) is not None for case in value)
    if setting.kind == "lines":
        return isinstance(value, list) and all(isinstance(line, str) and "\n" not in line for line in value)
    if setting.kind in ("whole", "number"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)


def _case_of(case: Any) -> tuple[str, str] | None:
    """Key and condition of a case that one line can hold."""
    if isinstance(case, str):
        key, condition = case, ""
    elif isinstance(case, Mapping):
        key = next((case[name] for name in CASE_NAMES if case.get(name)), None)
        condition = case.get("condition", "")
    else:
        return None
    is_plain = isinstance(key, str) and key and isinstance(condition, str) and "\n" not in condition
    return (key, condition) if is_plain and not set(":\n\r") & set(key) and key == key.strip() else None


def text_of(setting: Setting, config: Mapping[str, Any]) -> str:
    """The present value as its field shows it."""
    value = config.get(setting.name)
    if value is None:
        return ""
    if setting.kind == "cases":
        pairs = [pair for case in value if (pair := _case_of(case))]
        return "\n".join(f"{key}: {condition}" if condition else key for key, condition in pairs)
    return "\n".join(value) if setting.kind == "lines" else str(value)


def rest_of(block: GraphBlock) -> dict[str, Any]:
    """Settings without a field of their own."""
    shown = {setting.name for setting in settings_for(block)}
    return {name: value for name, value in block.config.items() if name not in shown}


def join_settings(block: GraphBlock, values: Mapping[str, str], rest: Mapping[str, Any]) -> dict[str, Any]:
    """The block's settings after its form. Fields that are not in ``values`` keep what they have; empty ones go.

    Raises:
        Invalid: with ``field`` naming the setting, or ``config`` where the JSON repeats a field.
    """
    found: dict[str, Any] = {}
    for setting in settings_for(block):
        if setting.name in rest:
            raise Invalid(f"“{setting.name}” has a field of its own above; leave it out here.", field="config")
        before = block.config.get(setting.name)
        if setting.name not in values:
            value = before
        else:
            value = _read(setting, values[setting.name].replace("\r\n", "\n"), before)
        if value is not None:
            found[setting.name] = value
    return {**found, **rest}


def _read(setting: Setting, text: str, before: Any) -> Any:
    stripped = text.strip()
    if not stripped:
        return None
    if setting.kind == "cases":
        return _read_cases(stripped, before)
    if setting.kind == "lines":
        return list(dict.fromkeys(line.strip()[:90] for line in stripped.split("\n") if line.strip()))[:MOST_CASES]
    if setting.kind in ("whole", "number"):
        return _read_number(setting, stripped)
    if setting.kind == "choice" and stripped not in dict(setting.choices) and stripped != before:
        raise Invalid("Choose one of the list.", field=setting.name)
    return text.rstrip() if setting.kind == "long" else stripped


def _read_number(setting: Setting, text: str) -> int | float:
    try:
        value = int(text) if setting.kind == "whole" else float(text.replace(",", "."))
    except ValueError:
        wanted = "a whole number" if setting.kind == "whole" else "a number"
        raise Invalid(f"Write {wanted}, without a unit.", field=setting.name) from None
    if not 0 <= value <= 1_000_000_000:
        raise Invalid("Write a number from 0 to 1,000,000,000.", field=setting.name)
    return value


def _read_cases(text: str, before: Any) -> list[dict[str, Any]]:
    known = {pair[0]: case for case in before or () if (pair := _case_of(case))}
    cases: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        key, _, condition = (part.strip() for part in line.partition(":"))
        if not key and not condition:
            continue
        if not key or len(key) > 90:
            raise Invalid(f"Line {number}: begin with a key of up to 90 characters, then a colon.", field="cases")
        if key in cases:
            raise Invalid(f"Line {number}: the branch “{key}” is there already.", field="cases")
        kept = known.get(key)
        case = dict(kept) if isinstance(kept, Mapping) else {"key": key}
        case.pop("condition", None)
        cases[key] = case | ({"condition": condition} if condition else {})
    if len(cases) > MOST_CASES:
        raise Invalid(f"A condition has at most {MOST_CASES} branches.", field="cases")
    return list(cases.values())


def ways_out(block: GraphBlock) -> tuple[str, ...]:
    """The handles from which an edge can leave a block, its failure last."""
    return (*dict.fromkeys((*_ordinary_ways(block), "error")),)


def _ordinary_ways(block: GraphBlock) -> Iterator[str]:
    if block.block_type == BlockType.LOOP:
        yield from ("body", "done")
    elif block.block_type == BlockType.CONDITION:
        declared = declared_handles(block)
        yield from declared or ("true", "false")
        if declared and any(handle.startswith("case:") for handle in declared):
            yield "else"
    else:
        yield OUT
