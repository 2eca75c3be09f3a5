"""The records of organization one, for every walk."""

from tests.rules.strangers import strange_key, things  # noqa: F401
