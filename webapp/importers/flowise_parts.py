"""What both generations of Flowise share: secrets, credentials, and settings without the editor's own."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from webapp.domain.flow_graph import CredentialSlot
from webapp.importers import bounds
from webapp.importers.secrets import Rule

NOTES = frozenset(("stickyNote", "stickyNoteAgentflow"))
_WIRE = re.compile(r"\s*\{\{\s*[\w.-]{1,200}\.data\.instance\s*\}\}\s*")
_EDITORS_OWN = re.compile(r"undefined|credential|FLOWISE_CREDENTIAL_ID|selected[A-Za-z]*Tab(?:_\w+)?")
_CUT_TYPES = {"password": "password field", "file": "uploaded file", "folder": "uploaded files"}
_BREAK = re.compile(r"(?i)</(?:p|div|h[1-6]|li|tr|blockquote|pre)>|<br\s*/?>")
_ITEM = re.compile(r"(?i)<li[^<>]{0,300}>(?:\s*<p[^<>]{0,300}>)?")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_IS_HTML = re.compile(r"(?i)</(?:p|span|ul|ol|h[1-6]|pre)>")
_LINES = re.compile(r"\n{3,}")


def secret_rule(nodes: list[Any]) -> Rule:
    """What the forms of these nodes say of their values: passwords, files, and ids of stored credentials."""
    typed: dict[int, dict[str, str]] = {}
    for node in bounds.rows(nodes):
        data = bounds.mapping(node.get("data"))
        kinds = {
            bounds.text(one.get("name"), 200): _CUT_TYPES[one["type"]]
            for one in bounds.rows(data.get("inputParams"))
            if isinstance(one.get("type"), str) and one["type"] in _CUT_TYPES
        }
        typed[id(data.get("inputs"))] = kinds

    def rule(row: Mapping[str, Any], name: str) -> str | None:
        if name in ("credential", "FLOWISE_CREDENTIAL_ID", "credentialId", "apikeyid"):
            return "credential id"
        return typed.get(id(row), {}).get(name)

    return rule


def slots(data: Mapping[str, Any]) -> tuple[CredentialSlot, ...]:
    """The credentials that a node's form asks for; an optional one only where it was filled."""
    found = {}
    inputs = bounds.mapping(data.get("inputs"))
    for one in bounds.rows(data.get("inputParams")):
        if one.get("type") != "credential":
            continue
        name = bounds.text(one.get("name"), 200)
        kinds = [kind for kind in one.get("credentialNames") or () if isinstance(kind, str)][:5]
        kind = (kinds[0] if kinds else name)[:100]
        if kind and (not one.get("optional") or inputs.get(name) or data.get("credential")):
            found[kind] = CredentialSlot(kind, " or ".join(kinds)[:200])
    return tuple(found.values())


def settings(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The filled values of a form, without the wiring that the edges tell and without markup."""
    found = {}
    for name, value in inputs.items():
        if _EDITORS_OWN.fullmatch(name):
            continue
        value = _unwired(value)
        if value not in (None, "", [], {}):
            found[name] = readable(value)
    return found


def _unwired(value: Any) -> Any:
    if isinstance(value, str):
        return "" if _WIRE.fullmatch(value) else value
    if isinstance(value, list):
        return [one for one in value if not (isinstance(one, str) and _WIRE.fullmatch(one))]
    return value


def readable(value: Any) -> Any:
    """A value whose texts from the rich-text editor became plain."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [readable(one) for one in value]
    if isinstance(value, dict):
        return {name: readable(one) for name, one in value.items()}
    return value


def plain(text: str) -> str:
    """The words of a text from the rich-text editor, one line for each paragraph; other texts stay as they are."""
    if not _IS_HTML.search(text):
        return text
    text = _TAG.sub("", _BREAK.sub("\n", _ITEM.sub("- ", text)))
    return _LINES.sub("\n\n", html.unescape(text)).strip()
