"""Cursors name one row exactly, whoever sends them back."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from webapp.domain.errors import Invalid
from webapp.domain.paging import Cursor


@pytest.mark.parametrize("is_backward", [True, False])
def test_a_cursor_comes_back_to_the_microsecond(is_backward):
    cursor = Cursor(datetime(2026, 11, 24, 11, 3, 12, 123457, tzinfo=UTC), uuid4(), is_backward)
    assert Cursor.decode(cursor.encode()) == cursor


@pytest.mark.parametrize("text", ["", "x", "ä", "AAAA", "a" * 500, "../../etc"])
def test_a_damaged_cursor_names_its_field(text):
    with pytest.raises(Invalid) as refused:
        Cursor.decode(text)
    assert refused.value.field == "cursor"
