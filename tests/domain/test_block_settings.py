"""Fields of a block's form: what was there comes back unchanged, what is wrong is named, the rest stays JSON."""

from __future__ import annotations

import pytest

from tests.domain.graphs import block
from webapp.domain.block_presets import PRESETS
from webapp.domain.block_settings import join_settings, rest_of, settings_for, text_of, ways_out
from webapp.domain.errors import Invalid
from webapp.domain.json_text import read_object, write_object


def unchanged(one):
    values = {setting.name: text_of(setting, one.config) for setting in settings_for(one)}
    return join_settings(one, values, read_object(write_object(rest_of(one)), field="config"))


FOREIGN = [
    block("a", "agent", config={"model": {"provider": "openai", "name": "gpt"}, "temperature": 0.7, "x": [1]}),
    block("a", "agent", config={"model": "gpt", "instructions": "  keep\nthis  ", "max_tokens": "many"}),
    block("c", "condition", config={"cases": [{"case_id": "true", "conditions": [{"a": 1}]}, {"case_id": "b: c"}]}),
    block("c", "condition", config={"cases": ["one", {"name": "two", "id": "2", "condition": "x > 1", "more": {}}]}),
    block("c", "condition", config={"kind": "human_input", "handles": ["approved", "rejected"]}),
    block("l", "loop", config={"break_conditions": [{"x": 1}], "max_iterations": 3}),
    block("z", "mystery", config={"kind": 3, "deep": {"a": [None, True, 1.5, "한"]}}),
    block("t", "trigger", config={"kind": "imap", "cron": 5}),
    *(block(p.name, p.block_type, config=dict(p.config)) for p in PRESETS.values()),
]


@pytest.mark.parametrize("one", FOREIGN, ids=lambda b: f"{b.key} {list(b.config)}")
def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(one):
    after = unchanged(one)
    if isinstance(one.config.get("instructions"), str):
        assert after.pop("instructions") == one.config["instructions"].rstrip()
        assert after == {k: v for k, v in one.config.items() if k != "instructions"}
    elif one.config.get("cases", [None])[0] == "one":
        assert after["cases"] == [{"key": "one"}, one.config["cases"][1]]
    else:
        assert after == one.config


def test_fields_change_what_they_name_and_empty_ones_go():
    one = block("a", "agent", config={"model": "gpt", "temperature": 0.7, "other": 1})
    after = join_settings(one, {"model": "claude", "temperature": "", "max_tokens": "200"}, {"other": 2})
    assert after == {"model": "claude", "max_tokens": 200, "other": 2}


def test_a_branch_keeps_what_its_line_does_not_show():
    one = block("c", "condition", config={"cases": [{"id": "a", "condition": "old", "style": {"c": 1}}]})
    after = join_settings(one, {"cases": "a: new\r\nb\r\n"}, {})
    assert after["cases"] == [{"id": "a", "condition": "new", "style": {"c": 1}}, {"key": "b"}]
    assert ways_out(block("c", "condition", config=after)) == ("case:a", "case:b", "else", "error")


@pytest.mark.parametrize(
    ("values", "rest", "field"),
    [({"temperature": "warm"}, {}, "temperature"), ({"max_tokens": "1.5"}, {}, "max_tokens"),
     ({"max_tokens": "-1"}, {}, "max_tokens"), ({"temperature": "nan"}, {}, "temperature"),
     ({}, {"model": "x"}, "config")],
)  # fmt: skip
def test_what_is_wrong_names_its_field(values, rest, field):
    with pytest.raises(Invalid) as refused:
        join_settings(block("a", "agent"), values, rest)
    assert refused.value.field == field


@pytest.mark.parametrize("text", ["a\na", ": x", "x" * 91, "\n".join(f"k{n}" for n in range(101))])
def test_branches_that_cannot_be(text):
    with pytest.raises(Invalid):
        join_settings(block("c", "condition"), {"cases": text}, {})


@pytest.mark.parametrize(
    ("type_", "ways"),
    [("action", ("out", "error")), ("loop", ("body", "done", "error")), ("condition", ("true", "false", "error")),
     ("mystery", ("out", "error"))],
)  # fmt: skip
def test_ways_out(type_, ways):
    assert ways_out(block("b", type_)) == ways


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,\n "b" 2}', "Line 2"), ('{"a": 1,}', "Line 1"), ("[1]", "Line 1"), ("nothing", "Line 1"),
        ('{"a": NaN}', "NaN"), ('{"a": 1, "a": 2}', "twice"), ('{"a":' * 50 + "1" + "}" * 50, "deeper"),
        ('{"a":' * 100_000, "longer"), ('{"a":' * 20_000, "deeper"), ("[" * 3_000, "deeper"), ('{"a": "\n"}', "Line 1"),
        ('{"a": ' + "9" * 5_000 + "}", "digits"),
    ],
)  # fmt: skip
def test_json_that_is_wrong_says_where(text, says):
    with pytest.raises(Invalid, match=says) as refused:
        read_object(text, field="config")
    assert refused.value.field == "config"


def test_json_that_is_right():
    assert read_object(" ", field="config") == {} and write_object({}) == ""
    assert read_object(write_object({"한": [1, None]}), field="config") == {"한": [1, None]}
