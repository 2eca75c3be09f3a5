"""Bytes to values: JSON and YAML as data only, refused where they are broken or would grow."""

from __future__ import annotations

import pytest
import yaml

from tests.importers.conservation import FIXTURES
from webapp.importers import NotAFlow, bounds, yaml_values
from webapp.importers.parse import parse
from webapp.importers.yaml_values import parse_yaml


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": [1, "x"]}',
        b'\xef\xbb\xbf{"a": [1, "x"]}',
        '{"a": [1, "x"]}'.encode("utf-16"),
        b"a: [1, x]",
        b"a:\n- 1\n- x\n",
    ],
)
def test_the_same_values_from_each_encoding(content):
    assert parse(content) == {"a": [1, "x"]}


def test_plain_words_of_yaml_mean_what_the_writer_meant():
    text = "a: yes\nb: 'yes'\nc: 0.5\nd: 0.5.0\ne: ~\nf: 2026-01-01\ng: 12:30:00\nh: 0x1F\ni: .5\nj: -7\nk: 1_000"
    assert parse_yaml(text) == {
        "a": True,
        "b": "yes",
        "c": 0.5,
        "d": "0.5.0",
        "e": None,
        "f": "2026-01-01",
        "g": "12:30:00",
        "h": 31,
        "i": 0.5,
        "j": -7,
        "k": 1000,
    }
    assert parse_yaml("{1: a, yes: b, ~: c}") == {"1": "a", "true": "b", "null": "c"}


def test_aliases_and_merges_are_followed():
    assert parse_yaml("a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, q: 3}") == {
        "a": {"p": 1, "q": 2},
        "b": {"p": 1, "q": 2},
        "c": {"q": 3, "p": 1},
    }


def test_a_bomb_of_aliases_is_refused_before_it_grows():
    bomb = "a0: &a0 [" + ",".join("x" * 9) + "]\n"
    bomb += "".join(f"a{at}: &a{at} [{','.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, 40))
    with pytest.raises(NotAFlow, match="aliases written out"):
        parse(bomb.encode())


@pytest.mark.parametrize(
    "text",
    ["a: !!python/object/apply:os.system [true]", "a: !!binary aGk=", "!!set {a, b}", "a: !custom x"],
)
def test_a_tag_that_asks_for_an_object_is_refused(text):
    with pytest.raises(NotAFlow, match="more than plain data"):
        parse(text.encode())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"# nothing\n", "empty"),
        (b'{"a": }', "line 1, column"),
        (b'{"a": NaN}', "JSON is broken"),
        (b'{"a": "\\ud800"}', "JSON is broken"),
        (b'{"a": "\xff"}', "byte 7"),
        (b"a: b: c", "Line 1"),
        (b"a: &x [*x]", "stands for nothing"),
        (b"a: *x", "stands for nothing"),
        (b"a: 1\n---\nb: 2", "second YAML document"),
        (b"a: \x01", "does not allow"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "nested deeper"),
        (b"a: " + b"[" * 5_000, "nested deeper"),
        (b"[" + b"0," * 1_100_000 + b"0]", "more than 250,000 values"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(content, reason):
    with pytest.raises(NotAFlow, match=reason):
        value = parse(content)
        bounds.check_value(value)


def test_a_parser_without_c_reads_the_same(monkeypatch):
    path = FIXTURES / "dify_support.yml"
    expected = parse(path.read_bytes())
    monkeypatch.setattr(yaml_values, "_LOADER", yaml.SafeLoader)
    assert parse(path.read_bytes()) == expected
    assert expected == yaml.safe_load(path.read_bytes())


def test_what_no_database_can_hold_becomes_storable():
    assert bounds.storable("a\x00b") == "a\ufffdb"
    assert bounds.storable("a\ud800b") == "a?b"
    assert bounds.storable(float("inf")) == "inf"
    assert bounds.storable(2**70) == str(2**70)
    assert bounds.storable(True) is True
