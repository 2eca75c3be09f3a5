"""What the filters of lists share: which of their fields narrow, and the address that says them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Self
from urllib.parse import urlencode


class ListFilter:
    """Base of frozen dataclasses of texts. A field whose default is "" narrows the list when it holds something;
    others, such as period and order, only say how it is shown."""

    __slots__ = ()

    @property
    def active(self: Any) -> list[str]:
        """Names of the fields that narrow the list."""
        return [one.name for one in fields(self) if one.default == "" and getattr(self, one.name)]

    def without(self: Any, name: str) -> Self:
        """The filter with one field open."""
        return replace(self, **{name: ""})

    def query(self: Any, **more: str) -> str:
        """The parameters of the address with their question mark; what is default or open is left out."""
        said = [(one.name, getattr(self, one.name), one.default) for one in fields(self)]
        pairs = [(name, value) for name, value, default in said if value != default]
        pairs += [(name, value) for name, value in more.items() if value]
        return f"?{urlencode(pairs)}" if pairs else ""
