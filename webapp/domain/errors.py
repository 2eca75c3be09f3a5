"""What an operation or query may raise; the edges turn each into a status code or an exit code in one place."""

from __future__ import annotations


class DomainError(Exception):
    """A refusal with a sentence for the person who asked. ``field`` names the input at fault, where there is one."""

    def __init__(self, message: str, *, field: str | None = None):
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(DomainError):
    """There is no such record in this organization (also when it belongs to another one)."""


class Forbidden(DomainError):
    """The actor may see the record but not do this to it."""


class Conflict(DomainError):
    """Somebody else was faster, or the state does not allow it."""


class Invalid(DomainError):
    """The input breaks a rule that only the database or the domain knows."""


class Overloaded(DomainError):
    """Try again in a moment; nothing was stored."""
