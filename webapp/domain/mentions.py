"""Who is meant by ``@name`` in a comment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

MOST_MENTIONS = 20


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be mentioned, by any of these names: full name, user name, e-mail address."""

    id: UUID
    names: tuple[str, ...]


def find_mentions(body: str, people: Sequence[Person]) -> list[UUID]:
    """Ids of the people mentioned, in the order of the text, each once.

    The longest name wins, whatever its case. A name shared by two people means nobody: neither is told by mistake.
    An @ inside a word, as in an e-mail address, is no mention.
    """
    named: dict[str, set[UUID]] = {}
    for person in people:
        for name in person.names:
            if name:
                named.setdefault(name.casefold(), set()).add(person.id)
    names = sorted(named, key=lambda name: -len(name))
    text, found = body.casefold(), []
    at = text.find("@")
    while at >= 0 and len(found) < MOST_MENTIONS:
        if at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "._"):
            ids = next((named[name] for name in names if _is_at(text, at + 1, name)), set())
            found += [id_ for id_ in ids if len(ids) == 1 and id_ not in found]
        at = text.find("@", at + 1)
    return found


def _is_at(text: str, start: int, name: str) -> bool:
    """Whether the name stands there as a whole; a particle of Korean may follow it."""
    end = start + len(name)
    follows = text[end : end + 1]
    return text.startswith(name, start) and not (follows.isascii() and (follows.isalnum() or follows in ("_", "@")))
