"""Values inside a message: JSON and dict texts keep their keys, quoted values go, quoted names stay."""

from __future__ import annotations

import re

# At most so many brackets and quotes are looked at, and so much text is kept; what comes after is a long tail.
MOST_STRUCTURES = 120
_MOST_KEPT = 4000
# Digits that are kept travel as private characters, so that no rule for numbers sees them.
_DIGITS = "0123456789"
_KEPT = str.maketrans(_DIGITS, "".join(chr(0xE000 + n) for n in range(10)))
_RELEASED = str.maketrans("".join(chr(0xE000 + n) for n in range(10)), _DIGITS)

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|' + r"'[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?\Z)"
_INSIDE = re.compile(rf"(?P<string>{_STRING})(?P<colon>\s{{0,20}}:)?|[{{}}\[\]]", re.DOTALL)
_OPENING = re.compile(r"[{\[\"`“„«「『]|(?<![A-Za-z0-9_])['‘]")
_CLOSING = {
    '"': re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL),
    "'": re.compile(r"'([^'\\]*(?:(?:\\.|'(?=[A-Za-z0-9_]))[^'\\]*)*)'(?![A-Za-z0-9_])", re.DOTALL),
    "`": re.compile(r"`([^`]*)`"),
    "‘": re.compile(r"‘([^’]*)’"),
    "“": re.compile(r"“([^”]*)”"),
    "„": re.compile(r"„([^“”]*)[“”]"),
    "«": re.compile(r"«([^»]*)»"),
    "「": re.compile(r"「([^」]*)」"),
    "『": re.compile(r"『([^』]*)』"),
}
_LIST = re.compile(r"\[\s{0,20}(?:[\[{\"']|\]|(?:-?\d[\d.]{0,30}|None|null|True|False|true|false)\s{0,20},)")
_DICT = re.compile(r"\{\s{0,20}(?:[\"'{\[]|\}|-?\d[\d.]{0,30}\s{0,20}[:,])")
_BARE = re.compile(r"\s{0,20}(-?\d{1,6}|[A-Za-z_]\w{0,60})\s{0,20}[,}\]]")
_VALUE = re.compile(rf"\s{{0,20}}({_STRING})", re.DOTALL)

_NAME = re.compile(r"[^\W\d][\w.$\-/]{0,60}")
_NO_NAME = re.compile(r"\d{3}|[0-9a-fA-F]{8}")
_WORD_BEFORE = re.compile(r"\w+\Z")
_WORD_AFTER = re.compile(
    r"\s{0,2}(codec|object|tag|filter)\b|\s(is not defined|is undefined|is an? required|is required|was unexpected)"
)
_BETWEEN = (",", "and", "or", "/", "from", ".", "|")
_TAG = re.compile(r"<[\w ]{1,40}>")
_STATUS = re.compile(r"[1-5]\d\d [A-Z]")

_ERROR_KEYS = ("error", "errors", "message", "msg", "detail", "error_code", "error_description", "exception", "fault")
_MESSAGE_KEYS = ("message", "msg", "detail", "error_description", "error", "reason", "title")
_CODE_KEYS = ("code", "error_code", "status", "type", "kind", "param")
_CODE = re.compile(r"-?\d{1,6}|[^\W\d][^\W\d]{0,60}(?:[.\- ][^\W\d]{1,60}){0,8}")
_MOST_KEYS = 12
_LONGEST_SAID = 400

# Words after which a quoted word is the name of something in code or configuration, not a value that was handed in.
_NAMING = frozenset(
    (
        "agent", "argument", "arguments", "attribute", "block", "bucket", "class", "codec", "collection",
        "column", "constraint", "encoding", "field", "filter", "function", "guardrail", "header", "import",
        "index", "instances", "key", "keyword", "macro", "method", "model", "module", "named", "operand",
        "option", "package", "param", "parameter", "parameters", "plugin", "policy", "prompt", "property",
        "provider", "queue", "relation", "role", "rule", "schema", "scope", "service", "setting", "step",
        "table", "tag", "template", "test", "tool", "topic", "trigger", "type", "variable", "workflow", "필드",
        "컬럼", "열", "키", "항목", "속성", "인자", "매개변수", "도구", "모듈",
        "字段", "列", "键", "属性", "参数", "工具", "フィールド", "キー",
        "引数", "ツール",
    )
)  # fmt: skip
_TYPES = frozenset(
    (
        "NoneType", "str", "int", "float", "bool", "bytes", "bytearray", "list", "dict", "tuple", "set",
        "frozenset", "object", "function", "method", "module", "type", "coroutine", "generator", "complex",
        "Decimal", "datetime", "date", "undefined", "null",
    )
)  # fmt: skip


def kept(text: str) -> str:
    """Return a text whose digits no later rule replaces."""
    return text.translate(_KEPT)


def released(text: str) -> str:
    """Return a text with its kept digits as digits again."""
    return text if text.isascii() else text.translate(_RELEASED)


def without_values(text: str) -> str:
    """Return a text whose JSON shows its keys, and whose quoted values are replaced unless they are names."""
    found: list[str] = []
    at, length, named, unclosed = 0, 0, False, set()
    for _ in range(MOST_STRUCTURES):
        opening = _OPENING.search(text, at)
        if opening is None:
            break
        start, mark = opening.start(), opening.group()
        if mark in "{[":
            shown, end = _outline(text, start)
        elif mark in unclosed or (closing := _CLOSING[mark].match(text, start)) is None:
            unclosed.add(mark)
            shown, end = mark, start + 1
        else:
            end = closing.end()
            is_next = named and text[at:start].strip() in _BETWEEN
            named = _is_naming(text, start, end) or is_next
            shown, named = _quoted(closing[1], named)
        found += (text[at:start], shown)
        length += start - at + len(shown)
        at = end
        if length > _MOST_KEPT:
            break
    else:
        return "".join(found)
    return "".join(found) + text[at:]


def _quoted(content: str, is_naming: bool) -> tuple[str, bool]:
    """Return what a quoted text becomes, and whether it was kept as a name."""
    if content in _TYPES:
        return f"'{content}'", True
    if len(content) <= 2 and content and not any(character.isalnum() for character in content):
        return f"'{content}'", False
    if "://" in content or _TAG.fullmatch(content):
        return content, False
    if _STATUS.match(content):
        return kept(content[:3]) + content[3:60], False
    if is_naming and is_name(content):
        return f"'{content}'", True
    return "<text>", False


def is_name(content: str) -> bool:
    """Return whether a text looks like a name out of code: one word, few digits."""
    return _NAME.fullmatch(content) is not None and _NO_NAME.search(content) is None


def _is_naming(text: str, start: int, end: int) -> bool:
    before = _WORD_BEFORE.search(text[max(0, start - 30) : start].rstrip(" :=("))
    if before and before.group().lower() in _NAMING:
        return True
    return _WORD_AFTER.match(text[end : end + 40]) is not None


def _outline(text: str, start: int) -> tuple[str, int]:
    """Return the keys of the JSON or dict text that begins here, and where it ends; a bracket in prose is itself."""
    if not (_LIST if text[start] == "[" else _DICT).match(text, start):
        return text[start], start + 1
    end, pairs = _walk(text, start)
    if not pairs:
        return ("[]" if text[start] == "[" else "{}"), end
    keys = {key for key, _ in pairs if is_name(key)}
    is_error = any(key in _ERROR_KEYS for key in keys)
    shown = {key: _shown(key, value) if is_error else "" for key, value in reversed(pairs) if key in keys}
    words = [f"{key}: {value}" if value else key for key, value in sorted(shown.items())[:_MOST_KEYS]]
    return "{" + ", ".join(words) + "}", end


def _walk(text: str, start: int) -> tuple[int, list[tuple[str, str]]]:
    """Return where a bracket closes, or the end of the text, and all keys with their simple values."""
    depth, at, pairs = 0, start, []
    for _ in range(MOST_STRUCTURES):
        token = _INSIDE.search(text, at)
        if token is None:
            return len(text), pairs
        at = token.end()
        if token["string"] is None:
            depth += 1 if token.group() in "{[" else -1
            if depth == 0:
                return at, pairs
        elif token["colon"]:
            value = _VALUE.match(text, at) or _BARE.match(text, at)
            pairs.append((token["string"][1:-1], value[1] if value else ""))
            at = value.end(1) if value else at
    return len(text), pairs


def _shown(key: str, value: str) -> str:
    """Return the value of a key that says what the error is, empty for any other."""
    bare = value[1:-1] if value[:1] in ("'", '"') else value
    if key in _CODE_KEYS and bare not in ("None", "null") and _CODE.fullmatch(bare):
        return kept(bare)
    if key in _MESSAGE_KEYS and value[:1] in ("'", '"'):
        return bare[:_LONGEST_SAID]
    return ""


def said_in(text: str) -> str | None:
    """Return the message inside the first JSON or dict text, None where there is none."""
    for opening in re.finditer(r"\{", text[:1000]):
        if _DICT.match(text, opening.start()):
            _, pairs = _walk(text, opening.start())
            said = {key: value[1:-1] for key, value in pairs if value[:1] in ("'", '"') and len(value) > 2}
            return next((said[key] for key in _MESSAGE_KEYS if said.get(key)), None)
    return None
