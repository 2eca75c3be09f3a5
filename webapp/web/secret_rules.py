"""A check that several forms share: what looks like a secret is refused with the place where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wtforms import Field, Form
from wtforms.validators import ValidationError

from webapp.importers.secret_words import find_secrets, is_reference, is_secret_name
from webapp.importers.secrets import cut_secrets

_IN_SCHEMA = ("default", "const", "enum", "examples", "example")
ADVICE = "Leave secrets out of here: keep them in the credentials of the program that runs it."


class NoSecrets:
    """The text holds nothing that looks like a key, token or password."""

    def __call__(self, form: Form, field: Field) -> None:
        kinds = find_secrets(field.data)[1] if isinstance(field.data, str) else ()
        if kinds:
            raise ValidationError(f"This looks like it holds a secret ({kinds[0]}). {ADVICE}")


def refuse_secrets(document: Mapping[str, Any] | None) -> None:
    """Raises:
    ValidationError: a value of the document looks like a secret; names the first such place.
    """
    if document is None:
        return
    removed = cut_secrets(dict(document))[1]
    places = [f"“{one.place}” ({one.kind})" for one in removed] + [f"“{p}”" for p in _given_secrets(document, "")]
    if places:
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        raise ValidationError(f"{places[0]}{more} looks like a secret. {ADVICE}")


def _given_secrets(schema: Any, place: str) -> Iterator[str]:
    """Properties of a schema that are named like a secret and come with a value."""
    if isinstance(schema, list):
        for at, one in enumerate(schema):
            yield from _given_secrets(one, f"{place}[{at}]")
    if not isinstance(schema, Mapping):
        return
    for name, one in schema.items():
        here = f"{place}.{name}".strip(".")[:120]
        if is_secret_name(str(name)) and isinstance(one, Mapping):
            yield from (f"{here}.{key}" for key in _IN_SCHEMA if _is_value(one.get(key)))
        yield from _given_secrets(one, here)


def _is_value(value: Any) -> bool:
    if isinstance(value, list):
        return any(_is_value(one) for one in value)
    return isinstance(value, str) and len(value) >= 4 and not is_reference(value)
