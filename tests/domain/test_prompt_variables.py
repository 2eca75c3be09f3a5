"""Variables of prompts: found, compared with what was declared, filled in once."""

from __future__ import annotations

import pytest

from webapp.domain.prompt_variables import (
    Piece,
    Variable,
    check_variables,
    fill,
    find_variables,
    read_variables,
    write_variables,
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()), ("no {braces} here", ()), ("{{a}} {{ b.c }} {{a}}", ("a", "b.c")), ("{{}} {{ }} {{9a}} {{a b}}", ()),
        ("{{{a}}}", ("a",)), ("{{a", ()), ("{{a}}{{b}}", ("a", "b")), ("{{\nname\n}}", ("name",)), ("{{이름}}", ()),
    ],
)  # fmt: skip
def test_names_are_found_once_and_in_order(text, names):
    assert find_variables(text) == names


def test_what_does_not_fit_is_told_apart():
    checked = check_variables("{{a}} {{b}} {{not a name}} {{not a name}}", ["b", "c", "c"])
    assert (checked.used, checked.undeclared, checked.unused) == (("a", "b"), ("a",), ("c",))
    assert checked.unreadable == ("{{not a name}}",) and not checked.is_clean
    assert check_variables("{{a}}", ["a"]).is_clean


def test_a_value_is_not_read_again():
    assert fill("x {{a}} {{b}}{{9}}", {"a": "{{b}}", "b": ""}) == [
        Piece("text", "x "), Piece("value", "{{b}}"), Piece("text", " "), Piece("missing", "{{b}}"),
        Piece("text", "{{9}}"),
    ]  # fmt: skip
    assert fill("", {}) == []


@pytest.mark.parametrize("text", ["", "{{a}}", "a{{b}}c", "{{{{a}}}}", "}}{{", "{{a}}" * 500])
def test_pieces_put_together_are_the_text(text):
    assert "".join(one.text for one in fill(text, {})) == text


def test_declarations_survive_being_written_and_read():
    declared = [Variable("a"), Variable("b.c", "what: it is"), Variable("d", "x", "1 = 2"), Variable("e", "", "s")]
    assert read_variables(write_variables(declared)) == declared


@pytest.mark.parametrize(
    ("text", "words"),
    [("a\n\n9", "Line 3"), ("a b", "Line 1"), ("a\na", "Line 2: a was declared"), (": x", "Line 1"),
     ("\n".join(f"v{n}" for n in range(101)), "at most 100")],
)  # fmt: skip
def test_a_wrong_declaration_is_named_by_its_line(text, words):
    with pytest.raises(ValueError, match=words):
        read_variables(text)


def test_finding_takes_linear_time():
    check_variables("{{ " * 50_000 + "}}" * 50_000, [])
