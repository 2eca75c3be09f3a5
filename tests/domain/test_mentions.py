"""Who is meant by an @ in a comment."""

from uuid import UUID

import pytest

from webapp.domain.mentions import Person, find_mentions

MIN, MINA, KO = UUID(int=1), UUID(int=2), UUID(int=3)
PEOPLE = [
    Person(MIN, ("Min", "min", "min@example.org")),
    Person(MINA, ("Mina Lee", "mina", "mina@example.org")),
    Person(KO, ("한지호", "jiho", "jiho@example.org")),
    Person(UUID(int=4), ("Sam", "sam1", "sam1@example.org")),
    Person(UUID(int=5), ("Sam", "sam2", "sam2@example.org")),
]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("@min", [MIN]),
        ("hello @Mina Lee, and @MIN.", [MINA, MIN]),
        ("@mina@example.org", [MINA]),
        ("@mina @Mina Lee @mina", [MINA]),
        ("@한지호님 봐 주세요", [KO]),
        ("@minimum", []),
        ("write to x@min", []),
        ("@Sam", []),
        ("@sam1", [UUID(int=4)]),
        ("@ @", []),
        ("", []),
    ],
)
def test_mentions(body, expected):
    assert find_mentions(body, PEOPLE) == expected
