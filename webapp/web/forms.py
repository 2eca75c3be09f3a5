"""From a posted body to a form object, refusing what no page of ours sends."""

from __future__ import annotations

from typing import TypeVar

from flask import abort, request
from wtforms import Form, SelectMultipleField

AnyForm = TypeVar("AnyForm", bound=Form)


def posted(form_class: type[AnyForm], **defaults: object) -> AnyForm:
    """The form filled from the body. A single-valued field that comes twice is a 400: readers could differ on it."""
    form = form_class(request.form, data=defaults or None)
    for field in form:
        if not isinstance(field, SelectMultipleField) and len(request.form.getlist(field.name)) > 1:
            abort(400, f"The field {field.name} was sent more than once.")
    return form
