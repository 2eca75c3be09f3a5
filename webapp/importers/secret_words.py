"""How a secret looks in a text, and how the name of a field sounds that holds one. Pure text, no file format."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

REMOVED = "[secret removed]"
LONGEST_RANDOM = 200
"""A longer unbroken text is an image or a document in base64, not a key."""

LONGEST_HINTED = 500
"""Looking for a hint first saves time in short texts, of which there are very many, and costs time in long ones."""

_PREFIXED = re.compile(
    r"-----BEGIN[A-Z0-9 ]*PRIVATE KEY-----(?:.*?-----END[A-Z0-9 ]*PRIVATE KEY-----|[A-Za-z0-9+/=\s\\]*)"
    r"|(?<![A-Za-z0-9_-])(?:"
    r"sk-[A-Za-z0-9_-]{12,}|(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{8,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}"
    r"|glpat-[A-Za-z0-9_-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|xox[a-z]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}"
    r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{16,}|gsk_[A-Za-z0-9]{16,}|tvly-[A-Za-z0-9-]{12,}"
    r"|pcsk_[A-Za-z0-9_]{16,}|lsv2_[A-Za-z0-9_]{16,}|r8_[A-Za-z0-9]{16,}|npm_[A-Za-z0-9]{16,}|SG\.[A-Za-z0-9_.-]{20,}"
    r"|app-[A-Za-z0-9]{24}|dataset-[A-Za-z0-9]{24}|ab_[A-Za-z0-9_]{24,}|pat[A-Za-z0-9]{14}\.[a-f0-9]{40,}|secret_[A-Za-z0-9]{24,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"
    r"|\d{8,10}:AA[A-Za-z0-9_-]{30,}"
    r")",
    re.DOTALL,
)
_PREFIX_HINT = re.compile(
    r"PRIVATE KEY|sk-|[spr]k_|gh[pousr]_|github_pat|glpat|AKIA|ASIA|xox|xapp|AIza|ya29|hf_|gsk_|tvly|pcsk|lsv2|r8_|npm_"
    r"|SG\.|app-|dataset-|ab_|pat|secret_|eyJ|:AA"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)(\s+)([A-Za-z0-9._~+/=-]{12,})")
_URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,200}):([^\s/@\"'<>]{1,200})@")
_ASSIGNED = re.compile(
    r"((?<![A-Za-z0-9_-])([A-Za-z0-9_-]{2,60})\\?[\"']?\s{0,5}(?:=>|[:=])\s{0,5}\\?[\"'`])((?:(?!\\?[\"'`])[^\r\n]){4,400})"
)
_QUERY = re.compile(r"([?&]([A-Za-z0-9_.-]{2,60})=)([^&\s\"'<>#]{6,400})")
_QUERY_NAMES = re.compile(r"(?i)key|sig|signature|auth|code_?verifier|x-amz-signature")
_HEADER = re.compile(
    r"(?im)((?:^|[\"'`;,][ \t]{0,3})([a-z][a-z0-9_-]{1,60})[ \t]{0,5}[:=][ \t]{0,5}(?:(?:bearer|basic|token)[ \t]+)?)"
    r"([^\s\"'`,;{}<]{8,400})(?=[ \t]{0,5}(?:$|[\"'`,;\r\n]))"
)
_NAME_HINT = re.compile(r"(?i)key|token|secret|passw|pwd|passphrase|authorization|bearer|basic|sig|auth")
_RANDOM = re.compile(
    r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
    r"|(?<![A-Za-z0-9+=_-])[A-Za-z0-9+=_-]{24,}+(?!\.(?:png|jpe?g|gif|webp|svg|ico|mp[34]|pdf|woff2?|css|js)\b)"
)
_DOCUMENT = re.compile(r"(?:docs|drive|sheets|script)\.google\.com/[A-Za-z0-9/._-]{0,60}$|[?&]usp=[a-z_]{0,20}$")
"""What stands before an id that opens nothing by itself."""
_INSERTED = r"\{\{(?:[^{}\"'`]|\[[\"'][^\"'\[\]]{0,80}[\"']\]|\([\"'][^\"'()]{0,80}[\"']\)){0,300}\}\}"
_REFERENCE = re.compile(
    rf"^\s*=?\s*(?:(?:bearer|basic|token)\s+)?(?:{_INSERTED}|\$\{{[^}}]*\}}|\$[a-z_][\w.]*|%[a-z_]\w*%|<[^<>]{{1,60}}>"
    r"|\{[\w.\s]{0,60}\}|\$(?:json|node|env|vars|secrets|credentials|input|fromAI|now|workflow)\b.*"
    r"|(?:os\.)?(?:environ|getenv|process\.env|env|secrets?|vars?|st\.secrets)[.\[(].*)\s*$",
    re.DOTALL | re.IGNORECASE,
)
_FILLER = re.compile(
    r"(?i)^[<\[{(]?(?:your|my|xxx|\*\*\*|\.\.\.|enter|insert|replace|example|placeholder|todo|changeme|test$)"
)
_TYPES = re.compile(r"str|string|text|number|object|secret|password|token|none|null|true|false|bearer|basic|header")
_KINDS = {code: "d" if chr(code).isdigit() else "u" if chr(code).isupper() else "l" for code in range(48, 123)}
_KINDS |= dict.fromkeys(map(ord, "+/=_-"), "-")
_RUNS = re.compile(r"d+|u+|l+")
_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SECRET_ENDS = re.compile(
    r"apikey|password|passwd|passphrase|pwd|secret|token|authorization|accesskey|privatekey|secretkey"
    r"|authtoken|accesstoken|refreshtoken|clientsecret|apitoken|bearertoken|apisecret|cookie"
    r"|connectionstring|subscriptionkey|signingkey|credential|credentialid|encryptionkey|servicerolekey"
    r"|masterkey|webhooksecret"
)
_NO_SECRETS = re.compile(
    r"maxtoken|numtoken|mintoken|pagetoken|nexttoken|stoptoken|eostoken|endtoken|paginationtoken|synctoken"
)


@lru_cache(maxsize=20_000)
def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret: ``openAIApiKey``, ``X-API-Key``; not ``max_tokens``."""
    if len(name) > 100:
        return False
    words = [word.lower() for word in _SPLIT.split(name) if word]
    if not words or len(words) > 8 or _NO_SECRETS.fullmatch("".join(words[-2:])):
        return False
    tails = {"".join(words[-count:]) for count in (1, 2, 3)}
    return any(_SECRET_ENDS.fullmatch(tail) or tail.endswith(("apikey", "password", "secretkey")) for tail in tails)


def is_reference(text: str) -> bool:
    """Whether a text only points at a variable or is a filler such as ``YOUR_API_KEY``, and so is no secret."""
    return bool(_REFERENCE.match(text)) if len(text) <= 2_000 else False


def find_secrets(text: str, *, is_id: bool = False) -> tuple[str, tuple[str, ...]]:
    """The text without what looks like a secret in it, and the kind of each one found. An id may look random."""
    kinds: list[str] = []
    is_long = len(text) > LONGEST_HINTED
    if is_long or _PREFIX_HINT.search(text):
        text = _PREFIXED.sub(_cutter(kinds, "key by its prefix", 0), text)
    if "://" in text and "@" in text:
        text = _URL.sub(_cutter(kinds, "password in an address", 2), text)
    if is_long or _NAME_HINT.search(text):
        text = _BEARER.sub(_cutter(kinds, "authorization", 3, _has_no_digit), text)
        text = _QUERY.sub(_cutter(kinds, "key in an address", 3, name=2), text)
        text = _ASSIGNED.sub(_cutter(kinds, "value of a secret name", 3, _is_wordy, name=2), text)
        text = _HEADER.sub(_cutter(kinds, "header", 3, _is_code, name=2), text)
    if len(text) >= 24 and not is_id:
        text = _RANDOM.sub(_cutter(kinds, "long random text", 0, _is_no_key, spared_after=_DOCUMENT), text)
    return text, tuple(kinds)


def _cutter(
    kinds: list[str],
    kind: str,
    group: int,
    spares: Callable[[str], bool] | None = None,
    *,
    name: int | None = None,
    spared_after: re.Pattern[str] | None = None,
) -> Callable[[re.Match[str]], str]:
    """Replaces one group of a match and notes the kind, unless the group is a reference, a filler or spared. With
    ``name``, that group has to name a secret."""

    def replace(found: re.Match[str]) -> str:
        value = found[group]
        if name is not None and not (is_secret_name(found[name]) or _is_query_name(found, name)):
            return found[0]
        if spared_after is not None and spared_after.search(found.string, max(0, found.start() - 100), found.start()):
            return found[0]
        if (
            REMOVED in value
            or value.startswith(REMOVED[:7])
            or is_reference(value)
            or _FILLER.match(value)
            or (spares is not None and spares(value))
        ):
            return found[0]
        kinds.append(kind)
        start, end = (position - found.start() for position in found.span(group))
        return found[0][:start] + REMOVED + found[0][end:]

    return replace


def _is_query_name(found: re.Match[str], name: int) -> bool:
    """Whether a short name such as ``key`` stands in an address, where it names a secret too."""
    return found[0][0] in "?&" and bool(_QUERY_NAMES.fullmatch(found[name]))


def _has_no_digit(value: str) -> bool:
    return not any(letter.isdigit() for letter in value) and len(value) < 24


def _is_wordy(value: str) -> bool:
    """Words between quotes are a description, not a secret; so is the name of a type."""
    return bool(re.search(r"\s", value)) or bool(_TYPES.fullmatch(value.lower()))


def _is_code(value: str) -> bool:
    """Without quotes only what holds a digit and is no name or call of a program counts."""
    return _has_no_digit(value) or bool(re.fullmatch(r"[A-Za-z_][\w.]*[(\[].*", value))


@lru_cache(maxsize=20_000)
def _is_no_key(value: str) -> bool:
    """Whether a long unbroken text is an id, a hash, a name in camel case or a picture rather than a random key."""
    if len(value) > LONGEST_RANDOM or max(map(len, re.split(r"[/_-]", value))) < 12:
        return True
    kinds = value.translate(_KINDS)
    if any(kinds.count(kind) < 2 for kind in "dul"):
        return True
    return len(_RUNS.findall(kinds)) - 1 < 0.38 * (len(kinds) - kinds.count("-"))
