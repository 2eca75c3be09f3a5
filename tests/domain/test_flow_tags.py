"""Tags as people type them."""

from __future__ import annotations

import pytest

from webapp.domain.flow_tags import LONGEST_TAG, MOST_TAGS, TagsInvalid, merged_tags, read_tags, without_tags


def test_commas_and_lines_part_them_and_each_comes_once():
    assert read_tags(" money,  second   line ,Money,,\n야간\x00x") == ("money", "second line", "야간", "x")
    assert read_tags(" , ") == ()


def test_too_long_or_too_many_is_refused():
    assert len(read_tags(",".join(f"t{n}" for n in range(MOST_TAGS)))) == MOST_TAGS
    for text in ("x" * (LONGEST_TAG + 1), ",".join(f"t{n}" for n in range(MOST_TAGS + 1))):
        with pytest.raises(TagsInvalid):
            read_tags(text)


def test_case_does_not_make_another_tag():
    assert merged_tags(("A", "b"), ("a", "c")) == ("A", "b", "c")
    assert without_tags(("A", "b"), ("a", "z")) == ("b",)
