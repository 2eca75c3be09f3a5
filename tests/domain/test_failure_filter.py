"""The filter of failures in an address, and the number that a search names."""

import pytest

from webapp.domain.failure_filter import FailureFilter, number_in


def test_defaults_are_left_out():
    assert FailureFilter().query() == ""
    wanted = FailureFilter(view="all", q="a b", owner="me", period="7d", sort="last")
    assert wanted.query(page=2) == "?view=all&q=a+b&owner=me&period=7d&sort=last&page=2"
    assert wanted.active == ["q", "owner"] and wanted.without("q").active == ["owner"]


@pytest.mark.parametrize(
    ("text", "number"), [("F-218", 218), (" f218 ", 218), ("218", 218), ("F-", None), ("x", None), ("9" * 10, None)]
)
def test_numbers(text, number):
    assert number_in(text) == number
