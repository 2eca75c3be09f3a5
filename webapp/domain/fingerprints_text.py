"""A message without what differs from one occurrence to the next: for people, and as it takes part in a hash."""

from __future__ import annotations

import re
import unicodedata

from webapp.domain.fingerprints_cause import INPUT_CAP
from webapp.domain.fingerprints_rules import EARLY, LATE
from webapp.domain.fingerprints_values import is_name, released, without_values

# What is left once long values are gone; no error needs more to be told from another.
_MOST_LEFT = 800
_MOST_READ = 400
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_SPACES = re.compile(r"\s+")

# Particles follow the sound of the word before them, so a value decides which one is written.
_PARTICLE = re.compile(
    r"(?<=>)(?:을\(를\)|를\(을\)|이\(가\)|은\(는\)|와\(과\)|과\(와\)|\(으\)로|으로|이라는|라는|을|를|이|가|은|는|과|와|로)"
    r"(?=[\s,.;:!?)]|\Z)"
)
_PLACE = re.compile(r"<(?:n|id|date|ip|text|e-mail|data|address|name|object)>")
_REPEATED = re.compile(r"\*(?:[\s,;/:.\-]{0,3}\*)+")
_PLURAL = re.compile(r"(?<=\* )(\w{3,30}?)s\b")

# Types whose whole message is the name of what is missing.
_NAMING_TYPES = ("KeyError", "NameError", "ModuleNotFoundError", "TemplateNotFound")
_BROKEN = "broken JSON"
_NO_JSON = re.compile(r"\(char [0-4]\)\Z")
_VALIDATION = re.compile(
    r"\d+ validation errors? for (?P<model>[^\n]{1,200})\n(?P<place>[^\n]{1,300})(?:\n(?P<said>[^\n]{1,600}))?"
)


def readable(message: str, error_type: str) -> str:
    """Return a message in one line, with values replaced by placeholders such as ``<n>``."""
    text = message[:INPUT_CAP]
    if not text.isascii():
        text = _PRIVATE.sub("?", text)
    told = _of_library(text.strip(), error_type)
    if told is not None:
        return _composed(told)
    for rule in EARLY:
        text = rule.apply(text)
    # Composing makes some characters eighteen, so it comes after what shortens.
    text = _composed(_first_line(without_values(text)))
    for rule in LATE:
        text = rule.apply(text)
    return released(_SPACES.sub(" ", _PARTICLE.sub("", text))[:_MOST_READ]).strip(" .")


def hashed(text: str) -> str:
    """Return a readable message for a hash: every placeholder alike, lists of them as one, case aside."""
    text = _REPEATED.sub("*", _PLACE.sub("*", text))
    return _PLURAL.sub(r"\1", text).casefold()


def _composed(text: str) -> str:
    """Return a text in which each character is written one way: wide digits as digits, Hangul as syllables."""
    text = text[:_MOST_LEFT]
    return text if text.isascii() else unicodedata.normalize("NFKC", text)[:_MOST_LEFT]


def _first_line(text: str) -> str:
    """Return the first line that says something, with those that it announces by a colon."""
    found = ""
    for line in text.split("\n", 20)[:20]:
        line = line.strip()
        if line:
            found = f"{found} {line}" if found else line
            if not line.endswith(":"):
                break
    return found


def _of_library(text: str, error_type: str) -> str | None:
    """Return what errors say whose message describes the input more than the failure; None for all others."""
    if error_type in _NAMING_TYPES:
        name = text.strip("'\"")
        return f"'{name}'" if is_name(name) else None
    if error_type == "JSONDecodeError":
        return "no JSON at all" if _NO_JSON.search(text) else _BROKEN
    if error_type == "SyntaxError" and " JSON" in text[-60:]:
        return _BROKEN
    if error_type in ("UnicodeDecodeError", "UnicodeEncodeError") and " codec can't " in text:
        codec, _, rest = text.partition(" codec can't ")
        return f"{codec} codec can't {rest.partition(' ')[0]}"[:_MOST_READ]
    if " validation error" in text[:40]:
        return _validation(text)
    return None


def _validation(text: str) -> str | None:
    """Return model, place and kind of the first problem that a validation of models lists."""
    match = _VALIDATION.match(text)
    if match is None:
        return None
    place, said = match["place"].strip(), match["said"] or ""
    if " [type=" in place:
        place, said = "", place
    said, _, rest = said.strip().partition(" [type=")
    if rest.partition(",")[0].partition("]")[0] == "json_invalid":
        return f"{match['model']}: {_BROKEN}"
    place = ".".join("<n>" if part.isdigit() else part for part in place.split("."))
    return f"{match['model']}{'.' if place else ''}{place}: {without_values(said)}"[:_MOST_READ]
