"""Inputs and outputs: JSON text parsed within bounds, flattened messages put together, the plain text of either."""

from typing import Any

import orjson

# Deeper JSON stays text: neither our writer nor PostgreSQL's reader follows without bound.
MAX_DEPTH = 100
_MAX_WALK = 6
_LIST_KEYS = ("messages", "choices", "generations")
_INNER_KEYS = ("outputs", "output", "inputs", "input", "update", "data", "kwargs", "message", "parts", "args")
_TEXT_KEYS = (
    "content",
    "contents",
    "text",
    "output_text",
    "answer",
    "final_answer",
    "response",
    "result",
    "task",
    "question",
    "query",
    "prompt",
)
_TEXT_PARTS = ("text", "output_text", "input_text")
_INPUT_ROLES = ("user", "human")
_OUTPUT_ROLES = ("assistant", "ai", "model")


def parsed(value: Any, mime_type: Any = None) -> Any:
    """Return a value parsed when it is JSON text (an object, a list or a quoted string), else as it is.

    Text that only looks like JSON, is nested too deeply or holds what PostgreSQL refuses stays text.
    """
    if not isinstance(value, str) or len(value) < 2 or mime_type == "text/plain":
        return value
    start = value[0]
    if start not in '{["' and not value[:16].lstrip().startswith(("{", "[")):
        return value
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    if value.count("[") + value.count("{") > MAX_DEPTH and _is_deep(found, MAX_DEPTH):
        return value
    return _without_nul(found) if "\\u0000" in value else found


def flattened_messages(attributes: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Return the messages that stand one attribute per field (``prefix0.message.role``), in their order."""
    found: dict[int, dict[str, Any]] = {}
    cut = len(prefix)
    for name, value in attributes.items():
        if not name.startswith(prefix):
            continue
        number, _, path = name[cut:].partition(".")
        if number.isdigit() and len(number) < 8:
            _put(found.setdefault(int(number), {}), path, value)
    return [_listed(found[number]) for number in sorted(found)]


def _put(target: dict, path: str, value: Any) -> None:
    """Put a value at a dotted path, leaving out the wrapper words that only repeat what is inside."""
    parts = [part for part in path.split(".") if part not in ("message", "message_content", "tool_call", "document")]
    if not parts or len(parts) > MAX_DEPTH:
        return
    for part in parts[:-1]:
        inner = target.get(part)
        if not isinstance(inner, dict):
            inner = target[part] = {}
        target = inner
    target[parts[-1]] = value


def _listed(node: Any) -> Any:
    """Return the tree with each mapping of numbers as a list."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_listed(node[key]) for key in sorted(node, key=int)]
    return {key: _listed(inner) for key, inner in node.items()}


def _is_deep(value: Any, limit: int) -> bool:
    level = [value]
    while level:
        if limit < 0:
            return True
        limit -= 1
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
    return False


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return value


def question_in(value: Any) -> str | None:
    """Return the last thing that a user says in an input, as text."""
    return _text(value, _INPUT_ROLES, 0)


def answer_in(value: Any) -> str | None:
    """Return the last thing that an assistant says in an output, as text; of a list of all messages the last."""
    return _text(value, _OUTPUT_ROLES, 0)


def _text(value: Any, roles: tuple[str, ...], depth: int) -> str | None:
    if value is None or depth > _MAX_WALK:
        return None
    if isinstance(value, str):
        inner = parsed(value) if depth < 2 and value[:1] in '{["' else value
        return (value or None) if isinstance(inner, str) else (_text(inner, roles, depth + 1) or value)
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, list):
        return _text_of_list(value, roles, depth)
    return _text_of_dict(value, roles, depth) if isinstance(value, dict) else None


def _text_of_list(items: list, roles: tuple[str, ...], depth: int) -> str | None:
    """Return the last message of one of the roles, else all text of a list of parts, else the last that has any."""
    for item in reversed(items):
        if isinstance(item, dict) and _role(item) in roles:
            found = _text(item, roles, depth + 1)
            if found:
                return found
    parts = [item for item in items if isinstance(item, dict) and item.get("type") in _TEXT_PARTS and not _role(item)]
    if parts:
        texts = [part.get("text") or part.get("content") for part in parts]
        return "\n".join(text for text in texts if isinstance(text, str)) or None
    for item in reversed(items):
        found = _text(item, roles, depth + 1)
        if found:
            return found
    return None


def _role(item: dict) -> str | None:
    """Return who speaks in a message; some senders tell it by ``type`` or by the name of a message class."""
    role = item.get("role")
    if role is None:
        kind, path = item.get("type"), item.get("id")
        role = kind if kind in (*_INPUT_ROLES, *_OUTPUT_ROLES) else None
        if kind == "constructor" and isinstance(path, list) and path:
            role = str(path[-1]).partition("Message")[0].lower()
    return role if isinstance(role, str) else None


def _text_of_dict(value: dict, roles: tuple[str, ...], depth: int) -> str | None:
    for key in (*_LIST_KEYS, *_TEXT_KEYS, *_INNER_KEYS):
        if key in value:
            found = _text(value[key], roles, depth + 1)
            if found:
                return found
    return _text(next(iter(value.values())), roles, depth + 1) if len(value) == 1 else None
