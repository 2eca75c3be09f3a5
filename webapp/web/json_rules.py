"""A check that several forms share: JSON that a person typed, which the database can keep and which holds no secret."""

from __future__ import annotations

from typing import Any

from wtforms.validators import ValidationError

from webapp.domain.errors import Invalid
from webapp.domain.json_text import read_object
from webapp.importers.bounds import storable
from webapp.web.secret_rules import refuse_secrets


def typed_object(text: str | None) -> dict[str, Any] | None:
    """The object that a text holds, None for no text.

    Raises:
        ValidationError: it is no JSON object (says on which line), cannot be kept, or holds a secret (says where).
    """
    if not (text or "").strip():
        return None
    try:
        value = read_object(text or "", field="")
    except Invalid as problem:
        raise ValidationError(problem.message) from None
    if (place := _unkept(value, "")) is not None:
        raise ValidationError(f"“{place}” holds a character or a number that cannot be kept.")
    refuse_secrets(value)
    return value


def _unkept(value: Any, place: str) -> str | None:
    """The first place whose value would come back from the database as another one."""
    if isinstance(value, dict):
        for name, inner in value.items():
            here = f"{place}.{name}".strip(".")[:80]
            found = storable(here) if storable(name) != name else _unkept(inner, here)
            if found is not None:
                return found
        return None
    if isinstance(value, list):
        found = (_unkept(inner, f"{place}[{at}]"[:80]) for at, inner in enumerate(value))
        return next((one for one in found if one is not None), None)
    return None if storable(value) == value else place
