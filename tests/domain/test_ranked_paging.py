"""A place in a ranked list survives its way through an address; anything else is refused."""

from __future__ import annotations

import base64
import json
from uuid import UUID

import pytest

from webapp.domain.errors import Invalid
from webapp.domain.ranked_paging import Place

ID = UUID(int=7)


@pytest.mark.parametrize("score", [0.0, -1.0, 0.1 + 0.2, 1e300, 1794614400.123456])
@pytest.mark.parametrize("name", ["", "라우터", 'a"b\\c', "x" * 255])
def test_a_place_comes_back_exactly(score, name):
    for place in (Place(score, name, ID), Place(score, name, ID, is_backward=True)):
        assert Place.decode(place.encode()) == place


@pytest.mark.parametrize(
    "parts",
    [None, [], {}, [1, "a"], ["x", "a", str(ID), False], [True, "a", str(ID), False], [1, 5, str(ID), False],
     [1, "a\x00", str(ID), False], [1, "\ud800", str(ID), False], [1, "a", "x", False], [1, "a", None, False],
     [1, "a", str(ID), 1], [float("inf"), "a", str(ID), False], [float("nan"), "a", str(ID), False]],
)  # fmt: skip
def test_what_is_no_place_is_refused(parts):
    text = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    with pytest.raises(Invalid, match="damaged"):
        Place.decode(text)


@pytest.mark.parametrize("text", ["x", "%%%", "AAAA", "é", "W" * 10_000])
def test_what_is_no_text_of_ours_is_refused(text):
    with pytest.raises(Invalid, match="damaged"):
        Place.decode(text)
