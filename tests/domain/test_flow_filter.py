"""The filter of the flow list as an address and in words."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from webapp.domain.flow_filter import LABELS, FlowFilter, describe
from webapp.features.flows.forms import FlowFilterForm

FULL = FlowFilter(
    q="a & b", status=("failing", "paused"), tag=("돈", "x,y"), team=("none", "A+B"), pattern=("Parallel",),
    source=("drawn",), public=True, bookmarked=True, mine=True, period="7d", sort="-cost",
)  # fmt: skip


class Args(dict):
    """The parameters of an address as forms read them."""

    def getlist(self, name):
        return self.get(name, [])


def read(query):
    args = Args()
    for name, value in parse_qsl(query.lstrip("?")):
        args.setdefault(name, []).append(value)
    return FlowFilterForm(args).wanted()


@pytest.mark.parametrize("wanted", [FULL, FlowFilter(), FlowFilter(tag=("a",)), FlowFilter(mine=True, sort="worst")])
def test_an_address_means_the_filter_that_wrote_it(wanted):
    assert read(wanted.query()) == wanted


def test_what_is_default_is_not_in_the_address():
    assert FlowFilter().query() == "" and FlowFilter().query(page=2) == "?page=2"
    assert FlowFilter(tag=("a",)).query(page="") == "?tag=a"


def test_each_field_can_be_left_open():
    assert FULL.active == list(LABELS)
    for name in LABELS:
        assert name not in FULL.without(name).active and len(FULL.without(name).active) == len(LABELS) - 1


def test_an_order_asked_for_again_is_turned_around():
    first = FlowFilter().sorted_by("cost")
    assert (first.sort, first.order) == ("cost", ("cost", False))
    assert first.sorted_by("cost").order == ("cost", True) and first.sorted_by("name").sort == "name"
    assert first.sorted_by("cost").sorted_by("cost").sort == "cost"


def test_fields_in_words():
    assert describe(FULL, "status") == "Failing or Paused" and describe(FULL, "team") == "no team or A+B"
    assert (
        describe(FULL, "source") == "Drawn here" and describe(FULL, "mine") == "yes" and describe(FULL, "q") == "a & b"
    )
    assert describe(FlowFilter(tag=("a", "b", "c")), "tag") == "any of 3"
